"""Customers as Salesforce has them: how far was read, and what was taken of each record."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.execute(
        """
        -- `map`: digest of the field map it was read with.
        CREATE TABLE salesforce_progress (
            object text PRIMARY KEY,
            map text NOT NULL,
            read_up_to timestamptz NOT NULL
        );
        -- `key`: the person or account behind a Contact or Account. `told`: digest of the moment that an
        -- Opportunity or Case was told as.
        CREATE TABLE salesforce_records (
            object text NOT NULL,
            record_id text NOT NULL,
            stamp timestamptz,
            key text,
            told text,
            PRIMARY KEY (object, record_id)
        );
        CREATE INDEX salesforce_records_key ON salesforce_records (key) WHERE key IS NOT NULL;
        """
    )


def downgrade() -> None:
    """Drops them."""
    op.execute("DROP TABLE salesforce_progress, salesforce_records")

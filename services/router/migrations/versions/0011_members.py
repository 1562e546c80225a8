"""What was last seen of a campaign's member."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.execute("ALTER TABLE salesforce_seen ADD COLUMN status text")


def downgrade() -> None:
    """Drops it."""
    op.execute("ALTER TABLE salesforce_seen DROP COLUMN status")

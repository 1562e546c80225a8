"""Erasures: whom to forget, what each service removed, and keys that do not come back by an import."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables and the indexes that find what is kept of a person."""
    op.execute(
        """
        -- `done`: what each service reports, by its name.
        CREATE TABLE erasures (
            erasure_id uuid PRIMARY KEY,
            request jsonb NOT NULL,
            requested_at timestamptz NOT NULL,
            done jsonb NOT NULL DEFAULT '{}'
        );
        -- A key is a hash of an identifier with the deployment's secret: nobody can tell who it was.
        CREATE TABLE erased (
            person_key text PRIMARY KEY,
            erased_at timestamptz NOT NULL
        );
        CREATE INDEX archive_raw ON archive (event_id) WHERE topic = 'ingest.raw.v1';
        """
    )


def downgrade() -> None:
    """Drops them."""
    op.execute("DROP INDEX archive_raw; DROP TABLE erased, erasures")

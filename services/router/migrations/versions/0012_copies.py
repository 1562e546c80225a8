"""Which object a copy repeats elsewhere."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.execute("ALTER TABLE effects ADD COLUMN repeats text")


def downgrade() -> None:
    """Drops it."""
    op.execute("ALTER TABLE effects DROP COLUMN repeats")

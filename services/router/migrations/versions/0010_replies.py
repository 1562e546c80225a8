"""Replies to mails: each is taken once."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.execute("CREATE TABLE replies (reply_id uuid PRIMARY KEY, taken_at timestamptz NOT NULL)")


def downgrade() -> None:
    """Drops it."""
    op.execute("DROP TABLE replies")

"""What is done is found by when it was over, to be deleted.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the index."""
    op.execute("CREATE INDEX due_work_done ON due_work (gives_up_at) WHERE state <> 'pending'")

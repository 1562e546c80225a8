"""What teams were told, so that nothing is told twice; a rebuild leaves it alone.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SQL = """
CREATE TABLE digests_sent (
    delivery_id uuid PRIMARY KEY,
    team text NOT NULL,
    period text NOT NULL,       -- day or week
    begins date NOT NULL,
    destination text NOT NULL,
    sent_at timestamptz NOT NULL
);

-- What is unusual now, from when it was first seen until it has been usual again for a while.
CREATE TABLE episodes (
    team text NOT NULL,
    watched text NOT NULL,
    opened_on date NOT NULL,
    calm_since date,
    PRIMARY KEY (team, watched)
);
"""


def upgrade() -> None:
    """Adds the tables."""
    op.execute(SQL)

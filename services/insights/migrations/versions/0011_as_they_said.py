"""Who answered, as the source named them: shown of people who have no profile.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Of earlier answers `feedback insights rebuild` brings it.
SQL = "ALTER TABLE words ADD COLUMN name text, ADD COLUMN email text"


def upgrade() -> None:
    """Adds the columns."""
    op.execute(SQL)

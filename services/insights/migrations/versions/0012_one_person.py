"""Who was forgotten under one key is forgotten under all; under which of them something came is not needed.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# What is here of such a person goes when they are next heard of, or with `feedback insights rebuild`.
SQL = """
ALTER TABLE people ADD COLUMN forgotten_at timestamptz;  -- under any key folded into it
UPDATE people SET forgotten_at = given.at
FROM (SELECT coalesce(merged_into, person) AS person, max(erased_at) AS at FROM people GROUP BY 1) AS given
WHERE people.person = given.person AND given.at IS NOT NULL;
ALTER TABLE answers DROP COLUMN former_key;
ALTER TABLE requests DROP COLUMN former_key;
ALTER TABLE happenings DROP COLUMN former_key;
ALTER TABLE follow_ups DROP COLUMN former_key;
"""


def upgrade() -> None:
    """Moves the time of forgetting to the key that all history stands under."""
    op.execute(SQL)

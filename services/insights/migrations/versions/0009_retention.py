"""Since when customers are lost, when their contracts end, and what people offered to do for us.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SQL = """
-- `lost_since`: when a lost stage was first told of it; it counts while the stage is one. What was told
-- before this migration comes back with `feedback insights rebuild`.
ALTER TABLE people ADD COLUMN lost_since timestamptz, ADD COLUMN wishes text[] NOT NULL DEFAULT '{}';
ALTER TABLE accounts ADD COLUMN lost_since timestamptz;

-- Every renewal date that the books ever named: when one has passed, they name the one after it.
CREATE TABLE renewals (
    account_id text NOT NULL,
    renewal_date date NOT NULL,
    PRIMARY KEY (account_id, renewal_date)
);
"""


def upgrade() -> None:
    """Adds the columns and the table."""
    op.execute(SQL)

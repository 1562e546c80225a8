"""What people need to operate the ledger: deliveries found, destinations paused, old rows gone."""

from alembic import op

revision = "0006"
down_revision = "0004"

EFFECTS_SQL = """
-- Effects of a time are found without an index that every new effect would have to be put into.
CREATE INDEX effects_by_time ON effects USING brin (planned_at) WITH (autosummarize = on);
CREATE INDEX plans_by_time ON plans USING brin (planned_at) WITH (autosummarize = on);

-- Which effect an attempt was of: effects are stored by subject and cannot be found by their id.
ALTER TABLE attempts ADD COLUMN subject text, ADD COLUMN action text;
"""

DESTINATIONS_SQL = """
-- Set by people; every replica reads it within a second or two.
ALTER TABLE destinations ADD COLUMN paused_at timestamptz, ADD COLUMN paused_because text;

-- How far retention has come, so that no turn reads again what an earlier one has been through.
CREATE TABLE retention_progress (
    name text PRIMARY KEY,
    until timestamptz NOT NULL
);
"""


def upgrade() -> None:
    """Add the indexes, the columns and the table."""
    op.execute(EFFECTS_SQL)
    op.execute(DESTINATIONS_SQL)


def downgrade() -> None:
    """Nothing goes back: restore the backup instead."""
    raise NotImplementedError("a ledger is not un-made")

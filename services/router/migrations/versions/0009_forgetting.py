"""Who was erased, how old what is remembered of people is, and whose turn it is to read Salesforce."""

from alembic import op

revision = "0009"
down_revision = "0008"

ERASURES_SQL = """
-- What was received of these people before that time is dropped, whenever it turns up.
CREATE TABLE erasures (
    person_key text PRIMARY KEY,
    erased_at timestamptz NOT NULL
);
"""

RETENTION_SQL = """
CREATE INDEX scores_by_time ON scores USING brin (responded_at) WITH (autosummarize = on);
CREATE INDEX asks_by_time ON asks USING brin (asked_at) WITH (autosummarize = on);
CREATE INDEX follow_ups_resolved ON follow_ups (resolved_at) WHERE state = 'resolved';
"""

TURNS_SQL = """
ALTER TABLE salesforce_progress ALTER COLUMN read_up_to DROP NOT NULL, ADD COLUMN polled_at timestamptz;
"""


def upgrade() -> None:
    """Add a table, three indexes and a column."""
    op.execute(ERASURES_SQL)
    op.execute(RETENTION_SQL)
    op.execute(TURNS_SQL)


def downgrade() -> None:
    """Nothing goes back: restore the backup instead."""
    raise NotImplementedError("a ledger is not un-made")

"""What is known of what people did in Salesforce, and whom they have to tell apart."""

from alembic import op

revision = "0008"
down_revision = "0007"

SYNC_SQL = """
-- How far each object was read, by Salesforce's own clock.
CREATE TABLE salesforce_progress (
    object text PRIMARY KEY,
    read_up_to timestamptz NOT NULL
);

-- What was last seen of a Case, and which comments were taken over.
CREATE TABLE salesforce_seen (
    record_id text PRIMARY KEY,
    stamp timestamptz NOT NULL,
    is_closed boolean NOT NULL,
    owner_id text NOT NULL
);
CREATE INDEX salesforce_seen_by_stamp ON salesforce_seen (stamp);
"""

REVIEWS_SQL = """
-- People whom several records outside match: somebody has to choose, or merge them.
CREATE TABLE match_reviews (
    destination text NOT NULL,
    person_key text NOT NULL,
    candidates text[] NOT NULL,
    subject text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (destination, person_key)
);
"""


def upgrade() -> None:
    """Create the tables of the synchronisation and of what is to be reviewed."""
    op.execute(SYNC_SQL)
    op.execute(REVIEWS_SQL)


def downgrade() -> None:
    """Nothing goes back: restore the backup instead."""
    raise NotImplementedError("a ledger is not un-made")

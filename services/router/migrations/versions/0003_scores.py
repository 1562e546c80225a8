"""What people answered before, and what they were asked lately."""

from alembic import op

revision = "0003"
down_revision = "0002"

SCORES_SQL = """
-- Every scored answer that counts, under the person key it came with: merged keys are folded when it is read.
CREATE TABLE scores (
    subject text PRIMARY KEY,
    person_key text NOT NULL,
    metric text NOT NULL,
    score integer NOT NULL,
    responded_at timestamptz NOT NULL
);
CREATE INDEX scores_of_a_person ON scores (person_key, metric, responded_at, subject);

-- When an action that may not come too often was planned for a person. Business time.
CREATE TABLE asks (
    person_key text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (person_key, action, subject)
);
"""


def upgrade() -> None:
    """Create both tables."""
    op.execute(SCORES_SQL)


def downgrade() -> None:
    """Nothing goes back: restore the backup instead."""
    raise NotImplementedError("a ledger is not un-made")

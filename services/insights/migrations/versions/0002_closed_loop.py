"""What was done about answers, and who was asked.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = """
-- What was planned, sent and done, as the router tells it; kept under the key that others were folded into.
CREATE TABLE outcomes (
    outcome_id uuid PRIMARY KEY,
    person text NOT NULL,
    kind text NOT NULL,
    occurred_at timestamptz NOT NULL,
    subject text NOT NULL,
    response_id uuid,
    rule text,
    action text,
    destination text,
    actor text,
    reason text,
    root_cause text
);
CREATE INDEX outcomes_person ON outcomes (person, occurred_at);

-- Survey requests: who was asked, since when, and whether it was answered. Counted as answers are.
CREATE TABLE requests (
    request_id uuid PRIMARY KEY,
    person text NOT NULL,
    former_key text,
    version int NOT NULL DEFAULT 0,     -- 0: known from its steps alone
    program text NOT NULL,
    metric text,
    channel text,
    requested_at timestamptz,
    closes_at timestamptz,
    cancelled_at timestamptz,
    sent_at timestamptz,                -- when it first left for the person
    marks int[] NOT NULL DEFAULT '{}',
    counted_as text,
    month date,
    piece int,
    place int
) WITH (fillfactor = 80);
CREATE INDEX requests_person ON requests (person);
"""


def upgrade() -> None:
    """Adds the tables."""
    op.execute(SQL)

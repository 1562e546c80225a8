"""What customers' pages tell beside answers, and what answers said before they were changed.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SQL = """
-- What happened around a person or an account that no figure counts. `known_at` is what an erasure is
-- compared with: who was forgotten after it leaves nothing here.
CREATE TABLE happenings (
    happening_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('asked', 'cancelled', 'step', 'moment', 'planned')),
    person text,                -- null: an account's, or everybody's
    former_key text,
    account_id text,
    occurred_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    order_key bigint[] NOT NULL,
    about text,                 -- `response:<id>` or `request:<id>`
    is_retracted boolean NOT NULL,
    facts jsonb NOT NULL
);
CREATE INDEX happenings_person ON happenings (person, occurred_at) WHERE person IS NOT NULL;
CREATE INDEX happenings_account ON happenings (account_id, occurred_at) WHERE account_id IS NOT NULL;
CREATE INDEX happenings_release ON happenings (occurred_at) WHERE kind = 'moment' AND person IS NULL;

-- What an answer said at revisions before the one that counts.
CREATE TABLE revisions (
    response_id uuid NOT NULL REFERENCES answers ON DELETE CASCADE,
    revision bigint NOT NULL,
    tie bigint NOT NULL,
    mapping_version bigint NOT NULL,
    score smallint,
    state text NOT NULL,
    comment text,
    PRIMARY KEY (response_id, revision, tie)
);
"""


def upgrade() -> None:
    """Adds the tables."""
    op.execute(SQL)

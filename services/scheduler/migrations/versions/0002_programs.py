"""What audiences test, occasions of accounts and dates, requests until they are over, limits and pauses.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = """
ALTER TABLE people
    ADD COLUMN in_app boolean NOT NULL DEFAULT false,   -- known to the company's own product
    ADD COLUMN time_zone text,
    ADD COLUMN facts jsonb NOT NULL DEFAULT '{}',       -- role, segment, cohort, stage, products, traits
    ADD COLUMN purchases int NOT NULL DEFAULT 0,
    ADD COLUMN first_purchase_at timestamptz;
CREATE INDEX people_account ON people (account_id) WHERE account_id IS NOT NULL;

CREATE TABLE accounts (
    account_id text PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    renewal_date date,
    facts jsonb NOT NULL DEFAULT '{}'
);
INSERT INTO accounts (account_id) SELECT DISTINCT account_id FROM people WHERE account_id IS NOT NULL;

CREATE INDEX lifecycle_events_account ON lifecycle_events (account_id) WHERE person IS NULL;
CREATE INDEX lifecycle_events_company ON lifecycle_events (occurred_at)
    WHERE person IS NULL AND account_id IS NULL;

-- One occasion can concern many people: an account's, a release, a date.
ALTER TABLE due_work
    DROP CONSTRAINT due_work_pkey,
    ADD PRIMARY KEY (program, occasion, person),
    ADD COLUMN moment text NOT NULL DEFAULT '',
    ADD COLUMN context jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN traceparent text;
DROP INDEX due_work_occasion;
UPDATE due_work SET moment = happened.moment, context = happened.context, traceparent = happened.traceparent
FROM lifecycle_events AS happened WHERE happened.lifecycle_id = due_work.occasion;

ALTER TABLE requests
    ADD COLUMN account_id text,
    ADD COLUMN request jsonb,                 -- as it was last published; null: asked before this was kept
    ADD COLUMN asked_on_channel_at timestamptz,
    ADD COLUMN closes_at timestamptz,
    ADD COLUMN seen_at timestamptz,
    ADD COLUMN undelivered text,
    ADD COLUMN over_at timestamptz,           -- answered, declined, refused, withdrawn or closed
    ADD COLUMN next_step_at timestamptz;      -- null: nothing more is to be done
CREATE INDEX requests_next_step ON requests (next_step_at) WHERE next_step_at IS NOT NULL;
CREATE INDEX requests_account ON requests (account_id, contacted_at) WHERE account_id IS NOT NULL;

-- For daily caps and quotas; several rows of one key would have to be counted under a lock.
CREATE TABLE asked_counts (
    day date NOT NULL,          -- UTC
    program text NOT NULL,
    segment text NOT NULL,      -- empty: none known
    asked int NOT NULL,
    PRIMARY KEY (day, program, segment)
);

CREATE TABLE paused_programs (
    program text PRIMARY KEY,
    paused_at timestamptz NOT NULL
);

-- Everybody is planned anew, in order of their keys: programs changed, or something happened to all.
CREATE TABLE sweeps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cause text NOT NULL,
    after_person text NOT NULL DEFAULT ''
);
CREATE TABLE planned_programs (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    digest text NOT NULL
);
"""


def upgrade() -> None:
    """Adds what programs with audiences, limits and turns need."""
    op.execute(SQL)

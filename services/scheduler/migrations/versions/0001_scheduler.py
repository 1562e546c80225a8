"""People with their fatigue clocks, due work, requests and decisions.

Revision ID: 0001
Revises:
"""

from alembic import op

from runtime.outbox import CREATE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = """
-- One row a person: the facts the gates look at and the fatigue clock. Whoever decides about a person
-- holds this row's lock, so two schedulers never decide about one person at the same time.
CREATE TABLE people (
    person text PRIMARY KEY,
    profile_version bigint NOT NULL DEFAULT 0,
    account_id text,
    language text NOT NULL DEFAULT 'en',
    address_mark text,          -- digest of the e-mail address; null: none known
    bounced_mark text,          -- the address that bounced
    internal boolean NOT NULL DEFAULT false,
    refuses_all boolean NOT NULL DEFAULT false,
    refuses text[] NOT NULL DEFAULT '{}',
    unsubscribed_at timestamptz,
    erased_at timestamptz,
    merged_into text,
    last_contact_at timestamptz -- the fatigue clock
) WITH (fillfactor = 80);
CREATE INDEX people_merged_into ON people (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE lifecycle_events (
    lifecycle_id uuid PRIMARY KEY,
    order_revision bigint NOT NULL,
    order_tie bigint NOT NULL,
    order_mapping int NOT NULL,
    person text,                -- null: about an account or everybody
    account_id text,
    moment text NOT NULL,
    occurred_at timestamptz NOT NULL,
    retracted boolean NOT NULL,
    context jsonb NOT NULL,
    traceparent text
);
CREATE INDEX lifecycle_events_person ON lifecycle_events (person);

CREATE TABLE due_work (
    program text NOT NULL,
    occasion uuid NOT NULL,
    person text NOT NULL,
    occurred_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    look_at timestamptz NOT NULL,    -- due_at, or when a postponed one is looked at again
    gives_up_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'asked', 'skipped', 'cancelled')),
    PRIMARY KEY (program, occasion)
) WITH (fillfactor = 80);
CREATE INDEX due_work_pending ON due_work (look_at) WHERE state = 'pending';
CREATE INDEX due_work_person ON due_work (person);
CREATE INDEX due_work_occasion ON due_work (occasion);

CREATE TABLE requests (
    request_id uuid PRIMARY KEY,
    version int NOT NULL,
    program text NOT NULL,
    occasion uuid NOT NULL,
    person text NOT NULL,
    contacted_at timestamptz NOT NULL, -- requested, or sent where that was later
    released_at timestamptz,           -- it never reached the person: does not count
    answered_at timestamptz,
    cancelled_at timestamptz
);
CREATE INDEX requests_person ON requests (person);
CREATE INDEX requests_occasion ON requests (occasion);

-- Answers to nobody's request: vendors' surveys, imports, the API.
CREATE TABLE answers (
    response_id uuid PRIMARY KEY,
    order_revision bigint NOT NULL,
    order_tie bigint NOT NULL,
    order_mapping int NOT NULL,
    person text NOT NULL,
    answered_at timestamptz NOT NULL,
    counts boolean NOT NULL
);
CREATE INDEX answers_person ON answers (person);

CREATE TABLE decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person text NOT NULL,
    program text NOT NULL,
    occasion uuid NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('asked', 'postponed', 'skipped')),
    gate text,
    fact jsonb NOT NULL,
    decided_at timestamptz NOT NULL,
    next_eligible_at timestamptz
);
CREATE INDEX decisions_person ON decisions (person, id);
"""


def upgrade() -> None:
    """Creates every table of the scheduler and its outbox."""
    op.execute(SQL)
    op.execute(CREATE_SQL)

"""People, accounts, answers, and the bitmaps that every figure is counted from.

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
-- The reporting time zone that days were told in; another one means to rebuild.
CREATE TABLE reporting (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    time_zone text NOT NULL
);

CREATE TABLE people (
    person text PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    merged_into text,
    erased_at timestamptz,      -- what was received up to then is never counted again
    account_id text,
    name text,
    email text,
    segment text,
    cohort text,
    role text,
    stage text,
    products text[] NOT NULL DEFAULT '{}',
    internal boolean NOT NULL DEFAULT false
) WITH (fillfactor = 90);
CREATE INDEX people_merged_into ON people (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX people_account ON people (account_id) WHERE account_id IS NOT NULL;

CREATE TABLE accounts (
    account_id text PRIMARY KEY,
    version bigint NOT NULL,
    name text,
    owner text,                 -- address of who owns it in sales
    csm text,
    segment text,
    stage text,
    arr double precision,
    currency text,
    renewal_date date,
    health text
);

-- One narrow row an answer, as its newest record has it. `person` is the key that others were folded into.
-- What it counts as stands in `marks`; month, piece and place say which bit is its own.
CREATE TABLE answers (
    response_id uuid PRIMARY KEY,
    person text NOT NULL,
    former_key text,                   -- the key it was given under, where that was folded into another
    order_key bigint[] NOT NULL,       -- revision, tie, mapping version, classification version
    comment_digest bigint,             -- null: no comment
    comment_revision bigint NOT NULL,  -- which first had this comment: earlier corrections do not count
    state text NOT NULL CHECK (state IN ('given', 'skipped', 'provisional', 'test', 'retracted')),
    metric text NOT NULL,
    score smallint,
    responded_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    request_id uuid,
    account_id text,            -- as the source named it; the profile's counts first
    program text,
    channel text,
    source text NOT NULL,
    product text,               -- as the answer's context named it
    sentiment text,
    themes text[] NOT NULL,
    functions text[] NOT NULL,
    marks int[] NOT NULL DEFAULT '{}',
    counted_as text,            -- the metric among whose places its own is
    month date,
    piece int,
    place int
) WITH (fillfactor = 80);
CREATE INDEX answers_person ON answers (person, responded_at);
CREATE INDEX answers_place ON answers (counted_as, month, piece, place) WHERE place IS NOT NULL;
CREATE INDEX answers_account ON answers (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX answers_received ON answers (received_at);

-- What is read of an answer only when it is shown.
CREATE TABLE words (
    response_id uuid PRIMARY KEY REFERENCES answers ON DELETE CASCADE,
    comment text,
    masked_comment text,
    further jsonb NOT NULL,     -- [question, answer] pairs
    language text,
    urgency text,
    context jsonb NOT NULL
);

-- The newest correction of each field of an answer, whether the answer is here yet or not.
CREATE TABLE corrections (
    response_id uuid NOT NULL,
    field text NOT NULL,
    person text NOT NULL,
    revision bigint NOT NULL,
    corrected_at timestamptz NOT NULL,
    correction_id uuid NOT NULL,
    after text[] NOT NULL,
    PRIMARY KEY (response_id, field)
);
CREATE INDEX corrections_person ON corrections (person);

-- A value of a dimension, as a number that answers carry.
CREATE TABLE marks (
    mark int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    metric text NOT NULL,
    dimension text NOT NULL,
    value text NOT NULL,
    UNIQUE (metric, dimension, value)
);

-- Bit `place` of a mark says whether the answer at that place of the month's piece carries it: any filter is
-- an AND of bits, any figure a count of them.
CREATE TABLE bitmaps (
    mark int NOT NULL,
    month date NOT NULL,
    piece int NOT NULL,
    bits bit(8192) NOT NULL,
    PRIMARY KEY (mark, month, piece)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

-- How many places of a month are given out.
CREATE TABLE months (
    metric text NOT NULL,
    month date NOT NULL,
    places bigint NOT NULL,
    PRIMARY KEY (metric, month)
);
"""


def upgrade() -> None:
    """Creates every table of insights and its outbox."""
    op.execute(SQL)
    op.execute(CREATE_SQL)

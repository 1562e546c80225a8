"""The ledger, the projections it decides from, and the outbox."""

from alembic import op

from runtime.outbox import CREATE_SQL as OUTBOX_SQL

revision = "0001"
down_revision = None

EFFECT_PARTITIONS = 8

SUBJECTS_SQL = """
-- What an effect is about: a response or a survey request. Planning locks its row.
CREATE TABLE subjects (
    subject text PRIMARY KEY,
    person_key text NOT NULL,
    -- Highest order seen, deliver or record: (revision, tie, mapping version, classification version).
    highest bigint[] NOT NULL DEFAULT '{}',
    -- Highest revision planned with effects; a record never raises it.
    delivered_revision bigint,
    cancelled boolean NOT NULL DEFAULT false
);

-- The record that planning happened, with what it was decided from.
CREATE TABLE plans (
    subject text NOT NULL,
    revision bigint NOT NULL,
    classification_version bigint NOT NULL,
    tie bigint NOT NULL,
    mapping_version bigint NOT NULL,
    effects text NOT NULL CHECK (effects IN ('deliver', 'record')),
    standing text NOT NULL CHECK (standing IN ('final', 'provisional', 'test', 'retracted')),
    planned_at timestamptz NOT NULL,
    rules_version text NOT NULL,
    -- Ids of the rules that matched, and of those that could not be evaluated with the reason.
    matched text[] NOT NULL,
    erred jsonb NOT NULL,
    facts jsonb NOT NULL,
    PRIMARY KEY (subject, revision, classification_version)
);
"""

EFFECTS_SQL = """
-- One object outside: what is wanted, and what is known of it.
CREATE TABLE effects (
    subject text NOT NULL,
    action text NOT NULL,
    effect_id uuid NOT NULL,
    rule text NOT NULL,
    destination text NOT NULL,
    order_key text NOT NULL,
    rate_key text NOT NULL,
    person_key text NOT NULL,
    account_id text,
    program text,
    channel text,
    received_at timestamptz,
    planned_at timestamptz NOT NULL,
    expires_at timestamptz,
    traceparent text NOT NULL,
    content jsonb NOT NULL,
    wanted text NOT NULL CHECK (wanted IN ('present', 'absent')),
    -- Counts every change of what is wanted; a completion records the version it sent.
    desired_version bigint NOT NULL DEFAULT 1,
    sent_version bigint NOT NULL DEFAULT 0,
    outside text NOT NULL DEFAULT 'absent' CHECK (outside IN ('absent', 'present', 'retracted', 'unknown')),
    external_id text,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'delivered', 'retracted', 'withheld', 'failed')),
    reason text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, action)
) PARTITION BY HASH (subject);
"""

PENDING_SQL = """
-- Effects with something left to do. A row leaves when what is wanted has been sent, so that finding the
-- next hundred costs the same however many effects are finished. `due_at` and leases are on the database's
-- clock; a lease that nobody completed leaves its row due again by itself.
CREATE TABLE pending (
    effect_id uuid PRIMARY KEY,
    subject text NOT NULL,
    action text NOT NULL,
    destination text NOT NULL,
    order_key text NOT NULL,
    rate_key text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    due_at timestamptz NOT NULL DEFAULT now(),
    -- Who works on it and until when; still set after that means that nobody knows what came of the call.
    -- No index holds them, so that claiming and giving back a row changes no index.
    lease uuid,
    leased_until timestamptz,
    -- A call that makes or changes the object was under way when a lease ended; nothing was recorded since.
    in_doubt boolean NOT NULL DEFAULT false,
    failures integer NOT NULL DEFAULT 0,
    first_failed_at timestamptz
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
CREATE INDEX pending_due ON pending (destination, due_at);
CREATE INDEX pending_order ON pending (destination, order_key, position);

-- Every call, written before it is made; `result` null means that it was never heard of again.
CREATE TABLE attempts (
    effect_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    lease uuid NOT NULL,
    operation text NOT NULL,
    version bigint NOT NULL,
    finished_at timestamptz,
    result text,
    cause text,
    PRIMARY KEY (effect_id, started_at)
) PARTITION BY RANGE (started_at);

-- What this service's replicas last said of each destination.
CREATE TABLE destinations (
    name text PRIMARY KEY,
    enabled boolean NOT NULL,
    reason text,
    changed_at timestamptz NOT NULL DEFAULT now()
);
"""

PROJECTIONS_SQL = """
-- Full states as last published; `merged_into` always names the final winner.
CREATE TABLE profiles (
    person_key text PRIMARY KEY,
    version bigint NOT NULL,
    erased boolean NOT NULL DEFAULT false,
    merged_into text,
    account_id text,
    -- Programs refused; '*' is all of them.
    opt_outs text[] NOT NULL DEFAULT '{}',
    state jsonb NOT NULL
);
CREATE INDEX profiles_merged ON profiles (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE accounts (
    account_id text PRIMARY KEY,
    version bigint NOT NULL,
    state jsonb NOT NULL
);

-- How far each partition of a projected topic has been read, in the transaction that projected it.
CREATE TABLE projection_progress (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);
"""


def upgrade() -> None:
    """Create every table of the service."""
    op.execute(SUBJECTS_SQL)
    op.execute(EFFECTS_SQL)
    # Half a page is left free: recording a delivery then changes no index, and no whole page goes to the log.
    for remainder in range(EFFECT_PARTITIONS):
        op.execute(
            f"CREATE TABLE effects_{remainder} PARTITION OF effects"
            f" FOR VALUES WITH (MODULUS {EFFECT_PARTITIONS}, REMAINDER {remainder}) WITH (fillfactor = 50)"
        )
    op.execute(PENDING_SQL)
    op.execute(PROJECTIONS_SQL)
    op.execute(OUTBOX_SQL)


def downgrade() -> None:
    """Nothing goes back: restore the backup instead."""
    raise NotImplementedError("a ledger is not un-made")

"""What happens after an alert: effects with a time and with a parent, timers, follow-ups."""

from alembic import op

revision = "0002"
down_revision = "0001"

EFFECTS_SQL = """
ALTER TABLE effects
    -- Business time before which nothing is sent; until then it is `scheduled` and nothing is pending.
    ADD COLUMN not_before timestamptz,
    -- What ends the effect before it was ever sent: reply, claim, new_answer, opt_out, lifecycle:<moment>.
    ADD COLUMN ends_on text[] NOT NULL DEFAULT '{}',
    -- Which of them did; planning then leaves the effect alone for ever.
    ADD COLUMN ended_by text,
    -- The effect whose object this one's lives in: a reply below a card, a comment on a Case.
    ADD COLUMN parent_subject text,
    ADD COLUMN parent_action text,
    ADD CHECK ((parent_subject IS NULL) = (parent_action IS NULL)),
    DROP CONSTRAINT effects_status_check,
    ADD CONSTRAINT effects_status_check
        CHECK (status IN ('scheduled', 'pending', 'delivered', 'retracted', 'withheld', 'failed'));
-- Only sequences end, so the index stays small; nothing in it changes when an effect is delivered.
CREATE INDEX effects_that_end ON effects (person_key) WHERE ends_on <> '{}';
"""

TIMERS_SQL = """
-- A timer says that something may be due, on the business clock; its handler looks whether it is. So nobody
-- has to find and change the timers of what was put off or settled meanwhile.
CREATE TABLE timers (
    timer_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    due_at timestamptz NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    ref text NOT NULL
);
CREATE INDEX timers_due ON timers (due_at);
"""

FOLLOW_UPS_SQL = """
-- The promise that the person behind an answer hears from somebody. Times are business time.
CREATE TABLE follow_ups (
    follow_up_id uuid PRIMARY KEY,
    subject text NOT NULL UNIQUE,
    person_key text NOT NULL,
    account_id text,
    -- The rule that asks for it, and its terms as they were then: `version` counts every change.
    rule text NOT NULL,
    terms jsonb NOT NULL,
    team text NOT NULL,
    owner_id text,
    state text NOT NULL CHECK (state IN ('open', 'claimed', 'contacted', 'resolved')),
    opened_at timestamptz NOT NULL,
    first_contact_due_at timestamptz NOT NULL,
    resolve_due_at timestamptz NOT NULL,
    claimed_at timestamptz,
    contacted_at timestamptz,
    contacted_by text,
    contacted_how text,
    resolved_at timestamptz,
    resolved_by text,
    resolution text CHECK (resolution IN ('fixed', 'taught', 'planned', 'declined', 'unreachable')),
    root_cause text,
    -- Set when nobody resolved it but its reason went away.
    closed_because text,
    reopened_at timestamptz,
    snoozed_until timestamptz,
    contact_breached_at timestamptz,
    resolve_breached_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    traceparent text NOT NULL
);
CREATE INDEX follow_ups_by_owner ON follow_ups (owner_id, resolve_due_at) WHERE state <> 'resolved';
CREATE INDEX follow_ups_by_team ON follow_ups (team, resolve_due_at) WHERE state <> 'resolved';
CREATE INDEX follow_ups_by_person ON follow_ups (person_key);
CREATE INDEX follow_ups_by_account ON follow_ups (account_id) WHERE state <> 'resolved';

-- Who did what and when; `actor` null is the product itself.
CREATE TABLE follow_up_history (
    follow_up_id uuid NOT NULL REFERENCES follow_ups ON DELETE CASCADE,
    version bigint NOT NULL,
    at timestamptz NOT NULL,
    actor text,
    what text NOT NULL,
    detail text,
    PRIMARY KEY (follow_up_id, version)
);
"""


def upgrade() -> None:
    """Add columns to effects, and the tables of timers and follow-ups."""
    op.execute(EFFECTS_SQL)
    op.execute(TIMERS_SQL)
    op.execute(FOLLOW_UPS_SQL)


def downgrade() -> None:
    """Nothing goes back: restore the backup instead."""
    raise NotImplementedError("a ledger is not un-made")

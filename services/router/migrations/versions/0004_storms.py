"""Storms, rehearsed actions, and what ends with an account's moment."""

from alembic import op

revision = "0004"
down_revision = "0003"

STORMS_SQL = """
-- What rules with `shadow: true` would have done, by action.
ALTER TABLE plans ADD COLUMN shadowed jsonb NOT NULL DEFAULT '{}';

CREATE INDEX effects_that_end_with_an_account ON effects (account_id) WHERE ends_on <> '{}';

-- The storms of a place (a channel). `account_id` is set for a storm of one account; times are business time.
CREATE TABLE storms (
    destination text NOT NULL,
    place text NOT NULL,
    number integer NOT NULL,
    account_id text,
    began_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (destination, place, number)
);

-- The cards planned for a place, kept for a day; `storm` is the number of the storm that has it.
CREATE TABLE shown_cards (
    destination text NOT NULL,
    place text NOT NULL,
    subject text NOT NULL,
    action text NOT NULL,
    person_key text NOT NULL,
    account_id text,
    account_name text,
    grp text,
    shown_at timestamptz NOT NULL,
    storm integer,
    PRIMARY KEY (subject, action)
);
CREATE INDEX shown_cards_latest ON shown_cards (destination, place, shown_at);
CREATE INDEX shown_cards_of_a_storm ON shown_cards (destination, place, storm) WHERE storm IS NOT NULL;
"""


def upgrade() -> None:
    """Add a column, an index and two tables."""
    op.execute(STORMS_SQL)


def downgrade() -> None:
    """Nothing goes back: restore the backup instead."""
    raise NotImplementedError("a ledger is not un-made")

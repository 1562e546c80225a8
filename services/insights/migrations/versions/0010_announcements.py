"""What customers were told was changed because of what they said; a rebuild leaves it alone.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SQL = """
-- Whether a profile refuses mail; no row: not known, and nobody is written to on a guess.
CREATE TABLE mail_wishes (
    person text PRIMARY KEY,
    refuses boolean NOT NULL
);

CREATE TABLE announcements (
    announcement_id uuid PRIMARY KEY,
    answers text NOT NULL,          -- the filter, as an address says it
    subject text NOT NULL,
    words text NOT NULL,
    drafted_by text NOT NULL,       -- ids of the sign-in service
    drafted_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz
);

-- Whom each was sent to, under the key they had then.
CREATE TABLE announced (
    announcement_id uuid NOT NULL REFERENCES announcements,
    person text NOT NULL,
    announced_at timestamptz NOT NULL,
    PRIMARY KEY (announcement_id, person)
);
CREATE INDEX announced_person ON announced (person);

CREATE INDEX answers_uncounted ON answers (metric, responded_at) WHERE state IN ('skipped', 'provisional');
CREATE INDEX outcomes_resolved ON outcomes (occurred_at) WHERE kind = 'resolved';
"""


def upgrade() -> None:
    """Adds the tables, and what a month's changes and answers without a score are found by."""
    op.execute(SQL)

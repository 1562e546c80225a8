"""Follow-ups as they stand: who owes which customer an answer, and since when.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SQL = """
CREATE TABLE follow_ups (
    subject text PRIMARY KEY,
    person text NOT NULL,
    former_key text,
    version bigint NOT NULL,
    owner text,
    team text NOT NULL,
    opened_at timestamptz NOT NULL,
    first_contact_due_at timestamptz NOT NULL,
    resolve_due_at timestamptz NOT NULL,
    contacted_at timestamptz,           -- since it was opened, or opened again
    resolved_at timestamptz,
    first_contacted_at timestamptz      -- whatever came later
);
CREATE INDEX follow_ups_person ON follow_ups (person);
CREATE INDEX follow_ups_open ON follow_ups (owner) WHERE resolved_at IS NULL;
CREATE INDEX follow_ups_opened ON follow_ups (opened_at);
"""


def upgrade() -> None:
    """Adds the table."""
    op.execute(SQL)

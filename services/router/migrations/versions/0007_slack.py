"""Replies that somebody previews in Slack, until they are sent."""

from alembic import op

revision = "0007"
down_revision = "0006"

DRAFTS_SQL = """
CREATE TABLE slack_drafts (
    draft_id uuid PRIMARY KEY,
    subject text NOT NULL,
    -- Id in people.yaml.
    author text NOT NULL,
    mail jsonb NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE INDEX slack_drafts_made ON slack_drafts (made_at);
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(DRAFTS_SQL)


def downgrade() -> None:
    """Nothing goes back: restore the backup instead."""
    raise NotImplementedError("a ledger is not un-made")

"""Webhooks: first receipts, the responses as last mapped, answers to fetch."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.execute(
        """
        -- As long-lived as the archive of raw calls: `person_key` says whose words a call holds.
        CREATE TABLE webhook_receipts (
            raw_id uuid PRIMARY KEY,
            source text NOT NULL,
            received_at timestamptz NOT NULL,
            person_key text
        );
        CREATE INDEX webhook_receipts_of_person ON webhook_receipts (person_key);
        -- `state` null: the row was made to be locked, nothing is known yet.
        CREATE TABLE webhook_responses (
            response_id uuid PRIMARY KEY,
            person_key text,
            state jsonb
        );
        CREATE INDEX webhook_responses_of_person ON webhook_responses (person_key);
        CREATE TABLE webhook_fetches (
            raw_id uuid PRIMARY KEY,
            call jsonb NOT NULL,
            attempts integer NOT NULL DEFAULT 0,
            due_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX webhook_fetches_due ON webhook_fetches (due_at);
        """
    )


def downgrade() -> None:
    """Drops them."""
    op.execute("DROP TABLE webhook_fetches, webhook_responses, webhook_receipts")

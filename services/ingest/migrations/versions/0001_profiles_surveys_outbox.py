"""Profiles, accounts, survey requests with their answers, and the outbox."""

from alembic import op

from runtime.outbox import CREATE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.execute(CREATE_SQL)
    op.execute(
        """
        -- `state` null: the row was made to be locked, nothing is known yet.
        CREATE TABLE profiles (
            person_key text PRIMARY KEY,
            state jsonb
        );
        CREATE TABLE accounts (
            account_id text PRIMARY KEY,
            state jsonb
        );
        -- `request` null: its cancellation came first. Answer columns null: not answered.
        CREATE TABLE survey_requests (
            request_id uuid PRIMARY KEY,
            version bigint NOT NULL,
            request jsonb,
            cancelled boolean NOT NULL DEFAULT false,
            score smallint,
            comment text,
            revision bigint,
            first_answered_at timestamptz,
            answered_at timestamptz,
            CHECK (num_nulls(score, comment, revision, first_answered_at, answered_at) IN (0, 5))
        );
        """
    )


def downgrade() -> None:
    """Drops them."""
    op.execute("DROP TABLE survey_requests, accounts, profiles, outbox")

"""Unfinished answers, visits to surveys' pages, and surveys within the product."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table and the columns."""
    op.execute(
        """
        ALTER TABLE survey_requests
            ADD COLUMN further jsonb,
            ADD COLUMN provisional boolean NOT NULL DEFAULT false,
            -- The answer was a scanner's and has been taken back.
            ADD COLUMN retracted boolean NOT NULL DEFAULT false,
            ADD COLUMN sent_at timestamptz,
            -- The tab that shows it in the product, until when no other may, and how many tabs did.
            ADD COLUMN shown_by text,
            ADD COLUMN shown_until timestamptz,
            ADD COLUMN shown smallint NOT NULL DEFAULT 0,
            ADD COLUMN declined_at timestamptz;
        CREATE INDEX survey_requests_unfinished ON survey_requests (answered_at) WHERE provisional;
        -- `visitor` null: not judged yet.
        CREATE TABLE survey_visits (
            request_id uuid NOT NULL REFERENCES survey_requests ON DELETE CASCADE,
            visited_at timestamptz NOT NULL,
            score smallint,
            unseen boolean NOT NULL,
            head boolean NOT NULL,
            visitor text
        );
        CREATE INDEX survey_visits_of_survey ON survey_visits (request_id, visited_at);
        CREATE INDEX survey_visits_by_time ON survey_visits (visited_at);
        CREATE INDEX survey_visits_unjudged ON survey_visits (visited_at) WHERE visitor IS NULL;
        """
    )


def downgrade() -> None:
    """Takes them away."""
    op.execute("DROP TABLE survey_visits")
    op.execute(
        "ALTER TABLE survey_requests DROP COLUMN further, DROP COLUMN provisional, DROP COLUMN retracted,"
        " DROP COLUMN sent_at, DROP COLUMN shown_by, DROP COLUMN shown_until, DROP COLUMN shown,"
        " DROP COLUMN declined_at"
    )

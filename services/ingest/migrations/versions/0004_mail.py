"""Mail: replies that came, and finding people by their address."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table and the indexes."""
    op.execute(
        """
        CREATE TABLE mail_replies (
            reply_id uuid PRIMARY KEY,
            received_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX profiles_by_email ON profiles (lower(state->>'email'));
        CREATE INDEX survey_requests_of_person ON survey_requests ((request->>'person_key'));
        """
    )


def downgrade() -> None:
    """Drops them."""
    op.execute("DROP INDEX survey_requests_of_person; DROP INDEX profiles_by_email; DROP TABLE mail_replies")

"""API keys: hashes, what each allows, until when; how strong the identifier behind a person's key is."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table and the column."""
    op.execute(
        """
        CREATE TABLE api_keys (
            key_id text PRIMARY KEY,
            digest bytea NOT NULL UNIQUE,
            source text NOT NULL,
            scopes text[] NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz,
            revoked_at timestamptz
        );
        -- As services.ingest.persons.Strength counts: 3, nobody has said what the key was made of.
        ALTER TABLE profiles ADD COLUMN strength smallint NOT NULL DEFAULT 3;
        UPDATE profiles SET strength = 0 WHERE state ->> 'customer_id' IS NOT NULL;
        """
    )


def downgrade() -> None:
    """Takes them back."""
    op.execute("ALTER TABLE profiles DROP COLUMN strength; DROP TABLE api_keys")

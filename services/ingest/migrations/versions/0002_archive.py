"""The archive: what every topic held, long after the topic has forgotten it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table; its partitions are made as months begin."""
    op.execute(
        """
        -- `recorded_at` is Kafka's timestamp of the record: with topic, partition and offset it tells a
        -- record read twice from another one, also when a topic was made anew and counts from 0 again.
        CREATE TABLE archive (
            recorded_at timestamptz NOT NULL,
            topic text NOT NULL,
            partition integer NOT NULL,
            record_offset bigint NOT NULL,
            key bytea,
            event_id text,
            event_type text,
            headers json NOT NULL,
            value bytea,
            PRIMARY KEY (topic, recorded_at, partition, record_offset)
        ) PARTITION BY RANGE (recorded_at);
        CREATE INDEX archive_by_key ON archive (key);
        """
    )


def downgrade() -> None:
    """Drops it."""
    op.execute("DROP TABLE archive")

"""An image of all marks is saved now and then, so that a process that starts need not read every row's.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = """
-- The places that carried each mark after a batch, as a roaring bitmap.
CREATE TABLE images (
    batch bigint NOT NULL,
    mark int NOT NULL,
    places bytea NOT NULL,
    PRIMARY KEY (batch, mark)
);
ALTER TABLE images ALTER COLUMN places SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    """Creates the table."""
    op.execute(SQL)

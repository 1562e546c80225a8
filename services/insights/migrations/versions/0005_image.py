"""Bits live in memory: PostgreSQL keeps each row's place and marks, and which bits each batch flipped.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SQL = """
DROP TABLE bitmaps;
DROP TABLE months;

-- The place of a row is its own for ever, whatever it counts as.
ALTER TABLE answers DROP COLUMN counted_as, DROP COLUMN month, DROP COLUMN piece, DROP COLUMN place,
    ADD COLUMN place int NOT NULL GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX answers_place ON answers (place);
ALTER TABLE requests DROP COLUMN counted_as, DROP COLUMN month, DROP COLUMN piece, DROP COLUMN place,
    ADD COLUMN place int NOT NULL GENERATED ALWAYS AS IDENTITY;

-- How many batches there were.
CREATE TABLE batches (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    newest bigint NOT NULL DEFAULT 0
);
INSERT INTO batches DEFAULT VALUES;

-- The places that a batch flipped in a mark, as a roaring bitmap: whoever holds an image of the marks brings
-- it up to date by them.
CREATE TABLE flips (
    batch bigint NOT NULL,
    mark int NOT NULL,
    places bytea NOT NULL,
    PRIMARY KEY (batch, mark)
);
ALTER TABLE flips ALTER COLUMN places SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    """Gives every row its place, and forgets the bits."""
    op.execute(SQL)

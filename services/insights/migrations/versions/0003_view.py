"""A view for tools that draw their own pictures.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = """
-- One row a counted answer, by the same dimensions as every figure; nothing in it names a person.
CREATE VIEW counted_answers AS
SELECT answers.response_id, answers.metric, answers.score, answers.responded_at,
    max(value) FILTER (WHERE dimension = 'day')::date AS day,
    max(value) FILTER (WHERE dimension = 'group') AS score_group,
    max(value) FILTER (WHERE dimension = 'segment') AS segment,
    max(value) FILTER (WHERE dimension = 'cohort') AS cohort,
    max(value) FILTER (WHERE dimension = 'role') AS role,
    max(value) FILTER (WHERE dimension = 'stage') AS stage,
    max(value) FILTER (WHERE dimension = 'product') AS product,
    max(value) FILTER (WHERE dimension = 'owner') AS account_owner,
    max(value) FILTER (WHERE dimension = 'program') AS program,
    max(value) FILTER (WHERE dimension = 'channel') AS channel,
    max(value) FILTER (WHERE dimension = 'source') AS source,
    max(value) FILTER (WHERE dimension = 'sentiment') AS sentiment,
    max(value) FILTER (WHERE dimension = 'before') AS previous_group,
    max(value) FILTER (WHERE dimension = 'heard_back') AS heard_back,
    array_agg(value) FILTER (WHERE dimension = 'theme') AS themes,
    array_agg(value) FILTER (WHERE dimension = 'function') AS functions
FROM answers JOIN marks ON marks.mark = ANY(answers.marks)
GROUP BY answers.response_id
"""


def upgrade() -> None:
    """Creates the view."""
    op.execute(SQL)

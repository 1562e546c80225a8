"""Every dimension of the pages in the view for other tools, and a view of who was asked.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Replaced, not dropped: whoever may read the view still may. New columns can only come last.
SQL = """
CREATE OR REPLACE VIEW counted_answers AS
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
    array_agg(value) FILTER (WHERE dimension = 'function') AS functions,
    max(value) FILTER (WHERE dimension = 'next') AS next_group,
    max(value) FILTER (WHERE dimension = 'turn') AS turn,
    max(value) FILTER (WHERE dimension = 'sla') AS sla,
    max(value) FILTER (WHERE dimension = 'advocacy') AS advocacy,
    max(value) FILTER (WHERE dimension = 'lost_after') AS lost_after,
    array_agg(value) FILTER (WHERE dimension = 'wish') AS wishes,
    coalesce(people.account_id, answers.account_id) AS account_id,
    words.language, answers.request_id
FROM answers JOIN marks ON marks.mark = ANY(answers.marks)
JOIN people ON people.person = answers.person
LEFT JOIN words ON words.response_id = answers.response_id
GROUP BY answers.response_id, people.person, words.response_id;

-- One row a survey request that reached somebody; nothing in it names a person.
CREATE VIEW counted_requests AS
SELECT requests.request_id, requests.metric, requests.sent_at,
    max(value) FILTER (WHERE dimension = 'day')::date AS day,
    max(value) FILTER (WHERE dimension = 'closes')::date AS last_day,
    coalesce(bool_or(value = 'yes') FILTER (WHERE dimension = 'answered'), false) AS is_answered,
    max(value) FILTER (WHERE dimension = 'program') AS program,
    max(value) FILTER (WHERE dimension = 'channel') AS channel,
    max(value) FILTER (WHERE dimension = 'segment') AS segment,
    max(value) FILTER (WHERE dimension = 'cohort') AS cohort,
    max(value) FILTER (WHERE dimension = 'role') AS role,
    max(value) FILTER (WHERE dimension = 'stage') AS stage,
    max(value) FILTER (WHERE dimension = 'owner') AS account_owner
FROM requests JOIN marks ON marks.mark = ANY(requests.marks)
GROUP BY requests.request_id;
"""


def upgrade() -> None:
    """Widens the one view and creates the other."""
    op.execute(SQL)

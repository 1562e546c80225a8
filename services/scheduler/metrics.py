"""What the scheduler counts."""

from prometheus_client import Counter, Gauge

REQUESTS = Counter("feedback_survey_requests_total", "Survey requests emitted.", ["program"])
DECISIONS = Counter(
    "feedback_schedule_decisions_total",
    "Decisions about due work; gate is `none` where the person was asked.",
    ["program", "gate"],
)
DUE_LAG_SECONDS = Gauge(
    "feedback_schedule_due_lag_seconds",
    "By how much the oldest due work is late, on the business clock; 0 when nothing is late.",
)
FACTS_AGE_SECONDS = Gauge(
    "feedback_schedule_facts_age_seconds",
    "Seconds since all that was published then was taken in; above 10 nobody is decided about.",
)
STEPS = Counter(
    "feedback_survey_steps_total",
    "Requests that went on to another channel (fall_back) or were repeated (remind).",
    ["program", "step"],
)
UNDELIVERED = Counter(
    "feedback_survey_undelivered_total",
    "Surveys that did not reach the person on a channel, and how (bounced, suppressed).",
    ["program", "how"],
)
REPLANNED = Counter(
    "feedback_schedule_replanned_people_total", "People planned anew because everybody has to be."
)
SWEEPS = Gauge(
    "feedback_schedule_sweeps",
    "How often everybody is still to be planned anew: programs changed, or something happened to all.",
)

"""The router's metrics; labels are configured names only."""

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Counter("feedback_deliveries_total", "Calls to destinations.", ["destination", "result"])
ANSWER_TO_DELIVERY = Histogram(
    "feedback_answer_to_delivery_seconds",
    "From an answer's receipt to its first delivery, business time.",
    ["destination"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400, 604800),
)
CALL_SECONDS = Histogram("feedback_delivery_call_seconds", "One call to a destination.", ["destination"])
DESTINATION_UP = Gauge(
    "feedback_destination_up", "1 while a destination is enabled and its breaker closed.", ["destination"]
)
PENDING = Gauge("feedback_pending_deliveries", "Effects with something left to do.", ["destination"])
OLDEST_DUE = Gauge(
    "feedback_oldest_due_delivery_seconds",
    "How long the longest overdue effect has been due.",
    ["destination"],
)
DELIVERIES_ENDED = Counter(
    "feedback_deliveries_ended_total",
    "Effects that came to an end: delivered, withheld, or failed for good.",
    ["destination", "status"],
)
AMBIGUOUS = Gauge(
    "feedback_ambiguous_deliveries",
    "Effects of which nobody knows yet whether a call has arrived.",
    ["destination"],
)
DESTINATION_PAUSED = Gauge(
    "feedback_destination_paused", "1 while people have paused a destination.", ["destination"]
)
BREAKER_OPEN = Gauge(
    "feedback_destination_breaker_open",
    "1 while a destination is left alone after failures.",
    ["destination"],
)
SLACK_REQUESTS = Counter(
    "feedback_slack_requests_total", "Callbacks of Slack by what they ask for.", ["request"]
)
PLANS = Counter("feedback_plans_total", "Answers and survey requests planned.", ["occasion", "course"])
RULES_ERRED = Counter(
    "feedback_rules_erred_total", "Evaluations of a rule that were neither true nor false.", ["rule"]
)
RULES_REFUSED = Gauge(
    "feedback_rules_refused", "1 while the files say something else than the rules in use, because they err."
)
PLANNED_ON_STALE_FACTS = Counter(
    "feedback_planned_on_stale_facts_total", "Batches planned before the projections had caught up."
)
PROJECTION_AGE = Gauge(
    "feedback_projection_age_seconds", "Since the projections last held everything that was published."
)
FOLLOW_UPS = Counter("feedback_follow_ups_total", "What was done with follow-ups.", ["team", "what"])
FOLLOW_UPS_OPEN = Gauge("feedback_follow_ups_open", "Follow-ups that are not resolved.", ["team", "state"])
FOLLOW_UPS_OVERDUE = Gauge(
    "feedback_follow_ups_overdue",
    "Follow-ups whose first contact or resolution is overdue.",
    ["team", "target"],
)
SLA_BREACHED = Counter("feedback_sla_breached_total", "Targets of follow-ups missed.", ["team", "target"])
TIMERS_FIRED = Counter("feedback_timers_fired_total", "Timers that were due and handled.", ["kind"])
TIMERS_FAILED = Counter("feedback_timers_failed_total", "Timers whose handler failed; tried again.", ["kind"])
TIMERS_LATE = Gauge("feedback_timers_late_seconds", "How long the longest overdue timer has been due.")
SYNC_POLLS = Counter(
    "feedback_sync_polls_total", "Readings of what people did in a destination.", ["destination", "result"]
)
SYNC_READ_AT = Gauge(
    "feedback_sync_read_timestamp_seconds",
    "When a destination was last read, seconds since 1970.",
    ["destination"],
)
SYNC_COMMANDS = Counter(
    "feedback_sync_commands_total",
    "What people asked for in a destination, by command.",
    ["destination", "command", "result"],
)
MATCHES_TO_REVIEW = Gauge(
    "feedback_matches_to_review", "People whom several records outside match.", ["destination"]
)

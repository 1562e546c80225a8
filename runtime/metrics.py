"""The metrics that services share, under the same names and labels."""

from prometheus_client import Counter, Gauge, Histogram

CONSUMED = Counter("feedback_consumed_records_total", "Records taken and committed.", ["service", "topic"])
BATCH_SECONDS = Histogram(
    "feedback_consumer_batch_seconds",
    "From a batch's poll to its committed transaction.",
    ["service"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
LAG = Gauge(
    "feedback_consumer_lag_records",
    "Records of this replica's partitions that are not processed yet.",
    ["service", "topic"],
)
OLDEST_UNPROCESSED = Gauge(
    "feedback_consumer_oldest_unprocessed_seconds",
    "Age of the oldest record of this replica's partitions that is not processed yet; 0 without one.",
    ["service", "topic"],
)
PAUSED = Gauge(
    "feedback_consumer_paused", "1 while the consumer waits for what it depends on.", ["service", "group"]
)
DEAD_LETTERS = Counter(
    "feedback_dead_letters_total", "Records that went to a dead-letter topic.", ["topic", "cause"]
)
OUTBOX_UNSENT = Gauge(
    "feedback_outbox_unsent_records", "Outbox rows not acknowledged by the broker yet.", ["service"]
)
OUTBOX_OLDEST = Gauge(
    "feedback_outbox_oldest_unsent_seconds", "Age of the oldest unsent outbox row.", ["service"]
)
OUTBOX_SENT = Counter("feedback_outbox_sent_records_total", "Outbox rows acknowledged.", ["service"])
OUTBOX_REFUSED = Counter(
    "feedback_outbox_refused_records_total", "Outbox rows that the broker will never take.", ["service"]
)
READY = Gauge("feedback_ready", "1 when the service can do its job now; asked at each scrape.")
SALESFORCE_DAILY_CALLS = Gauge(
    "feedback_salesforce_daily_calls",
    "API calls of the Salesforce org in the last 24 hours (used), how many it may make (limit), and how many"
    " of these are left to others (reserve).",
    ["kind"],
)

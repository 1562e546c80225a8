"""What ingest counts."""

from prometheus_client import Counter

RESPONSES_ACCEPTED = Counter(
    "feedback_responses_accepted_total",
    "Responses acknowledged by Kafka, or stored with the outbox where they came from the hosted survey.",
    ["source", "metric"],
)
LIFECYCLE_ACCEPTED = Counter(
    "feedback_lifecycle_events_accepted_total",
    "Lifecycle events acknowledged by Kafka.",
    ["source", "moment"],
)
CHANGES_ACCEPTED = Counter(
    "feedback_customer_changes_accepted_total",
    "Profiles and accounts stored and relayed.",
    ["source", "kind"],
)
NOT_TAKEN = Counter(
    "feedback_ingest_not_taken_total",
    "Calls answered 503 because Kafka or PostgreSQL did not take them in time.",
)

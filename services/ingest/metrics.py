"""What ingest counts."""

from prometheus_client import Counter, Gauge

RESPONSES_ACCEPTED = Counter(
    "feedback_responses_accepted_total",
    "Responses acknowledged by Kafka, or stored with the outbox where they came from the hosted survey.",
    ["source", "metric"],
)
LIFECYCLE_ACCEPTED = Counter(
    "feedback_lifecycle_events_accepted_total",
    "Lifecycle events acknowledged by Kafka, or stored with the outbox where they came from Salesforce.",
    ["source", "moment"],
)
CHANGES_ACCEPTED = Counter(
    "feedback_customer_changes_accepted_total",
    "Profiles and accounts stored and relayed; of Salesforce, those that changed.",
    ["source", "kind"],
)
RATE_LIMITED = Counter(
    "feedback_ingest_rate_limited_total", "Calls answered 429: their key sent too many records.", ["source"]
)
SURVEY_VISITS = Counter(
    "feedback_survey_visits_total",
    "Openings of a survey's page, by whether a person or a scanner of links did it and what gave that away.",
    ["visitor"],
)
WIDGET_STEPS = Counter(
    "feedback_widget_steps_total",
    "Surveys that the widget showed to people who were asked, and that they declined there.",
    ["step"],
)
NOT_TAKEN = Counter(
    "feedback_ingest_not_taken_total",
    "Calls answered 503 because Kafka or PostgreSQL did not take them in time.",
)
WEBHOOKS_RECEIVED = Counter(
    "feedback_webhooks_received_total",
    "Webhook calls proved by a secret and acknowledged by Kafka.",
    ["source"],
)
WEBHOOKS_REFUSED = Counter(
    "feedback_webhooks_refused_total", "Webhook calls that no secret of their source proved.", ["source"]
)
WEBHOOKS_READ = Counter(
    "feedback_webhooks_read_total",
    "What calls said: answer, unsubscribed, fetch, nothing; or unreadable, not_fetched.",
    ["source", "said"],
)
WEBHOOK_FIELDS_MISSING = Counter(
    "feedback_webhook_fields_missing_total",
    "Answers whose call left out what the vendor documents: identity, responded_at.",
    ["source", "field"],
)
WEBHOOK_FETCHES_OWED = Gauge(
    "feedback_webhook_fetches_owed", "Answers that wait to be fetched from their vendor's API."
)
MAIL_EVENTS = Counter(
    "feedback_mail_events_total",
    "What became of mails: delivered, bounced, complained, unsubscribed.",
    ["fate"],
)
MAILS_RECEIVED = Counter(
    "feedback_mails_received_total", "Mails that came in: reply, automatic, bounce, complaint.", ["kind"]
)
REPLIES_UNMATCHED = Counter(
    "feedback_replies_unmatched_total", "Replies to none of our signed addresses: nothing becomes of them."
)
CUSTOMER_POLLS = Counter(
    "feedback_customer_polls_total", "Readings of Salesforce's customers: ok, failed.", ["object", "result"]
)
CUSTOMERS_READ_AT = Gauge(
    "feedback_customers_read_timestamp_seconds",
    "When all that had changed of an object of Salesforce was last read, seconds since 1970.",
    ["object"],
)
CUSTOMER_RECORDS = Counter(
    "feedback_customer_records_total",
    "Records of Salesforce that had changed, and those of them that name nobody whom we could know.",
    ["object", "known"],
)
CUSTOMER_VALUES_REFUSED = Counter(
    "feedback_customer_values_refused_total",
    "Values of Salesforce's records that are not what their field has to be.",
    ["object", "field"],
)

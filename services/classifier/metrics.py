"""What the classifier counts."""

from prometheus_client import Counter

CLASSIFIED = Counter(
    "feedback_responses_classified_total",
    "Responses classified, repeats included; the group is `none` where there is no score.",
    ["metric", "group"],
)

"""What the classifier counts."""

from prometheus_client import Counter, Gauge

from schemas.scales import SCALES, group_of

CLASSIFIED = Counter(
    "feedback_responses_classified_total",
    "Responses classified, repeats included; the group is `none` where there is no score.",
    ["metric", "group"],
)
VERSION = Gauge(
    "feedback_classification_version",
    "What comments are classified with now; higher is newer.",
)
REFUSED = Gauge(
    "feedback_classification_refused",
    "1 while the newest themes, employees or model cannot be used and what was in use before stays.",
)
REFUSALS = Counter(
    "feedback_classification_refusals_total", "Times that themes, employees or a model could not be used."
)

# There from the start: a counter that begins at 1 never shows its first increase.
for _metric, _scale in SCALES.items():
    for _score in (_scale.lowest, _scale.middle_from, _scale.top_from):
        CLASSIFIED.labels(_metric, group_of(_metric, _score))

"""What the classifier counts."""

from prometheus_client import Counter

from schemas.scales import SCALES, group_of

CLASSIFIED = Counter(
    "feedback_responses_classified_total",
    "Responses classified, repeats included; the group is `none` where there is no score.",
    ["metric", "group"],
)

# There from the start: a counter that begins at 1 never shows its first increase.
for _metric, _scale in SCALES.items():
    for _score in (_scale.lowest, _scale.middle_from, _scale.top_from):
        CLASSIFIED.labels(_metric, group_of(_metric, _score))

"""What page and widget say alike: the ends of the scales, and thanks for an answer."""

from schemas.scales import Group, Metric
from services.ingest.languages import translatable

ENDS: dict[Metric, tuple[str, str]] = {
    Metric.NPS: (translatable("not at all likely"), translatable("extremely likely")),
    Metric.CSAT: (translatable("very dissatisfied"), translatable("very satisfied")),
    Metric.CES: (translatable("very difficult"), translatable("very easy")),
}
"""What the lowest and the highest score mean."""

_GLAD = translatable("We are glad to hear it. Your answer goes to the people who make it so.")
_HELPS = translatable("Your answer tells us what to work on next.")
_SORRY = translatable(
    "We are sorry that it was not better. Your answer goes to the people who can change it."
)
THANKS: dict[Group, str] = {
    Group.PROMOTER: _GLAD,
    Group.POSITIVE: _GLAD,
    Group.PASSIVE: _HELPS,
    Group.NEUTRAL: _HELPS,
    Group.DETRACTOR: _SORRY,
    Group.NEGATIVE: _SORRY,
}
"""What the person reads after answering."""

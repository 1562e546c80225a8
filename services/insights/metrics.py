"""What insights counts about its own work."""

from prometheus_client import Counter

ANSWERS_MOVED = Counter(
    "feedback_insights_answers_moved_total",
    "Answers that count differently from before: new, edited, withdrawn, or of somebody who changed.",
)

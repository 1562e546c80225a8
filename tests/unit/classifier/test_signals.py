import pytest

from schemas.classified import Urgency
from services.classifier.signals import Signals
from services.classifier.words import folded_words


@pytest.mark.parametrize(
    ("comment", "language", "urgency"),
    [
        ("All is well.", "en", Urgency(level="normal")),
        ("We need an answer urgently!", "en", Urgency(level="high", evidence=("urgently",))),
        ("It is not urgent", "en", Urgency(level="normal")),
        ("We don't want to cancel.", "en", Urgency(level="normal")),
        (
            "We will not renew next year.",
            "en-US",
            Urgency(level="high", churn_intent=True, evidence=("not renew",)),
        ),
        ("Ich werde kündigen", "de", Urgency(level="high", churn_intent=True, evidence=("werde kündigen",))),
        ("Plus jamais !", "fr", Urgency(level="high", churn_intent=True, evidence=("Plus jamais",))),
        ("urgent", "ja", None),
        ("urgent", None, None),
    ],
)
def test_urgency_has_its_evidence_and_is_unknown_in_other_languages(
    comment: str, language: str | None, urgency: Urgency | None
) -> None:
    assert Signals().of(comment, folded_words(comment), language) == urgency

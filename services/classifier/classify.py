"""The decision: what an answer is about and whom it concerns."""

from schemas.classified import ResponseClassified, TagSource, ThemeTag
from schemas.responses import ResponseRecorded
from schemas.scales import group_of
from services.classifier.lookup import Claim, Lookup


def classify(response: ResponseRecorded, taxonomy: Lookup) -> ResponseClassified:
    """The response with its group, the themes its comment names and the functions these belong to.

    What is not looked for (sentiment, urgency, names) stays null; the language is the one the source gave.
    """
    claims = taxonomy.claims(response.comment, response.language) if response.comment else ()
    return ResponseClassified(
        response=response,
        classification_version=taxonomy.version,
        group=None if response.score is None else group_of(response.metric, response.score),
        themes=tuple(_tag(claim) for claim in claims),
        functions=tuple(dict.fromkeys(claim.theme.function.value for claim in claims)),
        language=response.language,
    )


def _tag(claim: Claim) -> ThemeTag:
    return ThemeTag(theme=claim.theme.id, source=TagSource.LOOKUP, evidence=claim.evidence)

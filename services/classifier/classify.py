"""The decision: what an answer is, of the answer and what was understood of its comment."""

from schemas.classified import ResponseClassified
from schemas.responses import ResponseRecorded
from schemas.scales import group_of
from services.classifier.masking import mask
from services.classifier.reading import Reading
from services.classifier.sentiment import is_mismatch


def classify(
    response: ResponseRecorded, reading: Reading, *, taxonomy_version: int, version: int
) -> ResponseClassified:
    """The response with its group and all that its comment says.

    `version` is that of the whole classification: taxonomy, model and code; higher is newer.
    """
    group = None if response.score is None else group_of(response.metric, response.score)
    felt = reading.feeling
    return ResponseClassified(
        response=response,
        classification_version=version,
        group=group,
        themes=reading.themes,
        sentiment=felt.sentiment if felt else None,
        sentiment_score=felt.score if felt else None,
        functions=reading.functions,
        urgency=reading.urgency,
        mentions=reading.mentions.sure,
        unsure_mentions=reading.mentions.unsure,
        language=reading.language,
        language_detected=reading.language_detected,
        masked_comment=reading.masked.text if reading.masked else None,
        masked_further_answers=_masked_further_answers(response),
        personal_details=reading.masked.kinds if reading.masked else (),
        score_text_mismatch=is_mismatch(group, felt),
        not_known=dict(reading.not_known),
        taxonomy_version=taxonomy_version,
        model_version=reading.model_version,
    )


def _masked_further_answers(response: ResponseRecorded) -> tuple[str, ...]:
    names = (response.respondent.name,) if response.respondent.name else ()
    return tuple(mask(further.answer, names=names).text for further in response.further_answers)

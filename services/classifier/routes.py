"""One comment at a time over HTTP: what is understood of it, and why."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.scales import SCALES, Metric, group_of
from services.classifier.live import Live
from services.classifier.reader import READ_CHARACTERS, Comment
from services.classifier.sentiment import is_mismatch
from services.classifier.telling import told, why


class Question(BaseModel):
    """A comment, and the score that came with it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    text: Annotated[str, Field(max_length=READ_CHARACTERS)]
    score: int | None = None
    metric: Metric = Metric.NPS
    """What the score is one of."""
    language: Annotated[str, Field(max_length=35)] | None = None
    """BCP 47 tag; told from the words unless it is stated."""

    @model_validator(mode="after")
    def _on_its_scale(self) -> "Question":
        scale = SCALES[self.metric]
        if self.score is not None and not scale.lowest <= self.score <= scale.highest:
            raise ValueError(f"expected a score from {scale.lowest} to {scale.highest}")
        return self


def classify_routes(live: Live) -> APIRouter:
    """`POST /v1/classify`. It waits for the batch of the stream that is in hand."""
    routes = APIRouter()

    @routes.post("/v1/classify")
    def classify(question: Question) -> dict[str, Any]:
        with live.reader() as reader:
            (reading,) = reader.read([Comment(question.text, question.language)])
        group = None if question.score is None else group_of(question.metric, question.score)
        mismatch = is_mismatch(group, reading.feeling)
        return told(reading) | {
            "group": group,
            "score_text_mismatch": mismatch,
            "classification_version": reader.version,
            "taxonomy_version": reader.taxonomy.version,
            "model_version": reading.model_version,
            "why": list(why(reading, is_mismatch=mismatch)),
        }

    return routes

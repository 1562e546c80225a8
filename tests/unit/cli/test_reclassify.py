"""Which of the archive's answers are classified again, and as what."""

from dataclasses import replace
from datetime import UTC, datetime

from cli.reclassify import INTO, Progress, reclassified
from runtime import cloudevents, tracing
from runtime.messages import Message
from runtime.yaml_file import parse_yaml
from schemas.classified import ResponseClassified, TagSource, ThemeTag
from schemas.event import Effects
from schemas.responses import Order, ResponseRecorded, response_id
from schemas.scales import Metric
from services.classifier.lookup import Lookup
from services.classifier.reader import ListReader
from services.classifier.taxonomy import Themes
from tests.unit.cli.test_themes import THEMES

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
READER = ListReader(Lookup(parse_yaml(THEMES, Themes, name="themes.yaml")))


def archived(comment: str, *, version: int = 1, theme: str = "gone") -> Message:
    response = ResponseRecorded(
        response_id=response_id("test", comment),
        person_key="p" * 32,
        source="test",
        source_id=comment,
        order=Order(revision=1, tie=1),
        metric=Metric.NPS,
        score=3,
        comment=comment,
        responded_at=NOW,
        received_at=NOW,
    )
    event = ResponseClassified(
        response=response,
        classification_version=version,
        themes=(ThemeTag(theme=theme, source=TagSource.LOOKUP),),
    )
    return cloudevents.to_message(event, source="/test", traceparent=tracing.new_traceparent())


def again(*records: Message, only: tuple[str, ...] = ()) -> list[ResponseClassified]:
    messages = list(reclassified(records, READER, only, Effects.RECORD))
    assert {message.topic for message in messages} <= set(INTO)
    return [ResponseClassified.model_validate_json(message.value or b"") for message in messages]


def test_an_answer_of_an_older_version_is_classified_again_for_the_record() -> None:
    (event,) = again(archived("too slow"))

    assert (event.classification_version, [tag.theme for tag in event.themes]) == (3, ["speed"])
    assert event.response.effects is Effects.RECORD


def test_what_is_of_this_version_or_not_understood_is_left_alone() -> None:
    assert not again(archived("slow", version=3), replace(archived("slow"), value=b"{"))


def test_only_answers_that_had_a_theme_or_get_it_are_sent() -> None:
    records = (archived("slow"), archived("hello", theme="speed"), archived("expensive"))

    assert [event.response.comment for event in again(*records, only=("speed",))] == ["slow", "hello"]


def test_a_run_goes_on_only_with_the_same_question() -> None:
    kept = Progress(version=3, since=NOW, only=["speed"], effects=Effects.RECORD)
    later = kept.model_copy(update={"since": NOW.replace(hour=11)})

    assert kept.asks_the_same(later)
    assert not later.asks_the_same(kept)
    assert not kept.asks_the_same(later.model_copy(update={"version": 4}))
    assert not kept.asks_the_same(later.model_copy(update={"only": []}))

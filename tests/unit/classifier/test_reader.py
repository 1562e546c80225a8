import random
import time

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.classifier.language import FUNCTION_WORDS
from services.classifier.reader import Comment, Reader
from services.classifier.reading import NO_MODEL, TOO_SHORT, Reading
from services.classifier.words import folded_words

# What JSON can carry: it has no lone surrogates.
ANY = st.characters(codec="utf-8")


def _read(reader: Reader, text: str, language: str | None = None) -> Reading:
    (reading,) = reader.read([Comment(text, language)])
    return reading


def test_a_theme_has_the_polarity_of_the_clauses_that_name_it(reader: Reader) -> None:
    reading = _read(reader, "I love how it looks, but it is too expensive and it crashes all day.")

    assert {tag.theme: tag.polarity for tag in reading.themes} == {"pricing": -1, "reliability": -1}
    reading = _read(reader, "A terrible, awful time with the crashes. It is expensive and great.")
    assert {tag.theme: tag.polarity for tag in reading.themes} == {"pricing": 1, "reliability": -1}


@pytest.mark.parametrize(
    ("comment", "language"),
    [
        ("The product is slow and the people are kind", "en"),
        ("Die Anwendung stürzt jeden Morgen ab", "de"),
        ("La aplicación va lenta todas las mañanas", "es"),
        ("Le prix a augmenté mais le service est bon", "fr"),
        ("請問有沒有人可以幫忙處理這個問題", "zh"),
    ],
)
def test_the_language_is_told_from_the_words(comment: str, language: str, reader: Reader) -> None:
    reading = _read(reader, comment)

    assert (reading.language, reading.language_detected) == (language, True)


def test_what_the_source_stated_is_believed(reader: Reader) -> None:
    reading = _read(reader, "Die Anwendung stürzt jeden Morgen ab", "en-GB")

    assert (reading.language, reading.language_detected) == ("en-GB", False)


def test_what_cannot_be_told_is_said_and_not_guessed(reader: Reader) -> None:
    german = _read(reader, "Die Anwendung stürzt ab und ist teuer")
    assert (german.feeling, dict(german.not_known)) == (None, {"sentiment": NO_MODEL})
    assert [tag.polarity for tag in german.themes] == [None, None]
    short = _read(reader, "👍")
    assert (short.language, dict(short.not_known)) == (
        None,
        {"language": TOO_SHORT, "sentiment": TOO_SHORT},
    )


@pytest.mark.parametrize("comment", [None, "", "  \n "])
def test_without_a_comment_nothing_is_known(comment: str | None, reader: Reader) -> None:
    assert reader.read([Comment(comment, "en")]) == [Reading(language="en")]


def test_names_of_the_roster_urgency_and_details_are_found(reader: Reader) -> None:
    text = "Spoke to Prya Raman. Urgent: call me at +49 171 2345678, I want to cancel."
    reading = _read(reader, text)

    assert reading.mentions.sure == ("Priya Raman",)
    assert reading.urgency is not None
    assert (reading.urgency.level, reading.urgency.churn_intent) == ("high", True)
    assert reading.masked is not None
    assert reading.masked.text == text.replace("+49 171 2345678", "[phone]")


def test_a_batch_reads_each_comment_as_if_it_were_alone(reader: Reader) -> None:
    comments = [Comment(text) for text in ("It is slow.", "", "Trop coûteux !", "Es crasht, teuer.", "👍")]

    assert reader.read(comments) == [reader.read([comment])[0] for comment in comments]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(
    comment=st.text(ANY, max_size=2_000),
    language=st.none() | st.sampled_from(["en", "de-AT", "fr", "ja", "x"]) | st.text(ANY, max_size=35),
    name=st.text(ANY, max_size=20),
)
@example(comment="\u202eslow\u202c but שלום\x00\x07 crash\r\n", language=None, name="")
@example(comment="but " * 500, language="en", name="but")
def test_any_text_is_read_and_the_evidence_is_part_of_it(
    comment: str, language: str | None, name: str, reader: Reader
) -> None:
    (reading,) = reader.read([Comment(comment, language, (name,))])

    assert all(words in comment for tag in reading.themes for words in tag.evidence)
    assert reading.urgency is None or all(words in comment for words in reading.urgency.evidence)


@pytest.mark.parametrize(
    "part",
    [
        "slow but expensive. ",
        "a",
        "crash ",
        "0",
        "😀",
        "שלום ",
        "\x00",
        "a@",
        "1 ",
        "but ",
        ".",
        " ",
        "- ",
        "\uff21",
    ],
)
def test_a_comment_of_a_megabyte_is_read_within_seconds(part: str, reader: Reader) -> None:
    text = part * (1_000_000 // len(part))
    began = time.process_time()
    _read(reader, text)

    assert time.process_time() - began < 10


def test_a_comment_of_normal_length_takes_no_50_milliseconds(reader: Reader) -> None:
    chance = random.Random("comments")  # noqa: S311 - a repeatable sample
    words = ["the", "app", "is", "slow", "but", "helped,", "crashes!", "😀", "0171 2345678", "a@b.test"]
    comments = [Comment(" ".join(chance.choices(words, k=chance.randrange(1, 80)))) for _ in range(50)]
    for comment in comments:
        took = []
        for _ in range(3):  # the machine may have been busy with something else
            began = time.process_time()
            reader.read([comment])
            took.append(time.process_time() - began)
        assert min(took) < 0.05


def test_function_words_are_of_one_language_each() -> None:
    by_language = yaml.safe_load(FUNCTION_WORDS.read_text())
    words = [word for of_language in by_language.values() for word in of_language]

    assert len(words) == len(set(words))
    assert all(folded_words(word) == [word] for word in words)

from datetime import UTC, datetime

from sandbox.demo_tally import Difference, Line, differences, expected
from sandbox.sample.answers import answers
from sandbox.sample.histories import CAST, Plot, histories

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_sample_is_as_large_and_varied_as_the_demo_promises() -> None:
    sample = answers(NOW)
    assert len(sample.first) >= 300
    assert {body["metric"] for body in sample.first} == {"nps", "csat", "ces"}
    assert {body["language"] for body in sample.first} >= {"en", "de", "es", "fr"}
    nps = {body["score"] for body in sample.first if body["metric"] == "nps"}
    assert nps == set(range(11))
    assert sum("comment" not in body for body in sample.first) > 50
    assert len(histories(NOW)) == 100 == sum(CAST.values())


def test_the_sample_is_the_same_in_every_run() -> None:
    assert answers(NOW) == answers(NOW)
    assert histories(NOW) == histories(NOW)


def test_a_repeated_answer_is_expected_once_and_a_silent_one_nowhere() -> None:
    sample = answers(NOW)
    tally = expected(sample, histories(NOW), [])
    groups = (Line.PROMOTER, Line.PASSIVE, Line.DETRACTOR, Line.POSITIVE, Line.NEUTRAL, Line.NEGATIVE)
    assert tally[Line.RECEIVED] == len(sample.first) + CAST[Plot.ANSWERED_ELSEWHERE]
    assert sum(tally[line] for line in groups) == tally[Line.RECEIVED]
    reached = tally[Line.SUCCESS_CARDS] + tally[Line.PRODUCT_CARDS] + tally[Line.MARKETING]
    assert reached == len(sample.first)
    assert tally[Line.THANKS] == len(sample.first) - sum(
        "email" not in body["respondent"]  # type: ignore[operator]  # a body's values are of any JSON type
        for body in sample.first
    )


def test_a_survey_answer_counts_like_any_other() -> None:
    without = expected(answers(NOW), histories(NOW), [])
    one = {"metric": "nps", "score": 2, "respondent": {"email": "known"}}
    found = expected(answers(NOW), histories(NOW), [one])
    assert differences(without, found) == [
        Difference(line, without[line], without[line] + 1)
        for line in (Line.RECEIVED, Line.DETRACTOR, Line.SUCCESS_CARDS, Line.CASES, Line.THANKS)
    ]

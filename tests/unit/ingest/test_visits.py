from dataclasses import replace
from datetime import timedelta

import pytest

from services.ingest.visits import BURST, NEAR, Visit, Visitor, is_doubtful, verdict, visitor
from tests.unit.ingest.test_surveys import NOW

SECOND = timedelta(seconds=1)
PERSON = Visit(NOW, 9)


def burst(*scores: int) -> list[Visit]:
    return [Visit(NOW + number * SECOND, score) for number, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("visit", "others", "expected"),
    [
        (PERSON, [], Visitor.PERSON),
        (PERSON, burst(8, 9, 8, 9, 8), Visitor.PERSON),
        (PERSON, burst(0, 1, 2, 3), Visitor.OPENED_MANY_SCORES),
        (replace(PERSON, at=NOW + 2 * BURST), burst(0, 1, 2, 3), Visitor.PERSON),
        (PERSON, [Visit(NOW - NEAR, unseen=True)], Visitor.OPENED_UNSEEN_LINK),
        (PERSON, [Visit(NOW - NEAR - SECOND, unseen=True)], Visitor.PERSON),
        (replace(PERSON, head=True), [], Visitor.ASKED_FOR_HEAD),
    ],
)
def test_who_it_was(visit: Visit, others: list[Visit], expected: Visitor) -> None:
    assert visitor(visit, [visit, *others], NOW - timedelta(hours=1)) is expected


@pytest.mark.parametrize(
    ("after_sending", "expected"),
    [(0, Visitor.CAME_TOO_SOON), (4, Visitor.CAME_TOO_SOON), (5, Visitor.PERSON), (3600, Visitor.PERSON)],
)
def test_nobody_is_that_quick(after_sending: int, expected: Visitor) -> None:
    assert visitor(PERSON, [PERSON], NOW - after_sending * SECOND) is expected


def test_a_visit_is_judged_when_everybody_had_time_to_show() -> None:
    known = dict.fromkeys(burst(0, 1, 2, 3), None)
    assert verdict(known, None, NOW + NEAR).judged == {}
    later = verdict(known, None, NOW + NEAR + timedelta(minutes=1))
    assert set(later.judged.values()) == {Visitor.OPENED_MANY_SCORES}
    assert later.click is None


def test_the_person_s_first_visit_is_the_click_and_no_later_one() -> None:
    after = NOW + timedelta(hours=1)
    again = replace(PERSON, at=NOW + timedelta(minutes=20))
    assert verdict({again: None, PERSON: None}, None, after).click == PERSON
    assert verdict({PERSON: Visitor.PERSON, again: None}, None, after).click is None


@pytest.mark.parametrize(
    ("visits", "answered_after", "expected"),
    [
        (burst(0, 1, 2, 3), timedelta(seconds=10), True),
        (burst(0, 1, 2, 3), timedelta(hours=1), False),
        ([Visit(NOW, unseen=True)], timedelta(seconds=1), True),
        ([Visit(NOW, unseen=True)], -timedelta(seconds=1), False),
        ([Visit(NOW, head=True), PERSON], timedelta(seconds=1), False),
        ([], timedelta(), False),
    ],
)
def test_an_answer_in_the_midst_of_a_scan_is_doubtful(
    visits: list[Visit], answered_after: timedelta, expected: bool
) -> None:
    assert is_doubtful(visits, NOW + answered_after) is expected

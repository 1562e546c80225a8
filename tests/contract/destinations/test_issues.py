"""What only the issue tracker does."""

import time
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.router.destination import Absent, Ambiguous, Delivered, Found, Operation
from services.router.destinations.issues import label
from tests.contract.destinations.world import PLUGINS, Connect, call, content_of, facts


def content(**changes: object) -> dict[str, Any]:
    return content_of(PLUGINS["issues"], {"project": "PROD"}, facts()) | changes


def issues(world: httpx2.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.get("/received/jira").json()["items"]
    return found


def test_answers_about_one_theme_share_an_issue_and_other_themes_have_their_own(
    connect: Connect, world: httpx2.Client
) -> None:
    tracker = connect("issues")
    for theme in ("export", "export", "Export", "pricing"):
        assert isinstance(tracker.deliver(call(Operation.CREATE, content(theme=theme), uuid4())), Delivered)

    assert [(one["summary"], len(one["comments"])) for one in issues(world)] == [
        ("Feedback: export", 3),
        ("Feedback: pricing", 1),
    ]


def test_a_comment_says_group_score_and_masked_words_and_names_nobody(
    connect: Connect, world: httpx2.Client
) -> None:
    about = facts(comment="I am Mirela, call me")
    assert about.response is not None
    masked = about.response.model_copy(update={"masked_comment": "I am [name], call me"})
    sent = content_of(PLUGINS["issues"], {"project": "PROD"}, about.model_copy(update={"response": masked}))

    connect("issues").deliver(call(Operation.CREATE, sent, uuid4()))

    shown = str(issues(world)[0]["comments"][0]["body"])
    assert "Detractor, score 3 (NPS), segment enterprise" in shown
    assert "I am [name], call me" in shown
    assert "Mirela" not in shown


def test_a_withdrawn_answer_leaves_its_issue_and_a_note(connect: Connect, world: httpx2.Client) -> None:
    tracker, effect_id = connect("issues"), uuid4()
    made = tracker.deliver(call(Operation.CREATE, content(quote="too slow"), effect_id))
    assert isinstance(made, Delivered)

    tracker.deliver(call(Operation.RETRACT, content(), effect_id, version=2, external_id=made.external_id))

    ((comment,),) = [one["comments"] for one in issues(world)]
    assert "Withdrawn" in str(comment["body"])
    assert "too slow" not in str(comment["body"])


def hide_the_next_issue(world: httpx2.Client, seconds: float) -> None:
    """As Jira's search does, which is late."""
    fault = {"double": "jira", "kind": "late", "operations": ["issue.create"], "count": 1, "seconds": 0}
    world.post("/faults", json=fault | {"hidden_seconds": seconds}).raise_for_status()


def test_an_answer_is_delivered_once_the_search_shows_its_issue_so_the_next_one_finds_it(
    connect: Connect, world: httpx2.Client
) -> None:
    tracker = connect("issues")
    hide_the_next_issue(world, 1)
    for _ in range(2):
        assert isinstance(tracker.deliver(call(Operation.CREATE, content(), uuid4())), Delivered)

    assert [len(one["comments"]) for one in issues(world)] == [2]


def test_an_issue_that_does_not_show_in_time_leaves_doubt_and_is_used_later(
    connect: Connect, world: httpx2.Client
) -> None:
    tracker = connect("issues")
    asked = call(Operation.CREATE, content(), uuid4(), deadline_seconds=2)
    hide_the_next_issue(world, PLUGINS["issues"].traits.settle_seconds / 2)

    assert tracker.deliver(asked) == Ambiguous("issue_not_listed_yet")
    time.sleep(PLUGINS["issues"].traits.settle_seconds / 2)  # as the ledger does
    assert tracker.reconcile(asked) == Absent()
    assert isinstance(tracker.deliver(asked), Delivered)
    assert [len(one["comments"]) for one in issues(world)] == [1]


@pytest.mark.parametrize(
    ("theme", "expected"),
    [
        ("export", "feedback-export"),
        ("Slow Export!", "feedback-slow-export"),
        ('x" OR project = "SECRET', "feedback-x-or-project-secret"),
        ("\u4ef7\u683c", "feedback-theme"),
    ],
)
def test_a_label_is_one_word_that_no_query_can_be_made_of(theme: str, expected: str) -> None:
    assert label(theme) == expected


def test_of_several_comments_of_one_effect_the_first_stays(connect: Connect, world: httpx2.Client) -> None:
    tracker, effect_id = connect("issues"), uuid4()
    asked = call(Operation.CREATE, content(), effect_id)
    first, second = tracker.deliver(asked), tracker.deliver(asked)
    assert isinstance(first, Delivered)
    assert first != second

    found = tracker.reconcile(asked)

    assert found == Found(str(first.external_id))
    assert len(issues(world)[0]["comments"]) == 1
    assert UUID(issues(world)[0]["comments"][0]["properties"][0]["value"]["effect_id"]) == effect_id

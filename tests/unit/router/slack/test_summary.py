"""The card that stands for many."""

import pytest

from services.router.slack.content import Content
from services.router.slack.summary import summarise
from services.router.storm import Summary


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"detractor": 3, "promoter": 1}, "3 detractors, 1 promoter"),
        ({"negative": 2, "positive": 1}, "2 negative, 1 positive"),
    ],
)
def test_the_summary_counts_in_plain_words(groups: dict[str, int], words: str) -> None:
    told = Summary(account=None, people=4, accounts=["Acme <!here>"], groups=groups)

    summary = summarise(told, Content(channel="cs", text=""))

    assert summary.text == f"🌩️ Many answers: 4 more people in a few minutes. {words}"
    assert [block["text"]["type"] for block in summary.blocks] == ["plain_text"] * 4
    assert summary.blocks[1]["text"]["text"] == words


def test_one_person_is_no_people() -> None:
    told = Summary(account="Acme", people=1, accounts=["Acme"], groups={"detractor": 1})
    assert summarise(told, Content(channel="cs", text="")).text == (
        "🌩️ Many answers: 1 more person at Acme. 1 detractor"
    )

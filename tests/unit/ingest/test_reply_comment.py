from dataclasses import replace
from datetime import timedelta

from services.ingest.reply_comment import commented
from services.ingest.surveys import Answer
from tests.unit.ingest.test_surveys import NOW, STATE

LATER = NOW + timedelta(minutes=5)


def test_words_that_come_by_mail_finish_what_the_page_began() -> None:
    begun = Answer(3, "", 1, NOW, NOW, provisional=True)
    said = commented(replace(STATE, answer=begun), "Too slow", LATER)
    assert said
    assert (said.event.score, said.event.comment, said.event.provisional) == (3, "Too slow", False)


def test_a_scanner_s_score_is_not_the_score_of_whoever_writes() -> None:
    gone = Answer(3, "", 1, NOW, NOW, retracted=True)
    said = commented(replace(STATE, answer=gone), "Too slow", LATER)
    assert said
    assert (said.event.score, said.event.comment, said.event.status) == (None, "Too slow", "answered")
    assert said.event.order.revision > gone.revision

"""A customer's answer to a mail: what waits for it is called off, and the follow-up keeps it."""

from uuid import UUID, uuid4

from runtime.consumer import Delivered
from runtime.messages import Record
from schemas.replies import ReplyReceived
from services.router import follow_up_store, replies
from services.router.follow_up_commands import Claim
from tests.integration.router.test_follow_ups import notices, now_of, opened
from tests.integration.router.test_schedule import SUBJECT, row, scheduled, write
from tests.integration.router.world import EPOCH, World


def take(world: World, subject: str, *, reply_id: UUID, became_comment: bool = False) -> None:
    reply = ReplyReceived(
        reply_id=reply_id,
        subject=subject,
        text="Thank you, it works.",
        became_comment=became_comment,
        received_at=EPOCH,
    )
    record = Record("topic", 0, 0, b"key", b"", (), EPOCH)
    with world.pool.connection() as connection:
        replies.Replies(world.desk, world.clock).take(connection, [Delivered(record, reply)])


def test_a_reply_ends_what_waits_for_one(world: World) -> None:
    write(world, row("card"), scheduled("tips"), scheduled("again", "claim"))
    reply_id = uuid4()
    for _ in range(2):
        take(world, SUBJECT, reply_id=reply_id)
    rows = dict(world.ask("SELECT action, coalesce(ended_by, '') FROM effects"))
    assert rows == {"card": "", "tips": "reply", "again": ""}
    told = world.ask("SELECT count(*) FROM outbox WHERE strpos(convert_from(value, 'UTF8'), 'replied') > 0")
    assert told == [(1,)]


def test_the_follow_up_keeps_the_words_unless_they_are_the_comment(world: World) -> None:
    subject = opened(world)
    take(world, subject, reply_id=uuid4())
    take(world, subject, reply_id=uuid4(), became_comment=True)
    with world.pool.connection() as connection:
        lines = follow_up_store.history(connection, now_of(world, subject).id)
    kept = [(line.what, line.detail) for line in lines if line.what == "replied"]
    assert kept == [("replied", "Thank you, it works.")]


def test_whoever_has_the_follow_up_is_shown_the_customers_words(world: World) -> None:
    subject = opened(world)
    world.desk.apply(subject, Claim("ann"))
    take(world, subject, reply_id=uuid4())

    assert notices(world)[-1] == "ann: The customer answered our mail:\nThank you, it works."


def test_a_reply_to_something_unknown_changes_nothing(world: World) -> None:
    take(world, f"response:{uuid4()}", reply_id=uuid4())
    assert world.ask("SELECT count(*) FROM outbox") == [(0,)]

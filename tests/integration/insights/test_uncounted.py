"""Words without a score, or of an unfinished page, are read although no figure counts them."""

from schemas.scales import Metric
from services.insights import answers
from services.insights.filters import Filter
from tests.integration.insights.site import served, visitor
from tests.integration.insights.world import UTC_ZONE, World, answer_id, answered, hour, profile

ALL = Filter(Metric.NPS, hour(0).date(), hour(24 * 90).date())


def test_what_was_written_is_listed_once_the_newest_first(world: World) -> None:
    world.say(
        profile("fay", 0, internal=True),
        *(answered("ann", 24 * day, None, number=day, comment=f"Word {day}") for day in (3, 1, 2)),
        answered("bob", 24 * 4, 2, comment="Half", provisional=True),
        answered("cyd", 24, None),
        answered("dan", 24, 9, comment="Counted"),
        answered("eve", 24, None, comment="Try", test=True),
        answered("fay", 24, None, comment="Ours"),
        answered("gus", 24, None, comment="Other", metric=Metric.CSAT),
        answered("hal", 24 * 91, None, comment="Later"),
    )
    found, after, pages = [], None, 0
    with world.pool.connection() as connection:
        while pages == 0 or after is not None:
            page = answers.uncounted(connection, ALL, UTC_ZONE, limit=2, after=after)
            found += [one.response_id for one in page.answers]
            after, pages = page.after, pages + 1
    assert found == [answer_id("bob", 1), *(answer_id("ann", day) for day in (3, 2, 1))]


def test_the_inbox_has_them_apart_and_says_why(world: World) -> None:
    world.say(
        answered("ann", 24 * 80, None, comment="No number fits."),
        answered("bob", 24 * 80, 2, comment="Not done yet.", provisional=True),
    )
    with served(world.pool) as address, visitor(address) as client:
        assert "No number fits." not in client.get("/inbox").text
        told = client.get("/inbox?show=uncounted").text
    for words in ("No number fits.", "left the score out", "Not done yet.", "has not finished the page"):
        assert words in told
    assert "None" not in told

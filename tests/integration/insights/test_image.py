"""An image is the same whether it follows, was saved, or is read from the rows."""

from collections.abc import Mapping
from random import Random

from runtime.postgres import Pool
from schemas.profiles import ProfileErased
from services.insights.image import Images, publish_anew, save
from services.insights.rebuild import rebuild
from tests.integration.insights.histories import History
from tests.integration.insights.world import World


def carried(images: Images) -> Mapping[tuple[str, str], Mapping[str, list[int]]]:
    """The places of every value that has any."""
    return {
        key: {value: list(places) for value, places in values.items() if places}
        for key, values in images.newest().places.items()
    }


def test_however_it_comes_about_it_is_the_same(world: World, pool: Pool) -> None:
    said = History(Random(24), 60).said  # noqa: S311 - repeatable, no secret
    following = Images(pool)
    for event in said[: len(said) // 2]:
        world.say(event)
        following.newest()
    with pool.connection() as connection:
        save(connection, following.newest())
    for event in said[len(said) // 2 :]:
        world.say(event)

    followed, from_saved = carried(following), carried(Images(pool))
    with pool.connection() as connection:
        publish_anew(connection)
    read = carried(Images(pool))

    assert sum(len(places) for values in read.values() for places in values.values()) > 100
    assert {key: values for key, values in followed.items() if values} == read
    assert {key: values for key, values in from_saved.items() if values} == read


def test_after_a_rebuild_it_is_there_without_reading_the_rows(world: World, pool: Pool) -> None:
    before = Images(pool)
    said = History(Random(25), 60).said  # noqa: S311 - repeatable, no secret
    world.say(*said[:20])
    before.newest()
    erased_first = sorted(said, key=lambda one: not isinstance(one, ProfileErased))
    with pool.connection() as connection:
        rebuild(connection, erased_first, world.zone)
    with pool.connection() as connection:
        [(saved,)] = connection.execute("SELECT max(batch) FROM images").fetchall()
    from_saved, following = carried(Images(pool)), carried(before)
    assert saved == before.newest().batch
    with pool.connection() as connection:
        publish_anew(connection)
    read = carried(Images(pool))

    assert sum(len(places) for values in read.values() for places in values.values()) > 100
    assert {key: values for key, values in from_saved.items() if values} == read
    assert {key: values for key, values in following.items() if values} == read


def test_one_image_is_saved_and_an_older_one_goes(world: World, pool: Pool) -> None:
    world.say(*History(Random(24), 40).said)  # noqa: S311 - repeatable, no secret
    images = Images(pool)
    for _ in range(2):
        with pool.connection() as connection:
            connection.execute("UPDATE batches SET newest = newest + 1000")
        with pool.connection() as connection:
            save(connection, images.newest())
    with pool.connection() as connection:
        rows = connection.execute("SELECT DISTINCT batch FROM images").fetchall()
    assert rows == [(images.newest().batch,)]

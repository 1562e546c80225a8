"""Which digests are due."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from runtime.yaml_file import ConfigError
from services.insights.digests import DigestEntry, Every, due, load_digests

BERLIN = ZoneInfo("Europe/Berlin")
BOTH = DigestEntry(team="product", every=(Every.DAY, Every.WEEK), to=("slack",))


def told(now: datetime) -> list[tuple[str, date, date]]:
    return [(one.every.value, one.since, one.until) for one in due([BOTH], now, BERLIN)]


def test_yesterday_is_told_from_eight_on_and_last_week_on_mondays() -> None:
    monday = datetime(2026, 5, 4, 5, 59, tzinfo=UTC)
    assert told(monday) == []
    assert told(monday.replace(hour=6, minute=0)) == [
        ("day", date(2026, 5, 3), date(2026, 5, 3)),
        ("week", date(2026, 4, 27), date(2026, 5, 3)),
    ]
    assert told(monday.replace(day=6, hour=21)) == [
        ("day", date(2026, 5, 5), date(2026, 5, 5)),
        ("week", date(2026, 4, 27), date(2026, 5, 3)),
    ]
    assert told(monday.replace(day=7, hour=21)) == [("day", date(2026, 5, 6), date(2026, 5, 6))]


def test_the_same_digest_has_the_same_id_whoever_works_it_out() -> None:
    monday = datetime(2026, 5, 4, 7, tzinfo=UTC)
    ids = {
        one.delivery_id("slack") for hour in (7, 20) for one in due([BOTH], monday.replace(hour=hour), BERLIN)
    }
    assert len(ids) == 2


def test_the_examples_of_the_shipped_file_can_be_used_and_a_wrong_file_is_refused(tmp_path: Path) -> None:
    shipped = Path("deploy/config/digests.yaml")
    assert load_digests(shipped) == ()
    examples = [line[1:] for line in shipped.read_text().splitlines() if line.startswith("#   ")]
    file = tmp_path / "digests.yaml"
    file.write_text("\n".join(["digests:", *examples]))
    assert [one.team for one in load_digests(file)] == ["product", "customer_success"]
    file.write_text("digests:\n  - team: product\n    every: [hour]\n    to: [slack]\n")
    with pytest.raises(ConfigError, match=r"digests\.yaml:3"):
        load_digests(file)
    file.write_text("digests:\n" + "  - { team: product, every: [day], to: [slack] }\n" * 2)
    with pytest.raises(ConfigError, match="one entry a team, found several of product"):
        load_digests(file)

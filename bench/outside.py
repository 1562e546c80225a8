"""What reached the doubles: how often each answer's mark is in what they hold, and where it should not be."""

import json
from collections import Counter
from collections.abc import Iterable
from re import Pattern

import httpx2

_PAGE = 2_000
_ANSWER_SECONDS = 60


def marks(url: str, mark: Pattern[str], double: str, **filters: str) -> Counter[str]:
    """How often each mark is in what a double of the sandbox at `url` received."""
    found: Counter[str] = Counter()
    with httpx2.Client(base_url=url, timeout=_ANSWER_SECONDS) as client:
        offset = 0
        while True:
            page = client.get(
                f"/received/{double}", params={"limit": _PAGE, "offset": offset, **filters}
            ).json()
            for item in page["items"]:
                found.update(set(mark.findall(json.dumps(item))))
            offset += len(page["items"])
            if offset >= page["total"]:
                return found


def difference(found: Counter[str], expected: Iterable[str]) -> dict[str, int]:
    """Marks that are not there exactly once, or should not be there, and how often they are."""
    wanted = set(expected)
    return {one: found[one] for one in found.keys() | wanted if found[one] != (one in wanted)}

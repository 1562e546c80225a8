"""New records for many effects in a few calls; none of the effects hinders another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar
from uuid import UUID

from simple_salesforce.exceptions import SalesforceError

from runtime.salesforce import TooManyCallsError
from services.router.destination import Call, Delivered, JsonObject, Result, Skipped
from services.router.salesforce.contents import Person
from services.router.salesforce.errors import verdict
from services.router.salesforce.matching import Match
from services.router.salesforce.org import Org
from services.router.salesforce.org_map import EFFECT_ID

P = TypeVar("P", bound=Person)
T = TypeVar("T")

Results = dict[UUID, Result]
"""What became of effects, by their ids."""


@dataclass(frozen=True, slots=True)
class Making(Generic[P]):
    """An effect whose record is to be made, and who in the org it is about."""

    call: Call
    content: P
    match: Match


def guarded(act: Callable[[], T]) -> T | Result:
    """What a step for one effect gives, or what its failure means for that effect."""
    try:
        return act()
    except (SalesforceError, TooManyCallsError, OSError) as error:
        return verdict(error)


def matched(org: Org, calls: Sequence[tuple[Call, P]]) -> tuple[list[Making[P]], Results]:
    """Whom these effects are about; those that can have no record have their results already."""
    makings: list[Making[P]] = []
    results: Results = {}
    matches = org.matches([content for _, content in calls])
    for (call, content), match in zip(calls, matches, strict=True):
        found = guarded(partial(org.made, content, match))
        if not isinstance(found, Match):
            results[call.effect_id] = found
        elif found.contact_id is None and content.unmatched == "skip":
            reason = "several contacts match" if found.candidates else "no contact matches"
            results[call.effect_id] = Skipped(reason)
        else:
            makings.append(Making(call, content, found))
    return makings, results


def written(
    org: Org,
    kind: str,
    rows: Sequence[tuple[Making[P], JsonObject]],
    headers: Mapping[str, str] | None = None,
) -> Results:
    """Write records, each under its effect's id."""
    if not rows:
        return {}
    records = [{EFFECT_ID: str(one.call.effect_id), **fields} for one, fields in rows]
    answer = guarded(lambda: org.upsert_all(kind, EFFECT_ID, records, headers))
    if not isinstance(answer, list):
        return {one.call.effect_id: answer for one, _ in rows}
    return {
        one.call.effect_id: row.refusal or Delivered(row.record_id, review=one.match.candidates)
        for (one, _), row in zip(rows, answer, strict=True)
    }

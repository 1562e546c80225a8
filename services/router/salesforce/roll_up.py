"""What a Contact or an Account shows of the latest answer. Pure."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.router.destination import JsonObject
from services.router.salesforce.contents import Earlier, ResponseContent
from services.router.salesforce.org_map import Fields, OrgMap, cleared, field_of, shown


class Fate(StrEnum):
    """What has become of an answer."""

    STANDS = "stands"
    WITHDRAWN = "withdrawn"
    """The one before it counts again."""
    FORGOTTEN = "forgotten"
    """With all others of the person."""


def rolled_up(
    content: ResponseContent, fields: Fields, row: Mapping[str, Any], org: OrgMap, *, fate: Fate
) -> JsonObject:
    """The fields to write on the record `row`; none where it shows a later answer already.

    An answer that does not stand gives way, if it is the one that is shown.
    """
    shows = field_of(fields, "response.responded_at")
    shown_at = _moment(row.get(shows)) if shows else None
    if fate is not Fate.STANDS:
        earlier = content.earlier if fate is Fate.WITHDRAWN else None
        is_shown = shown_at == _as_kept(content.responded_at)
        return _before(content, earlier, fields, org) if is_shown else {}
    if shown_at is not None and shown_at > _as_kept(content.responded_at):
        return {}
    return shown(fields, content.facts, org)


def _before(content: ResponseContent, earlier: Earlier | None, fields: Fields, org: OrgMap) -> JsonObject:
    gone = cleared(fields, "response")
    if earlier is None:
        return gone
    known = content.facts.get("response")
    metric = known.get("metric") if isinstance(known, dict) else None
    return gone | shown(fields, {"response": {"metric": metric, **earlier.model_dump(mode="json")}}, org)


def _moment(value: object) -> datetime | None:
    return _as_kept(datetime.fromisoformat(value)) if isinstance(value, str) else None


def _as_kept(moment: datetime) -> datetime:
    """Salesforce keeps whole seconds."""
    return moment.replace(microsecond=0)

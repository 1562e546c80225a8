"""What a Contact or an Account shows of the latest answer. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.router.destination import JsonObject
from services.router.salesforce.contents import ResponseContent
from services.router.salesforce.org_map import Fields, OrgMap, cleared, field_of, shown


def rolled_up(
    content: ResponseContent, fields: Fields, row: Mapping[str, Any], org: OrgMap, *, withdrawn: bool
) -> JsonObject | None:
    """The fields to write on the record `row`; None where it shows a later answer already.

    A withdrawn answer gives way to the one before, if it is the one that is shown.
    """
    shows = field_of(fields, "response.responded_at")
    shown_at = _moment(row.get(shows)) if shows else None
    if withdrawn:
        return _before(content, fields, org) if shown_at == _as_kept(content.responded_at) else None
    if shown_at is not None and shown_at > _as_kept(content.responded_at):
        return None
    return shown(fields, content.facts, org) or None


def _before(content: ResponseContent, fields: Fields, org: OrgMap) -> JsonObject:
    gone = cleared(fields, "response")
    if content.earlier is None:
        return gone
    known = content.facts.get("response")
    metric = known.get("metric") if isinstance(known, dict) else None
    return gone | shown(
        fields, {"response": {"metric": metric, **content.earlier.model_dump(mode="json")}}, org
    )


def _moment(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _as_kept(moment: datetime) -> datetime:
    """Salesforce keeps whole seconds."""
    return moment.replace(microsecond=0)

"""What people do in the org by hand: the other half of a synchronisation, for tests and the demo."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from sandbox.salesforce_checks import SalesforceError
from sandbox.salesforce_objects import OBJECTS, ObjectType, object_named
from sandbox.salesforce_records import Record, Records


class Edit(BaseModel):
    """A record made or changed by one of the org's users."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(description="E-mail address of the user.")
    values: dict[str, Any] = Field(description="Fields by API name, as in the REST API.")


def routes(records: Records) -> APIRouter:
    """Serve `/salesforce-records/...`."""
    router = APIRouter(prefix="/salesforce-records")

    @router.post("/{name}", status_code=201)
    async def create(name: str, edit: Edit) -> dict[str, Any]:
        kind, user = _kind(name), _user(records, edit.by)
        try:
            return records.create(kind, edit.values, by=user).values
        except SalesforceError as error:
            raise HTTPException(422, f"{error.code}: {error.message}") from None

    @router.patch("/{name}/{record_id}")
    async def update(name: str, record_id: str, edit: Edit) -> dict[str, Any]:
        record, user = _record(records, name, record_id), _user(records, edit.by)
        try:
            records.update(record, edit.values, by=user)
        except SalesforceError as error:
            raise HTTPException(422, f"{error.code}: {error.message}") from None
        return record.values

    @router.delete("/{name}/{record_id}", status_code=204)
    async def delete(name: str, record_id: str, by: str) -> None:
        records.delete(_record(records, name, record_id), by=_user(records, by))

    @router.post("/{name}/{record_id}/merge/{loser_id}", status_code=204)
    async def merge(name: str, record_id: str, loser_id: str, by: str) -> None:
        master, loser = _record(records, name, record_id), _record(records, name, loser_id)
        if "MasterRecordId" not in master.kind.fields:
            raise HTTPException(422, f"{name} records cannot be merged.")
        records.merge(master, loser, by=_user(records, by))

    return router


def _kind(name: str) -> ObjectType:
    kind = object_named(name)
    if kind is None:
        raise HTTPException(404, f"There is no object {name}.")
    return kind


def _record(records: Records, name: str, record_id: str) -> Record:
    record = records.get(_kind(name), record_id)
    if record is None:
        raise HTTPException(404, f"There is no {name} {record_id}.")
    return record


def _user(records: Records, email: str) -> str:
    for user in records.of(OBJECTS["User"]).values():
        if user.values["Email"] == email:
            return user.record_id
    raise HTTPException(404, f"No user has the address {email}.")

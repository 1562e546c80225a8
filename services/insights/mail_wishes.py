"""Who does not want to be told what was done, as their profile says it: no mail at all, or none of these."""

from collections.abc import Collection
from typing import Any

from psycopg import Connection

from schemas.delivery_requests import DeliveryKind
from schemas.profiles import ProfileChanged

_PUT_SQL = """
INSERT INTO mail_wishes SELECT * FROM unnest(%b::text[], %b::boolean[])
ON CONFLICT (person) DO UPDATE SET refuses = excluded.refuses
"""
_FORGET_SQL = "DELETE FROM mail_wishes WHERE person = ANY(%b)"


def put(connection: Connection[Any], profiles: Collection[ProfileChanged]) -> None:
    """Takes over what profiles say that are the newest of their people."""
    if profiles:
        refused = [profile.opted_out_of(DeliveryKind.YOU_SAID_WE_DID) for profile in profiles]
        connection.execute(_PUT_SQL, ([profile.person_key for profile in profiles], refused))


def forget(connection: Connection[Any], persons: Collection[str]) -> None:
    """Of people who were forgotten it is not known any more."""
    if persons:
        connection.execute(_FORGET_SQL, (sorted(persons),))

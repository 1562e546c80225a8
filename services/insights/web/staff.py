"""Who looks at the pages, and what they may. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

LONGEST_SESSION = timedelta(hours=10)
"""A working day: after it the sign-in is asked again, whatever was clicked meanwhile."""


class Role(IntEnum):
    """What somebody may; each also what those before may."""

    VIEWER = 1
    """Read every page."""
    AGENT = 2
    """Answer customers, claim follow-ups, correct themes."""
    ADMIN = 3
    """Approve what goes to many people."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody of the company. The id is the sign-in service's; the name is only ever shown to themselves."""

    id: str
    name: str
    role: Role
    email: str | None = None
    """By which people.yaml knows them; None: the sign-in service does not tell it, or did not check it."""

    def may(self, least: Role) -> bool:
        """Whether they have that role or one above it."""
        return self.role >= least


def role_of(claims: Mapping[str, Any], *, claim: str, prefix: str) -> Role | None:
    """The highest role that the sign-in service's claim names, as prefix and role: `feedback-agent`.

    The claim is a list or one text with spaces between; None where it names no role of ours.
    """
    told = claims.get(claim)
    values = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
    names = {f"{prefix}{role.name.lower()}": role for role in Role}
    return max((names[value] for value in values if isinstance(value, str) and value in names), default=None)


def email_of(claims: Mapping[str, Any]) -> str | None:
    """The address that the sign-in service vouches for; one that it says it did not check is none."""
    told = claims.get("email")
    return told if isinstance(told, str) and told and claims.get("email_verified", True) is True else None


def to_session(staff: Staff, now: datetime) -> dict[str, Any]:
    """What the cookie says of somebody who signs in now."""
    return {
        "id": staff.id,
        "name": staff.name,
        "role": staff.role.name.lower(),
        "email": staff.email,
        "until": int((now + LONGEST_SESSION).timestamp()),
    }


def from_session(session: Mapping[str, Any], now: datetime) -> Staff | None:
    """Who signed in; None where nobody did, or too long ago. The cookie is signed: it says what we wrote."""
    if "until" not in session or now.timestamp() >= session["until"]:
        return None
    return Staff(session["id"], session["name"], Role[session["role"].upper()], session.get("email"))

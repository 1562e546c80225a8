"""Whose customer it is. Pure."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from services.router.facts import AccountFacts, OwnerFacts
from services.router.people import People, Person


def account_emails(account: AccountFacts | None) -> tuple[str | None, ...]:
    """Whom an account names, the first to ask first."""
    return (account.csm_email, account.owner_email) if account else ()


def owner_of(
    person_key: str, emails: Iterable[str | None], *, team: str | None, people: People, now: datetime
) -> OwnerFacts | None:
    """The colleague who looks after a customer, None where nobody is found.

    `emails` are those the account names, the customer success manager's before the account owner's. The first
    of them who is not away is taken, also one who is not in people.yaml; else one of the team's members who
    are not away, always the same one for the same person; else the team's default.
    """
    for email in emails:
        if email:
            colleague = people.by_email(email)
            if colleague is None:
                return OwnerFacts(email=email)
            if not colleague.is_away(now):
                return _facts(colleague)
    if team is None:
        return None
    there = [member for member in people.members(team) if not member.is_away(now)]
    if there:
        # Whoever leaves or is away hands over their own customers, and nobody else's change hands.
        return _facts(max(there, key=lambda member: _weight(person_key, member)))
    led = people.teams.get(team)
    default = people.person(led.default) if led else None
    return _facts(default) if default else None


def _weight(person_key: str, member: Person) -> bytes:
    """Rendezvous hashing: each pair has a weight of its own, and the highest wins."""
    return sha256(f"{person_key}\x1f{member.id}".encode()).digest()


def _facts(colleague: Person) -> OwnerFacts:
    return OwnerFacts(id=colleague.id, name=colleague.name, email=colleague.email)

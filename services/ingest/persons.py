"""Which keys are one person: statements about identifiers, folded into one full state a person. Pure.

A person goes by the strongest identifier known of them, of equally strong ones by the least key, whatever
order the statements come in. All other keys name that one in their last record.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from schemas.profiles import ProfileChanged
from services.ingest.field_owners import MaySet, may_set
from services.ingest.identity import customer_key, email_key, visitor_key
from services.ingest.inputs import IdentifierInput, ProfileInput
from services.ingest.profiles import folded, profile_after


class Strength(IntEnum):
    """What kind of identifier a key was made of; the least is the strongest."""

    CUSTOMER = 0
    EMAIL = 1
    VISITOR = 2
    UNKNOWN = 3
    """Somebody else's event named the key alone."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A key and how strong it is."""

    key: str
    strength: Strength


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a key; `state` None: nothing yet."""

    strength: Strength
    state: ProfileChanged | None = None

    @property
    def merged_into(self) -> str | None:
        """The key that stands for this one."""
        return self.state.merged_into if self.state else None


@dataclass(frozen=True, slots=True)
class Statement:
    """Somebody says who a person is.

    `same` are keys of the same person for certain. The e-mail address is one unless it belongs to another
    customer already: two customers may share an address and stay two. `body` None: nothing else is said.
    """

    customer_id: str | None
    who: Identifier
    body: ProfileInput | None
    same: tuple[Identifier, ...] = ()
    email: Identifier | None = None
    from_salesforce: bool = False

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        """Every key it speaks of."""
        return (self.who, *self.same, *((self.email,) if self.email else ()))


def statement(body: ProfileInput, customer_id: str, secret: bytes) -> Statement:
    """What a body says of the person with this id."""
    return Statement(
        customer_id=customer_id,
        who=Identifier(customer_key(secret, customer_id), Strength.CUSTOMER),
        body=body,
        same=tuple(_identifier(one, secret) for one in body.same_as),
        email=Identifier(email_key(secret, body.email), Strength.EMAIL) if body.email else None,
    )


def contact_statement(body: ProfileInput, customer_id: str | None, secret: bytes) -> Statement | None:
    """What Salesforce says of a contact; None where it tells neither your id nor an address."""
    if customer_id is not None:
        return replace(statement(body, customer_id, secret), from_salesforce=True)
    who = contact_identifier(None, body.email, secret)
    return Statement(customer_id=None, who=who, body=body, from_salesforce=True) if who else None


def contact_identifier(customer_id: str | None, email: str | None, secret: bytes) -> Identifier | None:
    """What a contact goes by: your id, else the address; None where it has neither."""
    if customer_id is not None:
        return Identifier(customer_key(secret, customer_id), Strength.CUSTOMER)
    return Identifier(email_key(secret, email), Strength.EMAIL) if email is not None else None


class People:
    """Keys and what is known of them, as far as a batch of statements needs it.

    `owned` are the fields that Salesforce sets of the people behind the keys `theirs`.
    """

    def __init__(
        self,
        known: Mapping[str, Known],
        owned: frozenset[str] = frozenset(),
        theirs: Iterable[str] = (),
    ) -> None:
        self._known = dict(known)
        self._before = dict(known)
        self._owned = owned
        self._theirs = set(theirs)

    def state(self, statement: Statement, now: datetime) -> ProfileChanged:
        """Takes a statement in; the person's full state after it."""
        for identifier in statement.identifiers:
            self._meet(identifier)
        own = self._winner(statement.who.key)
        keys = {own, *(self._winner(one.key) for one in statement.same)}
        aliases = {one.key for one in (statement.who, *statement.same)}
        if statement.email and self._is_free(statement.email, keys):
            keys.add(self._winner(statement.email.key))
            aliases.add(statement.email.key)
        winner = min(keys, key=lambda key: (self._known[key].strength, key))
        state = self._merged(winner, sorted(keys - {winner}), now)
        stated = profile_after(
            statement.body or ProfileInput(),
            key=winner,
            customer_id=statement.customer_id,
            known=state,
            aliases=aliases - {winner},
            now=now,
            allowed=self._allowed(statement, {winner, *aliases, *(state.merged_from if state else ())}),
        )
        if statement.from_salesforce:
            self._theirs.add(statement.who.key)
        self._put(stated)
        for alias in sorted(aliases - {winner}):
            self._point(alias, winner, now)
        return stated

    def _allowed(self, statement: Statement, keys: set[str]) -> MaySet | None:
        if statement.body is None:
            return lambda _field: False
        return may_set(
            self._owned,
            from_salesforce=statement.from_salesforce,
            is_theirs=not self._theirs.isdisjoint(keys),
        )

    def changed(self) -> list[ProfileChanged]:
        """The states that are not what they were, by key."""
        return [
            known.state
            for key, known in sorted(self._known.items())
            if known.state is not None and known != self._before.get(key)
        ]

    def strengths(self) -> dict[str, Strength]:
        """How strong each key is, as it is known now."""
        return {key: known.strength for key, known in self._known.items()}

    def _meet(self, identifier: Identifier) -> None:
        known = self._known.get(identifier.key, Known(identifier.strength))
        strength = min(known.strength, identifier.strength)
        self._known[identifier.key] = Known(strength, known.state)

    def _winner(self, key: str) -> str:
        into = self._known[key].merged_into
        return key if into is None else into

    def _is_free(self, email: Identifier, keys: Iterable[str]) -> bool:
        holder = self._winner(email.key)
        return holder in keys or self._known[holder].strength is not Strength.CUSTOMER

    def _merged(self, winner: str, losers: Iterable[str], now: datetime) -> ProfileChanged | None:
        state = self._known[winner].state
        for loser in losers:
            lost = self._known[loser].state
            if lost is not None:
                state = folded(state, lost, key=winner, now=now)
                for earlier in lost.merged_from:
                    self._point(earlier, winner, now)
            self._point(loser, winner, now)
        return state

    def _point(self, key: str, winner: str, now: datetime) -> None:
        known = self._known.get(key, Known(Strength.UNKNOWN))
        if known.merged_into == winner:
            return
        version = known.state.version + 1 if known.state else 1
        self._put(ProfileChanged(person_key=key, version=version, changed_at=now, merged_into=winner))

    def _put(self, state: ProfileChanged) -> None:
        known = self._known.get(state.person_key, Known(Strength.UNKNOWN))
        self._known[state.person_key] = Known(known.strength, state)


def _identifier(given: IdentifierInput, secret: bytes) -> Identifier:
    if given.customer_id:
        return Identifier(customer_key(secret, given.customer_id), Strength.CUSTOMER)
    if given.email:
        return Identifier(email_key(secret, given.email), Strength.EMAIL)
    return Identifier(visitor_key(secret, given.visitor_id or ""), Strength.VISITOR)

"""people.yaml: the colleagues who follow up, what they are called elsewhere, and when they work."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    model_validator,
)

from runtime.business_hours import Calendar
from runtime.working_hours import OFFICE_HOURS, Country, TimeZone, WorkingHours
from runtime.yaml_file import Location, load_yaml
from services.router.follow_up import FollowUp, FollowUpView, Target

_SALESFORCE_ID_CHARACTERS = 15


Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", to_lower=True, max_length=254)]
SalesforceUser = Annotated[str, StringConstraints(pattern=r"^005[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Absence(_Entry):
    """Days away, the first and the last included."""

    from_: date = Field(alias="from")
    until: date

    @model_validator(mode="after")
    def _in_order(self) -> "Absence":
        if self.until < self.from_:
            raise ValueError("ends before it begins")
        return self


class _Working(_Entry):
    name: str = Field(min_length=1, max_length=100)
    time_zone: TimeZone = "UTC"
    """IANA name."""
    holidays: Country | None = None
    """Whose public holidays are days off: a country's ISO code, also with a part of it such as DE-BY."""
    working_hours: WorkingHours = OFFICE_HOURS

    @cached_property
    def calendar(self) -> Calendar:
        """When they work."""
        return Calendar(self.time_zone, self.working_hours.week, self.holidays)


class Person(_Working):
    """A colleague."""

    id: Id
    email: Email
    slack_user: Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,20}$")] | None = None
    """Id of the Slack user, such as U012AB3CD; without it the e-mail address is looked up."""
    salesforce_user: SalesforceUser | None = None
    """Id of the Salesforce user."""
    booking_url: HttpUrl | None = None
    """Page on which customers book a call with them."""
    teams: tuple[Id, ...] = ()
    manager: Id | None = None
    """Who is told when a target was missed."""
    out_of_office: tuple[Absence, ...] = ()

    def is_away(self, at: datetime) -> bool:
        """Whether it is one of their days away, where they are."""
        day = at.astimezone(ZoneInfo(self.time_zone)).date()
        return any(absence.from_ <= day <= absence.until for absence in self.out_of_office)


class Team(_Working):
    """Who is responsible together; its calendar counts where nobody owns a follow-up yet."""

    default: Id | None = None
    """Whose it is when no member can be found; nobody: it waits to be claimed."""
    manager: Id | None = None
    """Who is told of a missed target where the owner has no manager."""
    slack_channel: Annotated[str, StringConstraints(pattern=r"^#?[\w.-]{1,80}$")] | None = None
    """Where the card of an answer that is handed over to the team is shown as well."""


class PeopleFile(_Entry):
    """The whole file."""

    teams: Mapping[Id, Team] = Field(min_length=1)
    people: tuple[Person, ...] = ()


_NOBODYS = Calendar("UTC", OFFICE_HOURS.week)


@dataclass(frozen=True)
class People:
    """Everybody the file knows."""

    teams: Mapping[str, Team] = field(default_factory=dict)
    persons: Mapping[str, Person] = field(default_factory=dict)

    def person(self, id_: str | None) -> Person | None:
        """The colleague with this id."""
        return self.persons.get(id_) if id_ is not None else None

    def by_email(self, email: str | None) -> Person | None:
        """The colleague with this address, however it is written."""
        return next((one for one in self.persons.values() if email and one.email == email.lower()), None)

    def by_slack_user(self, user: str) -> Person | None:
        """The colleague with this Slack user."""
        return next((one for one in self.persons.values() if one.slack_user == user), None)

    def by_salesforce_user(self, user: str) -> Person | None:
        """The colleague with this Salesforce user; ids have 15 characters, or 3 more that say nothing new."""
        short = user[:_SALESFORCE_ID_CHARACTERS]
        return next(
            (
                one
                for one in self.persons.values()
                if one.salesforce_user and one.salesforce_user.startswith(short)
            ),
            None,
        )

    def members(self, team: str) -> tuple[Person, ...]:
        """The team's members in the order of the file."""
        return tuple(person for person in self.persons.values() if team in person.teams)

    def teams_of(self, person: Person) -> tuple[str, ...]:
        """The teams somebody works in or manages."""
        return tuple(
            id_ for id_, team in self.teams.items() if id_ in person.teams or team.manager == person.id
        )

    def calendar(self, owner_id: str | None, team: str) -> Calendar:
        """The owner's, else the team's, else office hours in UTC."""
        somebody = self.person(owner_id) or self.teams.get(team)
        return somebody.calendar if somebody else _NOBODYS

    def manager(self, owner_id: str | None, team: str, now: datetime) -> Person | None:
        """Who is told of what the owner missed: their manager, else the team's.

        One who is away is passed over for whoever stands above them; where all of them are away, it is the
        first.
        """
        owner, of_team = self.person(owner_id), self.teams.get(team)
        above = [*self._above(owner), self.person(of_team.manager if of_team else None)]
        told = [person for person in above if person is not None]
        return next((person for person in told if not person.is_away(now)), next(iter(told), None))

    def _above(self, person: Person | None) -> Iterator[Person]:
        """Their manager, the manager's manager, and so on; whoever manages in a circle is named once."""
        seen: set[str] = set()
        while person is not None and person.id not in seen:
            seen.add(person.id)
            person = self.person(person.manager)
            if person is not None and person.id not in seen:
                yield person


def load_people(path: Path) -> People:
    """Read and check people.yaml.

    Raises runtime.yaml_file.ConfigError with file, line and what was expected.
    """
    return people_of(load_yaml(path, PeopleFile, _wrong))


def people_of(file: PeopleFile) -> People:
    """Everybody in the file, by id."""
    return People(file.teams, {person.id: person for person in file.people})


def _wrong(file: PeopleFile) -> Iterator[tuple[Location, str]]:
    ids = {person.id for person in file.people}
    for id_, entry in file.teams.items():
        for name, named in (("default", entry.default), ("manager", entry.manager)):
            if named is not None and named not in ids:
                yield ("teams", id_, name), f"there is no person with the id {named!r}"
    for unique in ("id", "email", "slack_user", "salesforce_user"):
        yield from _repeated(file, unique)
    for place, person in enumerate(file.people):
        if person.manager is not None and person.manager not in ids:
            yield ("people", place, "manager"), f"there is no person with the id {person.manager!r}"
        for team in person.teams:
            if team not in file.teams:
                yield ("people", place, "teams"), f"there is no team called {team!r}"


def _repeated(file: PeopleFile, name: str) -> Iterator[tuple[Location, str]]:
    seen: set[str] = set()
    for place, person in enumerate(file.people):
        value = getattr(person, name)
        if value in seen:
            yield ("people", place, name), f"{value!r} is given twice"
        if value is not None:
            seen.add(value)


def view_of(follow_up: FollowUp, people: People) -> FollowUpView:
    """What a destination may show of it, the owner by name; an owner the file no longer knows, by id."""
    owner = people.person(follow_up.owner_id)
    return FollowUpView(
        id=follow_up.id,
        subject=follow_up.subject,
        state=follow_up.state,
        owner_id=follow_up.owner_id,
        owner_name=owner.name if owner else follow_up.owner_id,
        owner_email=owner.email if owner else None,
        owner_slack_user=owner.slack_user if owner else None,
        owner_salesforce_user=owner.salesforce_user if owner else None,
        owner_booking_url=str(owner.booking_url) if owner and owner.booking_url else None,
        team=follow_up.team,
        first_contact_due_at=follow_up.due_at(Target.CONTACT),
        resolve_due_at=follow_up.due_at(Target.RESOLVE),
        contact_breached=follow_up.contact_breached_at is not None,
        resolve_breached=follow_up.resolve_breached_at is not None,
        contacted_at=follow_up.contacted_at,
        contacted_how=follow_up.contacted_how,
        snoozed_until=follow_up.snoozed_until,
        resolution=follow_up.resolution,
        root_cause=follow_up.root_cause,
        closed_because=follow_up.closed_because,
        resolved_at=follow_up.resolved_at,
        reopened_at=follow_up.reopened_at,
        version=follow_up.version,
    )

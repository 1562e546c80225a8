"""Who does something over the HTTP API: somebody of people.yaml, by id or by address."""

from runtime.problems import FieldProblem, Problem
from services.router.people import People, Person


def known_actor(people: People, named: str, *, field: str = "/actor") -> Person:
    """The colleague whom a field of the request names. Raises Problem where nobody is known by this."""
    found = people.person(named) or people.by_email(named)
    if found is None:
        expected = f"the id or the address of somebody in people.yaml, not {named!r}"
        raise Problem(422, "Nobody has this id or this address.", errors=[FieldProblem(field, expected)])
    return found


def known_team(people: People, named: str, *, field: str = "/team") -> str:
    """The team's id. Raises Problem where there is no such team."""
    if named not in people.teams:
        expected = f"one of {', '.join(people.teams)}"
        raise Problem(422, "There is no team with this id.", errors=[FieldProblem(field, expected)])
    return named

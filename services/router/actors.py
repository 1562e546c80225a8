"""Who does something over the HTTP API: somebody of people.yaml, by id or by address."""

from runtime.problems import FieldProblem, Problem
from services.router.people import People, Person


def known_actor(people: People, actor: str) -> Person:
    """The colleague. Raises Problem where nobody is known by this."""
    found = people.person(actor) or people.by_email(actor)
    if found is None:
        expected = f"the id or the address of somebody in people.yaml, not {actor!r}"
        raise Problem(422, "Nobody has this id or this address.", errors=[FieldProblem("/actor", expected)])
    return found

"""`feedback rules send-test`: one filled card or mail of a rule, to yourself, outside the ledger."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from cli.terminal import ME
from services.router.destination import Call, Delivered, Destination, Operation, Result
from services.router.destination_settings import Configured
from services.router.facts import Facts
from services.router.people import People, Person
from services.router.plan import Playbook
from services.router.rules import Action, Rule

DEADLINE_SECONDS = 20.0


class NobodyError(ValueError):
    """The person named is not in people.yaml."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one action: `result` None where `reason` says why nothing was sent."""

    action: str
    destination: str
    result: Result | None
    reason: str | None = None

    @property
    def arrived(self) -> bool:
        """Whether the destination took it."""
        return isinstance(self.result, Delivered)


def recipient(written: str, people: People) -> Person:
    """The colleague meant by `me`, an id or an e-mail address; raises NobodyError."""
    name = os.environ.get(ME, "") if written == "me" else written
    found = people.person(name) or people.by_email(name)
    if found is None:
        hint = f" Say who you are in {ME}." if written == "me" else ""
        raise NobodyError(
            f"{name or 'nobody'!r} is neither an id nor an e-mail address of people.yaml.{hint}"
        )
    return found


def send(
    rule: Rule, facts: Facts, playbook: Playbook, configured: Mapping[str, Configured], to: Person
) -> Iterator[Sent]:
    """Fill each action of the rule with the facts and send it to this colleague alone."""
    score = facts.response.score if facts.response else None
    for action in rule.asked(holds=True, score=score):
        yield _sent(action, facts, playbook, configured, to)


def _sent(
    action: Action, facts: Facts, playbook: Playbook, configured: Mapping[str, Configured], to: Person
) -> Sent:
    plugin = playbook.plugins[action.destination]
    if plugin.redirect is None:
        return Sent(action.id, action.destination, None, "makes records, and sends nothing to a person")
    content = plugin.render(action.settings, facts, playbook.templates)
    if content is None:
        return Sent(action.id, action.destination, None, "these facts leave nothing to send")
    connected = plugin.connect(configured[action.destination].settings())
    if isinstance(connected, str):
        return Sent(action.id, action.destination, None, connected)
    return Sent(action.id, action.destination, _delivered(connected, plugin.redirect(content, to)))


def _delivered(destination: Destination, content: BaseModel) -> Result:
    dumped: dict[str, Any] = content.model_dump(mode="json")
    try:
        return destination.deliver(
            Call(
                effect_id=uuid4(),
                operation=Operation.CREATE,
                version=1,
                external_id=None,
                content=dumped,
                deadline_seconds=DEADLINE_SECONDS,
            )
        )
    finally:
        destination.close()

"""What every test of a destination needs: facts, content, calls."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from services.router.destination import Call, Destination, Operation
from services.router.facts import AccountFacts, Facts, ProfileFacts, ResponseFacts
from services.router.plugins import AnyPlugin, discover, named
from services.router.templates import Templates

PLUGINS = {
    plugin.name: plugin
    for plugin in (named(kind, "crm") if kind.is_named else kind for kind in discover().values())
}
"""Every kind of destination; one of those that have names is called crm."""

Connect = Callable[[str], Destination]


def facts(score: int = 3, comment: str | None = "The export has been broken for a week.") -> Facts:
    """A detractor with a profile and an account; the doubles know the CSM."""
    return Facts(
        response=ResponseFacts.model_validate(
            {
                "id": uuid4(),
                "revision": 1,
                "source": "hosted",
                "metric": "nps",
                "score": score,
                "group": "detractor",
                "comment": comment,
                "themes": ["export"],
                "responded_at": "2026-11-20T09:30:00Z",
                "received_at": "2026-11-20T09:30:01Z",
            }
        ),
        profile=ProfileFacts(
            key="k1", customer_id="c-1", name="Mirela Petrova", email="mirela@customer.test"
        ),
        account=AccountFacts(
            id="a-1", name="Globex", csm_email="maya.lindqvist@acme.test", segment="enterprise"
        ),
    )


def content_of(plugin: AnyPlugin, action: dict[str, Any], about: Facts) -> dict[str, Any]:
    """What the plug-in would send, as the ledger stores it."""
    content = plugin.render(plugin.action(**action), about, Templates(Path("deploy/config/templates")))
    assert content is not None
    dumped: dict[str, Any] = content.model_dump(mode="json")
    return dumped


def call(
    operation: Operation,
    content: dict[str, Any],
    effect_id: UUID,
    *,
    version: int = 1,
    external_id: str | None = None,
    deadline_seconds: float = 5.0,
) -> Call:
    return Call(effect_id, operation, version, external_id, content, deadline_seconds)

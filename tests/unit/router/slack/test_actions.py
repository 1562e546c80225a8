"""Where a card goes, and to whom."""

from pathlib import Path
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.router.facts import AccountFacts, Facts, OwnerFacts, ProfileFacts, ResponseFacts
from services.router.slack.actions import Action, render
from services.router.templates import Templates

TEMPLATES = Templates(Path("deploy/config/templates"))
MAYA = OwnerFacts(id="maya", name="Maya", email="maya@us.test")


def facts(owner: OwnerFacts | None = None, csm_email: str | None = None) -> Facts:
    when = "2026-11-20T09:30:00Z"
    answer = {"id": UUID(int=1), "revision": 1, "source": "api", "metric": "nps", "score": 9}
    return Facts(
        response=ResponseFacts.model_validate(answer | {"responded_at": when, "received_at": when}),
        profile=ProfileFacts(key="ann"),
        account=AccountFacts(id="shop", csm_email=csm_email),
        owner=owner,
    )


@pytest.mark.parametrize(
    ("about", "without_owner", "expected"),
    [
        (facts(MAYA), "#success", ("", "maya@us.test")),
        (facts(csm_email="eva@us.test"), "#success", ("", "eva@us.test")),
        (facts(), "#success", ("#success", None)),
        (facts(), None, None),
    ],
)
def test_the_owner_gets_it_and_without_one_the_channel_that_is_named(
    about: Facts, without_owner: str | None, expected: tuple[str, str | None] | None
) -> None:
    content = render(Action(channel="@owner", without_owner=without_owner), about, TEMPLATES)

    assert (content and (content.channel, content.to.email if content.to else None)) == expected


def test_a_channel_for_customers_without_an_owner_belongs_to_messages_for_owners() -> None:
    with pytest.raises(ValidationError, match="goes with channel"):
        Action(channel="#here", without_owner="#there")

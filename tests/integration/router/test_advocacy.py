"""The marketing platform says what became of an advocate."""

import asyncio
import json
from datetime import UTC, datetime
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from standardwebhooks import Webhook

from runtime.problems import add_problem_handlers
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from services.router import advocacy_api
from tests.integration.router.world import World, answer

SECRET = "whsec_" + "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5"


def post(
    world: World,
    body: object,
    *,
    webhook_id: str = "m1",
    secret: str | None = SECRET,
    signed_with: str = SECRET,
) -> httpx2.Response:
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(
        advocacy_api.routes(pool=world.pool, clock=world.clock, secret=SecretStr(secret) if secret else None)
    )
    now = datetime.now(UTC)
    text = json.dumps(body)
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(signed_with).sign(webhook_id, now, text),
    }

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
            return await client.post(advocacy_api.PATH, content=text, headers=headers)

    return asyncio.run(ask())


def change(effect_id: object, status: str = "published") -> object:
    return {"type": "advocacy.changed", "data": {"effect_id": str(effect_id), "status": status}}


def told(world: World) -> list[OutcomeRecorded]:
    return [
        event
        for event in world.said()
        if isinstance(event, OutcomeRecorded) and event.kind is OutcomeKind.ADVOCACY_CHANGED
    ]


def test_a_change_is_an_outcome_of_the_person_and_the_answer(world: World) -> None:
    said = answer(9)
    world.say(said)
    world.deliver_all()
    ((effect_id,),) = world.ask("SELECT effect_id FROM effects")

    assert post(world, change(effect_id)).status_code == 204
    (outcome,) = told(world)
    assert (outcome.person_key, outcome.response_id, outcome.reason, outcome.effect_id) == (
        "ann",
        said.response.response_id,
        "published",
        effect_id,
    )

    post(world, change(effect_id))
    post(world, change(effect_id, "declined"), webhook_id="m2")
    assert len({one.outcome_id for one in told(world)}) == 2, "a repeated webhook is the same outcome"


def test_only_marketing_may_say_so(world: World) -> None:
    stranger = "whsec_" + "c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vy"

    assert post(world, change(uuid4()), signed_with=stranger).status_code == 401
    assert post(world, change(uuid4()), secret=None).status_code == 503
    assert told(world) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (change(uuid4()), 404),
        ({"type": "advocacy.changed", "data": {"effect_id": "x", "status": "published"}}, 422),
        (change(uuid4(), "Very pleased, says Ann"), 422),
        ({"type": "other"}, 422),
        ([], 422),
    ],
)
def test_what_it_cannot_mean_is_refused(body: object, status: int, world: World) -> None:
    refused = post(world, body)

    assert refused.status_code == status
    assert "Ann" not in refused.text

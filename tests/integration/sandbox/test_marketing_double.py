"""The marketing endpoint under httpx2 and the standardwebhooks library."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from standardwebhooks import Webhook

from sandbox.client import Credentials, RunningSandbox


def post(
    sandbox: RunningSandbox, webhook_id: str, *, secret: str | None = None, at: datetime | None = None
) -> httpx2.Response:
    body = json.dumps({"type": "feedback.shared", "data": {"campaign": "referral"}})
    at = at or datetime.now(UTC)
    signature = Webhook(secret or sandbox.credentials.marketing_secret).sign(webhook_id, at, body)
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    return httpx2.post(f"{sandbox.url}/marketing/events", content=body, headers=headers)


def test_a_repeated_webhook_is_one_event(sandbox: RunningSandbox, world: httpx2.Client) -> None:
    assert post(sandbox, "msg_1").status_code == 204
    assert post(sandbox, "msg_1").json() == {"duplicate": True}
    assert post(sandbox, "msg_2").status_code == 204
    received = world.get("/received/marketing").json()
    assert received["counts"] == {"events": 2, "repeated_deliveries": 1}
    assert received["items"][0]["deliveries"] == 2
    assert received["items"][0]["body"]["data"] == {"campaign": "referral"}


def test_a_wrong_old_or_missing_signature_is_refused(sandbox: RunningSandbox, world: httpx2.Client) -> None:
    stranger = Credentials.generate().marketing_secret
    assert post(sandbox, "msg_1", secret=stranger).status_code == 401
    assert post(sandbox, "msg_1", at=datetime.now(UTC) - timedelta(minutes=6)).status_code == 401
    assert httpx2.post(f"{sandbox.url}/marketing/events", content="{}").status_code == 401
    garbled = {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "nonsense"}
    assert httpx2.post(f"{sandbox.url}/marketing/events", content="{}", headers=garbled).status_code == 401
    assert world.get("/received").json()["marketing"] == 0


@pytest.mark.parametrize("kind", ["drop_answer", "hang"])
def test_a_call_without_an_answer(sandbox: RunningSandbox, world: httpx2.Client, kind: str) -> None:
    order = {"double": "marketing", "kind": kind, "count": 1, "seconds": 0.1}
    world.post("/faults", json=order).raise_for_status()
    with pytest.raises(httpx2.RemoteProtocolError):
        post(sandbox, "msg_1")
    assert world.get("/received").json()["marketing"] == (1 if kind == "drop_answer" else 0)

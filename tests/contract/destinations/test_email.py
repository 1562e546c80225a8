"""What only e-mail does."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from schemas.reply_address import About, Answered, read_reply_address
from services.router.destination import Delivered, Operation
from services.router.facts import Facts, OwnerFacts, ProfileFacts, SurveyFacts
from services.router.templates import Templates
from tests.contract.destinations.world import PLUGINS, Connect, call, content_of, facts

URL = "http://127.0.0.1:8000/s/dG9rZW4tb2YtYS1yZXF1ZXN0LXdpdGgtZm9ydHktYnl0ZXMtb2YtaXQtYWxs"


def asked_to_answer(metric: str = "nps") -> Facts:
    return Facts(
        survey=SurveyFacts.model_validate(
            {
                "request_id": uuid4(),
                "program": "onboarding",
                "metric": metric,
                "channel": "email",
                "question": "How likely are you to recommend Acme?",
                "follow_up_question": "Why?",
                "why_we_ask": "You bought Acme Cloud a month ago.",
                "language": "en",
                "requested_at": "2026-11-20T09:00:00Z",
                "expires_at": "2026-11-27T09:00:00Z",
                "closes_at": "2026-12-20T09:00:00Z",
                "url": URL,
                "unsubscribe_url": f"{URL}/unsubscribe",
            }
        ),
        profile=ProfileFacts(key="k1", name="Zoë Müller", email="zoe@customer.test"),
    )


def sent(connect: Connect, world: httpx2.Client, template: str, about: Facts) -> dict[str, object]:
    content = content_of(PLUGINS["email"], {"template": template}, about)
    result = connect("email").deliver(call(Operation.CREATE, content, uuid4()))
    assert isinstance(result, Delivered)
    (mail,) = world.get("/received/mail").json()["items"]
    found: dict[str, object] = mail
    assert result.external_id == found["message_id"]
    return found


def headers(mail: dict[str, object]) -> dict[str, str]:
    assert isinstance(mail["headers"], list)
    return dict(mail["headers"])


def test_a_survey_can_be_answered_from_the_mail_and_refused_with_one_click(
    connect: Connect, world: httpx2.Client
) -> None:
    mail = sent(connect, world, "survey_email", asked_to_answer())

    assert isinstance(mail["links"], list)
    assert {f"{URL}?score={score}" for score in range(11)} < set(mail["links"])
    assert headers(mail)["List-Unsubscribe"] == f"<{URL}/unsubscribe>"
    assert headers(mail)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert URL in str(mail["text"])


def test_a_thank_you_is_text_and_html_from_us_to_the_person_now(
    connect: Connect, world: httpx2.Client
) -> None:
    mail = sent(connect, world, "thank_you", facts())

    assert mail["from"] == "Acme <feedback@acme.test>"
    assert mail["to"] == ["mirela@customer.test"]
    assert mail["subject"] == "We heard you, and we are on it"
    assert "Hello Mirela," in str(mail["text"])
    assert "Hello Mirela," in str(mail["html"])
    assert "List-Unsubscribe" not in headers(mail)
    assert headers(mail)["Auto-Submitted"] == "auto-generated"
    age = datetime.now(UTC) - parsedate_to_datetime(headers(mail)["Date"])
    assert abs(age.total_seconds()) < 60


def test_csat_and_ces_have_their_own_scales(connect: Connect, world: httpx2.Client) -> None:
    mail = sent(connect, world, "survey_email", asked_to_answer("ces"))

    assert f"{URL}?score=7" in str(mail["html"])
    assert f"{URL}?score=8" not in str(mail["html"])
    assert f"{URL}?score=0" not in str(mail["html"])


def test_somebody_without_an_address_gets_no_mail(tmp_path: Path) -> None:
    plugin = PLUGINS["email"]
    nobody = facts().model_copy(update={"profile": ProfileFacts(key="k")})

    assert plugin.render(plugin.action(template="thank_you"), nobody, Templates(tmp_path)) is None


def test_the_company_writes_and_the_reply_goes_to_the_csm(connect: Connect, world: httpx2.Client) -> None:
    mail = sent(connect, world, "thank_you", facts())

    assert mail["from"] == "Acme <feedback@acme.test>"
    assert headers(mail)["Reply-To"] == "maya.lindqvist@acme.test"


def test_the_owner_writes_where_the_domain_is_ours(
    connect: Connect, world: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_OWN_DOMAINS", "acme.example, Acme.Test")
    owner = OwnerFacts(id="maya", name="Maya Lindqvist", email="maya.lindqvist@acme.test")

    mail = sent(connect, world, "thank_you", facts().model_copy(update={"owner": owner}))

    assert mail["from"] == headers(mail)["Reply-To"] == "Maya Lindqvist <maya.lindqvist@acme.test>"
    assert str(mail["message_id"]).endswith("@acme.test>")


@pytest.mark.parametrize(
    "email", ["maya@elsewhere.test", "maya@acme.test.evil.test", "a@acme.test, b@evil.test", "maya"]
)
def test_an_address_of_another_domain_or_none_does_not_write(
    email: str, connect: Connect, world: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_OWN_DOMAINS", "acme.test")

    mail = sent(
        connect, world, "thank_you", facts().model_copy(update={"owner": OwnerFacts(id="m", email=email)})
    )

    assert mail["from"] == "Acme <feedback@acme.test>"


def test_an_answer_comes_to_an_address_that_names_what_it_answers(
    connect: Connect, world: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_REPLY_TO", "feedback@acme.test")
    monkeypatch.setenv("SURVEY_TOKEN_SECRET", "signs the addresses of these tests")
    about = facts()
    assert about.response is not None

    mail = sent(connect, world, "thank_you", about)

    ours, _, colleague = headers(mail)["Reply-To"].partition(", ")
    answered = read_reply_address(b"signs the addresses of these tests", ours)
    assert answered == Answered(About.RESPONSE, about.response.id)
    assert colleague == "maya.lindqvist@acme.test"

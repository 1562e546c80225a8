"""`feedback rules send-test`: what a rule would send, to one colleague alone."""

import httpx2
import pytest
from typer.testing import CliRunner, Result

from cli.app import app

ME = "maya.lindqvist@acme.test"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rules", "send-test", *arguments])


@pytest.mark.usefixtures("connect")
def test_a_card_comes_as_a_direct_message_and_no_channel_and_no_record_gets_anything(
    world: httpx2.Client,
) -> None:
    done = _run("detractor", "--to", "maya")
    assert done.exit_code == 0, done.output
    assert "customer_success_card: slack: sent" in done.output
    assert "detractor_case: salesforce: not sent: makes records" in done.output

    received = world.get("/received/slack").json()
    (message,) = received["items"]
    assert message["channel"].startswith("@")
    assert "The export takes minutes" in str(message["blocks"])
    assert all(block["type"] != "actions" for block in message["blocks"])
    assert world.get("/received/salesforce?object=Case").json()["items"] == []


@pytest.mark.usefixtures("connect")
def test_a_mail_comes_to_me(world: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDBACK_ME", ME)
    done = _run("survey_by_email")
    assert done.exit_code == 0, done.output
    (mail,) = world.get("/received/mail").json()["items"]
    assert mail["to"] == [ME]


@pytest.mark.usefixtures("connect")
def test_a_programs_survey_comes_to_me_in_its_own_words(world: httpx2.Client) -> None:
    done = CliRunner().invoke(app, ["programs", "send-test", "onboarding_ces", "--to", "maya"])
    assert done.exit_code == 0, done.output
    (mail,) = world.get("/received/mail").json()["items"]
    assert mail["to"] == [ME]
    assert "How easy was it to get started with our product?" in mail["text"]


@pytest.mark.usefixtures("connect")
def test_whoever_is_not_in_people_yaml_gets_nothing(
    world: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FEEDBACK_ME", raising=False)
    assert _run("survey_by_email").exit_code == 1
    assert _run("survey_by_email", "--to", "ann@customer.example").exit_code == 1
    assert world.get("/received/mail").json()["items"] == []


def test_a_destination_that_is_off_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    done = _run("product", "--to", "maya")
    assert done.exit_code == 1
    assert "product_card: slack: not sent: SLACK_BOT_TOKEN is not set" in done.output


def test_an_unknown_rule_is_named_with_those_there_are() -> None:
    done = _run("detractors", "--to", "maya")
    assert done.exit_code == 2
    assert "promoter" in done.output

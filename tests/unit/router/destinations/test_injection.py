"""What people may write to reach further than their own words: all of it stays words."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from jinja2 import TemplateError
from pydantic import JsonValue

from runtime.spreadsheet import safe_cell
from services.router.destinations import email
from services.router.facts import AccountFacts, Facts, ProfileFacts, ResponseFacts
from services.router.follow_up import FollowUpView, State
from services.router.mail_message import address, compose
from services.router.salesforce import queries
from services.router.slack import actions as slack_actions
from services.router.slack import follow_up_part
from services.router.slack import texts as slack_texts
from services.router.slack.content import Content
from services.router.templates import Templates

MRKDWN = [
    "<!channel> look",
    "<!here>",
    "<!everyone|nobody>",
    "<!subteam^S012AB3CD>",
    "<@U012AB3CD> you are fired",
    "<#C012AB3CD>",
    "<https://evil.test|Open the case>",
    "<mailto:boss@evil.test|Reply>",
    "<!date^1392734382^{date}^https://evil.test/|now>",
    "&lt;!channel&gt;",
    "&amp;lt;!here&amp;gt;",
    "*Owner*\nattacker@evil.test",
    "```\n<!channel>\n```",
    "> <!here>",
    "x>\n<!channel",
    "\u202e<!channel>",
    "<\u200b!channel>",
]

HEADERS = [
    "Mira\r\nBcc: victim@evil.test",
    "Mira\nBcc: victim@evil.test",
    "Mira\rBcc: victim@evil.test",
    "Mira\r\n\r\n<html>forged body</html>",
    "Mira\u2028Bcc: victim@evil.test",
    "Mira\u0085Bcc: victim@evil.test",
    "Mira\x0bBcc: victim@evil.test",
    'Mira" <victim@evil.test>, "',
    "Mira <victim@evil.test>",
    "=?utf-8?q?Mira=0D=0ABcc:_victim@evil.test?=",
    "=?utf-8?b?TWlyYQ0KQmNjOiB2aWN0aW1AZXZpbC50ZXN0?=",
    "==??utf-8?q?Mira=0D=0ABcc:_victim@evil.test?=",
]

ADDRESSES = [
    "a@b.test\r\nBcc: victim@evil.test",
    "a@b.test\nDATA",
    "a@b.test, victim@evil.test",
    "a@b.test; victim@evil.test",
    "<a@b.test>\r\nRCPT TO:<victim@evil.test>",
    "team: a@b.test, victim@evil.test;",
    "a@b.test> SIZE=1",
    "@evil.test:a@b.test",
    "a@b.test\x00@evil.test",
    "victim",
    "",
]

SOQL = [
    "x' OR Email != '",
    "x\\' OR IsActive = true --",
    "x' LIMIT 1 UNION SELECT Id FROM User",
    "x'\nOR Name LIKE '%",
    "\\",
    "x\\",
    'x" OR "1"="1',
    "x'; DELETE FROM Account; --",
    "{0.__class__}",
    "%' AND Email LIKE '%",
]

CSV = [
    '=HYPERLINK("https://evil.test","Open")',
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "|calc",
    "%0A=1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\ufeff=1+1",
    "\uff1d1+1",
]

JINJA = [
    "{{ 7 * 7 }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{# gone #}visible",
    "{{ profile.email }}",
    "<script>alert(1)</script>",
    "<a href='https://evil.test'>click</a>",
    '"><img src=x onerror=alert(1)>',
]


def facts(*, comment: str = "fine", name: str = "Mira", account: str = "Globex") -> Facts:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    return Facts(
        response=ResponseFacts.model_validate(
            {
                "id": UUID(int=1),
                "revision": 1,
                "source": "hosted",
                "metric": "nps",
                "score": 3,
                "group": "detractor",
                "comment": comment,
                "further_answers": [{"question": comment, "answer": comment}],
                "responded_at": now,
                "received_at": now,
            }
        ),
        profile=ProfileFacts(key="k1", name=name, email="mira@customer.test"),
        account=AccountFacts(id="a/../1?x=<", name=account),
    )


OURS = re.compile(
    r"<mailto:mira@customer\.test\|mira@customer\.test>"
    r"|<!date\^\d+\^\{date_short_pretty\}, \{time\}\|[\w ,:]+ UTC>"
)
"""The markup we put into a card on purpose."""


def interpreted(value: JsonValue) -> Iterator[str]:
    """Every text of the blocks that Slack reads as mrkdwn, without our own markup."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield OURS.sub("", str(value["text"]))
        for part in value.values():
            yield from interpreted(part)
    elif isinstance(value, list):
        for part in value:
            yield from interpreted(part)


def drawn(content: Content, hostile: str) -> JsonValue:
    """The card with a follow-up into which somebody wrote the same."""
    assert content.card is not None
    now = datetime(2026, 11, 20, tzinfo=UTC)
    follow_up = FollowUpView(
        id=UUID(int=2),
        subject=content.card.subject,
        state=State.RESOLVED,
        owner_id="maya",
        owner_name=hostile,
        team=hostile,
        first_contact_due_at=now,
        resolve_due_at=now,
        contact_breached=True,
        resolve_breached=True,
        snoozed_until=now,
        root_cause=hostile,
        closed_because=hostile,
        version=1,
    )
    return follow_up_part.composed(
        content.blocks, content.card, follow_up, owner=slack_texts.escape(hostile.replace("\n", " ")), now=now
    )


def said(value: JsonValue) -> Iterator[str]:
    """Every literal text: rich text and plain text, which Slack does not parse."""
    if isinstance(value, dict):
        if value.get("type") in {"text", "plain_text"}:
            yield str(value["text"])
        for part in value.values():
            yield from said(part)
    elif isinstance(value, list):
        for part in value:
            yield from said(part)


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(Path("deploy/config/templates"))


@pytest.mark.parametrize("hostile", MRKDWN)
def test_a_comment_is_shown_in_slack_as_it_was_written_and_never_parsed(
    hostile: str, templates: Templates
) -> None:
    content = slack_actions.render(slack_actions.Action(channel="cs"), facts(comment=hostile), templates)

    assert content is not None
    for text in (content.text, *interpreted(content.blocks)):
        assert "<" not in text
        assert ">" not in text
    assert hostile.strip() in list(said(content.blocks))


@pytest.mark.parametrize("hostile", MRKDWN)
def test_a_name_of_a_person_or_account_pings_nobody_and_links_nowhere(
    hostile: str, templates: Templates
) -> None:
    about = facts(name=hostile, account=hostile)
    content = slack_actions.render(slack_actions.Action(channel="cs"), about, templates)

    assert content is not None
    for text in (content.text, *interpreted(drawn(content, hostile))):
        assert "<" not in text
        assert ">" not in text
        # A field is one bold label and one line.
        assert text.count("\n") <= 1


def test_a_link_takes_facts_as_one_part_of_the_path(templates: Templates) -> None:
    action = slack_actions.Action.model_validate(
        {"channel": "cs", "links": [{"text": "Account", "url": "https://crm.test/{account_id}"}]}
    )

    content = slack_actions.render(action, facts(), templates)

    assert content is not None
    assert '"https://crm.test/a%2F..%2F1%3Fx%3D%3C"' in json.dumps(drawn(content, "x"))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.test", "slack://open"])
def test_a_link_that_is_not_of_the_web_is_refused_when_the_rules_are_loaded(url: str) -> None:
    with pytest.raises(ValueError, match="a link starts with https://"):
        slack_actions.LinkAction(text="Open", url=url)


def mail(*, name: str = "Mira", subject: str = "Hello") -> EmailMessage:
    message = compose(
        message_id=f"<{uuid4()}@acme.test>",
        sender=address("Acme <feedback@acme.test>"),
        reply_to=[address("maya@acme.test", name)],
        to=address("mira@customer.test", name),
        subject=subject,
        text="text",
        html="<p>html</p>",
        unsubscribe_url=None,
        date=datetime(2026, 11, 20, tzinfo=UTC),
    )
    received: EmailMessage = message_from_bytes(bytes(message), EmailMessage, policy=policy.default)
    return received


@pytest.mark.parametrize("hostile", HEADERS)
def test_a_name_or_subject_adds_no_header_and_no_recipient(hostile: str) -> None:
    plain = mail()

    received = mail(name=hostile, subject=hostile)

    assert received.keys() == plain.keys()
    assert [one.addr_spec for one in received["To"].addresses] == ["mira@customer.test"]
    body = received.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "text"


@pytest.mark.parametrize("hostile", ADDRESSES)
def test_an_address_is_one_address_or_none(hostile: str) -> None:
    with pytest.raises(ValueError, match="expected one e-mail address"):
        address(hostile)


@pytest.mark.parametrize("hostile", SOQL)
def test_an_address_never_leaves_its_quotes_in_soql(hostile: str) -> None:
    query = queries.users(hostile)

    literal = query.removeprefix("SELECT Id FROM User WHERE Email = '").removesuffix(
        "' AND IsActive = true LIMIT 2"
    )
    assert query != literal
    unescaped = literal.replace("\\\\", "").replace("\\'", "").replace('\\"', "").replace("\\n", "")
    assert "'" not in unescaped
    assert "\\" not in unescaped


@pytest.mark.parametrize("hostile", JINJA)
def test_a_value_in_a_mail_is_text_and_never_template_or_markup(hostile: str, templates: Templates) -> None:
    # The first name is what the mail shows of what others wrote.
    name = hostile.replace(" ", "\u00a0")
    about = facts()
    about = about.model_copy(update={"profile": about.profile.model_copy(update={"name": f"{name} B"})})

    content = email.render(email.Action(template="thank_you"), about, templates)

    assert content is not None
    assert "49" not in content.text
    assert "mira@customer.test" not in content.text
    for forged in ("<script", "<img", "<a href='https://evil"):
        assert forged not in content.html


@pytest.mark.parametrize(
    "hostile",
    [
        "Subject: x\n{{ response.__class__.__mro__ }}",
        "Subject: x\n{{ ''.__class__.__base__.__subclasses__() }}",
        "Subject: x\n{{ profile.model_dump.__globals__ }}",
        "Subject: x\n{% include '/etc/passwd' %}",
        "Subject: x\n{% include '../../../../etc/passwd' %}",
        "Subject: x\n{{ self.__init__.__globals__ }}",
    ],
)
def test_a_template_reaches_nothing_but_its_facts(hostile: str, tmp_path: Path) -> None:
    (tmp_path / "evil.txt.j2").write_text(hostile)
    (tmp_path / "evil.html.j2").write_text("x")
    templates = Templates(tmp_path)

    with pytest.raises((ValueError, TemplateError)):
        loaded_and_used(templates)


def loaded_and_used(templates: Templates) -> None:
    templates.check("evil.txt.j2")
    email.render(email.Action(template="evil"), facts(), templates)


@pytest.mark.parametrize("hostile", CSV)
def test_a_cell_of_a_csv_file_is_text_and_never_a_formula(hostile: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([safe_cell(hostile), safe_cell("plain, text"), safe_cell(None)])

    cell, plain, nothing = next(csv.reader(io.StringIO(written.getvalue(), newline="")))
    assert cell == f"'{hostile}"
    assert (plain, nothing) == ("plain, text", "")

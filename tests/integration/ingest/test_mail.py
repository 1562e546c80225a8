"""Mail through the running service: what became of ours, and what people answer to it."""

import json
import socketserver
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from threading import Event, Thread
from typing import ClassVar
from uuid import UUID, uuid4

import httpx2
import pytest

from runtime.clock import WallClock
from runtime.postgres import open_pool
from schemas.profiles import ProfileChanged
from schemas.replies import ReplyReceived
from schemas.reply_address import About, Answered, reply_address
from schemas.requests import SurveyRequested
from schemas.responses import ResponseRecorded
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.ingest.imap_poller import ImapPoller, Mailbox
from services.ingest.mail_desk import MailDesk
from services.ingest.reply_desk import ReplyDesk
from tests.integration.ingest.world import TOKEN_SECRET, Ingest, eventually, path

SECRET = "long and never guessed"  # noqa: S105 - made for this process
ASKED = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config")
    callers = {
        "mail_events": {"postmark": {"secrets": ["mail_secret"]}},
        "inbound_mail": {"secrets": ["mail_secret"]},
    }
    (folder / "sources.yaml").write_text(json.dumps(callers))
    (folder / "mail_secret").write_text(SECRET)
    return folder


def happened(ingest: Ingest, event: Mapping[str, object], secret: str = SECRET) -> httpx2.Response:
    return ingest.http.post("/v1/mail-events/postmark", params={"token": secret}, json=event)


def known(ingest: Ingest, customer: str, email: str) -> str:
    stored = ingest.http.put(f"/v1/profiles/{customer}", json={"email": email})
    return str(stored.json()["person_key"])


def steps(ingest: Ingest, request: SurveyRequested) -> list[SurveyStep]:
    return [one.step for one in ingest.events(SurveyStepOccurred) if one.request_id == request.request_id]


def opted_out(ingest: Ingest, person_key: str) -> list[str]:
    found = [one for one in ingest.events(ProfileChanged) if one.person_key == person_key]
    return [opt_out.reason for opt_out in found[-1].opt_outs] if found else []


def test_a_bounce_ends_surveys_to_the_person_and_releases_the_request(ingest: Ingest) -> None:
    person = known(ingest, "c-bounced", "Bounced@Customer.example")
    request = ingest.ask(person_key=person, requested_at=ASKED)
    eventually(lambda: ingest.http.get(path(request.request_id)).status_code == 200)
    bounce = {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "Inactive": True,
        "Email": "bounced@customer.example",
        "BouncedAt": datetime.now(UTC).isoformat(),
    }
    for _ in range(2):
        assert happened(ingest, bounce).json() == {"events": 1}
    eventually(lambda: opted_out(ingest, person) == ["bounced"])
    assert set(steps(ingest, request)) == {SurveyStep.BOUNCED}
    # Importing the person anew does not end it.
    known(ingest, "c-bounced", "bounced@customer.example")
    assert opted_out(ingest, person) == ["bounced"]


def test_what_no_secret_proves_changes_nothing(ingest: Ingest) -> None:
    complaint = {"RecordType": "SpamComplaint", "Email": "victim@customer.example"}
    assert happened(ingest, complaint, "another").status_code == 401
    assert ingest.http.post("/v1/mail-events/pigeon", json=complaint).status_code == 404
    assert happened(ingest, {"RecordType": "SpamComplaint"}).status_code == 422
    unproved = ingest.http.post("/v1/inbound-mail", content=b"From: eve@customer.example\r\n\r\nHi")
    assert unproved.status_code == 401


def mail(to: Answered, text: str, message_id: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Message-ID"] = "Dana <dana@customer.example>", message_id
    message["To"] = f"Acme <{reply_address(TOKEN_SECRET.encode(), 'feedback@acme.example', to)}>"
    message.set_content(text)
    return message


def take(ingest: Ingest, message: EmailMessage) -> str:
    answer = ingest.http.post(
        "/v1/inbound-mail",
        content=bytes(message),
        headers={"content-type": "message/rfc822", "x-webhook-token": SECRET},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["kind"])


def replies(ingest: Ingest, to: Answered) -> list[ReplyReceived]:
    return [one for one in ingest.events(ReplyReceived) if one.subject == to.subject]


def comments(ingest: Ingest, request_id: UUID) -> list[tuple[int | None, str | None]]:
    found = [one for one in ingest.events(ResponseRecorded) if one.request_id == request_id]
    return [(one.score, one.comment) for one in found]


def test_an_answer_to_the_surveys_mail_is_the_responses_comment_once(ingest: Ingest) -> None:
    request = ingest.ask(person_key="p-replies")
    address = path(request.request_id)
    eventually(lambda: ingest.http.get(address).status_code == 200)
    assert ingest.http.post(address, data={"score": "3"}).status_code == 303
    eventually(lambda: comments(ingest, request.request_id) == [(3, None)])

    to = Answered(About.REQUEST, request.request_id)
    quoted = "Exports fail.\n\nOn Mon, Nov 16, 2026 at 9:30 AM Acme <a@b.example> wrote:\n> Why?\n"
    for _ in range(2):
        assert take(ingest, mail(to, quoted, "<1@customer>")) == "reply"
    eventually(lambda: len(comments(ingest, request.request_id)) > 1)
    assert take(ingest, mail(to, "And it is slow.", "<2@customer>")) == "reply"
    eventually(lambda: len(replies(ingest, to)) == 2)
    mine = replies(ingest, to)
    assert [(one.text, one.became_comment) for one in mine] == [
        ("Exports fail.", True),
        ("And it is slow.", False),
    ]
    assert {one.person_key for one in mine} == {"p-replies"}
    assert comments(ingest, request.request_id) == [(3, None), (3, "Exports fail.")]


def test_an_answer_without_the_survey_is_a_comment_without_a_score(ingest: Ingest) -> None:
    request = ingest.ask(person_key="p-writes")
    eventually(lambda: ingest.http.get(path(request.request_id)).status_code == 200)
    take(ingest, mail(Answered(About.REQUEST, request.request_id), "No time for forms.", "<3@customer>"))
    eventually(lambda: comments(ingest, request.request_id) == [(None, "No time for forms.")])


def test_automatic_answers_and_other_peoples_addresses_are_passed_over(ingest: Ingest) -> None:
    before = len(ingest.events(ReplyReceived))
    away = mail(Answered(About.RESPONSE, uuid4()), "I am away.", "<4@customer>")
    away["Auto-Submitted"] = "auto-replied"
    assert take(ingest, away) == "automatic"
    forged = mail(Answered(About.RESPONSE, uuid4()), "Hello", "<5@customer>")
    del forged["To"]
    forged["To"] = "feedback+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@acme.example"
    assert take(ingest, forged) == "reply"
    wrapped = ingest.http.post(
        "/v1/inbound-mail",
        params={"token": SECRET},
        files={"body-mime": (None, bytes(mail(Answered(About.RESPONSE, uuid4()), "Thanks", "<6@customer>")))},
    )
    assert wrapped.json() == {"kind": "reply"}
    eventually(lambda: len(ingest.events(ReplyReceived)) == before + 1)


class ImapServer(socketserver.StreamRequestHandler):
    """A mailbox as RFC 3501 has it, as far as the poller goes."""

    mails: ClassVar[dict[str, bytes]] = {}
    seen: ClassVar[set[str]] = set()

    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        while line := self.rfile.readline():
            tag, command, *rest = line.decode().split()
            self.answer(command.upper(), rest)
            self.wfile.write(f"{tag} OK done\r\n".encode())
            if command.upper() == "LOGOUT":
                return

    def answer(self, command: str, rest: list[str]) -> None:
        match [command, *(word.upper() for word in rest)]:
            case ["CAPABILITY"]:
                self.wfile.write(b"* CAPABILITY IMAP4rev1\r\n")
            case ["SELECT", _]:
                self.wfile.write(f"* {len(self.mails)} EXISTS\r\n".encode())
            case ["UID", "SEARCH", "UNSEEN"]:
                unseen = " ".join(uid for uid in self.mails if uid not in self.seen)
                self.wfile.write(f"* SEARCH {unseen}".rstrip().encode() + b"\r\n")
            case ["UID", "FETCH", uid, _]:
                raw = self.mails[uid]
                head = f"* 1 FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode()
                self.wfile.write(head + raw + b")\r\n")
            case ["UID", "STORE", uid, *_]:
                self.seen.add(uid)


@pytest.fixture
def imap_port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), ImapServer) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_mailbox_is_read_once(ingest: Ingest, database: str, imap_port: int) -> None:
    secret = TOKEN_SECRET.encode()
    to = Answered(About.RESPONSE, uuid4())
    ImapServer.mails["7"] = bytes(mail(to, "From the mailbox.", "<7@customer>"))
    ImapServer.mails["8"] = b"not a mail at all"
    with open_pool(database, schema="ingest", application="tests") as pool:
        clock = WallClock()
        desk = MailDesk(pool=pool, clock=clock, token_secret=secret, person_key_secret=secret)
        box = Mailbox(
            host="127.0.0.1", port=imap_port, username="u", password=SECRET, folder="INBOX", encrypted=False
        )
        poller = ImapPoller(
            box, ReplyDesk(pool=pool, clock=clock, token_secret=secret, mail=desk), every_seconds=0.05
        )
        stop = Event()
        thread = Thread(target=poller.run, args=(stop,))
        thread.start()
        eventually(lambda: ImapServer.seen == {"7", "8"})
        stop.set()
        thread.join()
        assert poller.poll() == 0
    eventually(lambda: len(replies(ingest, to)) == 1)

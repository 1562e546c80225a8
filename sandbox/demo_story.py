"""What happens in the demo, through the product's public HTTP API only."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

import httpx2

from sandbox.demo_tally import PutIn
from sandbox.sample.answers import Answers, answers
from sandbox.sample.customers import Body, accounts
from sandbox.sample.histories import History, histories

_IN_FLIGHT = 16
_ANSWERS_PER_SECOND = 60
_REPLIES = (
    (2, "A month in, and we are still not where we wanted to be."),
    (9, "Better than we expected, thank you."),
    (7, "Good so far. I will tell you more in a month."),
    (10, ""),
    (5, "It took three days until somebody got back to me."),
    (8, ""),
)
"""Scores and comments on the survey page; the comments concern no department in any language."""

Told = Callable[[int], None]
"""Called with the number of calls answered since the last time."""


class Story:
    """A month of an invented company's customers.

    `ingest` and `sandbox` are base URLs; the API key is one of ingest's.
    """

    def __init__(self, *, ingest: str, sandbox: str, api_key: str) -> None:
        self._ingest = ingest
        self._sandbox = sandbox
        self._api_key = api_key
        now = datetime.now(UTC)
        self.accounts = accounts(now.date())
        self._answers: Answers = answers(now)
        self.answers = Answers(self._answers.first, [])
        """What was sent so far."""
        self.histories: list[History] = histories(now)
        self._began_on = now.date()
        self._days_later = 0
        self.sent_at: dict[str, float] = {}
        """When each answer was first sent, seconds since 1970, by response id."""
        self.survey_answers: list[Body] = []
        """What was answered on the hosted survey page, in the shape of the API's bodies."""

    def calls(self) -> int:
        """HTTP calls that loading takes."""
        events = sum(len(history.events) + len(history.answers) + 1 for history in self.histories)
        return len(self.accounts) + events + len(self.answers.first)

    async def load(self, told: Told) -> None:
        """Send accounts, profiles, what happened, and the answers as they would come in."""
        async with self._client() as client:

            async def put(path: str, body: Body) -> None:
                (await client.put(path, json=body)).raise_for_status()
                told(1)

            async def history(one: History) -> None:
                await put(f"/v1/profiles/{one.person.customer_id}", one.profile)
                for event in one.events:
                    (await client.post("/v1/lifecycle-events", json=event)).raise_for_status()
                    told(1)
                for answer in one.answers:
                    await self._answer(client, answer, told)

            await _side_by_side(put(f"/v1/accounts/{name}", body) for name, body in self.accounts.items())
            await _side_by_side(history(one) for one in self.histories)
            # A person's second answer follows the first: what the first one asked for may end with it.
            for is_second in (False, True):
                await _paced(
                    partial(self._answer, client, body, told)
                    for body in self.answers.first
                    if (body["metric"] != "nps") is is_second
                )

    def put_in(self) -> PutIn:
        """What was sent so far."""
        return PutIn(
            self.answers, self.histories, self.survey_answers, self.accounts, self._began_on, self._days_later
        )

    @property
    def later(self) -> list[Body]:
        """Answers that are sent again: with a comment that came after the score, or as they were."""
        return self._answers.later

    async def load_later(self, told: Told) -> None:
        """Send the answers again that somebody commented on later, and some as they were."""
        async with self._client() as client:
            await _paced(partial(self._answer, client, body, told) for body in self.later)
        self.answers = self._answers

    async def turn_the_clock(self, days: int) -> None:
        """Let the business clock of every service be `days` later."""
        async with httpx2.AsyncClient(base_url=self._sandbox, timeout=30) as client:
            (await client.post("/clock", data={"days": str(days)})).raise_for_status()
        self._days_later += days

    async def survey_links(self) -> dict[str, str]:
        """Link of the survey in each survey mail that the catcher holds, by recipient."""
        async with httpx2.AsyncClient(base_url=self._sandbox, timeout=30) as client:
            mails = (
                (await client.get("/received/mail", params={"limit": 5000}))
                .raise_for_status()
                .json()["items"]
            )
        links = {}
        for mail in mails:
            survey = [link for link in mail["links"] if urlsplit(link).path.startswith("/s/")]
            if survey:
                links[mail["to"][0]] = survey[0]
        return links

    async def answer_surveys(self, links: dict[str, str], told: Told) -> None:
        """Two of three recipients open the page and send its form."""
        persons = (history.person for history in self.histories)
        accounts_by_email = {person.email: person.account_id for person in persons}
        chosen = [mail for number, mail in enumerate(sorted(links.items())) if number % 3]

        async def visit(number: int, recipient: str, link: str) -> None:
            score, comment = _REPLIES[number % len(_REPLIES)]
            page = link.partition("?")[0]
            async with httpx2.AsyncClient(timeout=30) as client:
                (await client.get(link)).raise_for_status()
                sent = await client.post(page, data={"score": str(score), "comment": comment})
                if sent.status_code != httpx2.codes.SEE_OTHER:
                    raise RuntimeError(f"the survey page answered {sent.status_code} to its own form")
            self.survey_answers.append(
                {
                    "metric": "nps",
                    "score": score,
                    "comment": comment,
                    "respondent": {"email": recipient},
                    "account_id": accounts_by_email[recipient],
                }
            )
            told(1)

        await _side_by_side(visit(number, *mail) for number, mail in enumerate(chosen))

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=self._ingest,
            headers={"Authorization": f"Bearer {self._api_key}"},
            timeout=30,
        )

    async def _answer(self, client: httpx2.AsyncClient, body: Body, told: Told) -> None:
        sent_at = time.time()
        accepted = (await client.post("/v1/responses", json=body)).raise_for_status()
        self.sent_at.setdefault(accepted.json()["response_id"], sent_at)
        told(1)


async def _side_by_side(calls: Iterable[Awaitable[None]]) -> None:
    gate = asyncio.Semaphore(_IN_FLIGHT)

    async def one(call: Awaitable[None]) -> None:
        async with gate:
            await call

    await asyncio.gather(*(one(call) for call in calls))


async def _paced(calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
    began = time.monotonic()
    running = []
    for number, call in enumerate(calls):
        await asyncio.sleep(max(0.0, began + number / _ANSWERS_PER_SECOND - time.monotonic()))
        running.append(asyncio.ensure_future(call()))
    await asyncio.gather(*running)

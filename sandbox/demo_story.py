"""What happens in the demo, through the product's public HTTP API only."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

import httpx

from sandbox.sample.answers import Answers, answers
from sandbox.sample.customers import Body, accounts
from sandbox.sample.histories import History, histories

_IN_FLIGHT = 16
_ANSWERS_PER_SECOND = 60
_REPLIES = (
    (2, "A month in, and the set-up is still not finished."),
    (9, "Easier than we expected, thank you."),
    (7, "Good so far. The export needs work."),
    (10, ""),
    (5, "Support took three days to answer."),
    (8, ""),
)

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
        self._accounts = accounts(now.date())
        self.answers: Answers = answers(now)
        self.histories: list[History] = histories(now)
        self.sent_at: dict[str, float] = {}
        """When each answer was first sent, seconds since 1970, by response id."""
        self.survey_answers: list[Body] = []
        """What was answered on the hosted survey page, in the shape of the API's bodies."""

    def calls(self) -> int:
        """HTTP calls that loading takes."""
        events = sum(len(history.events) + len(history.answers) + 1 for history in self.histories)
        return len(self._accounts) + events + len(self.answers.sent)

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

            await _side_by_side(put(f"/v1/accounts/{name}", body) for name, body in self._accounts.items())
            await _side_by_side(history(one) for one in self.histories)
            for batch in (self.answers.first, self.answers.later):
                await _paced(partial(self._answer, client, body, told) for body in batch)

    async def turn_the_clock(self, days: int) -> None:
        """Let the business clock of every service be `days` later."""
        async with httpx.AsyncClient(base_url=self._sandbox, timeout=30) as client:
            (await client.post("/clock", data={"days": str(days)})).raise_for_status()

    async def survey_links(self) -> dict[str, str]:
        """Link of the survey in each survey mail that the catcher holds, by recipient."""
        async with httpx.AsyncClient(base_url=self._sandbox, timeout=30) as client:
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
        chosen = [mail for number, mail in enumerate(sorted(links.items())) if number % 3]

        async def visit(number: int, recipient: str, link: str) -> None:
            score, comment = _REPLIES[number % len(_REPLIES)]
            page = link.partition("?")[0]
            async with httpx.AsyncClient(timeout=30) as client:
                (await client.get(link)).raise_for_status()
                sent = await client.post(page, data={"score": str(score), "comment": comment})
                if sent.status_code != httpx.codes.SEE_OTHER:
                    raise RuntimeError(f"the survey page answered {sent.status_code} to its own form")
            self.survey_answers.append(
                {"metric": "nps", "score": score, "comment": comment, "respondent": {"email": recipient}}
            )
            told(1)

        await _side_by_side(visit(number, *mail) for number, mail in enumerate(chosen))

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._ingest,
            headers={"Authorization": f"Bearer {self._api_key}"},
            timeout=30,
        )

    async def _answer(self, client: httpx.AsyncClient, body: Body, told: Told) -> None:
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

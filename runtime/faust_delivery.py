"""Writing through Faust's producer until the broker has everything."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import faust
import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from faust.exceptions import ProducerSendError

from runtime import metrics
from runtime.dead_letters import DeadLetter, report, to_message
from runtime.kafka import MAX_REQUEST_BYTES
from runtime.messages import Message, Record

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
_DOUBLINGS = 5
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a record became."""

    record: Record
    becomes: Message | DeadLetter


class FaustDelivery:
    """Writes outcomes and awaits the broker's answer to each; a failure is tried again, never passed over."""

    def __init__(self, app: faust.App, *, service: str, group: str) -> None:
        self._app = app
        self._service = service
        self._group = group

    async def deliver(self, outcomes: Sequence[Outcome]) -> None:
        """Returns when the broker has all of them.

        After a failure all are written again, in order, so that nothing older comes last. What is too large
        for its topic becomes a dead letter, and a dead letter that is too large is cut.
        """
        messages = [self._message(outcome.becomes) for outcome in outcomes]
        if not await self._write(messages):
            # The limit is one for a whole batch: only a message that is alone can be told to be too large.
            for outcome, message in zip(outcomes, messages, strict=True):
                await self._deliver_alone(outcome, message)
        for outcome in outcomes:
            if isinstance(outcome.becomes, DeadLetter):
                report(outcome.becomes)

    async def _deliver_alone(self, outcome: Outcome, message: Message) -> None:
        letter = outcome.becomes
        if isinstance(letter, Message):
            if await self._write([message]):
                return
            letter = DeadLetter(outcome.record, "output_too_large")
            report(letter)
        max_value_bytes = MAX_REQUEST_BYTES
        while not await self._write([self._message(letter, max_value_bytes)]):
            if not max_value_bytes:
                raise RecordListTooLargeError("not even its headers fit the dead-letter topic")
            max_value_bytes //= 2

    async def _write(self, messages: Sequence[Message]) -> bool:
        """True: the broker has them. False: it refused some for their size, maybe only together."""
        for attempt in itertools.count():
            failures = await self._send(messages)
            if not failures:
                break
            if all(isinstance(failure, _TOO_LARGE) for failure in failures):
                return False
            await self._pause(attempt, failures[0])
        metrics.PAUSED.labels(self._service, self._group).set(0)
        return True

    async def _send(self, messages: Sequence[Message]) -> list[BaseException]:
        send = self._app.producer.send
        answers: list[Awaitable[object]] = []
        failures: list[BaseException] = []
        try:
            for message in messages:
                headers = list(message.headers)
                answers.append(await send(message.topic, message.key, message.value, None, None, headers))
        except ProducerSendError as error:
            failures.append(error.__cause__ or error)
        for answer in answers:
            try:
                await answer
            except KafkaError as error:
                failures.append(error)
        return failures

    async def _pause(self, attempt: int, failure: BaseException) -> None:
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(attempt, _DOUBLINGS))
        log.warning("not written, will be tried again", group=self._group, error=type(failure).__name__)
        metrics.PAUSED.labels(self._service, self._group).set(1)
        await asyncio.sleep(longest * random.uniform(0.5, 1))  # noqa: S311 - spreads retries, no secret

    def _message(self, outcome: Message | DeadLetter, max_value_bytes: int = MAX_REQUEST_BYTES) -> Message:
        if isinstance(outcome, Message):
            return outcome
        return to_message(outcome, consumer=self._service, max_value_bytes=max_value_bytes)

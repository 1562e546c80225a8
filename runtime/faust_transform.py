"""Turns records into messages beside the event loop."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from runtime.cloudevents import Undecodable
from runtime.dead_letters import DeadLetter
from runtime.faust_delivery import Outcome
from runtime.messages import Message, Record

Transform = Callable[[Sequence[Record]], Sequence[Message | Undecodable]]
log = structlog.get_logger(__name__)


class Transformer:
    """Calls `transform` in one thread of its own, so that heartbeats go on however long it takes."""

    def __init__(self, transform: Transform, *, group: str) -> None:
        self._transform = transform
        self._group = group
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transform")

    async def outcomes(self, records: Sequence[Record]) -> list[Outcome]:
        """What each record becomes, in the same order: a message, or a dead letter that says why not."""
        become = await asyncio.get_running_loop().run_in_executor(self._thread, self._become, records)
        return list(map(Outcome, records, become))

    def _become(self, records: Sequence[Record]) -> list[Message | DeadLetter]:
        try:
            become = self._transform(records)
        except Exception as error:  # whatever a record provokes must not stop its partition
            if len(records) > 1:
                return [outcome for record in records for outcome in self._become([record])]
            log.info("transform failed", group=self._group, exc_info=error)
            return [DeadLetter(records[0], "transform_failed", type(error).__name__)]
        return [
            DeadLetter(record, one.cause, one.detail) if isinstance(one, Undecodable) else one
            for record, one in zip(records, become, strict=True)
        ]

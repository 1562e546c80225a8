"""`python -m services.ingest.archiver`: keeps the archive, in a process of its own.

Whatever is imported is archived at full speed, which would slow the API down if they shared a process.
"""

import sys
from typing import Annotated

from pydantic import Field

from runtime import logging
from runtime.consumer import Consumer
from runtime.dead_letters import DeadLetters
from runtime.health import Health
from runtime.ops import ops_app
from runtime.postgres import open_pool, reachable
from runtime.service import run_service
from runtime.settings import Port, ServiceSettings, load
from runtime.watchdog import Watchdog
from services.ingest import archive
from services.ingest.archive_upkeep import ArchiveUpkeep

SERVICE = "archive"
SCHEMA = "ingest"
GATHER_SECONDS = 0.5
"""Nobody waits for the archive."""


class ArchiverSettings(ServiceSettings):
    """Settings of `python -m services.ingest.archiver`."""

    ops_port: Port = 8005
    """The port that health and metrics are served on, 1 to 65535."""
    archive_months: Annotated[int, Field(ge=2, le=1200)] | None = None
    """Months that the archive keeps every event; unset: for ever. Projections are rebuilt from it."""


def main() -> int:
    """Runs until a signal; the exit code."""
    settings = load(ArchiverSettings)
    logging.configure(SERVICE, level=settings.log_level)
    kafka = settings.kafka(SERVICE)
    pool = open_pool(settings.database_url.get_secret_value(), schema=SCHEMA, application=SERVICE, max_size=4)
    archiving = Consumer(
        kafka=kafka,
        group=archive.GROUP,
        topics=archive.TOPICS,
        decode=archive.as_it_is,
        handle=archive.keep,
        pool=pool,
        dead_letters=DeadLetters(kafka),
        max_records=archive.MAX_RECORDS,
        gather_seconds=GATHER_SECONDS,
    )
    health = Health()
    health.add("postgresql", reachable(pool))
    health.add("archive", archiving.check)
    return run_service(
        SERVICE,
        workers={
            "archive": archiving.run,
            "archive-upkeep": ArchiveUpkeep(pool, keep_months=settings.archive_months).run,
            "watchdog": Watchdog(archiving.progress.standing).run,
        },
        app=ops_app(health),
        host=settings.ops_host,
        port=settings.ops_port,
    )


if __name__ == "__main__":
    sys.exit(main())

"""Runs the scheduler: `python -m services.scheduler`."""

import sys
from collections.abc import Callable

from runtime import logging
from runtime.clock import Clock, ClockSettings, business_clock
from runtime.consumer import Consumer
from runtime.dead_letters import DeadLetters
from runtime.health import Health
from runtime.operator import Operator
from runtime.postgres import open_pool, reachable
from runtime.relay import Relay
from runtime.service import run_service
from runtime.settings import BAD_SETTINGS_EXIT_CODE, load
from runtime.watchdog import Watchdog
from runtime.yaml_file import ConfigError
from schemas.topics import replay_topic
from services.scheduler import erasures
from services.scheduler.app import SERVICE, TOPICS, Intake, Rounds, http_app, read
from services.scheduler.programs import load_programs
from services.scheduler.retention import Retention
from services.scheduler.settings import SchedulerSettings

INTAKE_RECORDS = 2_000
"""Taken in at once: each statement of a batch costs the more for an event, the fewer share it."""
GATHER_SECONDS = 0.5
"""Whoever becomes due by what is taken in is asked in days or months."""
# Among millions PostgreSQL starts workers to look two thousand keys up, or compiles: slower than looking.
CONNECTION_OPTIONS = {"jit": "off", "max_parallel_workers_per_gather": "0"}


def main(clock_of: Callable[[ClockSettings], Clock] = business_clock) -> int:
    """Wires the scheduler and runs it until it is told to stop; returns the exit code."""
    settings = load(SchedulerSettings)
    logging.configure(SERVICE, level=settings.log_level)
    try:
        programs = load_programs(settings.config_dir / "programs.yaml")
    except ConfigError as error:
        sys.stderr.write(f"The survey programs do not allow a start:\n{error}\n")
        return BAD_SETTINGS_EXIT_CODE
    kafka = settings.kafka(SERVICE)
    pool = open_pool(
        settings.database_url.get_secret_value(),
        schema=SERVICE,
        application=SERVICE,
        options=CONNECTION_OPTIONS,
    )
    clock = clock_of(settings)
    intake = Consumer(
        kafka=kafka,
        group=SERVICE,
        topics=[*TOPICS, replay_topic(SERVICE)],
        decode=read,
        handle=Intake(programs, clock).handle,
        pool=pool,
        dead_letters=DeadLetters(kafka),
        max_records=INTAKE_RECORDS,
        gather_seconds=GATHER_SECONDS,
    )
    erasing = Consumer(
        kafka=kafka,
        group=erasures.GROUP,
        topics=erasures.TOPICS,
        decode=erasures.read,
        handle=erasures.handle,
        pool=pool,
        dead_letters=DeadLetters(kafka),
    )
    rounds = Rounds(
        pool=pool,
        programs=programs,
        clock=clock,
        age_seconds=intake.progress.age_seconds,
        batch_size=settings.schedule_batch_size,
        poll_seconds=settings.schedule_poll_seconds,
    )
    relay = Relay(pool=pool, kafka=kafka)
    health = Health()
    health.add("database", reachable(pool))
    health.add("intake", intake.check)
    health.add("erasures", erasing.check)
    health.add("rounds", rounds.check)
    health.add("relay", relay.check)
    try:
        return run_service(
            SERVICE,
            workers={
                "intake": intake.run,
                "erasures": erasing.run,
                "rounds": rounds.run,
                "relay": relay.run,
                "intake-watchdog": Watchdog(intake.progress.standing).run,
                "erasures-watchdog": Watchdog(erasing.progress.standing).run,
                "retention": Retention(pool, keep_days=settings.schedule_history_days).run,
            },
            app=http_app(health, pool, Operator(settings.scheduler_operator_key, "SCHEDULER_OPERATOR_KEY")),
            host=settings.ops_host,
            port=settings.ops_port,
        )
    finally:
        pool.close()


if __name__ == "__main__":
    sys.exit(main())

"""Runs insights: `python -m services.insights`."""

import sys
from functools import partial

from prometheus_client import REGISTRY

from runtime import logging
from runtime.clock import business_clock
from runtime.consumer import Consumer
from runtime.dead_letters import DeadLetters
from runtime.health import Health
from runtime.operator import Operator
from runtime.postgres import open_pool, reachable
from runtime.relay import Relay
from runtime.service import run_service
from runtime.settings import load
from runtime.watchdog import Watchdog
from runtime.yaml_file import ConfigError
from services.insights import erasures
from services.insights.app import SERVICE, TOPICS, Intake, http_app, read, zone_check
from services.insights.business_view import BusinessView
from services.insights.digests import load_digests
from services.insights.programs import load_purposes
from services.insights.settings import InsightsSettings
from services.insights.source import Source
from services.insights.telling_teams import TellingTeams
from services.insights.web.add_pages import add_pages

INTAKE_RECORDS = 2_000
"""Taken in at once: each statement of a batch costs the more for an event, the fewer share it."""
GATHER_SECONDS = 0.5
"""An answer is to be seen within five seconds."""
BAD_CONFIG_EXIT_CODE = 2
# Counting bits is quick; compiling the statement for it is not.
CONNECTION_OPTIONS = {"jit": "off"}


def main() -> int:
    """Wires insights and runs it until it is told to stop; returns the exit code."""
    settings = load(InsightsSettings)
    logging.configure(SERVICE, level=settings.log_level)
    kafka = settings.kafka(SERVICE)
    pool = open_pool(
        settings.database_url.get_secret_value(),
        schema=SERVICE,
        application=SERVICE,
        options=CONNECTION_OPTIONS,
    )
    intake = Consumer(
        kafka=kafka,
        group=SERVICE,
        topics=TOPICS,
        decode=read,
        handle=Intake(settings.zone).handle,
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
        handle=erasures.Erasing(settings.zone).handle,
        pool=pool,
        dead_letters=DeadLetters(kafka),
    )
    relay = Relay(pool=pool, kafka=kafka)
    health = Health()
    health.add("database", reachable(pool))
    health.add("time zone", partial(zone_check, pool, settings.zone))
    health.add("intake", intake.check)
    health.add("erasures", erasing.check)
    health.add("relay", relay.check)
    try:
        digests = load_digests(settings.config_dir / "digests.yaml")
        purposes = load_purposes(settings.config_dir / "programs.yaml")
    except ConfigError as error:
        sys.stderr.write(f"The configuration does not allow a start:\n{error}\n")
        return BAD_CONFIG_EXIT_CODE
    source = Source(pool=pool, clock=business_clock(settings), zone=settings.zone)
    REGISTRY.register(BusinessView(source))
    app = http_app(health, source, Operator(settings.insights_api_key, "INSIGHTS_API_KEY"))
    add_pages(app, source, settings, purposes)
    try:
        return run_service(
            SERVICE,
            workers={
                "intake": intake.run,
                "erasures": erasing.run,
                "relay": relay.run,
                "image": source.images.run,
                "telling-teams": TellingTeams(source, digests, settings.insights_url).run,
                "intake-watchdog": Watchdog(intake.progress.standing).run,
                "erasures-watchdog": Watchdog(erasing.progress.standing).run,
            },
            app=app,
            host=settings.ops_host,
            port=settings.ops_port,
        )
    finally:
        pool.close()


if __name__ == "__main__":
    sys.exit(main())

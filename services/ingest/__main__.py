"""`python -m services.ingest`: wires the service and runs it."""

import sys
from logging import CRITICAL, getLogger

from runtime import logging
from runtime.clock import business_clock
from runtime.consumer import Consumer
from runtime.dead_letters import DeadLetters
from runtime.health import Health
from runtime.postgres import open_pool, reachable
from runtime.relay import Relay
from runtime.service import run_service
from runtime.settings import load
from runtime.watchdog import Watchdog
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStepOccurred
from schemas.topics import replay_topic
from services.ingest import archive, opt_outs, projection
from services.ingest.api import Api
from services.ingest.api_keys import ApiKeys
from services.ingest.app import build_app
from services.ingest.archive_upkeep import ArchiveUpkeep
from services.ingest.publisher import Publisher
from services.ingest.settings import IngestSettings
from services.ingest.survey_routes import Surveys

SERVICE = "ingest"


def main() -> int:
    """Runs until a signal; the exit code."""
    settings = load(IngestSettings)
    logging.configure(SERVICE, level=settings.log_level)
    # It writes a line for each attempt of each connection; the publisher says once what that means for us.
    getLogger("aiokafka").setLevel(CRITICAL)
    kafka = settings.kafka(SERVICE)
    pool = open_pool(
        settings.database_url.get_secret_value(), schema=SERVICE, application=SERVICE, max_size=16
    )
    clock = business_clock(settings)
    publisher = Publisher(bootstrap_servers=kafka.bootstrap_servers, client_id=kafka.group_instance_id)
    relay = Relay(pool=pool, kafka=kafka)
    requests = Consumer(
        kafka=kafka,
        group=projection.GROUP,
        topics=[SurveyRequested.TOPIC, replay_topic(projection.GROUP)],
        decode=projection.read,
        handle=projection.project,
        pool=pool,
        dead_letters=DeadLetters(kafka),
    )
    archiving = Consumer(
        kafka=kafka,
        group=archive.GROUP,
        topics=archive.TOPICS,
        decode=archive.as_it_is,
        handle=archive.keep,
        pool=pool,
        dead_letters=DeadLetters(kafka),
        max_records=archive.MAX_RECORDS,
    )
    refusals = Consumer(
        kafka=kafka,
        group=opt_outs.GROUP,
        topics=[SurveyStepOccurred.TOPIC],
        decode=opt_outs.read,
        handle=opt_outs.apply,
        pool=pool,
        dead_letters=DeadLetters(kafka),
    )
    health = Health()
    health.add("kafka", publisher.check)
    health.add("postgresql", reachable(pool))
    health.add("relay", relay.check)
    health.add("survey_requests", requests.check)
    health.add("survey_events", refusals.check)
    health.add("archive", archiving.check)
    app = build_app(
        api=Api(
            publisher=publisher,
            keys=ApiKeys.parse(settings.ingest_api_keys.get_secret_value()),
            clock=clock,
            pool=pool,
            person_key_secret=settings.person_key_secret.get_secret_value().encode(),
        ),
        surveys=Surveys(
            pool=pool, clock=clock, token_secret=settings.survey_token_secret.get_secret_value().encode()
        ),
        health=health,
        background=publisher.run,
    )
    return run_service(
        SERVICE,
        workers={
            "relay": relay.run,
            "survey-requests": requests.run,
            "survey-events": refusals.run,
            "archive": archiving.run,
            "archive-upkeep": ArchiveUpkeep(pool, keep_months=settings.archive_months).run,
            "watchdog": Watchdog(requests.progress.standing).run,
            "survey-events-watchdog": Watchdog(refusals.progress.standing).run,
            "archive-watchdog": Watchdog(archiving.progress.standing).run,
        },
        app=app,
        host=settings.ingest_host,
        port=settings.ingest_port,
    )


if __name__ == "__main__":
    sys.exit(main())

"""`python -m services.ingest`: wires the service and runs it."""

import sys
from logging import CRITICAL, getLogger

import structlog

from runtime import logging
from runtime.clock import business_clock
from runtime.consumer import Consumer
from runtime.dead_letters import DeadLetters
from runtime.health import Health
from runtime.postgres import open_pool, reachable
from runtime.relay import Relay
from runtime.service import run_service
from runtime.settings import BAD_SETTINGS_EXIT_CODE, load
from runtime.watchdog import Watchdog
from runtime.yaml_file import ConfigError
from schemas.raw import WebhookReceived
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStepOccurred
from schemas.topics import replay_topic
from services.ingest import archive, opt_outs, projection, webhook_worker
from services.ingest.api import Api
from services.ingest.api_keys import ApiKeys
from services.ingest.app import build_app
from services.ingest.archive_upkeep import ArchiveUpkeep
from services.ingest.imap_poller import ImapPoller
from services.ingest.inbound_mail_routes import InboundMails
from services.ingest.mail_desk import MailDesk
from services.ingest.mail_event_routes import MailEvents, Outside
from services.ingest.publisher import Publisher
from services.ingest.reply_desk import ReplyDesk
from services.ingest.settings import IngestSettings
from services.ingest.sources import load_callers
from services.ingest.survey_routes import Surveys
from services.ingest.webhook_fetcher import WebhookFetcher
from services.ingest.webhook_routes import Webhooks
from services.ingest.webhook_worker import WebhookWorker

SERVICE = "ingest"

log = structlog.get_logger(__name__)


def main() -> int:
    """Runs until a signal; the exit code."""
    settings = load(IngestSettings)
    logging.configure(SERVICE, level=settings.log_level)
    try:
        callers = load_callers(settings.config_dir / "sources.yaml")
    except ConfigError as error:
        sys.stderr.write(f"The sources do not allow a start:\n{error}\n")
        return BAD_SETTINGS_EXIT_CODE
    for source in callers.sources.values():
        if not source.secrets:
            log.warning("a source is off: none of its secrets is there", source=source.name)
    # It writes a line for each attempt of each connection; the publisher says once what that means for us.
    getLogger("aiokafka").setLevel(CRITICAL)
    kafka = settings.kafka(SERVICE)
    pool = open_pool(
        settings.database_url.get_secret_value(), schema=SERVICE, application=SERVICE, max_size=16
    )
    clock = business_clock(settings)
    person_key_secret = settings.person_key_secret.get_secret_value().encode()
    token_secret = settings.survey_token_secret.get_secret_value().encode()
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
    worker = WebhookWorker(callers.sources, person_key_secret=person_key_secret)
    calls = Consumer(
        kafka=kafka,
        group=webhook_worker.GROUP,
        topics=[WebhookReceived.TOPIC, replay_topic(webhook_worker.GROUP)],
        decode=worker.decode,
        handle=worker.handle,
        pool=pool,
        dead_letters=DeadLetters(kafka),
    )
    mails = MailDesk(pool=pool, clock=clock, token_secret=token_secret, person_key_secret=person_key_secret)
    replies = ReplyDesk(pool=pool, clock=clock, token_secret=token_secret, mail=mails)
    mailbox = settings.mailbox
    health = Health()
    health.add("kafka", publisher.check)
    health.add("postgresql", reachable(pool))
    health.add("relay", relay.check)
    health.add("survey_requests", requests.check)
    health.add("survey_events", refusals.check)
    health.add("archive", archiving.check)
    health.add("webhooks", calls.check)
    app = build_app(
        api=Api(
            publisher=publisher,
            keys=ApiKeys.parse(settings.ingest_api_keys.get_secret_value()),
            clock=clock,
            pool=pool,
            person_key_secret=person_key_secret,
        ),
        webhooks=Webhooks(sources=callers.sources, publisher=publisher, clock=clock),
        mail_events=MailEvents(providers=callers.mail, desk=mails, outside=Outside()),
        inbound_mail=InboundMails(secrets=callers.inbound_mail_secrets, desk=replies),
        surveys=Surveys(pool=pool, clock=clock, token_secret=token_secret),
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
            "webhooks": calls.run,
            "webhook-fetcher": WebhookFetcher(worker, pool).run,
            **({"imap": ImapPoller(mailbox, replies).run} if mailbox else {}),
            "watchdog": Watchdog(requests.progress.standing).run,
            "survey-events-watchdog": Watchdog(refusals.progress.standing).run,
            "archive-watchdog": Watchdog(archiving.progress.standing).run,
            "webhooks-watchdog": Watchdog(calls.progress.standing).run,
        },
        app=app,
        host=settings.ingest_host,
        port=settings.ingest_port,
    )


if __name__ == "__main__":
    sys.exit(main())

"""`python -m services.ingest`: wires the service and runs it."""

import sys
from collections.abc import Callable
from logging import CRITICAL, getLogger
from typing import Any, TypeVar

import structlog

from runtime import logging
from runtime.clock import business_clock
from runtime.consumer import Consumer, Handle
from runtime.dead_letters import DeadLetters
from runtime.health import Health
from runtime.kafka import KafkaSettings
from runtime.messages import Record
from runtime.postgres import Pool, open_pool, reachable
from runtime.relay import Relay
from runtime.service import run_service
from runtime.settings import BAD_SETTINGS_EXIT_CODE, BadSettings, load
from runtime.watchdog import Watchdog
from runtime.yaml_file import ConfigError
from schemas.erasures import ErasureRequested
from schemas.raw import WebhookReceived
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStepOccurred
from schemas.topics import replay_topic
from services.ingest import erasures, opt_outs, projection, webhook_worker
from services.ingest.api import Api
from services.ingest.api_keys import ApiKeys
from services.ingest.app import build_app
from services.ingest.callers import Callers
from services.ingest.customers import Customers
from services.ingest.field_owners import Owned
from services.ingest.gone import Gone
from services.ingest.imap_poller import ImapPoller
from services.ingest.inbound_mail_routes import InboundMails
from services.ingest.key_store import KeyRefresh
from services.ingest.languages import Languages
from services.ingest.mail_desk import MailDesk
from services.ingest.mail_event_routes import MailEvents, Outside
from services.ingest.pages import Site
from services.ingest.publisher import Publisher
from services.ingest.reply_desk import ReplyDesk
from services.ingest.salesforce.customer_map import load_customer_map
from services.ingest.salesforce.sync import CustomerSync
from services.ingest.salesforce.wiring import connect
from services.ingest.settings import IngestSettings
from services.ingest.sources import load_callers
from services.ingest.survey_file import load_survey_file
from services.ingest.survey_routes import Surveys
from services.ingest.survey_upkeep import SurveyUpkeep
from services.ingest.webhook_fetcher import WebhookFetcher
from services.ingest.webhook_routes import Webhooks
from services.ingest.webhook_worker import WebhookWorker
from services.ingest.widget_routes import Widget

SERVICE = "ingest"

E = TypeVar("E")

log = structlog.get_logger(__name__)


def main() -> int:
    """Runs until a signal; the exit code."""
    settings = load(IngestSettings)
    logging.configure(SERVICE, level=settings.log_level)
    try:
        callers = load_callers(settings.config_dir / "sources.yaml")
        survey_file = load_survey_file(settings.config_dir / "survey.yaml")
        customer_map = load_customer_map(settings.config_dir / "salesforce_customers.yaml")
        org = connect(customer_map)
    except (ConfigError, BadSettings) as error:
        sys.stderr.write(f"The configuration does not allow a start:\n{error}\n")
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
    worker = WebhookWorker(callers.sources, person_key_secret=person_key_secret)
    consumers = consumers_of(kafka, pool, worker)
    mails = MailDesk(pool=pool, clock=clock, token_secret=token_secret, person_key_secret=person_key_secret)
    replies = ReplyDesk(pool=pool, clock=clock, token_secret=token_secret, mail=mails)
    mailbox = settings.mailbox
    keys = ApiKeys.parse(settings.ingest_api_keys.get_secret_value())
    refresh = KeyRefresh(pool, keys)
    gone = Gone(pool)
    customers = Customers(customer_map.owned if org else Owned())
    reading = org and CustomerSync(
        org=org,
        pool=pool,
        clock=clock,
        customers=customers,
        by=customer_map,
        person_key_secret=person_key_secret,
    )
    surveys = Surveys(
        pool=pool,
        clock=clock,
        token_secret=token_secret,
        file=survey_file,
        site=Site(survey_file.brand, Languages(), pictures=settings.config_dir),
    )
    health = Health()
    health.add("kafka", publisher.check)
    health.add("postgresql", reachable(pool))
    health.add("relay", relay.check)
    health.add("api_keys", refresh.check)
    for name, consumer in consumers.items():
        health.add(name, consumer.check)
    app = build_app(
        api=Api(
            publisher=publisher,
            callers=Callers(keys, records_per_second=settings.ingest_records_per_second),
            clock=clock,
            gone=gone,
            customers=customers,
            pool=pool,
            person_key_secret=person_key_secret,
        ),
        webhooks=Webhooks(sources=callers.sources, publisher=publisher, clock=clock),
        mail_events=MailEvents(providers=callers.mail, desk=mails, outside=Outside()),
        inbound_mail=InboundMails(secrets=callers.inbound_mail_secrets, desk=replies),
        surveys=surveys,
        widget=Widget(
            surveys=surveys,
            person_key_secret=person_key_secret,
            secret=settings.widget_secret.get_secret_value().encode() if settings.widget_secret else None,
            origins=settings.origins(),
        ),
        health=health,
        background=publisher.run,
    )
    return run_service(
        SERVICE,
        workers={
            "relay": relay.run,
            "api-keys": refresh.run,
            "gone": gone.run,
            "survey-upkeep": SurveyUpkeep(pool=pool, clock=clock).run,
            "webhook-fetcher": WebhookFetcher(worker, pool).run,
            **({"imap": ImapPoller(mailbox, replies).run} if mailbox else {}),
            **({"salesforce-customers": reading.run} if reading else {}),
            **{name: consumer.run for name, consumer in consumers.items()},
            **{
                f"{name}-watchdog": Watchdog(consumer.progress.standing).run
                for name, consumer in consumers.items()
            },
        },
        app=app,
        host=settings.ingest_host,
        port=settings.ingest_port,
    )


def consumers_of(kafka: KafkaSettings, pool: Pool, worker: WebhookWorker) -> dict[str, Consumer[Any]]:
    """What ingest reads, by the name of its worker."""

    def consumer(
        group: str, topics: list[str], decode: Callable[[Record], E], handle: Handle[E]
    ) -> Consumer[E]:
        return Consumer(
            kafka=kafka,
            group=group,
            topics=topics,
            decode=decode,
            handle=handle,
            pool=pool,
            dead_letters=DeadLetters(kafka),
        )

    surveys = [SurveyRequested.TOPIC, replay_topic(projection.GROUP)]
    calls = [WebhookReceived.TOPIC, replay_topic(webhook_worker.GROUP)]
    return {
        "survey-requests": consumer(projection.GROUP, surveys, projection.read, projection.project),
        "survey-events": consumer(opt_outs.GROUP, [SurveyStepOccurred.TOPIC], opt_outs.read, opt_outs.apply),
        "erasures": consumer(erasures.GROUP, [ErasureRequested.TOPIC], erasures.read, erasures.apply),
        "webhooks": consumer(webhook_worker.GROUP, calls, worker.decode, worker.handle),
    }


if __name__ == "__main__":
    sys.exit(main())

"""`python -m services.router`: wires the service and runs it."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from runtime import logging
from runtime.clock import Clock, business_clock
from runtime.consumer import Consumer, Handle
from runtime.dead_letters import DeadLetters
from runtime.health import Health
from runtime.kafka import KafkaSettings
from runtime.messages import Record
from runtime.operator import Operator
from runtime.ops import ops_app
from runtime.postgres import Pool, open_pool, reachable
from runtime.problems import add_problem_handlers
from runtime.relay import Relay
from runtime.service import run_service
from runtime.settings import BadSettings, load
from runtime.watchdog import Watchdog
from runtime.yaml_file import ConfigError
from schemas.classified import ResponseClassified
from schemas.requests import SurveyRequested
from schemas.topics import replay_topic
from services.router import (
    advocacy_api,
    answer_api,
    bulletins,
    delivery_api,
    destination_api,
    erasures,
    follow_up_api,
    lifecycle,
    match_review_api,
    planner,
    projections,
    replies,
    schedule,
)
from services.router.clearance import Policy
from services.router.delivery import Connected, Deliveries
from services.router.destination_settings import Configured, read_destinations
from services.router.follow_up_desk import Desk
from services.router.follow_up_effects import Shown
from services.router.follow_up_watch import Rota, Watch
from services.router.freshness import Ends, FreshFacts, ProjectionAge
from services.router.ledger import PLANS_BY_KEY
from services.router.letters import MAIL, Letters
from services.router.lookout import LOOK_EVERY_SECONDS, Lookout
from services.router.occurrences import PlannedEvent
from services.router.pauses import Pauses
from services.router.people import People, load_people
from services.router.personal_mails import PersonalMails
from services.router.plan import Playbook
from services.router.plugins import discover
from services.router.rules import load_rules
from services.router.rules_watch import RulesWatch
from services.router.settings import RouterSettings
from services.router.slack.wiring import slack_side
from services.router.survey_links import SurveyLinks
from services.router.templates import Templates
from services.router.theme_names import theme_names
from services.router.timer_store import TimerKind
from services.router.timers import Timers
from services.router.upkeep import Upkeep

SERVICE = "router"
PLANNING_GROUP = "router"
BAD_CONFIG_EXIT_CODE = 2

E = TypeVar("E")


def main() -> int:
    """Runs until a signal; the exit code."""
    settings = load(RouterSettings)
    logging.configure(SERVICE, level=settings.log_level)
    try:
        destinations = read_destinations(settings.config_dir / "destinations.yaml", discover())
        people = load_people(settings.config_dir / "people.yaml")
        watch = RulesWatch(
            settings.config_dir, partial(read_playbook, settings.config_dir, destinations, people)
        )
        playbook = read_playbook(settings.config_dir, destinations, people)
        themes = theme_names(settings.config_dir / "themes.yaml")
        connected = connect(destinations.values())
    except (ConfigError, BadSettings) as error:
        sys.stderr.write(f"The configuration does not allow a start:\n{error}\n")
        return BAD_CONFIG_EXIT_CODE
    return serve(settings, playbook, watch, connected, themes)


def read_playbook(config_dir: Path, destinations: Mapping[str, Configured], people: People) -> Playbook:
    """The rules and templates of a folder. Raises runtime.yaml_file.ConfigError."""
    plugins = {name: one.plugin for name, one in destinations.items()}
    templates = Templates(config_dir / "templates")
    rules = load_rules(config_dir / "rules.yaml", plugins, templates, people)
    return Playbook(rules, plugins, templates, people)


def connect(destinations: Iterable[Configured]) -> list[Connected]:
    """Every destination, connected or with the reason why it is disabled."""
    connected = []
    for one in destinations:
        answer = one.plugin.connect(one.settings())
        if isinstance(answer, str):
            connected.append(Connected(one.plugin, None, answer))
        else:
            connected.append(Connected(one.plugin, answer, None))
    return connected


def planning_consumer(
    *,
    kafka: KafkaSettings,
    pool: Pool,
    playbook: Playbook,
    clock: Clock,
    links: SurveyLinks,
    follow: planner.Follow,
    storm_people: int,
    watch: RulesWatch | None = None,
) -> Consumer[PlannedEvent]:
    """What plans answers and survey requests, by the rules that `watch` takes up."""
    planning = planner.Planner(
        playbook=playbook,
        clock=clock,
        links=links,
        wait_for_facts=FreshFacts(Ends(kafka.bootstrap_servers).now).wait,
        follow=follow,
        storm_people=storm_people,
    )
    if watch is not None:
        watch.tell(planning.use)
    return Consumer(
        kafka=kafka,
        group=PLANNING_GROUP,
        topics=[ResponseClassified.TOPIC, SurveyRequested.TOPIC, replay_topic(PLANNING_GROUP)],
        decode=planner.decode,
        handle=planning.handle,
        pool=pool,
        dead_letters=DeadLetters(kafka),
    )


def listening(
    *, kafka: KafkaSettings, pool: Pool, replying: replies.Replies, telling: bulletins.Bulletins
) -> dict[str, Consumer[Any]]:
    """What takes in everything else that the router listens to, by name; its group is `router-<name>`."""

    def of(
        name: str,
        topics: Sequence[str],
        decode: Callable[[Record], E],
        handle: Handle[E],
    ) -> tuple[str, Consumer[Any]]:
        consumer = Consumer(
            kafka=kafka,
            group=f"{SERVICE}-{name}",
            topics=topics,
            decode=decode,
            handle=handle,
            pool=pool,
            dead_letters=DeadLetters(kafka),
        )
        return name, consumer

    replayed = replay_topic(f"{SERVICE}-projections")
    return dict(
        (
            of("projections", [*projections.TOPICS, replayed], projections.decode, projections.project),
            of("lifecycle", lifecycle.TOPICS, lifecycle.decode, lifecycle.end),
            of("erasures", erasures.TOPICS, erasures.decode, erasures.handle),
            of("replies", replies.TOPICS, replies.decode, replying.take),
            of("bulletins", bulletins.TOPICS, bulletins.decode, telling.take),
        )
    )


def serve(
    settings: RouterSettings,
    playbook: Playbook,
    watch: RulesWatch,
    connected: list[Connected],
    themes: Mapping[str, str],
) -> int:
    """Runs the workers and the HTTP application until a signal."""
    kafka = settings.kafka(SERVICE)
    pool = open_pool(
        settings.database_url.get_secret_value(),
        schema=SERVICE,
        application=SERVICE,
        max_size=11 + len(connected),
        options=PLANS_BY_KEY,
    )
    clock, people = business_clock(settings), playbook.people
    desk = Desk(
        pool=pool,
        clock=clock,
        people=people,
        shown=Shown({one.plugin.name: one.plugin for one in connected}),
    )
    age = ProjectionAge(ends=Ends(settings.kafka_bootstrap_servers), pool=pool)
    links = SurveyLinks(str(settings.public_url), settings.survey_token_secret.get_secret_value().encode())
    planning = planning_consumer(
        kafka=kafka,
        pool=pool,
        playbook=playbook,
        clock=clock,
        links=links,
        follow=desk.after_planning,
        storm_people=settings.storm_people,
        watch=watch,
    )
    consumers = {
        "planning": planning,
        **listening(
            kafka=kafka,
            pool=pool,
            replying=replies.Replies(desk, clock),
            telling=bulletins.Bulletins(playbook.plugins, people, clock),
        ),
    }
    relay = Relay(pool=pool, kafka=kafka)
    pauses = Pauses(pool)
    handlers = {
        TimerKind.RELEASE: schedule.release,
        TimerKind.MAILED: PersonalMails(desk).take,
        **Watch(desk).handlers,
    }
    policy = Policy(settings.delivery_mode, frozenset(settings.pilot_allow))
    deliveries = [
        Deliveries(
            connected=one,
            pool=pool,
            clock=clock,
            policy=policy,
            profiles_age_seconds=age.seconds,
            people=people,
            is_paused=partial(pauses.holds, one.plugin.name),
            look_every_seconds=LOOK_EVERY_SECONDS,
        )
        for one in connected
    ]
    health = Health()
    health.add("postgresql", reachable(pool))
    for name, consumer in consumers.items():
        health.add(name, consumer.check)
    health.add("relay", relay.check)
    app = ops_app(health)
    add_problem_handlers(app)
    operator = Operator(settings.router_operator_key, "ROUTER_OPERATOR_KEY")
    app.include_router(destination_api.routes(deliveries=deliveries, pool=pool, operator=operator))
    app.include_router(match_review_api.routes(pool=pool, operator=operator))
    app.include_router(advocacy_api.routes(pool=pool, clock=clock, secret=settings.marketing_callback_secret))
    app.include_router(
        delivery_api.routes(pool=pool, clock=clock, plugins=playbook.plugins, operator=operator)
    )
    app.include_router(follow_up_api.routes(desk=desk, pool=pool, clock=clock, operator=operator))
    mail = next(one for one in connected if one.plugin.name == MAIL)
    letters = Letters(desk, clock, mail, policy)
    app.include_router(
        answer_api.routes(
            answer_api.Answers(
                desk=desk,
                pool=pool,
                clock=clock,
                plugins=playbook.plugins,
                letters=letters,
                themes=themes,
            ),
            operator,
        )
    )
    slack_routes, slack_workers = slack_side(
        connected, pool=pool, clock=clock, desk=desk, letters=letters, themes=themes
    )
    app.include_router(slack_routes)
    code = run_service(
        SERVICE,
        workers={
            "rules": watch.run,
            "pauses": pauses.run,
            "upkeep": Upkeep(pool=pool, connected=connected, ledger_days=settings.ledger_days).run,
            "projection-age": age.run,
            **{name: consumer.run for name, consumer in consumers.items()},
            **{
                f"{name}-watchdog": Watchdog(consumer.progress.standing).run
                for name, consumer in consumers.items()
            },
            "relay": relay.run,
            "timers": Timers(pool=pool, clock=clock, handlers=handlers).run,
            "rota": Rota(pool=pool, clock=clock, desk=desk).run,
            **slack_workers,
            "lookout": Lookout(pool, deliveries).run,
            **{f"deliveries-{worker.name}": worker.run for worker in deliveries},
            **{
                f"sync-{one.plugin.name}": one.plugin.sync(one.destination, pool, clock, desk).run
                for one in connected
                if one.plugin.sync is not None and one.destination is not None
            },
        },
        app=app,
        host=settings.ops_host,
        port=settings.ops_port,
    )
    for one in connected:
        if one.destination is not None:
            one.destination.close()
    return code


if __name__ == "__main__":
    sys.exit(main())

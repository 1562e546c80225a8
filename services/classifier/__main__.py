"""`python -m services.classifier`: wires the service and runs it."""

import sys

from fastapi import FastAPI

from runtime import logging
from runtime.faust_stream import FaustStream
from runtime.health import Health
from runtime.ops import ops_app
from runtime.problems import add_problem_handlers
from runtime.service import Worker, run_service
from runtime.settings import BAD_SETTINGS_EXIT_CODE, load
from runtime.watchdog import Watchdog
from runtime.yaml_file import ConfigError
from schemas.responses import ResponseRecorded
from services.classifier.app import SERVICE, classifier
from services.classifier.following import Follower, begin
from services.classifier.language import LanguageDetector
from services.classifier.live import Live
from services.classifier.loading import Loader, Places
from services.classifier.lookup import Lookup
from services.classifier.reader import ListReader
from services.classifier.routes import classify_routes
from services.classifier.settings import ClassifierSettings
from services.classifier.taxonomy import load_themes


def main() -> int:
    """Runs until a signal; the exit code."""
    settings = load(ClassifierSettings)
    logging.configure(SERVICE, level=settings.log_level)
    places = Places(
        settings.config_dir / "themes.yaml", settings.config_dir / "people.yaml", settings.models_dir
    )
    workers: dict[str, Worker] = {}
    try:
        if settings.classifier_reads == "keywords":
            live = Live(ListReader(Lookup(load_themes(places.themes))))
        else:
            loader = Loader(places, LanguageDetector(settings.classifier_languages.split(",")))
            live = Live(begin(loader))
            workers["follower"] = Follower(live, loader, places).run
    except ConfigError as error:
        sys.stderr.write(f"The configuration does not allow a start:\n{error}\n")
        return BAD_SETTINGS_EXIT_CODE
    stream = FaustStream(
        kafka=settings.kafka(SERVICE),
        group=SERVICE,
        topic=ResponseRecorded.TOPIC,
        transform=classifier(live),
    )
    health = Health()
    health.add("stream", stream.check)
    return run_service(
        SERVICE,
        workers=workers
        | {
            "stream": stream.run,
            "watchdog": Watchdog(stream.progress.standing, stalled_seconds=settings.stalled_seconds).run,
        },
        app=_app(health, live),
        host=settings.ops_host,
        port=settings.ops_port,
    )


def _app(health: Health, live: Live) -> FastAPI:
    app = ops_app(health)
    add_problem_handlers(app)
    app.include_router(classify_routes(live))
    return app


if __name__ == "__main__":
    sys.exit(main())

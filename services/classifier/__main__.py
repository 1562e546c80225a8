"""`python -m services.classifier`: wires the service and runs it."""

import sys

from runtime import logging
from runtime.faust_stream import FaustStream
from runtime.health import Health
from runtime.ops import ops_app
from runtime.service import run_service
from runtime.settings import BAD_SETTINGS_EXIT_CODE, load
from runtime.watchdog import Watchdog
from runtime.yaml_file import ConfigError
from schemas.responses import ResponseRecorded
from services.classifier.app import SERVICE, classifier
from services.classifier.language import LanguageDetector
from services.classifier.lookup import Lookup
from services.classifier.reader import ListReader, Reader, Reads
from services.classifier.roster import load_roster
from services.classifier.settings import ClassifierSettings
from services.classifier.taxonomy import load_themes


def main() -> int:
    """Runs until a signal; the exit code."""
    settings = load(ClassifierSettings)
    logging.configure(SERVICE, level=settings.log_level)
    try:
        reader = _reader(settings)
    except ConfigError as error:
        sys.stderr.write(f"The configuration does not allow a start:\n{error}\n")
        return BAD_SETTINGS_EXIT_CODE
    stream = FaustStream(
        kafka=settings.kafka(SERVICE),
        group=SERVICE,
        topic=ResponseRecorded.TOPIC,
        transform=classifier(reader),
    )
    health = Health()
    health.add("stream", stream.check)
    return run_service(
        SERVICE,
        workers={
            "stream": stream.run,
            "watchdog": Watchdog(stream.progress.standing, stalled_seconds=settings.stalled_seconds).run,
        },
        app=ops_app(health),
        host=settings.ops_host,
        port=settings.ops_port,
    )


def _reader(settings: ClassifierSettings) -> Reads:
    taxonomy = Lookup(load_themes(settings.config_dir / "themes.yaml"))
    if settings.classifier_reads == "keywords":
        return ListReader(taxonomy)
    return Reader(
        taxonomy,
        languages=LanguageDetector(settings.classifier_languages.split(",")),
        roster=load_roster(settings.config_dir / "people.yaml"),
    )


if __name__ == "__main__":
    sys.exit(main())

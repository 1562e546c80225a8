"""Follows themes, employees and the activated model: what is new comes into use, what is broken does not."""

import threading

import structlog

from runtime.yaml_file import ConfigError
from services.classifier import metrics
from services.classifier.live import Live
from services.classifier.loading import Loader, Places
from services.classifier.model_file import UnusableModel
from services.classifier.reader import Reader

LOOK_EVERY_SECONDS = 2.0

log = structlog.get_logger(__name__)


def begin(loader: Loader) -> Reader:
    """The first reader: without a model where that cannot be used, which is said.

    Raises runtime.yaml_file.ConfigError.
    """
    try:
        reader = loader.load()
    except UnusableModel as error:
        _refused(error, "comments are read without a model until it is mended")
        reader = loader.load_without_model()
        _tell(reader)
    else:
        _used(reader)
    return reader


class Follower:
    """A worker of the service: looks for changes and puts them into use between two batches."""

    def __init__(self, live: Live, loader: Loader, places: Places) -> None:
        self._live = live
        self._loader = loader
        self._places = places
        self._seen = places.stamps()

    def run(self, stop: threading.Event) -> None:
        """Looks every two seconds until `stop`."""
        while not stop.wait(LOOK_EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        """Replaces the reader if a file has changed and everything can be used."""
        stamps = self._places.stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            reader = self._loader.load()
        except (ConfigError, UnusableModel) as error:
            _refused(error, "what was in use stays in use")
            return
        self._live.replace(reader)
        _used(reader)


def _used(reader: Reader) -> None:
    metrics.REFUSED.set(0)
    _tell(reader)


def _tell(reader: Reader) -> None:
    metrics.VERSION.set(reader.version)
    log.info(
        "classifies",
        classification_version=reader.version,
        taxonomy_version=reader.taxonomy.version,
        model=reader.model_version,
    )


def _refused(error: ConfigError | UnusableModel, consequence: str) -> None:
    metrics.REFUSED.set(1)
    metrics.REFUSALS.inc()
    log.error("cannot be used", reason=str(error), consequence=consequence)

"""The classifier's settings."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from runtime.settings import Port, StatelessSettings
from services.classifier.language import LANGUAGES


class ClassifierSettings(StatelessSettings):
    """Settings of `python -m services.classifier`."""

    ops_port: Port = 8001
    """The port that health and metrics are served on, 1 to 65535."""
    stalled_seconds: Annotated[float, Field(gt=0)] = 60
    """Seconds without progress on waiting records after which the process ends to be started afresh."""
    classifier_languages: str = Field(default=",".join(LANGUAGES), pattern=r"^[a-z]{2}(,[a-z]{2})*$")
    """Languages customers write in, as ISO 639-1 codes separated by commas; fewer are told apart better."""
    models_dir: Path = Path("var/models")
    """The folder of the models and of the manifest that says which is in use."""
    classifier_reads: Literal["everything", "keywords"] = "everything"
    """everything, or keywords: nothing but the themes' keywords is looked for."""

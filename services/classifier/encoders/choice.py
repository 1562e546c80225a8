"""Which encoder a model is fitted and used with."""

from enum import StrEnum
from pathlib import Path

from services.classifier.encoders.encoder import Encoder
from services.classifier.encoders.static_table import StaticTable

TABLE = "words.table"
"""The static table's name in the folder of models."""


class EncoderName(StrEnum):
    """What can be chosen."""

    NONE = "none"
    STATIC = "static"
    MULTILINGUAL = "multilingual"


class ModelName(StrEnum):
    """What a model can be made of: one encoder, or a quick one and a slow one for what that is unsure of."""

    NONE = "none"
    STATIC = "static"
    MULTILINGUAL = "multilingual"
    CASCADE = "cascade"

    @property
    def encoders(self) -> tuple[EncoderName, ...]:
        """The quicker one first."""
        if self is ModelName.CASCADE:
            return EncoderName.STATIC, EncoderName.MULTILINGUAL
        return (EncoderName(self.value),)


class MissingEncoder(Exception):
    """The encoder is not installed, for people."""


def load_encoder(name: EncoderName, models: Path) -> Encoder | None:
    """The encoder, or None for `none`; raises MissingEncoder, or UnreadableTable for the static one."""
    if name is EncoderName.NONE:
        return None
    if name is EncoderName.STATIC:
        return StaticTable(models / TABLE)
    try:
        # An extra that not every image installs.
        from services.classifier.encoders.multilingual import MultilingualEncoder  # noqa: PLC0415
    except ImportError:
        raise MissingEncoder(
            "the multilingual encoder is not installed; the extra `encoder` has it"
        ) from None
    return MultilingualEncoder()

"""Settings come from the environment and from secret files; a bad one is named before anything starts."""

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from runtime.kafka import KafkaSettings

DEFAULT_SECRETS_DIR = Path("/run/secrets")
PLACEHOLDERS = ("change-me", "changeme", "placeholder", "example")
BAD_SETTINGS_EXIT_CODE = 2

Port = Annotated[int, Field(ge=1, le=65535)]
Secret = Annotated[SecretStr, Field(min_length=32)]
"""A key that nobody can guess: 32 characters or more."""


def _separated(value: object) -> object:
    return (
        tuple(part for part in map(str.strip, value.split(",")) if part) if isinstance(value, str) else value
    )


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_separated)]
"""Several, separated by commas in a variable."""
LowerListed = Annotated[
    tuple[Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1)], ...],
    NoDecode,
    BeforeValidator(_separated),
]
"""The same of what is alike in capitals and small letters, such as hosts."""


class EnvironmentSettings(BaseSettings):
    """Settings read from variables called like the fields, in capitals; empty counts as missing.

    A file of a field's name in `secret_folders` stands in for a variable that is not set.
    A docstring under a field is what its error message says was expected.
    """

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_missing(cls, given: object) -> object:
        # Pydantic sees to variables; a secret that was never filled in is an empty file.
        return (
            {name: value for name, value in given.items() if value != ""}
            if isinstance(given, dict)
            else given
        )

    @field_validator("*")
    @classmethod
    def _no_placeholder(cls, value: object) -> object:
        if isinstance(value, SecretStr):
            secret = value.get_secret_value().lower()
            if any(word in secret for word in PLACEHOLDERS):
                raise ValueError("it still holds a placeholder")
        return value


class StatelessSettings(EnvironmentSettings):
    """What a service without a database needs to know."""

    kafka_bootstrap_servers: Annotated[str, Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")]
    """Kafka's brokers as host:port, several separated by commas."""
    config_dir: Path = Path("deploy/config")
    """The folder of rules.yaml and the other files that users edit."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    ops_host: str = "127.0.0.1"
    """The address that health and metrics are served on."""
    ops_port: Port
    """The port that health and metrics are served on, 1 to 65535."""
    instance: str = Field(default_factory=lambda: os.uname().nodename, min_length=1)
    """This replica's slot, such as 1 or 2: never the same for two replicas that run at once."""

    def kafka(self, service: str) -> KafkaSettings:
        """How `service` meets Kafka."""
        return KafkaSettings(self.kafka_bootstrap_servers, service, self.instance)


class ServiceSettings(StatelessSettings):
    """What a service with a database needs to know."""

    database_url: SecretStr
    """PostgreSQL as postgresql://user:password@host:port/database."""
    business_clock: Literal["wall", "shiftable"] = "wall"
    """wall, or shiftable where time can be turned forward (demo, tests)."""

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        if not re.match(r"postgres(ql)?://", value.get_secret_value()):
            raise ValueError("it does not begin with postgresql://")
        return value


S = TypeVar("S", bound=BaseSettings)


def secret_folders(default: Path = DEFAULT_SECRETS_DIR) -> list[Path]:
    """Where secret files lie: the folders that SECRETS_DIR names, separated by colons, else `default`.

    Of files of one name the first counts.
    """
    named = os.environ.get("SECRETS_DIR", "").split(os.pathsep)
    return [Path(folder) for folder in named if folder] or [default]


class BadSettings(Exception):
    """Its text is one sentence for each setting that is missing or wrong; it never holds a value."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def load(cls: type[S]) -> S:
    """The settings, or the end of the process with code 2 and the reasons on standard error."""
    try:
        return read(cls)
    except BadSettings as error:
        _refuse(error)


def read(cls: type[S]) -> S:
    """The settings; raises BadSettings."""
    folders = secret_folders()
    try:
        # Of several, pydantic takes the last.
        return cls(_secrets_dir=[folder for folder in reversed(folders) if folder.is_dir()])
    except ValidationError as error:
        kinds = error.errors(include_url=False, include_input=False)
        raise BadSettings(
            [_sentence(cls, str(kind["loc"][0]), kind["type"], kind["msg"], folders[0]) for kind in kinds]
        ) from None
    except SettingsError as error:
        # The only place that says which one it was.
        named = re.search(r'field "(\w+)"', str(error))
        field = named[1] if named else "a setting"
        raise BadSettings([_sentence(cls, field, "json", "it is not JSON", folders[0])]) from None


def _refuse(error: BadSettings) -> NoReturn:
    sys.stderr.write("The settings do not allow a start:\n")
    sys.stderr.writelines(f"  {sentence}\n" for sentence in error.sentences)
    raise SystemExit(BAD_SETTINGS_EXIT_CODE)


def _sentence(cls: type[BaseSettings], field: str, kind: str, message: str, folder: Path) -> str:
    info = cls.model_fields.get(field)
    variable = _variable(cls, field, info)
    expected = f" Expected: {info.description.strip()}" if info and info.description else ""
    if kind == "missing":
        return f"{variable} is missing.{expected} Set it in the environment or as the file {folder / field}."
    trouble = message.removeprefix("Value error, ").removeprefix("Input should be ")
    trouble = trouble if trouble.startswith(("it ", "its ")) else f"it should be {trouble}"
    return f"{variable} cannot be used: {trouble}.{expected}"


def _variable(cls: type[BaseSettings], field: str, info: FieldInfo | None) -> str:
    alias = info.validation_alias if info else None
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    if isinstance(alias, str):
        return alias.upper()
    return f"{cls.model_config.get('env_prefix', '')}{field}".upper()

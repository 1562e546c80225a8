"""The themes a company looks for, as `themes.yaml` states them."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from runtime.yaml_file import load_yaml
from services.classifier.words import SNOWBALL, folded_words


class Function(StrEnum):
    """A department that an answer can concern."""

    SUPPORT = "Support"
    PRODUCT = "Product"
    SUCCESS = "Success"
    SALES = "Sales"
    MARKETING = "Marketing"
    FINANCE = "Finance"


def _known_language(code: str) -> str:
    if code not in SNOWBALL:
        raise ValueError(f"expected a language out of {', '.join(SNOWBALL)}, not {code!r}")
    return code


def _with_a_word(keyword: str) -> str:
    if not folded_words(keyword):
        raise ValueError(f"expected a word or a phrase, {keyword!r} holds neither letters nor digits")
    return keyword


Language = Annotated[str, AfterValidator(_known_language)]
Keyword = Annotated[str, Field(max_length=100), AfterValidator(_with_a_word)]
Example = Annotated[str, Field(max_length=1000), AfterValidator(_with_a_word)]
Destination = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Alias = Annotated[str, Field(min_length=1, max_length=255)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Theme(_Part):
    """Something customers talk about."""

    id: str = Field(pattern=r"^[a-z][a-z0-9._/-]{0,63}$")
    """Lower-case letters, digits, dots, hyphens. Rules and reports use it: it stays when the name changes."""
    name: str = Field(min_length=1, max_length=80)
    """As people see it."""
    description: str = Field(min_length=1, max_length=500)
    """What belongs here, for whoever edits the list."""
    function: Function
    """Whose business it is."""
    parent: str | None = None
    """Id of the theme that this one is a part of. There are two levels: a parent has none itself."""
    keywords: dict[Language, tuple[Keyword, ...]] = Field(default_factory=dict)
    """Words and phrases under the two letters of their language; every form of a word counts."""
    examples: tuple[Example, ...] = ()
    """Comments that speak of it, as customers write them, for models to learn from."""
    aliases: dict[Destination, Alias] = Field(default_factory=dict)
    """What a destination calls it: a picklist value of Salesforce, a label of Jira."""

    @model_validator(mode="after")
    def _can_be_found(self) -> "Theme":
        if not self.keywords and not self.examples:
            raise ValueError(f"{self.id} has neither keywords nor examples: nothing says how to find it")
        return self


class Themes(_Part):
    """The whole of `themes.yaml`."""

    version: int = Field(ge=1)
    """Raised with every change: a response classified under a higher version replaces a lower one."""
    themes: tuple[Theme, ...] = Field(min_length=1)
    """In the order in which they are shown."""

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @field_validator("themes")
    @classmethod
    def _ids_differ(cls, themes: tuple[Theme, ...]) -> tuple[Theme, ...]:
        repeated = [theme for theme, times in Counter(theme.id for theme in themes).items() if times > 1]
        if repeated:
            raise ValueError(
                f"every theme needs an id of its own; used more than once: {', '.join(repeated)}"
            )
        return themes


def misplaced(taxonomy: Themes) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Where a theme names a parent that is none, and why; for runtime.yaml_file.load_yaml."""
    parents = {theme.id: theme.parent for theme in taxonomy.themes}
    for number, theme in enumerate(taxonomy.themes):
        if theme.parent is None:
            continue
        where = ("themes", number, "parent")
        if theme.parent not in parents:
            yield where, f"expected the id of a theme of this file, not {theme.parent!r}"
        elif theme.parent == theme.id or parents[theme.parent] is not None:
            yield where, f"{theme.parent} is itself part of a theme; expected one of the upper level"


def load_themes(path: Path, in_use: Themes | None = None) -> Themes:
    """The file's themes; raises runtime.yaml_file.ConfigError with a line for each mistake.

    It is one if they say something else than those `in_use` under the same version: answers classified under
    it would never be replaced.
    """

    def mistakes(found: Themes) -> Iterator[tuple[tuple[int | str, ...], str]]:
        yield from misplaced(found)
        if in_use is not None and found.version == in_use.version and found.digest != in_use.digest:
            yield (
                ("version",),
                f"expected {found.version + 1} or more: {found.version} is in use and says something else",
            )

    return load_yaml(path, Themes, mistakes)


def doubtful(taxonomy: Themes) -> Iterator[str]:
    """What is allowed and hardly meant: keywords of several themes that are no part of one another."""
    claimed: dict[tuple[str, str], list[Theme]] = {}
    for theme in taxonomy.themes:
        for language, keywords in theme.keywords.items():
            for keyword in dict.fromkeys(" ".join(folded_words(keyword)) for keyword in keywords):
                claimed.setdefault((language, keyword), []).append(theme)
    for (language, keyword), themes in claimed.items():
        strangers = [theme.id for theme in themes if theme.parent not in {other.id for other in themes}]
        if len(strangers) > 1:
            yield f"{keyword!r} ({language}) is a keyword of {' and of '.join(strangers)}"

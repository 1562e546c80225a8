"""The themes a company looks for, as `themes.yaml` states them."""

from collections import Counter
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

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


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Theme(_Part):
    """Something customers talk about."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")
    """Lower-case letters, digits and hyphens. Rules and reports name it: it stays when the name changes."""
    name: str = Field(min_length=1, max_length=80)
    """As people see it."""
    description: str = Field(min_length=1, max_length=500)
    """What belongs here, for whoever edits the list."""
    function: Function
    """Whose business it is."""
    keywords: dict[Language, tuple[Keyword, ...]] = Field(min_length=1)
    """Words and phrases under the two letters of their language; every form of a word counts."""


class Themes(_Part):
    """The whole of `themes.yaml`."""

    version: int = Field(ge=1)
    """Raised with every change: a response classified under a higher version replaces a lower one."""
    themes: tuple[Theme, ...] = Field(min_length=1)
    """In the order in which they are shown."""

    @field_validator("themes")
    @classmethod
    def _ids_differ(cls, themes: tuple[Theme, ...]) -> tuple[Theme, ...]:
        repeated = [theme for theme, times in Counter(theme.id for theme in themes).items() if times > 1]
        if repeated:
            raise ValueError(
                f"every theme needs an id of its own; used more than once: {', '.join(repeated)}"
            )
        return themes

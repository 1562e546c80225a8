"""What the survey's pages say, in every language that has a catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

CATALOGUES = Path(__file__).parent / "catalogues"
WRITTEN_IN = "en"
"""The language of the messages themselves."""


def translatable(message: str) -> str:
    """The message itself; marks it for the catalogues where it is spoken elsewhere."""
    return message


@dataclass(frozen=True, slots=True)
class Language:
    """One language, and how it is written."""

    locale: Locale
    catalogue: NullTranslations

    @property
    def code(self) -> str:
        """The BCP 47 tag, such as ar."""
        return str(self.locale)

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return self.locale.text_direction

    def say(self, message: str, **values: object) -> str:
        """The message in this language, with the values it names, such as %(score)s."""
        translated = self.catalogue.gettext(message)
        return translated % values if values else translated

    def day(self, when: datetime) -> str:
        """The date, written out."""
        return format_date(when, "long", locale=self.locale)

    def number(self, value: int) -> str:
        """The number with this language's separators."""
        return format_decimal(value, locale=self.locale)


class Languages:
    """All languages there are; the catalogues are compiled as they are read."""

    def __init__(self, folder: Path = CATALOGUES) -> None:
        self._known = {WRITTEN_IN: Language(Locale(WRITTEN_IN), NullTranslations())}
        for path in sorted(folder.glob("*.po")):
            self._known[path.stem] = Language(Locale(path.stem), _compiled(path))

    def __iter__(self) -> Iterator[Language]:
        return iter(self._known.values())

    def best(self, wanted: str) -> Language:
        """The first language there is of an Accept-Language header or a tag; English where there is none."""
        tags = [tag for tag, _ in sorted(_weighted(wanted), key=lambda one: -one[1])]
        return self._known[negotiate_locale(tags, self._known, sep="-") or WRITTEN_IN]


def _compiled(path: Path) -> Translations:
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=path.stem))
    compiled.seek(0)
    return Translations(compiled)


def _weighted(accepted: str) -> Iterator[tuple[str, float]]:
    for one in accepted.split(","):
        tag, _, weight = one.strip().partition(";q=")
        try:
            yield tag, float(weight or 1)
        except ValueError:
            yield tag, 0.0

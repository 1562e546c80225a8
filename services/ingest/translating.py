"""Keeps the catalogues in step with what the code says: `python -m services.ingest.translating [--check]`.

Without `--check` every catalogue gets the messages that are new and loses those that are gone; what remains
for a person is to translate the empty ones.
"""

import argparse
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from services.ingest.languages import CATALOGUES

_SOURCES = Path(__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_OPTIONS = {"templates/**.html": {"trim_blocks": "true", "silent": "false"}}
_KEYWORDS = {"_": None, "say": None, "translatable": None}
_WIDTH = 110


def said() -> Catalog:
    """Every message in the code and the templates."""
    catalogue = Catalog(fuzzy=False)
    for _, _, message, comments, _ in extract_from_dir(
        _SOURCES, _METHODS, _OPTIONS, keywords=_KEYWORDS, comment_tags=("Translators:",)
    ):
        catalogue.add(message, auto_comments=comments)
    return catalogue


def incomplete(path: Path, template: Catalog) -> Iterator[str]:
    """What is wrong with the catalogue in `path`: a sentence for each message."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem)
    for message in template:
        translated = catalogue.get(message.id)
        if message.id and not (translated and translated.string):
            yield f"{path.name}: not translated: {message.id}"
    for message in catalogue:
        if message.id and message.fuzzy:
            yield f"{path.name}:{message.lineno}: still marked fuzzy: {message.id}"
        if message.id and message.id not in template:
            yield f"{path.name}:{message.lineno}: nothing says this any more: {message.id}"
        for error in message.check(catalogue):
            yield f"{path.name}:{message.lineno}: {error}: {message.id}"


def update(path: Path, template: Catalog) -> None:
    """Writes the catalogue anew with the template's messages and what of them is translated."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem)
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    written = BytesIO()
    write_po(written, catalogue, width=_WIDTH, sort_output=True, omit_header=True)
    path.write_bytes(written.getvalue())


def main(folder: Path = CATALOGUES) -> int:
    """Updates or checks; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail when a catalogue is not complete")
    check = parser.parse_args().check
    template = said()
    paths = sorted(folder.glob("*.po"))
    for path in [] if check else paths:
        update(path, template)
    complaints = [complaint for path in paths for complaint in incomplete(path, template)]
    for complaint in complaints:
        sys.stderr.write(f"{complaint}\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

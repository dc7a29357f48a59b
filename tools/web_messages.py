"""Bring the station's catalogues up to date with its texts.

python -m tools.web_messages          new texts appear in locale/*/messages.po, without a translation
python -m tools.web_messages --check  say what is missing, fuzzy or no longer used
"""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "inspector" / "web"
LOCALE = WEB / "locale"
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def texts() -> Catalog:
    """Every text of the station, English."""
    found = Catalog(project="inspector", charset="utf-8", header_comment="# The operators' station's texts.")
    options = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
    for name, _line, message, _comments, context in extract_from_dir(
        WEB, method_map=_METHODS, options_map=options, keywords=_KEYWORDS
    ):
        found.add(message, locations=[(name, 0)], context=context)
    return found


def languages() -> list[str]:
    """The languages that have a catalogue."""
    return sorted(path.name for path in LOCALE.iterdir() if path.is_dir())


def catalogue(language: str) -> Catalog:
    """The catalogue of a language as it stands."""
    with (LOCALE / language / "messages.po").open("rb") as file:
        return read_po(file, locale=language.replace("-", "_"), charset="utf-8")


def findings(language: str) -> Iterator[str]:
    """What keeps a catalogue from being shipped."""
    wanted, there = texts(), catalogue(language)
    for message in wanted:
        if not message.id:
            continue
        told = there.get(message.id)
        if told is None or not _whole(told):
            yield f"{language}: {message.id!r} has no translation"
        elif told.fuzzy:
            yield f"{language}: {message.id!r} is fuzzy"
    for message in there:
        if message.id and wanted.get(message.id) is None:
            yield f"{language}: {message.id!r} is no longer used"


def _whole(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def update(language: str) -> None:
    """Write the catalogue anew: new texts without a translation, old ones gone."""
    there = catalogue(language)
    there.update(texts(), no_fuzzy_matching=True)
    there.obsolete.clear()
    written = io.BytesIO()
    write_po(written, there, sort_output=True, no_location=True, omit_header=False, width=0)
    lines = written.getvalue().decode().splitlines(keepends=True)
    dates = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By')
    kept = "".join(line for line in lines if not line.startswith(dates))
    (LOCALE / language / "messages.po").write_text(kept, encoding="utf-8")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    if parser.parse_args().check:
        wrong = [line for language in languages() for line in findings(language)]
        raise SystemExit("\n".join(wrong) or 0)
    for language in languages():
        update(language)
        print(f"{language}: {sum(1 for _ in findings(language))} to translate")


if __name__ == "__main__":
    main()

"""What ships with the pages: catalogues without a gap, libraries that are what their manifest says."""

import pytest

from inspector.web.words import LANGUAGES
from tools import vendor_web, web_messages


@pytest.mark.parametrize("language", web_messages.languages())
def test_a_catalogue_is_complete_and_has_nothing_fuzzy(language: str) -> None:
    assert list(web_messages.findings(language)) == []


def test_every_language_but_english_has_a_catalogue() -> None:
    assert {"en", *web_messages.languages()} == set(LANGUAGES)


@pytest.mark.parametrize("folder", vendor_web.WANTED, ids=lambda folder: folder.parts[-3])
def test_a_vendored_file_is_what_its_manifest_says(folder: object) -> None:
    assert vendor_web.findings(folder) == []  # type: ignore[arg-type]

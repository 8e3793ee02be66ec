"""Every text that a person reads is there in both languages, with the same places to fill in."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from string import Formatter

import pytest

from siaga_gateway import catalogue

CLICK = "click.id.toml"  # its keys are click's own English texts: tests/test_texts.py
FILES = sorted(
    file.name for file in resources.files(catalogue).iterdir() if file.name.endswith(".toml") and file.name != CLICK
)
ROOMS = sorted({name.split(".")[0] for name in FILES})


def placeholders(template: str) -> set[str]:
    """The names in braces; a template that `str.format` cannot read raises ValueError here."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_each_room_has_one_file_a_language_and_there_is_no_other() -> None:
    assert "formats" in ROOMS
    assert sorted(f"{room}.{language}.toml" for room in ROOMS for language in catalogue.LANGUAGES) == FILES


@pytest.mark.parametrize("room", ROOMS)
def test_the_languages_of_a_room_have_the_same_keys(room: str) -> None:
    indonesian, english = (set(catalogue.texts(room, language)) for language in ("id", "en"))
    assert indonesian - english == set(), "only in Indonesian"
    assert english - indonesian == set(), "only in English"
    assert indonesian, f"{room} has no text"


@pytest.mark.parametrize("room", ROOMS)
def test_the_languages_of_a_room_have_the_same_placeholders(room: str) -> None:
    indonesian, english = (catalogue.texts(room, language) for language in ("id", "en"))
    different = {
        key: (placeholders(indonesian[key]), placeholders(english[key]))
        for key in indonesian.keys() & english.keys()
        if placeholders(indonesian[key]) != placeholders(english[key])
    }
    assert different == {}


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_every_text_of_a_room_can_be_filled_in_by_name(room: str, language: str) -> None:
    for key, template in catalogue.texts(room, language).items():
        assert isinstance(template, str), f"{key} is no text: {template!r}"
        assert template.strip() == template != "", f"{key} is empty or has white space around it: {template!r}"
        names = placeholders(template)
        assert all(name.isidentifier() for name in names), f"{key} has a placeholder without a name: {template!r}"
        # These two are parameters of catalogue.text() itself and cannot be filled in.
        assert not names & {"key", "language"}, f"{key} uses a reserved placeholder: {template!r}"
        assert catalogue.text(key, language, **dict.fromkeys(names, 1))


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_no_deeper_than_one_group(name: str) -> None:
    loaded = tomllib.loads((resources.files(catalogue) / name).read_text(encoding="utf-8"))
    deeper = [f"{group}.{inner}" for group, texts in loaded.items() if isinstance(texts, dict)
              for inner, value in texts.items() if not isinstance(value, str)]  # fmt: skip
    assert deeper == []


@pytest.mark.parametrize(
    ("key", "language"),
    [
        ("formats.event.nothing_of_the_kind", "id"),
        ("formats.event", "id"),
        ("formats", "id"),
        ("no_such_room.key", "id"),
        ("", "id"),
        ("formats.event.sos", "jv"),
        ("formats.event.sos", ""),
    ],
)
def test_an_unknown_key_or_language_raises(key: str, language: str) -> None:
    with pytest.raises(catalogue.UnknownText):
        catalogue.text(key, language)


def test_a_missing_value_raises_and_is_never_shown_as_braces() -> None:
    with pytest.raises(KeyError):
        catalogue.text("formats.headline.opened", "id", kind="SOS")


def test_braces_in_a_value_stay_as_they_are() -> None:
    assert "{kind}" in catalogue.text("formats.headline.opened", "en", kind="SOS", who="{kind} {0}")


# One word for one thing, as in the guides: of two that mean the same a reader asks what the difference is.
ONE_WORD = {"pos": "kantor"}


@pytest.mark.parametrize("room", ROOMS)
def test_one_thing_has_one_word_in_indonesian(room: str) -> None:
    for key, template in catalogue.texts(room, "id").items():
        for other, word in ONE_WORD.items():
            found = re.search(rf"(?<![-\w]){other}(?:nya)?(?!\w)", template, re.IGNORECASE)
            assert found is None, f"{key} says {other}: {word} is the word"

"""All texts for people, in Indonesian and English: one TOML file for a room and language.

`console.id.toml` holds the keys `console.…` in Indonesian. A key missing in one language fails a test, instead of
surprising someone at night.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Final

LANGUAGES: Final = ("id", "en")


class UnknownText(KeyError):  # Not a SiagaError: a bug of ours, and the texts lie below the errors.
    """No such text, or no such language."""


@cache
def _room(room: str, language: str) -> dict[str, str]:
    if language not in LANGUAGES:
        raise UnknownText(f"language {language!r} is not one of {', '.join(LANGUAGES)}")
    file = resources.files(__name__) / f"{room}.{language}.toml"
    texts: dict[str, str] = {}
    for key, value in tomllib.loads(file.read_text(encoding="utf-8")).items():
        if isinstance(value, dict):
            texts.update({f"{room}.{key}.{inner}": text for inner, text in value.items()})
        else:
            texts[f"{room}.{key}"] = value
    return texts


def text(key: str, language: str, /, **values: object) -> str:
    """Return the text of `key` (`<room>.<name>` or `<room>.<group>.<name>`) with its `{placeholders}` filled in.

    Raises: UnknownText for an unknown key or language.
    """
    try:
        template = _room(key.partition(".")[0], language)[key]
    except (KeyError, FileNotFoundError) as error:
        raise UnknownText(f"no text {key!r} in language {language!r}") from error
    return template.format(**values)


def texts(room: str, language: str) -> dict[str, str]:
    """Return all texts of one room, for a template or a test."""
    return dict(_room(room, language))

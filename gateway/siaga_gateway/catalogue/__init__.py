"""Every text that a person reads, in Indonesian and English: one TOML file a room and language.

`console.id.toml` holds the keys `console.…` in Indonesian. A key that one language lacks is a failing test, not a
surprise at night.
"""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib import resources
from typing import Final

LANGUAGES: Final = ("id", "en")
WIB: Final = timezone(timedelta(hours=7), "WIB")


class UnknownText(KeyError):
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
    """The text of `key` (`<room>.<name>` or `<room>.<group>.<name>`) with `{placeholders}` filled in.

    Raises UnknownText for a key or language that is not there.
    """
    try:
        template = _room(key.partition(".")[0], language)[key]
    except (KeyError, FileNotFoundError) as error:
        raise UnknownText(f"no text {key!r} in language {language!r}") from error
    return template.format(**values)


def texts(room: str, language: str) -> dict[str, str]:
    """All texts of one room, for a template or a test."""
    return dict(_room(room, language))


def clock_time(unix_ms: int, *, date: bool = False) -> str:
    """A time as people in western Indonesia read it, with its zone: `14:03:27 WIB`."""
    local = datetime.fromtimestamp(unix_ms / 1000, WIB)
    return local.strftime("%d-%m-%Y %H:%M:%S WIB" if date else "%H:%M:%S WIB")

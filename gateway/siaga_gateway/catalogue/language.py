"""The language of the person at the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from siaga_gateway.catalogue import LANGUAGES

VARIABLE: Final = "SIAGA_LANGUAGE"
_OF_SETTINGS: Final = "SIAGA_GATEWAY__LANGUAGE"
_SETTINGS: Final = ("siaga.toml", "/etc/siaga/siaga.toml")
_OF_AN_OWNER: Final = ("owner", "add")  # there --language is the owner's


def language_of(environ: Mapping[str, str]) -> str:
    """Return `id` or `en`: SIAGA_LANGUAGE, or else by POSIX.1-2017, 8.2 (LC_ALL, LC_MESSAGES, LANG).

    Indonesian is the default: also if nothing, or only the C locale, is set. On a machine in any third language the
    reader is assumed to know English rather than Indonesian.
    """
    if environ.get(VARIABLE) in LANGUAGES:
        return environ[VARIABLE]
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        code = environ.get(variable, "").replace("-", "_").partition(".")[0].partition("_")[0].lower()
        if code:
            return "id" if code in ("id", "c", "posix") else "en"
    return "id"


def choose(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the language of a command line: --language, SIAGA_LANGUAGE, the settings' language, or the machine's.

    Reads the arguments before they are parsed, so that errors in them are in this language too.
    """
    own = [*_OF_AN_OWNER] == [each for each in arguments if each in _OF_AN_OWNER]
    told = (None if own else _option(arguments, "--language")) or environ.get(VARIABLE)
    if told in LANGUAGES:
        return str(told)
    settings = _option(arguments, "--config", "-c") or environ.get("SIAGA_CONFIG")
    places = _SETTINGS if settings is None else (settings,)
    named = environ.get(_OF_SETTINGS) or next(filter(None, map(_of_settings, places)), None)
    return named if named in LANGUAGES else language_of(environ)


def _option(arguments: Sequence[str], *names: str) -> str | None:
    for at, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in names:
            return value if equals else next(iter(arguments[at + 1 :]), None)
    return None


def _of_settings(file: str) -> str | None:
    """Return the language that the file sets, or the first of its site, if it can be read; whoever loads the settings
    reports what is wrong with it."""
    try:
        told = tomllib.loads(Path(file).read_text(encoding="utf-8"))
        named = told.get("language") or told["site"]["languages"][0]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return named if isinstance(named, str) and named in LANGUAGES else None


_reader: list[str] = []


def speak(language: str) -> None:
    """Set the language of this process's command line."""
    _reader[:] = [language]


def reader_language(environ: Mapping[str, str]) -> str:
    """Return the language set by `speak`, else the machine's."""
    return _reader[0] if _reader else language_of(environ)

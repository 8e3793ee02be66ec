"""Parses AT commands as a modem does (ITU-T V.250, 5.3 and 5.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_EXTENDED = re.compile(r"AT[+]([A-Z]+)(\?|=\?|=)?(.*)", re.DOTALL)
_BASIC = re.compile(r"AT([A-Z]?)(.*)", re.DOTALL)
_PART = re.compile(r'"([^"]*)"|([^,]*)')


class Refused(Exception):  # Not a SiagaError: the simulated modem answers with it.
    """The command ends with anything but OK."""

    def __init__(self, final: str) -> None:
        super().__init__(final)
        self.final = final


@dataclass(frozen=True)
class Command:
    """A parsed command.

    name: without AT and +
    asks: whether it ends with "?"
    arguments: without their quotes
    rest: what follows a basic command's letter
    """

    name: str
    asks: bool
    arguments: list[str]
    rest: str = ""


def parse(text: str) -> Command:
    found = _EXTENDED.fullmatch(text)
    if found is None:
        basic = _BASIC.fullmatch(text)
        return Command(basic[1], False, [], basic[2]) if basic else Command("?", False, [])
    name, kind, rest = found[1], found[2], found[3]
    return Command(name, kind == "?", split(rest) if kind == "=" else [], rest)


def split(text: str) -> list[str]:
    """Split parameters at commas, quotes removed."""
    parts: list[str] = []
    at = 0
    while at <= len(text):
        found = _PART.match(text, at)
        assert found is not None  # the pattern also matches an empty string
        parts.append(found[1] if found[1] is not None else found[2])
        at = found.end() + 1
    return parts

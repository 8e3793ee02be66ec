"""What the tools say, in the reader's language, and the one exception that is meant for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siaga_gateway import catalogue


def language_of(environ: Mapping[str, str]) -> str:
    """`id` or `en`, from the usual variables (POSIX.1-2017, 8.2: LC_ALL before LC_MESSAGES before LANG).

    Indonesian first: it is also the answer where nothing, or only the C locale, is set. Someone whose machine speaks a
    third language is taken to read English sooner than Indonesian.
    """
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        code = environ.get(variable, "").replace("-", "_").partition(".")[0].partition("_")[0].lower()
        if code:
            return "id" if code in ("id", "c", "posix") else "en"
    return "id"


def say(key: str, language: str, **values: object) -> str:
    """The text `demo.<key>` of the catalogue with its placeholders filled in."""
    return catalogue.text(f"demo.{key}", language, **values)


class Trouble(Exception):
    """Something a person can mend. Its text, `trouble.<name>` in the catalogue, says what is wrong and how.

    A value may be another Trouble; `hop` and `before` are names of hops. Both are put into words with the whole.
    """

    def __init__(self, name: str, /, **values: object) -> None:
        super().__init__(name, values)
        self.name = name
        self.values = values

    def say(self, language: str) -> str:
        values = {name: _in_words(name, value, language) for name, value in self.values.items()}
        return say(f"trouble.{self.name}", language, **values).rstrip().removesuffix(":")

    def __str__(self) -> str:
        return self.say("en")

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return {"trouble": self.name, "values": {name: _fact(value) for name, value in self.values.items()}}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Trouble:
        """What facts() wrote."""
        values = {
            name: cls.from_facts(value) if isinstance(value, dict) else value for name, value in facts["values"].items()
        }
        return cls(facts["trouble"], **values)


def _in_words(name: str, value: object, language: str) -> object:
    if isinstance(value, Trouble):
        return value.say(language)
    return say(f"hop.{value}", language) if name in ("hop", "before") else value


def _fact(value: object) -> Any:
    if isinstance(value, Trouble):
        return value.facts()
    return value if isinstance(value, int | float) else str(value)

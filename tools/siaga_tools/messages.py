"""The tools' messages, in the reader's language, and the one exception that is meant for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siaga_gateway import catalogue
from siaga_gateway.catalogue.language import language_of as language_of
from siaga_gateway.catalogue.localized import Localized, as_fact, from_fact, in_words
from siaga_gateway.domain.errors import SiagaError


def say(key: str, language: str, **values: object) -> str:
    """Return the text `demo.<key>` of the catalogue with its placeholders filled in."""
    return catalogue.text(f"demo.{key}", language, **values)


class Trouble(SiagaError):
    """Something a person can fix. Its text, `trouble.<name>` in the catalogue, says what is wrong and how to fix it.

    A value may be another Trouble; `hop` and `before` are names of hops. Both are rendered with the whole.
    """

    GROUP = "demo.trouble"

    @property
    def name(self) -> str:
        return self.key

    def say(self, language: str) -> str:
        values = {name: _in_words(name, value, language) for name, value in self.values.items()}
        return Localized(self.message.key, **values).say(language).rstrip().removesuffix(":")

    def facts(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"trouble": self.name, "values": {name: _fact(value) for name, value in self.values.items()}}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Trouble:
        """Parse what facts() wrote."""
        values = {
            name: cls.from_facts(value) if isinstance(value, dict) and "trouble" in value else from_fact(value)
            for name, value in facts["values"].items()
        }
        return cls(facts["trouble"], **values)


def _in_words(name: str, value: object, language: str) -> object:
    return say(f"hop.{value}", language) if name in ("hop", "before") else in_words(value, language)


def _fact(value: object) -> Any:
    if isinstance(value, Trouble):
        return value.facts()
    return as_fact(value)

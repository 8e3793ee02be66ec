"""A text as key and values, rendered once it is known who reads it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from typing import Any, Final

from siaga_gateway.catalogue import UnknownText, text


class Localized:
    """A text of the catalogue with its values: `say` is for people, key and values for machines.

    A value may itself be a Localized, a SiagaError, an OSError, or a list of them (one a line): all are rendered in the
    reader's language. A library's error is quoted, see `original`.
    """

    __slots__ = ("key", "values")

    def __init__(self, key: str, /, **values: Any) -> None:
        self.key = key
        self.values = values

    def say(self, language: str) -> str:
        """Render the text. A key that the catalogue lacks is shown as it is: reporting an error must not raise
        another."""
        try:
            return text(self.key, language, **{name: in_words(each, language) for name, each in self.values.items()})
        except (UnknownText, KeyError, IndexError, ValueError):
            told = ", ".join(f"{name} {in_words(each, language)}" for name, each in self.values.items())
            return f"{self.key} ({told})" if told else self.key

    def __str__(self) -> str:
        return Words.of(self, self.say("en"))

    def __repr__(self) -> str:
        return f"Localized({self.key!r}, {self.values!r})"


class Words(str):
    """An English text that remembers its key and values, so that it can be shown in another language.

    `str` of a Localized and of a SiagaError makes one. The journal keeps both, see `remembered`.
    """

    message: Localized

    @classmethod
    def of(cls, message: Localized, said: str) -> Words:
        words = cls(said)
        words.message = message
        return words

    def say(self, language: str) -> str:
        return str.__str__(self) if language == "en" else self.message.say(language)


def original(said: BaseException | str) -> Localized:
    """Words that are not ours (a library's, a server's, another program's): whoever reads another language than theirs
    sees them as a quotation."""
    words = str(said) or type(said).__name__
    return Localized("errors.original", said=" ".join(words.split()))


def in_words(value: Any, language: str) -> Any:
    """Render a value for the reader; anything that is not a text of ours is returned unchanged."""
    say = getattr(value, "say", None)
    if say is not None:
        return say(language)
    if isinstance(value, OSError):
        return reason(value, language)
    if isinstance(value, BaseException):
        return original(value).say(language)
    if isinstance(value, list | tuple):
        return "\n".join(str(in_words(each, language)) for each in value)
    return value


def reason(error: OSError, language: str) -> str:
    """Return why the operating system refused, without the file name; in its own words if the catalogue has none."""
    if _of_tls(error):
        return original(error).say(language)
    if isinstance(error, socket.gaierror):
        name = "EAI_NONAME"
    elif isinstance(error, TimeoutError):
        name = "ETIMEDOUT"
    else:
        name = errno.errorcode.get(error.errno or 0, "")
    try:
        return text(f"errors.system.{name}", language)
    except UnknownText:
        return original(error.strerror or str(error) or type(error).__name__).say(language)


def _of_tls(error: BaseException) -> bool:
    """OpenSSL's errors are OSErrors whose numbers are not the system's."""
    return any(kind.__name__ == "SSLError" for kind in type(error).__mro__)


def as_fact(value: Any) -> Any:
    """Return a value as JSON, for another process or the journal; `from_fact` reverses it."""
    value = getattr(value, "message", value)
    if isinstance(value, Localized):
        return {"text": value.key, "values": {name: as_fact(each) for name, each in value.values.items()}}
    if isinstance(value, BaseException) and (not isinstance(value, OSError) or _of_tls(value)):
        return as_fact(original(value))
    if isinstance(value, OSError):
        return {"errno": value.errno, "said": value.strerror or str(value)}
    if isinstance(value, list | tuple):
        return [as_fact(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


_REMEMBERED: Final = "_told"


def remembered(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts for the journal: beside each English text, as `<name>_told`, its key and values."""
    if Words not in map(type, facts.values()):  # as of every press
        return dict(facts)
    made = {f"{name}{_REMEMBERED}": as_fact(value) for name, value in facts.items() if isinstance(value, Words)}
    return {**facts, **made}


def retold(facts: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return such facts with each text in the reader's language."""
    return {
        name: in_words(from_fact(facts[f"{name}{_REMEMBERED}"]), language) if f"{name}{_REMEMBERED}" in facts else value
        for name, value in facts.items()
        if not (name.endswith(_REMEMBERED) and isinstance(value, dict))
    }


def from_fact(fact: Any) -> Any:
    """Reverse `as_fact`."""
    if isinstance(fact, dict) and "text" in fact:
        return Localized(fact["text"], **{name: from_fact(each) for name, each in fact["values"].items()})
    if isinstance(fact, dict) and "errno" in fact:
        return OSError(fact["errno"], fact["said"])
    return [from_fact(each) for each in fact] if isinstance(fact, list) else fact

"""How a modem says a phrase into a call: it reads a text aloud, or plays a recording from its own files."""

from __future__ import annotations

from typing import Final, Protocol

from siaga_gateway.adapters.ways.modem_port import ModemFault, ModemPort, ModemRefused
from siaga_gateway.formats.modem_words import Heard
from siaga_gateway.formats.voice_script import Phrase

_LETTER_S: Final = 0.15  # of a slow voice
_LEAST_S: Final = 4.0
_LONGEST_RECORDING_S: Final = 20.0


class ModemVoice(Protocol):
    """Says one phrase at a time. Raises: ModemFault."""

    def prepare(self, port: ModemPort) -> None:
        """Before a call."""
        ...

    def say(self, port: ModemPort, phrase: Phrase, language: str) -> float:
        """Begin; return within how many seconds the modem tells the end, 0: nothing is said."""
        ...

    def quiet(self, port: ModemPort) -> None:
        """Break off what is being said."""
        ...


class ReadAloud:
    """Implements ModemVoice by AT+CTTS, to the far end (AT+CDTAM=1)."""

    def prepare(self, port: ModemPort) -> None:
        try:
            port.command("AT+CDTAM=1")
        except ModemRefused as error:
            raise ModemFault("modem.no_voice", said=error.values["said"]) from None

    def say(self, port: ModemPort, phrase: Phrase, language: str) -> float:
        written = phrase.text.replace('"', "'")
        if not written:
            return 0.0
        port.forget(Heard.SPOKEN)
        _begin(port, f'AT+CTTS=2,"{written}"')
        return max(_LEAST_S, _LETTER_S * len(written))

    def quiet(self, port: ModemPort) -> None:
        port.attempt("AT+CTTS=0")


class Recordings:
    """Implements ModemVoice by AT+CCMXPLAY, to the far end (its second parameter)."""

    def __init__(self, files: str) -> None:
        """files: with {language} and {phrase} in it."""
        self._files = files

    def prepare(self, port: ModemPort) -> None:
        """A file that is missing is told when it is to be played."""

    def say(self, port: ModemPort, phrase: Phrase, language: str) -> float:
        if not phrase.name:
            return 0.0
        file = self._files.format(language=language, phrase=phrase.name)
        port.forget(Heard.SPOKEN)
        _begin(port, f'AT+CCMXPLAY="{file}",1,0', file)
        return _LONGEST_RECORDING_S

    def quiet(self, port: ModemPort) -> None:
        port.attempt("AT+CCMXSTOP")


def _begin(port: ModemPort, command: str, file: str | None = None) -> None:
    try:
        port.command(command)
    except ModemRefused as error:
        if file is not None:
            raise ModemFault("modem.no_recording", file=file, said=error.values["said"]) from None
        raise ModemFault("modem.no_voice", said=error.values["said"]) from None

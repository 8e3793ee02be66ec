"""Commands to devices: what may be asked of which device, how arguments are written, when one is sent again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from siaga_gateway.domain.frame import CommandCode, Result
from siaga_gateway.domain.registry import RegistrationState

MOST_ARGUMENTS: Final = 255  # bytes
EXPIRES_MS: Final = 7 * 86_400_000
LAST_COUNTER: Final = 2**32 - 1
_FIRST_PAUSE_MS: Final = 15_000
_LONGEST_PAUSE_MS: Final = 6 * 3_600_000
_ALL: Final = frozenset(CommandCode)
# A stolen button may still tell where it is. What a suspended, expired or removed one does is no business of ours.
_ALLOWED: Final = {
    RegistrationState.ACTIVE: _ALL,
    RegistrationState.PENDING: _ALL,
    RegistrationState.STOLEN: frozenset({CommandCode.LOCATE}),
}


class CommandState(StrEnum):
    """Where a command stands."""

    WAITING = "waiting"  # not sent yet
    SENT = "sent"  # at least once; no answer yet
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


OPEN: Final = frozenset({CommandState.WAITING, CommandState.SENT})
ANSWERED: Final = {
    Result.DONE: CommandState.DONE,
    Result.REFUSED: CommandState.REFUSED,
    Result.FAILED: CommandState.FAILED,
}


class CommandError(Exception):
    """A command that cannot be given; the text says why and what can."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command to one device. Its device_id and down_counter are its name; no other ever has the same."""

    device_id: bytes
    down_counter: int
    code: CommandCode
    arguments: bytes
    state: CommandState
    asked_by: str
    asked_ms: int
    expires_ms: int
    next_ms: int  # when it is to be sent, if it is open and the device's first that is
    attempts: int = 0
    sent_ms: int | None = None  # the last time
    closed_ms: int | None = None

    @property
    def name(self) -> str:
        return self.code.name.lower()


def allowed(state: RegistrationState, code: CommandCode) -> bool:
    """Whether a device whose registration stands so may be told this."""
    return code in _ALLOWED.get(state, frozenset())


def next_counter(last: int | None, now_ms: int) -> int:
    """The down-counter for a device's next command, whose last was `last`.

    It follows the clock, so that a store that was restored from a backup does not give a number again that the device
    has seen. Raises CommandError once there is none left.
    """
    counter = max(0 if last is None else last + 1, min(now_ms // 1000, LAST_COUNTER))
    if counter > LAST_COUNTER:
        raise CommandError("this device has had its last down-counter; enrol it anew")
    return counter


def pause_ms(attempts: int) -> int:
    """How long to wait after so many sendings: doubling from 15 s to 6 h."""
    return min(_FIRST_PAUSE_MS << min(max(attempts, 1) - 1, 20), _LONGEST_PAUSE_MS)


def arguments_of(code: CommandCode, written: str | None) -> bytes:
    """The arguments' bytes from what a person writes. Raises CommandError."""
    match code:
        case CommandCode.SETTINGS:
            arguments = _settings(written)
        case CommandCode.UPDATE:
            arguments = _url(written)
        case _:
            if written is not None:
                raise CommandError(f"{code.name.lower()} takes no argument")
            arguments = b""
    if len(arguments) > MOST_ARGUMENTS:
        raise CommandError(f"{len(arguments)} bytes of arguments: at most {MOST_ARGUMENTS} fit in a command")
    return arguments


def _settings(written: str | None) -> bytes:
    example = """as '{"hold_ms": 3000}'"""
    if written is None:
        raise CommandError(f"settings needs the settings to change as a JSON object, {example}")
    try:
        told = json.loads(written, parse_constant=_no_number, object_pairs_hook=_each_once)
        arguments = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise CommandError(f"the settings are no JSON ({error}); write them {example}") from None
    if not isinstance(told, dict) or not told:
        raise CommandError(f"the settings are no JSON object with at least one setting; write them {example}")
    return arguments


def _no_number(written: str) -> object:
    raise ValueError(f"{written} is no JSON number")


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a name stands there twice")
    return told


def _url(written: str | None) -> bytes:
    example = "as https://example.org/siaga-1.2.0.bundle"
    if written is None:
        raise CommandError(f"update needs the address of a signed bundle, {example}")
    try:
        parts = urlsplit(written)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not all("!" <= letter <= "~" for letter in written):
        raise CommandError(f"{written!r} is no web address in ASCII; write it {example}")
    return written.encode("ascii")

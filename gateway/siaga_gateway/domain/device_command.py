"""Commands to devices: which device may get which, how arguments are encoded, when one is sent again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.frame import CommandCode, Result
from siaga_gateway.domain.registry import RegistrationState

MOST_ARGUMENTS: Final = 255  # bytes
EXPIRES_MS: Final = 7 * 86_400_000
LAST_COUNTER: Final = 2**32 - 1
_FIRST_PAUSE_MS: Final = 15_000
_LONGEST_PAUSE_MS: Final = 6 * 3_600_000
_ALL: Final = frozenset(CommandCode)
# A stolen button may still report its position. A suspended, expired or removed one gets no commands.
_ALLOWED: Final = {
    RegistrationState.ACTIVE: _ALL,
    RegistrationState.PENDING: _ALL,
    RegistrationState.STOLEN: frozenset({CommandCode.LOCATE}),
}


class CommandState(StrEnum):
    """The state of a command."""

    WAITING = "waiting"  # not sent yet
    SENT = "sent"  # at least once, not answered yet
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


class CommandError(Refused):
    """A command that cannot be given; the text says why, and what can be done."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command to one device, identified by its device_id and down_counter, which are never reused together."""

    device_id: bytes
    down_counter: int
    code: CommandCode
    arguments: bytes
    state: CommandState
    asked_by: str
    asked_ms: int
    expires_ms: int
    next_ms: int  # when to send it next, while it is open and the first open one of its device
    attempts: int = 0
    sent_ms: int | None = None  # last sent
    closed_ms: int | None = None

    @property
    def name(self) -> str:
        return self.code.name.lower()

    @property
    def shown(self) -> str:
        """The command with as much of its arguments as may be shown: settings and addresses can contain secrets."""
        match self.code:
            case CommandCode.SETTINGS:
                return f"settings {', '.join(json.loads(self.arguments))}"
            case CommandCode.UPDATE:
                parts = urlsplit(self.arguments.decode("ascii"))
                return f"update {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
            case _:
                return self.name


def allowed(state: RegistrationState, code: CommandCode) -> bool:
    """Whether a device in this registration state may get this command."""
    return code in _ALLOWED.get(state, frozenset())


def next_counter(last: int | None, now_ms: int) -> int:
    """Return the down-counter for a device's next command.

    last: of the previous command. The counter follows the clock, so that a store restored from a backup does not reuse
    one that the device has already seen. Raises: CommandError when none is left.
    """
    counter = max(0 if last is None else last + 1, min(now_ms // 1000, LAST_COUNTER))
    if counter > LAST_COUNTER:
        raise CommandError("command.last_counter")
    return counter


def pause_ms(attempts: int) -> int:
    """Return the pause after so many attempts: doubling from 15 s to 6 h."""
    return min(_FIRST_PAUSE_MS << min(max(attempts, 1) - 1, 20), _LONGEST_PAUSE_MS)


def arguments_of(code: CommandCode, written: str | None) -> bytes:
    """Encode the arguments from what a person typed. Raises: CommandError."""
    match code:
        case CommandCode.SETTINGS:
            arguments = _settings(written)
        case CommandCode.UPDATE:
            arguments = _url(written)
        case _:
            if written is not None:
                raise CommandError("command.no_argument", name=code.name.lower())
            arguments = b""
    if len(arguments) > MOST_ARGUMENTS:
        raise CommandError("command.too_long", size=len(arguments), most_arguments=MOST_ARGUMENTS)
    return arguments


def _settings(written: str | None) -> bytes:
    example = """as '{"hold_ms": 3000}'"""
    if written is None:
        raise CommandError("command.settings_needed", example=example)
    try:
        told = json.loads(written, parse_constant=_no_number, object_pairs_hook=_each_once)
        arguments = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise CommandError("command.no_json", why=error, example=example) from None
    if not isinstance(told, dict) or not told:
        raise CommandError("command.no_object", example=example)
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
        raise CommandError("command.address_needed", example=example)
    try:
        parts = urlsplit(written)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not all("!" <= letter <= "~" for letter in written):
        raise CommandError("command.no_address", written=written, example=example)
    return written.encode("ascii")

"""What an incident's changes are in the codes of alarm receiving centres: Contact ID (SIA DC-05) and SIA (DC-03).

| change | Contact ID | SIA |
|---|---|---|
| opened, pressed again, duress | 1120, silent 1122, duress 1121 | PA, silent and duress HA |
| a better position | 6120 ..., only with positions | the same code again, with the new place |
| closed | 3120, 3122, 3121 | PR, HR |
| test press, exercise | 1601 | RX |

Nothing else has a code that would not mislead: what the holder cancels at the button would be `406`, upon which a
centre stands down, and a cancellation can be forced.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Change, Incident, Mode, Notice, Position
from siaga_gateway.domain.value import record
from siaga_gateway.formats.cap_texts import kind_of
from siaga_gateway.formats.dc09 import timestamp
from siaga_gateway.formats.text_rules import on_earth, one_line

SIA: Final = "SIA-DCS"
CONTACT_ID: Final = "ADM-CID"

# By kind_of: Contact ID, SIA's alarm, SIA's restoral.
_CODES: Final = {"sos": ("120", "PA", "PR"), "silent": ("122", "HA", "HR"), "duress": ("121", "HA", "HR")}
_TEST: Final = ("601", "RX")
_ALARMS: Final = frozenset({Change.OPENED, Change.PRESSED_AGAIN, Change.DURESS, Change.MADE_REAL})
_LONGEST_TEXT: Final = 200
_LONGEST_PART: Final = 60
# They end or part the fields; what is not printable ASCII some receivers leave out before they take the CRC.
_NO_TEXT: Final = re.compile(r"[^ -~]|[\[\]|^\"/]")
_MINUTES_E4: Final = 60 * 10_000


@record
class Format:
    """How a receiver wants events."""

    protocol: str  # SIA or CONTACT_ID
    extended: bool  # with blocks for the time of the press and the place
    partition: int = 1  # 0 to 99
    zone: int = 1  # 0 to 999
    by_button: bool = False  # each button is an account: its 16 hexadecimal digits
    language: str = "id"


def account(notice: Notice, wanted: Format) -> str | None:
    """Return the account of this event; None: the line's."""
    return notice.incident.device_id.hex().upper() if wanted.by_button else None


def content(notice: Notice, of: str, wanted: Format) -> str | None:
    """Return what is between `[` and the timestamp; None: the change has no code, and nothing is to be sent.

    of: the account, written into the data again. Raises: OverflowError for a time past the year 9999.
    """
    code = _code(notice, wanted)
    if code is None:
        return None
    qualifier, event, sia = code
    if wanted.protocol == CONTACT_ID:
        data = f"#{of}|{qualifier}{event} {wanted.partition:02d} {wanted.zone:03d}]"
    else:
        words = ascii_text(_words(notice.incident, wanted.language))
        data = f"#{of}|Nri{wanted.partition}/{sia}{wanted.zone:03d}^{words}^]"
    return data + (_blocks(notice.incident) if wanted.extended else "")


def _code(notice: Notice, wanted: Format) -> tuple[str, str, str] | None:
    """Return Contact ID's qualifier and event, and SIA's code."""
    incident, change = notice.incident, notice.change
    if incident.mode is not Mode.ACTUAL:  # neither has a mark for an exercise: it must look like no call for help
        tried = incident.mode is Mode.TEST or change in _ALARMS
        return ("1", *_TEST) if tried else None
    event, alarm, restoral = _CODES[kind_of(incident)]
    if change in _ALARMS:
        return "1", event, alarm
    if change is Change.POSITION and wanted.extended:
        return "6", event, alarm
    return ("3", event, restoral) if change is Change.CLOSED else None


def _words(incident: Incident, language: str) -> str:
    """Return whose call it is. Without the number where a ringing telephone can endanger the holder."""
    quiet = incident.silent or incident.duress
    parts = [text(f"formats.mark.{incident.mode}", language).strip("[]")] if incident.mode is not Mode.ACTUAL else []
    parts += [text("formats.dc09.quiet", language)] if quiet else []
    parts += [incident.identifier, one_line(incident.device_label, _LONGEST_PART)]
    if (holder := incident.holder) is not None:
        parts += [one_line(holder.name, _LONGEST_PART)]
        parts += [] if quiet else [one_line(holder.phone, _LONGEST_PART)]
    return "; ".join(part for part in parts if part)


def ascii_text(written: str) -> str:
    """Return a text as printable ASCII without the protocol's own marks: é becomes e, what has no likeness `?`."""
    plain = unicodedata.normalize("NFKD", written)
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return _NO_TEXT.sub("?", plain)[:_LONGEST_TEXT]


def _blocks(incident: Incident) -> str:
    """Return the extended data: H, when it was pressed; X and Y, longitude and latitude."""
    pressed_ms = incident.opened_at_ms if incident.pressed_at_ms is None else incident.pressed_at_ms
    blocks = f"[H{timestamp(pressed_ms).removeprefix('_')}]"
    position = incident.position
    return blocks + (_place(position) if position is not None and on_earth(position) else "")


def _place(position: Position) -> str:
    return f"[X{_degrees(position.longitude, 3, 'EW')}][Y{_degrees(position.latitude, 2, 'NS')}]"


def _degrees(degrees_e7: int, width: int, sides: str) -> str:
    """Format as degrees, side and minutes with four places, from digits alone: `105E15.6600`."""
    minutes_e4 = (abs(degrees_e7) * 60 + 500) // 1_000
    whole, rest = divmod(minutes_e4, _MINUTES_E4)
    return f"{whole:0{width}d}{sides[degrees_e7 < 0]}{rest // 10_000:02d}.{rest % 10_000:04d}"

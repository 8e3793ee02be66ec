"""An incident's notice as a CAP 1.2 message (OASIS Standard CAP-v1.2, 1 July 2010).

Which message a notice becomes:

- The first notice of an incident is an `Alert`. Each later one is an `Update` that references all earlier messages of
  the incident (`sender,identifier,sent`), because an Update supersedes what it references. A notice without an earlier
  one to reference is always an `Alert`: the standard gives an Update or a Cancel no meaning without references.
- Closed as a real emergency (verified, or without a disposition): an `Update` with responseType `AllClear` and urgency
  `Past`. The earlier messages were right; the event has ended, which is what AllClear says.
- Closed as unfounded, accidental, abuse, or an exercise that had been told as actual: a `Cancel` that references all
  earlier messages. They should not be acted upon, then or later.
- Cancelled by the holder: an `Update`, never a Cancel, and it lowers nothing. A cancellation can be forced, or be a
  hold in panic, so only a person at the gateway ends an incident.

`scope` is Restricted with a `restriction`: the message names a person. The national identity number (NIK) never
leaves the gateway. Times are WIB as `+07:00`, for `Z` is not allowed (3.3.2). Two info blocks, id-ID and en-US, say the
same. No `expires`: an open call for help does not lapse by itself.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # it only writes here; nothing from outside is parsed
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState, Mode, Notice
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.formats.wording import ended, kind_of, withdrawn, words
from siaga_gateway.formats.writing import (
    degrees,
    gateway_name,
    kilometres,
    on_earth,
    one_line,
    search_radius_m,
    wib_time,
)

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
# The type that CAP feeds use; none is registered for CAP over HTTP (RFC 8876 registers one for SIP).
CONTENT_TYPE: Final = "application/cap+xml; charset=utf-8"

_LANGUAGES: Final = (("id", "id-ID"), ("en", "en-US"))
_STATUS: Final = {Mode.ACTUAL: "Actual", Mode.EXERCISE: "Exercise", Mode.TEST: "Test"}
_CERTAINTY_AFTER: Final = {
    Disposition.VERIFIED: "Observed",
    Disposition.EXERCISE: "Unlikely",
    None: "Unknown",
}
# 3.2.1: an identifier or a sender must not include spaces, commas, < or &.
_FORBIDDEN: Final = re.compile(r"[\s,<&\x00-\x1f\x7f]")


def message_identifier(incident_identifier: str, sequence: int) -> str:
    """The CAP identifier of one notice, unique under its sender: `lampung-17-3`."""
    return f"{incident_identifier}-{sequence}"


def check_name(name: str, what: str) -> str:
    """The name, if it can stand as CAP identifier or sender; raises ValueError that says what is wrong with it."""
    if not name or _FORBIDDEN.search(name):
        raise ValueError(f"{what} {name!r} must be non-empty and without spaces, commas, < and & (CAP 1.2, 3.2.1)")
    return name


def document(notice: Notice, *, sender: str | None = None) -> bytes:
    """The message as UTF-8 XML, the same bytes for the same notice.

    `sender` says which gateway it is for the whole world, best a domain name (`siaga.polda-lampung.example`); without
    it, the gateway's name. It must stay the same for as long as an incident lives, for references carry it.
    Raises ValueError for a sender or an incident identifier that CAP cannot hold.
    """
    incident = notice.incident
    sender = check_name(sender if sender is not None else gateway_name(incident), "CAP sender")
    check_name(incident.identifier, "incident identifier")

    alert = ET.Element(_name("alert"))
    _add(alert, "identifier", message_identifier(incident.identifier, notice.sequence))
    _add(alert, "sender", sender)
    _add(alert, "sent", wib_time(notice.sent_at_ms))
    _add(alert, "status", _STATUS[incident.mode])
    _add(alert, "msgType", message_type(notice))
    _add(alert, "source", f"siaga:{incident.device_id.hex()}")
    _add(alert, "scope", "Restricted")
    _add(alert, "restriction", " / ".join(text("formats.restriction", language) for language, _ in _LANGUAGES))
    if incident.mode is Mode.EXERCISE:  # 3.2.1, status: the exercise should be named in the note
        _add(alert, "note", " / ".join(_exercise_note(incident, language) for language, _ in _LANGUAGES))
    if notice.previous:
        _add(alert, "references", " ".join(_reference(incident, sender, *earlier) for earlier in notice.previous))
    _add(alert, "incidents", incident.identifier)
    for language, tag in _LANGUAGES:
        _add_info(alert, notice, language, tag)

    ET.indent(alert)
    written: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True, default_namespace=NAMESPACE)
    return written + b"\n"


def message_type(notice: Notice) -> str:
    """Alert, Update or Cancel; see the head of this file."""
    if not notice.previous:
        return "Alert"
    return "Cancel" if withdrawn(notice) else "Update"


def judgement(notice: Notice) -> tuple[str, str, str, str]:
    """responseType, urgency, severity and certainty (3.2.2) of an incident as it stands.

    A press is somebody's word for it, so it is Likely, not Observed, until a person has verified it. Duress is graver,
    for there the attacker is present. Doubt about who pressed (registration not active) lowers certainty alone.
    """
    incident = notice.incident
    severity = "Extreme" if incident.duress else "Severe"
    if ended(notice):
        if withdrawn(notice):
            return "None", "Past", "Minor", "Unlikely"
        return "AllClear", "Past", severity, _CERTAINTY_AFTER[incident.disposition]
    response = "Monitor" if incident.state is IncidentState.ON_SCENE else "Execute"
    certainty = "Likely" if incident.registration is RegistrationState.ACTIVE else "Possible"
    return response, "Immediate", severity, certainty


def _add_info(alert: ET.Element, notice: Notice, language: str, tag: str) -> None:
    incident = notice.incident
    said = words(notice, language)
    response, urgency, severity, certainty = judgement(notice)

    info = ET.SubElement(alert, _name("info"))
    _add(info, "language", tag)
    _add(info, "category", "Security")
    _add(info, "category", "Safety")
    _add(info, "event", said.event)
    _add(info, "responseType", response)
    _add(info, "urgency", urgency)
    _add(info, "severity", severity)
    _add(info, "certainty", certainty)
    _add_pair(info, "eventCode", "siaga:event", kind_of(incident))
    if incident.pressed_at_ms is not None:
        _add(info, "onset", wib_time(incident.pressed_at_ms))
    _add(info, "senderName", text("formats.sender_name", language, gateway=gateway_name(incident)))
    _add(info, "headline", said.headline)
    _add(info, "description", said.description)
    _add(info, "instruction", said.instruction)
    for name, value in parameters(notice):
        _add_pair(info, "parameter", f"siaga:{name}", value)

    area = ET.SubElement(info, _name("area"))
    _add(area, "areaDesc", said.area)
    if (position := incident.position) is not None and on_earth(position):
        centre = f"{degrees(position.latitude)},{degrees(position.longitude)}"
        _add(area, "circle", f"{centre} {kilometres(search_radius_m(position))}")


def parameters(notice: Notice) -> list[tuple[str, str]]:
    """What a machine reads of it, by name without the prefix `siaga:`; what is not known is left out."""
    incident, owner, position = notice.incident, notice.incident.holder, notice.incident.position
    values: list[tuple[str, object]] = [
        ("incident", incident.identifier),
        ("sequence", notice.sequence),
        ("change", notice.change),
        ("state", incident.state),
        ("device_id", incident.device_id.hex()),
        ("device_label", one_line(incident.device_label) or None),
        ("registration", incident.registration),
        ("presses", incident.presses),
        ("silent", incident.silent),
        ("duress", incident.duress),
        ("cancelled_by_holder", incident.cancelled_by_holder),
        ("key_copied", incident.key_copied),
        ("delayed_s", incident.delayed_s),
        ("claimed_s", incident.claimed_s),
        ("battery_percent", incident.battery),
        ("unit", one_line(incident.unit or "") or None),
        ("eta_minutes", incident.eta_minutes),
        ("disposition", incident.disposition),
    ]
    if position is not None:
        values += [
            ("position_source", one_line(position.source)),
            ("position_time", wib_time(position.at_ms)),
            ("accuracy_m", position.accuracy_m),
            ("fix_age_s", position.fix_age_s),
        ]
    if owner is not None:
        for name, value in (("name", owner.name), ("phone", owner.phone), ("address", owner.address)):
            values.append((f"owner_{name}", one_line(value) or None))
    return [(name, _written(value)) for name, value in values if value is not None]


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _exercise_note(incident: Incident, language: str) -> str:
    return text("formats.exercise_note", language, incident=incident.identifier)


def _reference(incident: Incident, sender: str, sequence: int, sent_at_ms: int) -> str:
    return f"{sender},{message_identifier(incident.identifier, sequence)},{wib_time(sent_at_ms)}"


def _name(element: str) -> str:
    return f"{{{NAMESPACE}}}{element}"


def _add(parent: ET.Element, element: str, content: str) -> None:
    ET.SubElement(parent, _name(element)).text = content


def _add_pair(parent: ET.Element, element: str, name: str, value: str) -> None:
    pair = ET.SubElement(parent, _name(element))
    _add(pair, "valueName", name)
    _add(pair, "value", value)

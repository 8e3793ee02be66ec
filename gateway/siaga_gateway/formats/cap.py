"""An incident's notice as a CAP 1.2 message (OASIS Standard CAP-v1.2, 1 July 2010).

Which message a notice becomes:

- The first notice of an incident is an `Alert`. Each later one is an `Update` that references all earlier messages of
  the incident (`sender,identifier,sent`), because an Update supersedes what it references. A notice without an earlier
  one to reference is always an `Alert`: the standard gives an Update or a Cancel no meaning without references.
- An exercise that became real begins anew with an `Alert`: neither it nor a later message supersedes
  one of the exercise.
- Closed as a real call (verified, help no longer needed, or without a disposition): an `Update` with responseType
  `AllClear` and urgency `Past`. The earlier messages were right; AllClear says that the event has ended.
- Closed as anything else, or an exercise reported as actual: a `Cancel` that references all earlier messages.
  Nobody should act on them, then or later.
- Cancelled by the holder: an `Update`, never a Cancel, and it lowers nothing. A cancellation can be coerced, or be a
  hold in panic, so only a person at the gateway ends an incident.

`scope` is Restricted with a `restriction`: the message names a person. The national identity number (NIK) never leaves
the gateway. Times are the site's, as `+07:00`, because `Z` is not allowed (3.3.2). Two info blocks, id-ID and en-US,
say the same, in the site's order of languages. There is no `expires` unless a receiver wants one (cap_profile.py): an
open call for help does not lapse by itself.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # used only for writing; nothing from outside is parsed
from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.incident import Disposition, Incident, Mode, Notice, Position
from siaga_gateway.domain.local_time import IN_UTC, LocalTime
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.formats.cap_profile import PLAIN, Profile, link, polygon
from siaga_gateway.formats.cap_texts import ended, kind_of, withdrawn, words
from siaga_gateway.formats.text_rules import (
    degrees,
    gateway_name,
    kilometres,
    on_earth,
    one_line,
    search_radius_m,
)

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
# The type that CAP feeds use; none is registered for CAP over HTTP (RFC 8876 registers one for SIP).
CONTENT_TYPE: Final = "application/cap+xml; charset=utf-8"

_TAGS: Final = {"id": "id-ID", "en": "en-US"}
_STATUS: Final = {Mode.ACTUAL: "Actual", Mode.EXERCISE: "Exercise", Mode.TEST: "Test"}
_CERTAINTY_AFTER: Final = {
    Disposition.VERIFIED: "Observed",
    Disposition.NOT_NEEDED: "Likely",
    Disposition.EXERCISE: "Unlikely",
    None: "Unknown",
}
# 3.2.1: an identifier or a sender must not include spaces, commas, < or &.
_FORBIDDEN: Final = re.compile(r"[\s,<&\x00-\x1f\x7f]")


def message_identifier(incident_identifier: str, sequence: int) -> str:
    """Return the CAP identifier of a notice, unique under its sender: `siaga-17-3`."""
    return f"{incident_identifier}-{sequence}"


def check_name(name: str, what: str) -> str:
    """Return the name if it is valid as CAP identifier or sender. Raises: ValueError, which says what is wrong."""
    if not name or _FORBIDDEN.search(name):
        raise SettingError("output.cap_name", what=what, name=name)
    return name


def document(
    notice: Notice,
    *,
    sender: str | None = None,
    local: LocalTime = IN_UTC,
    languages: Sequence[str] = LANGUAGES,
    profile: Profile = PLAIN,
) -> bytes:
    """Return the message as UTF-8 XML; the same notice gives the same bytes.

    sender: identifies this gateway globally, ideally a domain name (`siaga.polda.example`); None: the gateway's name.
    Neither it nor local, in which times are given, may change while an incident is open, because references contain
    both. languages: in the order of the info blocks. profile: what the receiver wants besides.
    Raises: ValueError for a sender or an incident identifier that CAP does not allow.
    """
    incident = notice.incident
    sender = check_name(sender if sender is not None else gateway_name(incident), "CAP sender")
    check_name(incident.identifier, "incident identifier")

    alert = ET.Element(_name("alert"))
    _add(alert, "identifier", message_identifier(incident.identifier, notice.sequence))
    _add(alert, "sender", sender)
    _add(alert, "sent", _time(notice.sent_at_ms, local))
    _add(alert, "status", _STATUS[incident.mode])
    _add(alert, "msgType", message_type(notice))
    _add(alert, "source", f"siaga:{incident.device_id.hex()}")
    _add(alert, "scope", "Restricted")
    _add(alert, "restriction", " / ".join(text("formats.restriction", language) for language in languages))
    if incident.mode is Mode.EXERCISE:  # 3.2.1, status: the exercise should be named in the note
        _add(alert, "note", " / ".join(_exercise_note(incident, language) for language in languages))
    if notice.previous:
        earlier = (_reference(incident, sender, *each, local) for each in notice.previous)
        _add(alert, "references", " ".join(earlier))
    _add(alert, "incidents", " ".join(filter(None, (incident.identifier, _major(incident)))))
    for language in languages:
        _add_info(alert, notice, language, local, profile)

    ET.indent(alert)
    written: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True, default_namespace=NAMESPACE)
    return written + b"\n"


def encoder(
    sender: str | None, local: LocalTime = IN_UTC, languages: Sequence[str] = LANGUAGES, profile: Profile = PLAIN
) -> Callable[[Notice, str], bytes]:
    """Return `document` for an HTTP output; CAP has no field for the key. Raises: ValueError for the sender."""
    checked = None if sender is None else check_name(sender, "sender")
    return lambda notice, _key: document(notice, sender=checked, local=local, languages=languages, profile=profile)


def message_type(notice: Notice) -> str:
    """Return Alert, Update or Cancel; see the module docstring."""
    if not notice.previous:
        return "Alert"
    return "Cancel" if withdrawn(notice) else "Update"


def judgement(notice: Notice) -> tuple[str, str, str, str]:
    """Return responseType, urgency, severity and certainty (3.2.2) of an incident as it stands.

    A press is a person's report, so it is Likely, not Observed, until somebody has verified it. Duress is more severe,
    as the attacker is present. Doubt about who pressed (registration not active) lowers only the certainty.
    """
    incident = notice.incident
    severity = "Extreme" if incident.duress else "Severe"
    if ended(notice):
        if withdrawn(notice):
            return "None", "Past", "Minor", "Unlikely"
        return "AllClear", "Past", severity, _CERTAINTY_AFTER[incident.disposition]
    response = "Monitor" if incident.reached else "Execute"
    certainty = "Likely" if incident.registration is RegistrationState.ACTIVE else "Possible"
    return response, "Immediate", severity, certainty


def _add_info(alert: ET.Element, notice: Notice, language: str, local: LocalTime, profile: Profile) -> None:
    incident = notice.incident
    said = words(notice, language, local)
    response, urgency, severity, certainty = judgement(notice)

    info = ET.SubElement(alert, _name("info"))
    _add(info, "language", _TAGS[language])
    _add(info, "category", "Security")
    _add(info, "category", "Safety")
    _add(info, "event", said.event)
    _add(info, "responseType", response)
    _add(info, "urgency", urgency)
    _add(info, "severity", severity)
    _add(info, "certainty", certainty)
    for name, value in (("siaga:event", kind_of(incident)), *profile.event_codes):
        _add_pair(info, "eventCode", name, value)
    if incident.pressed_at_ms is not None:
        _add(info, "onset", _time(incident.pressed_at_ms, local))
    if profile.expires_s is not None:
        _add(info, "expires", _time(notice.sent_at_ms + profile.expires_s * 1000, local))
    _add(info, "senderName", text("formats.sender_name", language, gateway=gateway_name(incident)))
    _add(info, "headline", said.headline)
    _add(info, "description", said.description)
    _add(info, "instruction", said.instruction)
    if profile.web is not None:
        _add(info, "web", link(profile.web, incident))
    if profile.contact is not None:
        _add(info, "contact", profile.contact)
    for name, value in parameters(notice, local):
        _add_pair(info, "parameter", f"siaga:{name}", value)

    area = ET.SubElement(info, _name("area"))
    _add(area, "areaDesc", said.area)
    position = incident.position if incident.position is not None and on_earth(incident.position) else None
    if position is not None:
        _add_shape(area, position, profile)
    for name, value in profile.geocodes(position):
        _add_pair(area, "geocode", name, value)


def _add_shape(area: ET.Element, position: Position, profile: Profile) -> None:
    corners = polygon(position) if profile.polygon else None
    if corners is not None:
        _add(area, "polygon", corners)
    if profile.circle or corners is None:
        centre = f"{degrees(position.latitude)},{degrees(position.longitude)}"
        _add(area, "circle", f"{centre} {kilometres(search_radius_m(position))}")


def parameters(notice: Notice, local: LocalTime = IN_UTC) -> list[tuple[str, str]]:
    """Return what machines read, by name without the prefix `siaga:`; unknown values are omitted."""
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
            ("position_time", _time(position.at_ms, local)),
            ("accuracy_m", position.accuracy_m),
            ("fix_age_s", position.fix_age_s),
        ]
    if owner is not None:
        for name, value in (("name", owner.name), ("phone", owner.phone), ("address", owner.address)):
            values.append((f"owner_{name}", one_line(value) or None))
    if incident.unreadable:
        values.append(("owner_unreadable", True))
    return [(name, _written(value)) for name, value in values if value is not None]


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _major(incident: Incident) -> str | None:
    """Return its major incident; None where that is named after itself. CAP separates incidents by blanks."""
    return incident.major_incident if incident.cluster != incident.id else None


def _exercise_note(incident: Incident, language: str) -> str:
    return text("formats.exercise_note", language, incident=incident.identifier)


def _reference(incident: Incident, sender: str, sequence: int, sent_at_ms: int, local: LocalTime) -> str:
    return f"{sender},{message_identifier(incident.identifier, sequence)},{_time(sent_at_ms, local)}"


def _time(unix_ms: int, local: LocalTime) -> str:
    """Return it as CAP has it (3.3.2): whole seconds, and UTC is `-00:00`. Raises: OverflowError past the year 9999."""
    written = local.iso(unix_ms // 1000 * 1000)
    return written.removesuffix("+00:00") + "-00:00" if written.endswith("+00:00") else written


def _name(element: str) -> str:
    return f"{{{NAMESPACE}}}{element}"


def _add(parent: ET.Element, element: str, content: str) -> None:
    ET.SubElement(parent, _name(element)).text = content


def _add_pair(parent: ET.Element, element: str, name: str, value: str) -> None:
    pair = ET.SubElement(parent, _name(element))
    _add(pair, "valueName", name)
    _add(pair, "value", value)

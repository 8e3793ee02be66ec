"""What stands on a person's own page, in words. It may be fetched for a preview: no name, of addresses only the end."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.shifts import DutyState
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.duty_links import WEEK_MS, OpenedDuty
from siaga_gateway.service.dispatch.push_devices import endpoint

_DAY_MS: Final = 25 * 3_600_000  # the longest day
_SHOWN: Final = 3  # characters of an address
_LONG: Final = 8  # of a shorter one its end says too much
_ENDS_SAY_NOTHING: Final = frozenset({ContactWay.PUSH, ContactWay.APPRISE})


def duty_view(opened: OpenedDuty, language: str, local: LocalTime, now_ms: int) -> dict[str, Any]:
    """Return what the template shows."""

    def say(name: str, **values: object) -> str:
        return text(f"responder.duty.{name}", language, **values)

    def hours(begin_ms: int, end_ms: int) -> str:
        if end_ms - begin_ms > _DAY_MS:  # a shift that is always on: its first and last days, or none
            if begin_ms > now_ms:
                return say("from", time=_clock(begin_ms, local, now_ms))
            return say("always") if end_ms > now_ms + WEEK_MS else say("until", time=_clock(end_ms, local, now_ms))
        begin, end = local.at(begin_ms), local.at(end_ms)
        return say("span", day=f"{begin:%d-%m}", begin=f"{begin:%H:%M}", end=f"{end:%H:%M}", zone=local.label(begin_ms))

    standing = opened.standing
    until = None if standing.until_ms is None else _clock(standing.until_ms, local, now_ms)
    state = standing.duty.value
    return {
        "state": state,
        "declared": standing.declared,
        "now": text(f"responder.duty_state.{state}", language),
        "until": None
        if until is None
        else say("until_next" if standing.duty is DutyState.OFF else "until", time=until),
        "shifts": [hours(*each) for each in opened.shifts],
        "ways": [_way(each, language, local, now_ms) for each in opened.responder.ways],
        "code_waits": any(each.open_at(now_ms) for each in opened.responder.ways),
        "who": _hashed(opened.responder.key),
        "browsers": " ".join(
            _hashed(endpoint(each.contact)) for each in opened.responder.ways if each.contact.way is ContactWay.PUSH
        ),
        "may_share": opened.may_share,
        "as_of": f"{local.at(now_ms):%H:%M} {local.label(now_ms)}",
    }


def _hashed(told: str) -> str:
    return sha256(told.encode()).hexdigest()[:16]


def _clock(unix_ms: int, local: LocalTime, now_ms: int) -> str:
    at = local.at(unix_ms)
    day = "" if at.date() == local.at(now_ms).date() else f"{at:%d-%m} "
    return f"{day}{at:%H:%M} {local.label(unix_ms)}"


def _way(way: ProvenWay, language: str, local: LocalTime, now_ms: int) -> dict[str, str]:
    contact = way.contact
    named = text(f"console.contact_way.{contact.way}", language)
    if contact.way not in _ENDS_SAY_NOTHING and len(contact.address) >= _LONG:
        named = f"{named} …{contact.address[-_SHOWN:]}"
    if way.proven_ms is not None:
        state = text("responder.duty.proven", language, day=f"{local.at(way.proven_ms):%d-%m-%Y}")
    else:
        state = text(f"responder.duty.{'waits' if way.open_at(now_ms) else 'unproven'}", language)
    return {"name": named, "state": state}

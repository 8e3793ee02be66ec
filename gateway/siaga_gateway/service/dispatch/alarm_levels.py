"""The alarm level of an incident, from what the store knows of it, its owner, its button and its neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.supervision import Cause
from siaga_gateway.domain.triage import Alarm, judge
from siaga_gateway.domain.triage_signs import Signs, TriageLimits, fix_quality, history_of, pressing_near
from siaga_gateway.service.store import Store
from siaga_gateway.service.store.alarms import NearCall

_M_PER_DEGREE: Final = 111_195
_E7: Final = 10**7
# Tampering counts from so long before the press, and for as long as the incident lasts.
_TAMPER_MS: Final = 10 * 60_000
# A third neighbour raises nothing any more: in an earthquake thousands need not be judged again for each of the others.
ENOUGH_NEIGHBOURS: Final = 2
_MOST_AGAIN: Final = 50


class AlarmLevels:
    """Thread-safe."""

    def __init__(self, store: Store, limits: TriageLimits = TriageLimits()) -> None:  # noqa: B008 - a value
        self._store = store
        self._limits = limits

    def judge(self, incident: Incident, now_ms: int, near: Sequence[NearCall] | None = None) -> Alarm:
        """near: as `near` has just found. Raises: StoreFailing."""
        status = self._store.status(incident.device_id)
        tampered_ms = None if status is None else status.tampered_ms
        owner, limits = incident.owner, self._limits
        ended = () if owner is None else self._store.ended_calls(owner.id, now_ms - limits.history_ms)
        return judge(
            Signs(
                registration=incident.registration,
                mode=incident.mode,
                history=history_of(ended, now_ms, limits),
                presses=incident.presses,
                duress=incident.duress,
                silent=incident.silent,
                neighbours=len({each.holder for each in (self.near(incident) if near is None else near)}),
                fix=fix_quality(incident.position),
                tamper=tampered_ms is not None and tampered_ms >= incident.opened_at_ms - _TAMPER_MS,
                unwell=status is not None and status.low_battery,
                key_copied=incident.key_copied,
                call_back=incident.call_back,
                pressed_since=incident.presses > incident.called_presses,
                fell_silent=self._fell_silent(incident),
            ),
            limits,
        )

    def _fell_silent(self, incident: Incident) -> bool:
        """Whether supervision has missed the button since the press; where many are missed it is the network."""
        return any(
            case.cause is Cause.SILENT
            and case.closed_ms is None
            and case.fold is None
            and case.opened_ms >= incident.opened_at_ms
            for case in self._store.cases_of(incident.device_id)
        )

    def near(self, incident: Incident) -> Sequence[NearCall]:
        """Return other holders' open calls nearby and about the same time. Raises: StoreFailing."""
        place = incident.place
        if place is None or is_exercise(incident):
            return ()
        own = incident.device_id if incident.owner is None else incident.owner.id
        latitude, longitude = place[:2]
        up = math.ceil(self._limits.neighbours_m * _E7 / _M_PER_DEGREE) + 1
        across = math.ceil(up / max(0.01, math.cos(math.radians(latitude / _E7))))
        found = self._store.calls_within((latitude - up, longitude - across), (latitude + up, longitude + across))
        return [
            each
            for each in found
            if each.holder != own
            and each.incident_id != incident.id
            and pressing_near(
                (latitude, longitude), incident.opened_at_ms, [(each.place, each.opened_ms)], self._limits
            )
        ]

    def to_judge_again(self, near: Sequence[NearCall]) -> Sequence[int]:
        """Return the incidents, of those near a new one, whose level it may raise. Raises: StoreFailing."""
        ids = [each.incident_id for each in near][:_MOST_AGAIN]
        known = self._store.alarms(ids)
        return [each for each in ids if each not in known or _neighbours(known[each]) < ENOUGH_NEIGHBOURS]


def _neighbours(alarm: Alarm) -> int:
    return next((each.count for each in alarm.reasons if each.sign == "neighbours"), 0)

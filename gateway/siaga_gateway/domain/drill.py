"""An exercise: a drill names its buttons and whom it calls, and ends by itself. Pure; time is an argument.

The first press of one of its buttons within a drill is an exercise. Every doubt makes a press real: a button that the
drill does not name, duress, a second press while the exercise runs, a time of the press that does not lie within the
drill as far as its clock is known, a clock that no check-in has proven, a press that arrives after the end or after
what follows it, counters that somebody else may use too. An exercise can become real; what is real never becomes one.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.button_clock import ClockLag
from siaga_gateway.domain.event import ButtonClock, Event
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.incident import Answered, Incident, IncidentState, Mode
from siaga_gateway.domain.value import copied, record

LONGEST_MS: Final = 8 * 3_600_000
SHORTEST_MS: Final = 60_000
AHEAD_MS: Final = 30 * 86_400_000  # how long before it a drill can be planned
MOST_BUTTONS: Final = 200
MOST_CONTACTS: Final = 200
# A clock that was set back by more than this during a drill would make it longer: it ends.
CLOCK_MS: Final = 60_000
_COME: Final = frozenset({Answered.COMING, Answered.ON_SCENE})
_SENT: Final = frozenset({IncidentState.ASSIGNED, IncidentState.ON_SCENE})
_KNOWN_CLOCKS: Final = frozenset({ButtonClock.SET, ButtonClock.BEHIND})


class DrillState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"  # ended before it began


@record
class Drill:
    """A row of the store: a new field goes to the end, and needs a migration. Times are Unix ms."""

    id: int
    name: str
    ordered_by: str
    buttons: tuple[bytes, ...]  # device ids
    contacts: tuple[str, ...]  # station:<key>, responder:<key>: nobody else is called
    ordered_ms: int
    begins_ms: int
    ends_ms: int
    ended_ms: int | None = None  # by a person, or by itself
    ended_by: str | None = None  # None: by itself

    def runs_at(self, now_ms: int) -> bool:
        return self.ended_ms is None and self.begins_ms <= now_ms < self.ends_ms

    def state_at(self, now_ms: int) -> DrillState:
        """Return what to call it."""
        if self.ended_ms is not None and self.ended_ms < self.begins_ms:
            return DrillState.CANCELLED
        if self.runs_at(now_ms):
            return DrillState.RUNNING
        return DrillState.PLANNED if self.ended_ms is None and now_ms < self.begins_ms else DrillState.ENDED

    @property
    def last_ms(self) -> int:
        """Its end, as it came or is planned; of one that was cancelled as it was planned."""
        return self.ends_ms if self.ended_ms is None or self.ended_ms < self.begins_ms else self.ended_ms

    def is_over(self, now_ms: int) -> bool:
        """Whether it has to end: its time is over, or the clock was set back to before it was ordered."""
        return now_ms >= self.ends_ms or now_ms < self.ordered_ms - CLOCK_MS


def drill_of(event: Event, drills: Iterable[Drill], lag: ClockLag | None) -> int | None:
    """Return the drill within which such an event of its button is an exercise, if nothing else speaks against it.

    Only a PRESS that opens for itself can be: of an UPDATE or a CANCEL nobody knows when its PRESS was made. lag: what
    was known of the button's clock before; None: nothing.
    """
    if event.kind is not Kind.PRESS or event.key != event.counter or event.duress:
        return None
    at_ms = event.happened_ms
    if lag is None or at_ms is None or event.clock not in _KNOWN_CLOCKS:
        return None
    from_ms = at_ms + min(0, lag.lag_s) * 1000  # it may be as far ahead as at its last check-in
    for drill in drills:
        arrived = drill.runs_at(event.received_ms) and event.device_id in drill.buttons
        if arrived and drill.begins_ms <= from_ms and at_ms < drill.ends_ms:
            return drill.id
    return None


def is_exercise(incident: Incident) -> bool:
    """Whether it belongs to a drill, and has not become real. A gateway that runs for exercises only has no drills."""
    return incident.drill is not None and incident.mode is Mode.EXERCISE


def made_real(incident: Incident, *, pressed: bool = False) -> Incident:
    """Return an exercise as the call in earnest that it becomes: what was done for the exercise was done for nobody.

    A button that shows that somebody comes, who came to the exercise, has to show that this is so no more: its stage
    never goes back to received, but to seen, as when they withdraw. pressed: a newer press, for which it shows none.
    """
    shown = incident.answered in _COME or incident.state in _SENT
    return copied(
        incident,
        mode=Mode.ACTUAL,
        state=IncidentState.OPEN,
        seen_by=None,
        seen_at_ms=None,
        unit=None,
        units=(),
        eta_minutes=None,
        promised_ms=None,
        late_ms=None,
        late_minutes=None,
        answered=Answered.WITHDRAWN if shown and not pressed else None,
    )

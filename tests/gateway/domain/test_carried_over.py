"""A field that a rule (incident_rules.py, status.py) does not name is carried over, also one that nobody knows yet."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.rule_values import ID, NOW_MS, any_of, basis, device, differs, event
from pressing_button import report_body
from siaga_gateway.domain.device_report import Report, Status
from siaga_gateway.domain.device_status import DeviceStatus, step
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.frame import Kind, Suite, Uplink
from siaga_gateway.domain.incident import Incident, Position
from siaga_gateway.domain.incident_outcome import EventContext
from siaga_gateway.domain.incident_rules import contradict, decide
from siaga_gateway.domain.value import copied, record

COUNTERS = st.integers(0, 30)
KINDS = st.sampled_from([Kind.PRESS, Kind.UPDATE, Kind.CANCEL, Kind.CHECKIN, Kind.TAMPER])
# What an event may change of an incident that was there; a new field that one changes is added here.
CHANGED = {
    *("opening_counter", "pressed_at_ms", "position", "presses", "silent", "duress", "cancelled_by_holder", "held"),
    *("battery", "sequence", "last_press", "last_cancel", "told_place", "key_copied"),
}
# And of an exercise that becomes real.
MADE_REAL = CHANGED | {"mode", "state", "seen_by", "seen_at_ms", "unit", "eta_minutes", "units", "answered"}
MADE_REAL |= {"promised_ms", "late_ms", "late_minutes"}


@record
class Longer(Incident):
    """An incident with a field more, of which no rule knows."""

    extra_mark: str | None = None


@record
class Watched(DeviceStatus):
    """A status with a field more."""

    installer: str | None = None


def places() -> st.SearchStrategy[Position]:
    degrees, small = st.integers(-(10**9), 10**9), st.none() | st.integers(0, 600)
    return any_of(
        Position, latitude=degrees, longitude=degrees, accuracy_m=small, fix_age_s=small, at_ms=st.just(NOW_MS)
    )


def incidents() -> st.SearchStrategy[Longer]:
    place = st.none() | places()
    told = st.none() | st.tuples(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.integers(0, 600))
    known: dict[str, Any] = {"opening_counter": COUNTERS, "last_press": COUNTERS, "last_cancel": st.none() | COUNTERS}
    return any_of(Longer, id=st.integers(1, 3), position=place, told_place=told, **known)


@st.composite
def events(draw: st.DrawFn) -> Any:
    kind, key = draw(KINDS), draw(st.none() | COUNTERS)
    flags = {name: draw(st.booleans()) for name in ("silent", "duress", "test")}
    return event(kind, draw(COUNTERS), key if kind in (Kind.PRESS, Kind.UPDATE, Kind.CANCEL) else None, **flags)


@given(events(), st.none() | incidents(), st.none() | incidents(), places() | st.none(), st.booleans(), st.booleans())
def test_whatever_an_event_does_to_an_incident_it_forgets_nothing_of_it(
    given_event: Any,
    open_one: Longer | None,
    keyed: Longer | None,
    last: Position | None,
    arrived: bool,
    doubtful: bool,
) -> None:
    known = EventContext(open_one, keyed, arrived, last, battery=40, counters_doubtful=doubtful)
    outcome = decide(given_event, basis(), known)
    after = outcome.incident
    if after is None or outcome.opened:
        return
    assert isinstance(after, Longer)
    before = [each for each in (open_one, keyed) if each is not None and each.extra_mark == after.extra_mark]
    assert [each for each in before if differs(each, after).keys() <= _may_change(each, after)]


def _may_change(before: Incident, after: Incident) -> set[str]:
    return MADE_REAL if is_exercise(before) and not is_exercise(after) else CHANGED


@given(incidents(), st.sampled_from(Kind), COUNTERS)
def test_a_contradiction_marks_an_incident_and_forgets_nothing_of_it(before: Longer, kind: Kind, counter: int) -> None:
    after = contradict(before, kind, counter).incident
    assert isinstance(after, Longer) and after.extra_mark == before.extra_mark
    assert differs(before, after).keys() <= {"key_copied", "sequence", "told_place"}


@given(
    any_of(Watched, position=st.none() | places(), health=st.none()),
    KINDS | st.just(Kind.RECEIPT),
    COUNTERS,
    st.booleans(),
    st.data(),
)
def test_whatever_a_frame_says_of_its_device_nothing_else_is_forgotten(
    before: Watched, kind: Kind, counter: int, contradicted: bool, data: st.DataObject
) -> None:
    report = None
    if kind is not Kind.RECEIPT:
        report = Report.from_body(
            report_body(flags=data.draw(st.integers(0, 255)), battery=data.draw(st.integers(0, 100)))
        )
    status = Status((1, 2, 0), -80, 1, 0, 5, 0, 3) if kind is Kind.CHECKIN else None
    uplink = Uplink(Suite.ES256, kind, ID, counter, b"", b"", b"", report=report, status=status)
    after = step(before, uplink, NOW_MS, NOW_MS, contradicted=contradicted).status
    assert isinstance(after, Watched)
    assert (after.installer, after.device_id) == (before.installer, before.device_id)


def test_a_position_of_before_is_restated_whole() -> None:
    @record
    class Floored(Position):
        floor: int = 0

    fix = Floored(-54_000_000, 1_052_600_000, 10, 1, "gnss", NOW_MS - 60_000, floor=3)
    outcome = decide(event(Kind.PRESS, 1, 1), basis(), EventContext(last_position=fix))
    assert outcome.incident is not None
    assert outcome.incident.position == copied(fix, fix_age_s=57, at_ms=NOW_MS - 4_000)
    assert device().installed_latitude is None

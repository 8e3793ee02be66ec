"""Where an incident's frames place its button."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pressing_button import PressingButton, at, report_body
from siaga_gateway.domain.device_report import PositionSource
from siaga_gateway.domain.event import Event, Timing, event_of
from siaga_gateway.domain.frame import Kind, Suite, decode_uplink
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.track import TrackPoint, track

NOW_S = 1_790_000_000
CLOCK_SET = 1 << 6
BUTTON = PressingButton().meet(GatewayKey.generate())
A, B, C = (at(-54_000_000 + step * 10_000, fix_age=2) for step in range(3))


def event(counter: int, came_s: int = 0, *, time: int | None = None, **fields: int) -> Event:
    """A frame that was made when it came."""
    body = report_body(NOW_S + came_s if time is None else time, **fields)
    frame = BUTTON.frame(Kind.UPDATE, counter, body, Suite.HS256_64)
    return event_of(decode_uplink(frame), (NOW_S + came_s) * 1000, Timing())


def places(points: list[TrackPoint]) -> list[tuple[int, int]]:
    return [(each.position.latitude, each.fix_ms // 1000 - NOW_S) for each in points]


def test_each_fix_is_once_in_the_order_in_which_it_was_made() -> None:
    again = {**A, "fix_age": 62}  # the fix of 60 s ago, once more
    found = track([event(1, 0, **A), event(2, 60, **again), event(3, 90, **C), event(4, 95, time=NOW_S + 70, **B)])
    assert places(found) == [(A["latitude"], -2), (B["latitude"], 68), (C["latitude"], 88)]
    assert all(each.timed for each in found)


def test_no_position_an_impossible_one_and_where_it_is_mounted_are_no_part_of_it() -> None:
    mounted = {**A, "source": PositionSource.INSTALLED}
    assert track([event(1), event(2, **at(0, 0)), event(3, **mounted)]) == []


def test_where_clock_or_age_are_unknown_it_says_so() -> None:
    (old,) = track([event(1, 4000, time=NOW_S, **A)])  # it claims an hour, and nothing has proven its clock
    (ageless,) = track([event(1, **{**A, "fix_age": 65535})])
    assert not old.timed and not ageless.timed
    assert old.received_ms == (NOW_S + 4000) * 1000


@given(st.permutations(range(6)))
def test_the_order_in_which_frames_come_changes_nothing(order: list[int]) -> None:
    events = [event(number, 10 * number, **at(-54_000_000 + number * 5_000)) for number in range(6)]
    assert track(events[each] for each in order) == track(events)

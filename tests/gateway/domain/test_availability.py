"""How much of the time buttons could be reached."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.availability import MILLION, Availability, Poor, Silent, availability

A, B = b"\0" * 7 + b"\1", b"\0" * 7 + b"\2"


def test_silences_are_cut_to_the_time_and_counted_once() -> None:
    found = availability(
        2,
        2_000,
        [Silent(A, -500, 100), Silent(A, 50, 200), Silent(B, 900, None), Silent(B, 1_000, None), Silent(A, -9, 0)],
        0,
        1_000,
    )
    assert found == Availability(2, 850_000, 300, 2, (Poor(A, 200), Poor(B, 100)))


def test_without_a_button_there_is_no_share() -> None:
    assert availability(0, 0, [], 0, 1_000) == Availability()
    assert availability(1, 1, [Silent(A, 1, 1)], 0, 2) == Availability(1, MILLION), "a silence without length is none"


def test_only_the_worst_are_named() -> None:
    many = [Silent(number.to_bytes(8, "big"), 0, number + 1) for number in range(40)]
    found = availability(40, 40_000, many, 0, 1_000)
    assert found.silent_buttons == 40
    assert [each.silent_ms for each in found.worst] == list(range(40, 30, -1))


moments = st.integers(-200, 1_200)


@given(st.lists(st.builds(Silent, st.sampled_from([A, B]), moments, st.none() | moments), max_size=9))
def test_a_share_is_never_outside_its_bounds(silences: list[Silent]) -> None:
    found = availability(2, 2_000, silences, 0, 1_000)
    assert found.ppm is not None and 0 <= found.ppm <= MILLION
    seen = {
        (each.device_id, at)
        for each in silences
        for at in range(max(0, each.from_ms), min(1_000, 1_000 if each.to_ms is None else each.to_ms))
    }
    assert found.silent_ms == len(seen)

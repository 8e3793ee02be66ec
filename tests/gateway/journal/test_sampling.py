"""What of a flood of refused frames is written (service/journal/sampling.py): the first in full, the rest as a sum."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.service.journal.sampling import ALL, EACH, FEW_ALL, FEW_EACH, WINDOW_MS, SampledEntry, Sampler

NOW = 1_790_000_000_000


def note(sampler: Sampler, number: int = 1, at_ms: int = NOW, kind: str = "refused", **more: object) -> bool:
    """Whether it is written now."""
    facts = {"reason": number}
    made = sampler.note(kind, at_ms, bytes([number]), facts, b"f%d" % number, **more)  # type: ignore[arg-type]
    if made is not None:
        times = more.get("times", 1)
        assert made == SampledEntry(kind, at_ms, bytes([number]), {"reason": number, "count": times}, b"f%d" % number)
    return made is not None


def test_three_of_each_device_and_thirty_of_all_are_written_in_full() -> None:
    assert (EACH, ALL, FEW_EACH, FEW_ALL, WINDOW_MS) == (3, 30, 1, 5, 60_000)
    sampler = Sampler()
    assert [note(sampler) for _ in range(5)] == [True] * 3 + [False] * 2
    assert [note(sampler, 2) for _ in range(4)] == [True] * 3 + [False]
    assert sum(note(sampler, number) for number in range(10, 60)) == 30 - 6
    assert note(sampler, kind="other"), "another kind has its own"


def test_of_what_is_usual_on_a_bad_network_fewer() -> None:
    sampler = Sampler()
    assert [note(sampler, few=True) for _ in range(3)] == [True, False, False]
    assert sum(note(sampler, number, few=True) for number in range(10, 60)) == 4


def test_what_is_held_back_is_one_entry_that_says_how_many() -> None:
    sampler = Sampler()
    for number in (1, 1, 1, 1, 2):
        note(sampler, number)
    note(sampler, 1, NOW + 7, times=5)
    for number in range(4):
        note(sampler, 9, NOW + 9 + number, kind="other", times=2)
    assert sampler.due(NOW + WINDOW_MS - 1) == []
    assert sampler.due(NOW + WINDOW_MS) == [
        SampledEntry("refused", NOW + 7, b"\x01", {"reason": 1, "count": 6}, b"f1"),
        SampledEntry("other", NOW + 12, b"\x09", {"reason": 9, "count": 2}, b"f9"),
    ]
    assert sampler.due(NOW + WINDOW_MS) == [] == list(sampler.rest()), "told once"
    assert note(sampler, at_ms=NOW + WINDOW_MS), "a new window"


def test_a_window_ends_when_the_clock_is_set_back() -> None:
    sampler = Sampler()
    for _ in range(4):
        note(sampler)
    assert sampler.due(NOW) == []
    assert len(sampler.due(NOW - 1)) == 1
    assert note(sampler, at_ms=NOW - 1)


def test_at_the_end_what_is_held_back_is_written_before_its_time() -> None:
    sampler = Sampler()
    assert list(sampler.rest()) == [] == sampler.due(NOW)
    for _ in range(4):
        note(sampler)
    assert [entry.facts["count"] for entry in sampler.rest()] == [1]
    assert note(sampler)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 5), st.integers(1, 9), st.booleans()), max_size=80)
)
def test_nothing_is_lost_from_the_sum(notes: list[tuple[str, int, int, bool]]) -> None:
    sampler = Sampler()
    written = [
        sampler.note(kind, NOW, bytes([device]), {}, None, few=few, times=times) for kind, device, times, few in notes
    ]
    found = [one for one in (*written, *sampler.rest()) if one is not None]
    for kind in "ab":
        counted = sum(one.facts["count"] for one in found if one.kind == kind)
        assert counted == sum(times for one, _, times, _ in notes if one == kind)

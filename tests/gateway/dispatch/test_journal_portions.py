"""How much of the journal is taken in one transaction. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.service.dispatch.waves import portion
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry


def entries(*told: tuple[str, int]) -> list[JournalEntry]:
    return [JournalEntry(number, 0, kind, incident, None, None, {}) for number, (kind, incident) in enumerate(told)]


def opened(some: Sequence[JournalEntry]) -> int:
    return sum(each.kind == journal.INCIDENT_OPENED for each in some)


def test_what_happened_to_a_few_incidents_is_one_portion() -> None:
    assert portion(entries(*((journal.PRESSED_AGAIN, number % 200) for number in range(2_000)))) == 2_000


def test_openings_are_few_so_that_the_first_of_many_calls_waits_for_no_other() -> None:
    assert portion(entries(*((journal.INCIDENT_OPENED, number) for number in range(1_000)))) == 50


@given(
    st.lists(st.tuples(st.sampled_from([journal.INCIDENT_OPENED, journal.POSITION]), st.integers(1, 300)), max_size=900)
)
def test_each_portion_keeps_its_bounds_and_some_is_always_taken(told: list[tuple[str, int]]) -> None:
    left = entries(*told)
    while left:
        some, left = left[: portion(left)], left[portion(left) :]
        assert some and opened(some) <= 50 and len({each.incident_id for each in some}) <= 200
        if left:
            more = [*some, left[0]]
            assert opened(more) > 50 or len({each.incident_id for each in more}) > 200, "no more than is needed"

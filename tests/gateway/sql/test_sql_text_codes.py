"""The contract of service/store/text_codes.py, kept by both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.listed_responders import BUDI, PATROL
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.store.text_codes import CodedCall, TextCode

FIRST = TextCode(1, "budi", "47", NOW_MS)
SECOND = TextCode(2, "budi", "05", NOW_MS + 10)
OTHER = TextCode(1, "patroli-1", "47", NOW_MS + 5)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """With the open incidents 1 and 2, two responders, and three codes."""
    kept = sample_store.new_store(Place(request.param, tmp_path))
    sample_store.with_device(kept)
    for counter in (1, 2):
        sample_store.open_incident(kept, counter)
    with kept.transaction() as transaction:
        transaction.put_responders([BUDI, PATROL])
        for each in (SECOND, OTHER, FIRST):
            transaction.add_text_code(each)
    yield kept
    kept.close()


def close(store: SqlStore, incident_id: int, at_ms: int) -> None:
    with store.transaction() as transaction:
        closed = copied(
            transaction.incidents([incident_id])[incident_id], state=IncidentState.CLOSED, closed_at_ms=at_ms
        )
        transaction.put_incident(closed)


def test_the_calls_of_these_people_the_oldest_first(store: SqlStore) -> None:
    assert store.coded_calls({"budi"}, 0) == [CodedCall(FIRST, None), CodedCall(SECOND, None)]
    assert store.coded_calls({"budi", "patroli-1"}, 0) == [CodedCall(each, None) for each in (FIRST, OTHER, SECOND)]
    assert store.coded_calls({"wati"}, 0) == store.coded_calls((), 0) == []
    with store.transaction() as transaction:
        assert transaction.text_codes({"budi"}, 0) == [FIRST, SECOND]
        assert transaction.text_codes((), 0) == []


def test_what_named_an_exercise_is_known_and_another_is_drawn(store: SqlStore) -> None:
    with store.transaction() as transaction:
        for _ in range(2):
            transaction.retire_text_codes(1)
    retired = TextCode(1, "budi", "", NOW_MS, "47")
    assert store.coded_calls({"budi"}, 0) == [CodedCall(retired, None), CodedCall(SECOND, None)]
    with store.transaction() as transaction:
        for code in ("52", "53"):
            transaction.add_text_code(TextCode(1, "budi", code, NOW_MS + 20))
        transaction.retire_text_codes(1)
    assert [each.code for each in store.coded_calls({"budi"}, 0)] == [
        SECOND,
        TextCode(1, "budi", "52", NOW_MS + 20, "47"),
    ]


def test_what_is_old_counts_while_its_incident_is_open(store: SqlStore) -> None:
    close(store, 1, NOW_MS + 60_000)
    assert store.coded_calls({"budi"}, NOW_MS) == [CodedCall(FIRST, NOW_MS + 60_000), CodedCall(SECOND, None)]
    assert store.coded_calls({"budi"}, NOW_MS + 1) == [CodedCall(SECOND, None)]
    assert store.coded_calls({"budi"}, NOW_MS + 10**9) == [CodedCall(SECOND, None)]


def test_codes_are_forgotten_with_the_person_and_with_the_incident(store: SqlStore) -> None:
    close(store, 1, NOW_MS)
    with store.transaction() as transaction:
        transaction.remove_responders(["budi"])
    assert store.coded_calls({"budi"}, 0) == []
    with store.transaction() as transaction:
        assert store.expired_notifications(NOW_MS + 1) == transaction.forget_notifications([1, 2], NOW_MS + 1) == 1
    assert store.coded_calls({"patroli-1"}, 0) == []

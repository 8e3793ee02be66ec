"""A code is one person's for one incident, and is nobody else's who has the same number, for a week."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.text_answer import KEPT_MS, TextAnswer, parsed
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.text_codes import TextCodes
from siaga_gateway.service.dispatch.text_numbers import TextNumbers
from siaga_gateway.service.incidents.text_answers import _meant
from siaga_gateway.service.store.text_codes import CodedCall, TextCode
from waiting import ENDS_S

SHARED, OWN = "+6281200000001", "+6281200000002"


def person(key: str, *numbers: str, proven: bool = True) -> Responder:
    ways = tuple(ProvenWay(Contact(ContactWay.SMS, each), NOW_MS if proven else None) for each in numbers)
    return Responder(key, ResponderKind.OFFICER, "Contoh", ways=ways)


def listed(place: Path | Place) -> SqlStore:
    made = sample_store.new_store(place)
    sample_store.with_device(made)
    for counter in (1, 2, 3):
        sample_store.open_incident(made, counter)
    with made.transaction() as transaction:
        transaction.put_responders([person("a", SHARED), person("b", SHARED, OWN), person("c", "+6281200000003")])
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = listed(tmp_path)
    yield made
    made.close()


def first(free: Sequence[str]) -> str:
    return free[0]


def codes(store: SqlStore, clock: ManualClock | None = None) -> TextCodes:
    return TextCodes(store, [TextNumbers(store)], clock or ManualClock(NOW_MS), first)


def test_each_person_has_one_for_each_incident_also_after_a_restart(store: SqlStore) -> None:
    made = codes(store)
    assert [made.code(1, "a"), made.code(2, "a"), made.code(1, "a")] == ["00", "01", "00"]
    assert codes(store).code(2, "a") == "01"


def test_who_shares_a_number_has_other_codes_and_strangers_have_any(store: SqlStore) -> None:
    made = codes(store)
    assert [made.code(1, "a"), made.code(1, "b"), made.code(1, "c")] == ["00", "01", "00"]


def test_a_code_comes_again_after_a_week_and_only_once_its_incident_is_closed(store: SqlStore) -> None:
    clock = ManualClock(NOW_MS)
    assert [codes(store, clock).code(each, "a") for each in (1, 2)] == ["00", "01"]
    with store.transaction() as transaction:
        closed = copied(transaction.incidents([1])[1], state=IncidentState.CLOSED, closed_at_ms=NOW_MS)
        transaction.put_incident(closed)
    clock.at_ms += KEPT_MS
    assert codes(store, clock).code(3, "b") == "02"
    clock.at_ms += 1
    assert codes(store, clock).code(3, "a") == "00", "incident 2 is open: its code stays"


def test_two_workers_that_draw_at_once_draw_two_codes(lend: Callable[[str], Place]) -> None:
    store = listed(lend("postgresql"))
    other, drawn = ThreadPoolExecutor(1), threading.Event()
    later: list[Future[str | None]] = []

    def draw_late(free: Sequence[str]) -> str:
        later.append(other.submit(TextCodes(store, [TextNumbers(store)], ManualClock(NOW_MS), draw).code, 2, "a"))
        drawn.wait(1.0)  # no deadline of a machine: it must not get so far
        return free[0]

    def draw(free: Sequence[str]) -> str:
        drawn.set()
        return free[0]

    mine = TextCodes(store, [TextNumbers(store)], ManualClock(NOW_MS), draw_late).code(1, "a")
    assert [mine, later[0].result(ENDS_S)] == ["00", "01"]
    other.shutdown()
    store.close()


def test_a_code_that_stands_for_two_open_calls_answers_neither() -> None:
    """Two workers of an older version may have drawn it at once."""
    said = parsed("1 47")
    assert isinstance(said, TextAnswer)
    first, second = (CodedCall(TextCode(each, "a", "47", NOW_MS), None) for each in (1, 2))
    assert _meant([first, second], said, NOW_MS) == "several"
    assert _meant([first, copied(second, closed_at_ms=NOW_MS)], said, NOW_MS) == first


def test_whose_a_number_is_follows_the_list(store: SqlStore) -> None:
    numbers = TextNumbers(store)
    assert [each.responder for each in numbers.whose(SHARED)] == ["a", "b"]
    assert numbers.sharing("b") == {"a", "b"} and numbers.sharing("nobody") == {"nobody"}
    with store.transaction() as transaction:
        transaction.change_responders()
        transaction.put_responders([person("a", OWN, proven=False)])
    assert [(each.responder, each.proven) for each in numbers.whose(OWN)] == [("a", False), ("b", True)]
    assert [each.responder for each in numbers.whose(SHARED)] == ["b"]
    assert numbers.whose("+6281299999999") == ()

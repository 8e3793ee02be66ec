"""The contract of service/store/responders.py, kept by both engines and by the fake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.listed_responders import (
    ALWAYS,
    BUDI,
    NIGHT,
    NOW_MS,
    PATROL,
    POSITION,
    SAID,
    WATI,
    ListedResponders,
    chat,
)
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation import opened
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import Assignment, Progress
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay


@pytest.fixture(params=[*ENGINES, "fake"])
def kept(request: pytest.FixtureRequest, lend: Callable[[str], Place]) -> Any:
    if request.param == "fake":
        return ListedResponders()
    made = sample_store.new_store(lend(request.param))
    request.addfinalizer(made.close)
    return made


def test_what_is_put_is_read_in_the_order_of_the_keys(kept: Any) -> None:
    assert (kept.responders_version(), list(kept.responders()), list(kept.shifts())) == (0, [], [])
    with kept.transaction() as transaction:
        assert transaction.change_responders() == 0
        transaction.put_responders([WATI, PATROL, BUDI])
        transaction.put_responders([])
        transaction.set_shifts("budi", [NIGHT, ALWAYS])
        assert transaction.responder("budi") == BUDI and transaction.responder("nobody") is None
    assert kept.responders_version() == 1 and kept.list_versions() == (1, 0, 0)
    assert list(kept.responders()) == [BUDI, PATROL, WATI]
    assert list(kept.shifts()) == [NIGHT, ALWAYS]


def test_what_has_a_key_is_changed_and_shifts_are_replaced(kept: Any) -> None:
    with kept.transaction() as transaction:
        transaction.put_responders([BUDI, WATI])
        transaction.set_shifts("budi", [NIGHT, ALWAYS])
    other = copied(BUDI, name="Lain", ways=(ProvenWay(chat(3)),), home=None, token_hash=None, station=None)
    with kept.transaction() as transaction:
        transaction.put_responders([other])
        transaction.set_shifts("budi", [ALWAYS])
    assert list(kept.responders()) == [other, WATI] and list(kept.shifts()) == [ALWAYS]
    with kept.transaction() as transaction:
        transaction.set_shifts("budi", [])
    assert list(kept.shifts()) == []


def test_what_somebody_says_replaces_what_he_said_and_can_be_taken_back(kept: Any) -> None:
    assert (kept.duty_version(), dict(kept.declared())) == (0, {})
    with kept.transaction() as transaction:
        transaction.declare(SAID)
    assert (kept.duty_version(), kept.declared()) == (1, {"budi": SAID})
    assert kept.list_versions() == (0, 0, 1)
    later = copied(SAID, until_ms=SAID.until_ms + 1)
    with kept.transaction() as transaction:
        transaction.declare(later)
    assert kept.declared() == {"budi": later}
    with kept.transaction() as transaction:
        transaction.undeclare("budi")
    assert kept.duty_version() > 2 and not kept.declared()


def test_only_the_later_position_counts(kept: Any) -> None:
    assert kept.positions_of(["budi"]) == {} == kept.positions_of([])
    with kept.transaction() as transaction:
        assert transaction.position("budi") is None
        transaction.put_position(POSITION)
        assert transaction.position("budi") == POSITION
        transaction.put_position(copied(POSITION, latitude=0, fix_ms=POSITION.fix_ms - 1))
        transaction.put_position(copied(POSITION, latitude=0, heard_ms=POSITION.heard_ms))
    assert kept.positions_of(["budi", "wati"]) == {"budi": POSITION}
    heard = copied(POSITION, heard_ms=POSITION.heard_ms + 1)
    moved = copied(heard, latitude=POSITION.latitude + 1, fix_ms=POSITION.fix_ms + 1, accuracy_m=None, fix_known=False)
    for each in (heard, moved):
        with kept.transaction() as transaction:
            transaction.put_position(each)
        assert kept.positions_of(["budi"]) == {"budi": each}


def test_positions_are_found_by_place_and_age(kept: Any) -> None:
    far = copied(POSITION, responder="wati", latitude=POSITION.latitude + 20, fix_ms=POSITION.fix_ms + 10)
    with kept.transaction() as transaction:
        transaction.put_position(POSITION)
        transaction.put_position(far)
    corner = (POSITION.latitude - 5, POSITION.longitude - 5), (POSITION.latitude + 5, POSITION.longitude)
    assert list(kept.positions(0, corner)) == [POSITION]
    assert {each.responder for each in kept.positions(POSITION.fix_ms)} == {"budi", "wati"}
    assert list(kept.positions(POSITION.fix_ms + 1)) == [far]
    assert list(kept.positions(POSITION.fix_ms + 1, corner)) == []


def test_what_is_old_is_forgotten(kept: Any) -> None:
    with kept.transaction() as transaction:
        transaction.put_position(POSITION)
        transaction.put_position(copied(POSITION, responder="wati", heard_ms=NOW_MS + 1))
        transaction.declare(SAID)
    with kept.transaction() as transaction:
        assert transaction.forget_positions(POSITION.heard_ms) == 0
        assert transaction.forget_positions(POSITION.heard_ms + 1) == 1
    assert set(kept.positions_of(["budi", "wati"])) == {"wati"} and kept.declared()
    version = kept.duty_version()
    with kept.transaction() as transaction:
        transaction.forget_positions(SAID.until_ms + 1)
    assert not kept.declared() and kept.duty_version() > version


def test_who_is_removed_leaves_nothing(kept: Any) -> None:
    with kept.transaction() as transaction:
        transaction.put_responders([BUDI, WATI])
        for who in ("budi", "wati"):
            transaction.set_shifts(who, [copied(NIGHT, responder=who)])
            transaction.declare(copied(SAID, responder=who))
            transaction.put_position(copied(POSITION, responder=who))
    with kept.transaction() as transaction:
        assert transaction.remove_responders(["budi", "nobody"]) == 1
        assert transaction.responder("budi") is None
    assert list(kept.responders()) == [WATI] and [each.responder for each in kept.shifts()] == ["wati"]
    assert set(kept.declared()) == {"wati"} and set(kept.positions_of(["budi", "wati"])) == {"wati"}


def test_a_transaction_that_fails_changes_nothing(kept: Any) -> None:
    with pytest.raises(RuntimeError), kept.transaction() as transaction:
        transaction.change_responders()
        transaction.put_responders([BUDI])
        transaction.set_shifts("budi", [NIGHT])
        transaction.declare(SAID)
        transaction.put_position(POSITION)
        raise RuntimeError("in the middle")
    assert (kept.responders_version(), kept.duty_version(), list(kept.responders())) == (0, 0, [])
    assert (list(kept.shifts()), dict(kept.declared()), kept.positions_of(["budi"])) == ([], {}, {})


# The store alone


def test_names_addresses_and_homes_are_sealed(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.put_responders([BUDI])
    (row,) = store.fetch("SELECT * FROM responder")
    assert not [secret for secret in ("Budi", "100000001", "81200000001", "012345", "60000000") if secret in str(row)]
    assert list(store.responders()) == [BUDI]


def test_sealed_text_that_is_moved_to_another_person_does_not_open(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    with store.transaction() as transaction:
        transaction.put_responders([BUDI, WATI])
    with store.engine.transaction() as session:
        session.run(
            "UPDATE responder SET ways = (SELECT ways FROM responder WHERE responder_key = 'budi') "
            "WHERE responder_key = 'wati'"
        )
    assert list(store.responders()) == [BUDI]
    assert "wati" in caplog.text


@pytest.mark.parametrize("fault", ["kind = 'officez'", "skills = '['", "quiet = 'mon 08:00'", "home = 'x'"])
def test_one_that_is_damaged_leaves_the_others_until_the_list_comes_again(
    store: SqlStore, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    with store.transaction() as transaction:
        transaction.put_responders([BUDI, WATI])
    with store.engine.transaction() as session:
        session.run(f"UPDATE responder SET {fault} WHERE responder_key = 'budi'")
    assert list(store.responders()) == [WATI] and "budi" in caplog.text
    with store.transaction() as transaction:
        assert transaction.responder("budi") is None
        transaction.put_responders([BUDI])
    assert list(store.responders()) == [BUDI, WATI]


def test_a_shift_or_a_word_that_is_damaged_leaves_the_others(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.set_shifts("budi", [NIGHT, ALWAYS])
        transaction.declare(SAID)
        transaction.declare(copied(SAID, responder="wati"))
    with store.engine.transaction() as session:
        session.run("UPDATE shift SET hours = 'x' WHERE number = 0")
        session.run("UPDATE self_declared SET duty = 'x' WHERE responder = 'wati'")
    assert list(store.shifts()) == [ALWAYS] and store.declared() == {"budi": SAID}


def test_people_are_sealed_anew_under_a_new_key(tmp_path: Path) -> None:
    store = sample_store.new_store(tmp_path)
    with store.transaction() as transaction:
        transaction.put_responders([BUDI, WATI])
    before = store.sealing.keys.current
    after = KeyFile(tmp_path / FILE_NAME).add().id
    store.sealing.has(after)
    store.sealed_by(after)
    store.reseal()
    kept = " ".join(str(row) for row in store.fetch("SELECT name, ways, home FROM responder"))
    assert kept.count(f"{after}.") == 6 and f"{before}." not in kept, "a home each too"
    assert list(store.responders()) == [BUDI, WATI]
    store.close()


def test_who_is_assigned_to_an_open_incident_is_known(store: SqlStore) -> None:
    first, second = (sample_store.open_incident(store, counter) for counter in (1, 2))
    assert store.assigned_responders() == frozenset()
    busy = [
        Assignment(who, progress, 1, NOW_MS)
        for who, progress in (
            ("responder:budi", Progress.COMING),
            ("responder:wati", Progress.ON_SCENE),
            ("responder:late", Progress.LATE),
            ("responder:done", Progress.FINISHED),
            ("patrol 3", Progress.COMING),
        )
    ]
    ladder = Ladder("Contoh")
    with store.transaction() as transaction:
        for incident, who in ((first, busy), (second, [Assignment("responder:closed", Progress.COMING, 1, NOW_MS)])):
            escalation = opened(incident.id, NOW_MS, ladder).state
            ends = {"next_at_ms": None} if incident is second else {}
            transaction.put_escalation(copied(escalation, assignments=tuple(who), **ends))  # type: ignore[arg-type]
    assert store.assigned_responders() == {"budi", "wati", "late"}

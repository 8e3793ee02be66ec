"""A counter that a copy of the key has used keeps no call of the real button out, whatever came first."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from databases import Place
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, at, report_body
from siaga_gateway.domain.frame import Flags, Kind, Stage, Suite
from siaga_gateway.domain.incident import Disposition, IncidentState
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.journal import kinds as journal
from waiting import ENDS_S

N: Final = 7  # the counter in question
_CURVE_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# What a copied key may have said under the counter before (or says after) the real button uses it.
BURNT: Final = {
    "check-in": (Kind.CHECKIN, report_body(NOW_S, battery=80)),
    "check-in with status": (Kind.CHECKIN, report_body(NOW_S, battery=81) + bytes(8)),
    "update": (Kind.UPDATE, report_body(NOW_S, **at(), opening=2)),
    "update of nothing": (Kind.UPDATE, report_body(NOW_S + 1)),
    "cancel": (Kind.CANCEL, report_body(NOW_S, opening=2)),
    "tamper": (Kind.TAMPER, report_body(NOW_S, flags=Flags.TAMPER_OPEN)),
    "test": (Kind.PRESS, report_body(NOW_S, flags=Flags.TEST)),
    "press": (Kind.PRESS, report_body(NOW_S - 1)),
    "receipt": (Kind.RECEIPT, b"\0\0\0\1\0"),
    "enrolment": (Kind.ENROL, b""),
}
CALLS: Final = {
    "press": (Kind.PRESS, report_body(NOW_S, **at(accuracy=12))),
    "second press": (Kind.PRESS, report_body(NOW_S, opening=3)),
    "forced cancel": (Kind.CANCEL, report_body(NOW_S, opening=3, flags=Flags.DURESS)),
    "forced tamper": (Kind.TAMPER, report_body(NOW_S, flags=Flags.DURESS | Flags.TAMPER_OPEN)),
}


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = IngestHarness(place)
    yield made
    made.close()


@pytest.fixture(scope="module")
def sqlite_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path_factory.mktemp("burnt"))
    yield made
    made.close()


def said(button: PressingButton, message: tuple[Kind, bytes], suite: Suite = Suite.ES256) -> bytes:
    kind, body = message
    if kind is Kind.ENROL:
        return button.frame(kind, N, button.public_xy)
    return button.frame(kind, N, body, suite)


def replied(desk: IngestHarness, frame: bytes) -> list[tuple[int, Stage]]:
    """The answers to the frame itself."""
    return [(counter, stage) for counter, stage in desk.stages(frame) if counter == N]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("burnt", BURNT)
def test_a_call_is_taken_answered_and_marked_though_its_counter_was_used(
    sqlite_desk: IngestHarness, burnt: str, call: str
) -> None:
    desk, button = sqlite_desk, sqlite_desk.button()
    desk.take(said(button, BURNT[burnt]))
    rung = len(desk.told())
    frame = said(button, CALLS[call])
    assert replied(desk, frame)[0] == (N, Stage.RECEIVED)
    incident = next(one for one in desk.store.open_incidents() if one.device_id == button.device_id)
    assert incident.key_copied
    assert len(desk.told()) > rung, "the outputs hear of it"
    noted = [one for one in desk.journal(journal.KEY_COPIED) if one.device_id == button.device_id]
    assert incident.id in {one.incident_id for one in noted}
    stored = desk.store.fetch("SELECT count(*) FROM event WHERE device_id = ?", (button.device_id,))
    rows = 1 if burnt.startswith("check-in") else 2  # a check-in is no evidence, its counter is known all the same
    assert stored == [(rows,)]
    # Its repetitions, in either form and with the other signature that verifies, are duplicates.
    count = len(desk.told())
    again = [frame, said(button, CALLS[call], Suite.HS256_64), mirrored(frame)]
    for form in again:
        assert replied(desk, form)[0][0] == N
    assert desk.store.fetch("SELECT count(*) FROM event WHERE device_id = ?", (button.device_id,)) == [(rows,)]
    assert len(desk.told()) == count


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("burnt", BURNT)
def test_what_comes_under_a_calls_counter_afterwards_marks_its_incident(
    sqlite_desk: IngestHarness, burnt: str, call: str
) -> None:
    desk, button = sqlite_desk, sqlite_desk.button()
    desk.take(said(button, CALLS[call]))
    (incident,) = [one for one in desk.store.open_incidents() if one.device_id == button.device_id]
    assert not incident.key_copied
    desk.take(said(button, BURNT[burnt]))
    (incident,) = [one for one in desk.store.open_incidents() if one.device_id == button.device_id]
    assert incident.key_copied
    (noted,) = [one for one in desk.journal(journal.KEY_COPIED) if one.device_id == button.device_id]
    assert (noted.incident_id, noted.facts["counter"]) == (incident.id, N)
    assert (incident.id, "key_copied") in desk.told()


def mirrored(frame: bytes) -> bytes:
    """(r, n - s) verifies wherever (r, s) does."""
    return frame[:-32] + (_CURVE_ORDER - int.from_bytes(frame[-32:], "big")).to_bytes(32, "big")


def essence(desk: IngestHarness, button: PressingButton) -> dict[str, Any]:
    incidents = [one for one in desk.store.open_incidents() if one.device_id == button.device_id]
    status = desk.store.status(button.device_id)
    assert status is not None
    return {
        "incidents": [(one.presses, one.duress, one.cancelled_by_holder, one.key_copied) for one in incidents],
        "events": sorted(
            # A check-in is evidence only if its incident was open before.
            desk.store.fetch("SELECT kind, digest FROM event WHERE device_id = ? AND kind <> 4", (button.device_id,))
        ),
        "counters": (status.first_counter, status.highest_counter, status.events, status.missing),
    }


TOGETHER: Final = ("check-in", "update", "press", "second press", "forced cancel")


@pytest.mark.parametrize("size", [2, 3, 5])
def test_messages_under_one_counter_come_to_the_same_in_every_order(sqlite_desk: IngestHarness, size: int) -> None:
    every = {**BURNT, **CALLS}
    for chosen in itertools.combinations(TOGETHER, size):
        results = []
        for order in itertools.permutations(chosen):
            button = sqlite_desk.button()
            frames = [said(button, every[name]) for name in order]
            for frame in frames:
                sqlite_desk.take(frame)
            results.append(essence(sqlite_desk, button))
        assert all(len(one["incidents"]) <= 1 for one in results)
        assert all(one == results[0] for one in results), chosen


@settings(max_examples=40)
@given(
    counters=st.lists(st.integers(2, 5), min_size=1, max_size=8),
    names=st.lists(st.sampled_from(TOGETHER), min_size=8, max_size=8),
    seed=st.integers(0, 2**32),
)
def test_two_holders_of_one_key_come_to_the_same_in_every_order_form_and_batch(
    sqlite_desk: IngestHarness, counters: Sequence[int], names: Sequence[str], seed: int
) -> None:
    every, chance, results = {**BURNT, **CALLS}, random.Random(seed), []
    for shuffled in (False, True):
        button = sqlite_desk.button()
        frames = []
        for counter, name in zip(counters, names, strict=False):
            kind, body = every[name]
            forms = ((Suite.ES256,), (Suite.HS256_64,), (Suite.HS256_64, Suite.ES256))
            suites = chance.choice(forms) if shuffled else forms[0]
            if kind in (Kind.UPDATE, Kind.CANCEL):  # of the press with counter 1
                body = body[:-2] + (counter - 1).to_bytes(2, "big")
            frames += [button.frame(kind, counter, body, suite) for suite in suites]
        if shuffled:
            chance.shuffle(frames)
        while frames:
            size = chance.randint(1, len(frames)) if shuffled else 1
            sqlite_desk.take(*frames[:size])
            frames = frames[size:]
        found = essence(sqlite_desk, button)
        found["incidents"] = [(presses, duress, copied) for presses, duress, _, copied in found["incidents"]]
        results.append(found)
    assert results[0] == results[1]


def test_two_different_presses_under_one_counter_are_two_presses(desk: IngestHarness) -> None:
    button = desk.button()
    one, other = said(button, BURNT["press"]), said(button, CALLS["press"])
    assert desk.stages(one, other) == [(N, Stage.RECEIVED), (N, Stage.RECEIVED)]
    incident = desk.only()
    assert (incident.presses, incident.key_copied) == (2, True)
    assert desk.told() == [(1, "opened"), (1, "key_copied"), (1, "pressed_again")]


def test_a_burnt_press_opens_another_incident_where_the_first_was_closed(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(said(button, BURNT["press"]))
    with desk.store.transaction() as transaction:
        ended = {"closed_by": "Rani", "closed_at_ms": NOW_MS, "disposition": Disposition.UNFOUNDED}
        transaction.put_incident(replace(desk.only(), state=IncidentState.CLOSED, **ended))
    assert desk.stages(said(button, CALLS["press"])) == [(N, Stage.RECEIVED)]
    incident = desk.only()
    assert (incident.id, incident.key_copied) == (2, True)
    assert desk.told()[-1] == (2, "opened")


def test_a_burnt_press_of_an_inactive_registration_is_held_and_marked(desk: IngestHarness) -> None:
    button = desk.button(RegistrationState.STOLEN)
    desk.take(said(button, BURNT["check-in"]))
    assert desk.stages(said(button, CALLS["press"])) == [(N, Stage.REFUSED)]
    assert (desk.only().held, desk.only().key_copied, desk.told()) == (True, True, [])


def test_what_was_told_of_a_counter_holds_after_a_restart(desk: IngestHarness) -> None:
    button = desk.button()
    check_in, press = said(button, BURNT["check-in"]), said(button, CALLS["press"])
    desk.take(check_in)
    for _ in range(2):
        restarted = IngestHarness.again(desk)
        assert restarted.stages(press) == [(N, Stage.RECEIVED)]
        assert restarted.stages(check_in) == [(N, Stage.RECEIVED)]
    assert desk.store.fetch("SELECT kind FROM event") == [(Kind.PRESS,)]
    assert (desk.only().presses, desk.only().key_copied) == (1, True)
    assert len(desk.journal(journal.CONTRADICTION)) == 1


def test_the_signature_of_each_message_is_added_to_its_own_event(desk: IngestHarness) -> None:
    button = desk.button()
    first, second = BURNT["press"], CALLS["press"]
    desk.take(said(button, first, Suite.HS256_64), said(button, second, Suite.HS256_64))
    longs = [said(button, second), said(button, first)]
    desk.take(*longs)
    rows = desk.store.fetch("SELECT frame, signature FROM event ORDER BY id")
    assert [(row[0], row[1]) for row in rows] == [
        (said(button, first, Suite.HS256_64), longs[1][-64:]),
        (said(button, second, Suite.HS256_64), longs[0][-64:]),
    ]


def test_what_a_person_is_given_of_a_button_has_every_message_of_a_counter(
    desk: IngestHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    from siaga_gateway.service.registry import subject_access

    monkeypatch.setattr(subject_access, "_PAGE", 2)  # so that a page ends between two of them
    button = desk.button()
    frames = [said(button, BURNT[name]) for name in ("update", "tamper", "press")]
    desk.take(button.frame(Kind.TAMPER, N - 1, report_body(NOW_S)), *frames)
    owner = desk.store.owner(desk.owner_id)
    assert owner is not None
    (told,) = subject_access.held_about(desk.store, owner)["buttons"]
    assert [one["frame"] for one in told["frames"]][1:] == [frame.hex() for frame in frames]


def test_a_check_in_that_also_came_without_its_status_is_one_event(desk: IngestHarness) -> None:
    """LoRaWAN and SMS carry it without; it is the same check-in, and no sign of a copied key."""
    button = desk.button()
    kind, body = BURNT["check-in with status"]
    long, short = button.frame(kind, N, body), button.frame(kind, N, body[:21], Suite.HS256_64)
    for frame in (long, short, long):
        assert desk.stages(frame) == [(N, Stage.RECEIVED)]
    assert desk.store.fetch("SELECT count(*) FROM event") == [(0,)]
    status = desk.store.status(button.device_id)
    assert status is not None and (status.events, status.counter_faults) == (1, 0)
    assert desk.journal(journal.CONTRADICTION) == []


def test_two_workers_keep_both_messages_of_a_counter_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    import threading

    one = IngestHarness(Place("postgresql", tmp_path_factory.mktemp("workers")))
    other = IngestHarness.again(one)
    button = one.button()
    frames = [said(button, message) for message in (BURNT["check-in"], CALLS["press"], BURNT["update of nothing"])]
    gate = threading.Barrier(2)
    failed: list[BaseException] = []

    def work(desk: IngestHarness, order: Sequence[bytes]) -> None:
        try:
            gate.wait(ENDS_S)
            for _ in range(5):
                for frame in order:
                    desk.take(frame)
        except BaseException as error:
            failed.append(error)

    threads = [
        threading.Thread(target=work, args=(desk, order)) for desk, order in ((one, frames), (other, frames[::-1]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ENDS_S)
    assert not failed
    assert one.store.fetch("SELECT count(*) FROM event") == [(3,)]
    assert (one.only().presses, one.only().key_copied) == (1, True)
    one.close()

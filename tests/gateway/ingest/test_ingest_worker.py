"""The worker: nothing acknowledged before its commit, nothing lost to a failing store, nothing refused unseen."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from databases import Place
from gateway.fake_ports import ManualClock
from gateway.ingest_harness import DEFAULTS, NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, is_bound, report_body
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.domain.frame import Flags, Kind, Stage, Suite, Uplink
from siaga_gateway.domain.frame_authentication import DeviceKey, verify
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.lanes import TakenBatch
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.journal.sampling import EACH, WINDOW_MS, Sampler
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import Transaction
from spoiling import spoilt
from waiting import ENDS_S, eventually


@dataclass
class Station:
    """An ingest on a desk's store, and all that it told the world, in order."""

    desk: IngestHarness
    ingest: Ingest
    clock: ManualClock
    told: list[str] = field(default_factory=list)
    health: list[tuple[bool, str]] = field(default_factory=list)

    def give(self, *frames: bytes) -> None:
        for number, raw in enumerate(frames):
            frame = InboundFrame(raw, NOW_MS, "mqtt", lambda number=number: self.told.append(f"broker {number}"))
            assert self.ingest.offer(frame, 1)

    def send(self, device_id: bytes, frame: bytes) -> None:
        self.told.append(f"button {int.from_bytes(frame[10:14], 'big')} stage {frame[18]}")

    def settle(self, frames: int) -> None:
        eventually(lambda: self.ingest.counts.frames >= frames, f"{frames} frames are dealt with")


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = IngestHarness(place)
    yield made
    made.close()


@pytest.fixture
def sqlite_desk(tmp_path: Path) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path)
    yield made
    made.close()


def sqlite_writer(desk: IngestHarness) -> sqlite3.Connection:
    engine = desk.store.engine
    assert isinstance(engine, Sqlite)
    return engine.writer


@contextlib.contextmanager
def station(desk: IngestHarness, limits: Limits = Limits(), *, started: bool = True) -> Iterator[Station]:  # noqa: B008
    clock = ManualClock(NOW_MS)
    made = Station(desk, None, clock)  # type: ignore[arg-type]
    made.ingest = Ingest(
        store=desk.store,
        keyring=desk.keyring,
        sender=made,
        notifier=JournalNotifier(),
        clock=clock,
        defaults=DEFAULTS,
        limits=limits,
        on_health=lambda well, why: made.health.append((well, why)),
        came_by=lambda device_id, frame: made.told.append("way known"),
        answered=lambda device_id, frame: made.told.append("answered"),
    )
    if started:
        made.ingest.start()
    yield made
    made.ingest.stop()


def test_the_broker_is_told_after_the_commit_and_the_button_after_the_broker(desk: IngestHarness) -> None:
    button = desk.button()
    with station(desk) as place:
        place.give(button.press(NOW_S))
        place.settle(1)
        eventually(lambda: len(place.told) == 4)
        assert place.told == ["broker 0", "way known", "button 1 stage 1", "answered"]
        assert desk.only().opening_counter == 1


def test_the_answer_verifies_at_the_button(desk: IngestHarness) -> None:
    button, answers = desk.button(), []
    with station(desk) as place:
        place.send = lambda _id, frame: answers.append(frame)  # type: ignore[method-assign]
        press = button.press(NOW_S)
        place.give(press)
        place.settle(1)
    (answer,) = answers
    assert is_bound(button.mac_down, answer, press)


def test_a_full_disk_acknowledges_nothing_loses_nothing_and_goes_on_when_there_is_room(
    sqlite_desk: IngestHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sqlite_desk
    real, tries = desk.store.transaction, list[int]()
    monkeypatch.setattr(desk.store, "transaction", lambda: tries.append(1) or real())
    button = desk.button()
    frames = [button.follow(Kind.TAMPER, NOW_S) for _ in range(300)]
    writer = sqlite_writer(desk)
    with station(desk, Limits(batch=50)) as place:
        writer.execute(f"PRAGMA max_page_count = {writer.execute('PRAGMA page_count').fetchone()[0]}")
        place.give(*frames)
        eventually(lambda: bool(place.health))
        stuck_at, tried = len(place.told), len(tries)
        eventually(lambda: len(tries) > tried + 2, "it tries again and again")
        assert len(place.told) == stuck_at, "while nothing can be stored nothing is acknowledged"
        stored = desk.store.fetch("SELECT count(*) FROM event")[0][0]
        assert stored < 300
        assert sum(line.startswith("broker") for line in place.told) == stored
        assert "nothing can be stored: the disk is full: make room" in caplog.text
        writer.execute("PRAGMA max_page_count = 1000000")
        place.settle(300)
        assert desk.store.fetch("SELECT count(*), count(DISTINCT counter) FROM event") == [(300, 300)]
        assert sum(line.startswith("broker") for line in place.told) == 300
        assert sum(line.endswith("stage 1") for line in place.told) == 300
        assert [well for well, _ in place.health] == [False, True]
        (back,) = desk.journal(journal.STORE_BACK)
        assert "the disk is full" in back.facts["why"]


def test_a_gateway_told_to_end_while_the_disk_is_full_acknowledges_nothing(sqlite_desk: IngestHarness) -> None:
    desk = sqlite_desk
    button = desk.button()
    writer = sqlite_writer(desk)
    writer.execute(f"PRAGMA max_page_count = {writer.execute('PRAGMA page_count').fetchone()[0]}")
    with station(desk, started=False) as place:
        # Together: one alone may find room in a page that is there.
        place.give(*(button.follow(Kind.TAMPER, NOW_S) for _ in range(100)))
        place.ingest.start()
        eventually(lambda: bool(place.health))
        place.ingest.stop(ENDS_S)
        assert place.told == []


def test_presses_without_room_are_refused_instead_of_dropped(desk: IngestHarness) -> None:
    button = desk.button()
    with station(desk, Limits(queue=3), started=False) as place:
        place.give(*(button.press(NOW_S, again=True) for _ in range(3)))
        frame = InboundFrame(button.press(NOW_S, again=True), NOW_MS, "mqtt", lambda: None)
        assert not place.ingest.offer(frame, 0)
        place.ingest.start()
        assert place.ingest.offer(frame, 5)
        place.settle(4)
        assert desk.only().presses == 4


def test_what_waits_is_committed_together(desk: IngestHarness) -> None:
    buttons = [desk.button() for _ in range(4)]
    with station(desk, started=False) as place:
        place.give(*(button.press(NOW_S, again=True) for _ in range(50) for button in buttons))
        commits = 0
        original = desk.store.transaction

        def counted() -> contextlib.AbstractContextManager[Transaction]:
            nonlocal commits
            commits += 1
            return original()

        desk.store.transaction = counted  # type: ignore[method-assign, assignment]
        place.ingest.start()
        place.settle(200)
        assert commits == 1


def test_a_press_overtakes_check_ins_that_are_verified_and_not_committed_yet(desk: IngestHarness) -> None:
    """The worker has a batch under way and the next one ready when the press comes."""
    button, busy = desk.button(), desk.button()
    press = InboundFrame(button.press(NOW_S), NOW_MS, "mqtt", lambda: None)
    with station(desk, Limits(others=10), started=False) as place:
        place.give(*(busy.follow(Kind.CHECKIN, NOW_S) for _ in range(30)))
        original, batches = desk.store.transaction, 0

        def interrupted() -> contextlib.AbstractContextManager[Transaction]:
            nonlocal batches
            batches += 1
            if batches == 1:
                assert place.ingest.offer(press, 0)
            return original()

        desk.store.transaction = interrupted  # type: ignore[method-assign, assignment]
        place.ingest.start()
        place.settle(31)
        answers = [line for line in place.told if line.startswith("button")]
        assert answers.index("button 1 stage 1", 1) == 10, "after the batch under way, before the one that was ready"


def test_while_there_are_presses_the_others_go_in_smaller_batches(desk: IngestHarness) -> None:
    button, busy = desk.button(), desk.button()
    with station(desk, Limits(others=20, beside=3), started=False) as place:
        place.give(*(busy.follow(Kind.CHECKIN, NOW_S) for _ in range(30)), button.press(NOW_S))
        take, sizes = place.ingest.lanes.take, []

        def noted(urgent: int, others: int, timeout_s: float) -> TakenBatch | None:
            taken = take(urgent, others, timeout_s)
            if taken is not None:
                sizes.append(len(taken.frames))
            return taken

        place.ingest.lanes.take = noted  # type: ignore[method-assign]
        place.ingest.start()
        place.settle(31)
        assert sizes[:2] == [1, 3]
        assert sum(sizes) == 31


def test_bytes_that_were_verified_once_are_not_verified_again(
    desk: IngestHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    from siaga_gateway.service.ingest import verification

    button = desk.button()
    frame = button.press(NOW_S)
    assert desk.stages(frame) == [(1, Stage.RECEIVED)]
    looked_at: list[bytes] = []

    def noted(uplink: Uplink, key: DeviceKey) -> bool:
        looked_at.append(uplink.tag)
        return verify(uplink, key)

    monkeypatch.setattr(verification, "verify", noted)
    assert desk.stages(frame) == [(1, Stage.RECEIVED)], "answered again"
    assert looked_at == []
    assert desk.stages(spoilt(frame)) == [], "other bytes under the same counter are looked at"
    assert len(looked_at) == 1


def test_refusals_are_counted_by_reason(desk: IngestHarness) -> None:
    button = desk.button()
    with station(desk) as place:
        place.give(b"noise", button.press(NOW_S)[:-1], spoilt(button.press(NOW_S)), PressingButton().press(NOW_S))
        place.settle(4)
        assert place.ingest.counts.refused == {"length": 2, "forged": 1, "unknown": 1}


def test_one_frame_that_brings_out_a_fault_holds_up_no_other(desk: IngestHarness) -> None:
    button, other = desk.button(), desk.button()

    class Faulty(KeyRing):
        def look_up(self, device_ids: object) -> dict[bytes, object]:  # type: ignore[override]
            found = super().look_up(device_ids)  # type: ignore[arg-type]
            if other.device_id in found:
                raise ZeroDivisionError("a fault of ours")
            return found  # type: ignore[return-value]

    with station(desk, started=False) as place:
        place.ingest._checker._keyring = Faulty(desk.store, desk.gateway_key)
        bad = other.press(NOW_S)
        place.give(button.press(NOW_S), bad, button.press(NOW_S, again=True))
        place.ingest.start()
        eventually(lambda: len([line for line in place.told if line.startswith("broker")]) == 3)
        assert desk.only().presses == 2
        assert "button 1 stage 1" in place.told
        (entry,) = desk.journal(journal.UNPROCESSED)
        assert entry.frame == bad
        assert "ZeroDivisionError" in entry.facts["error"] and entry.facts["call"] is True
        place.give(other.follow(Kind.CHECKIN, NOW_S))
        eventually(lambda: len(desk.journal(journal.UNPROCESSED)) == 2)
        assert desk.journal(journal.UNPROCESSED)[1].frame is None, "it says where its holder is"
        forced = other.follow(Kind.CHECKIN, NOW_S, flags=int(Flags.DURESS))
        place.give(forced)
        eventually(lambda: len(desk.journal(journal.UNPROCESSED)) == 3)
        entry = desk.journal(journal.UNPROCESSED)[2]
        assert entry.frame == forced and entry.facts["call"] is True


def test_a_suspension_by_another_process_holds_from_the_next_frame_on(desk: IngestHarness, place: Place) -> None:
    button = desk.button()
    with station(desk) as sent:
        sent.give(button.follow(Kind.CHECKIN, NOW_S))
        sent.settle(1)
        other = place.open(NOW_MS)
        with other.transaction() as transaction:
            transaction.set_registration(button.device_id, RegistrationState.STOLEN, 0)
        other.close()
        sent.give(button.press(NOW_S))
        sent.settle(2)
        assert desk.only().held
        eventually(lambda: sent.told[-1] == "answered")
        assert sent.told[-2] == "button 2 stage 7"


# Refused frames: the gateway's duties 1 to 4


def test_malformed_frames_are_counted_and_sampled_and_never_stored(desk: IngestHarness) -> None:
    frames = [bytes([number]) * number for number in range(60)]
    with station(desk) as place:
        place.give(*frames)
        place.settle(60)
        assert place.ingest.counts.malformed == 60
        assert len([line for line in place.told if line.startswith("broker")]) == 60, "taken off the broker's hands"
        assert len(desk.journal(journal.MALFORMED)) == EACH
        assert desk.store.fetch("SELECT count(*) FROM event") == [(0,)]
        place.clock.at_ms += WINDOW_MS
        eventually(lambda: len(desk.journal(journal.MALFORMED)) == EACH + 1)
        assert sum(entry.facts["count"] for entry in desk.journal(journal.MALFORMED)) == 60


def test_what_was_held_back_is_written_at_the_end(desk: IngestHarness) -> None:
    with station(desk) as place:
        place.give(*(b"noise" for _ in range(10)))
        place.settle(10)
    assert sum(entry.facts["count"] for entry in desk.journal(journal.MALFORMED)) == 10


def test_an_unknown_device_is_kept_for_the_registrar_with_its_proof(desk: IngestHarness) -> None:
    stranger = PressingButton()
    enrol, press = stranger.enrol(), stranger.press(NOW_S)
    assert desk.take(enrol, press) == []
    (found,) = desk.store.strangers()
    assert (found.frames, found.frame, found.enrol_frame) == (2, press, enrol)
    (entry,) = desk.journal(journal.UNKNOWN_DEVICE)
    assert entry.facts["proven"] is True


def test_an_enrol_that_proves_nothing_is_forged(desk: IngestHarness) -> None:
    stranger = PressingButton()
    enrol = bytearray(stranger.enrol())
    enrol[-1] ^= 1
    desk.take(bytes(enrol))
    assert desk.store.strangers() == []
    assert [entry.device_id for entry in desk.journal(journal.FORGED)] == [stranger.device_id]


@pytest.mark.parametrize("suite", [Suite.ES256, Suite.HS256_64])
def test_a_forged_frame_is_a_security_event_and_nothing_else(desk: IngestHarness, suite: Suite) -> None:
    button = desk.button()
    frame = bytearray(button.frame(Kind.PRESS, 1, report_body(NOW_S), suite))
    frame[20] ^= 1
    assert desk.take(bytes(frame)) == []
    (entry,) = desk.journal()
    assert (entry.kind, entry.frame) == (journal.FORGED, bytes(frame))
    assert desk.store.fetch("SELECT count(*) FROM event") == [(0,)]
    assert [status for _, status in desk.store.devices()] == [None]


def test_another_devices_frame_does_not_pass_as_ours(desk: IngestHarness) -> None:
    victim, thief = desk.button(), desk.button()
    thief.device_id = victim.device_id
    assert desk.take(thief.press(NOW_S)) == []
    assert desk.kinds() == [journal.FORGED]


def test_a_flood_of_forgeries_costs_a_few_entries_and_stops_no_press(desk: IngestHarness) -> None:
    button, honest = desk.button(), desk.button()
    with station(desk) as place:
        place.give(*(spoilt(button.press(NOW_S)) for _ in range(400)), honest.press(NOW_S))
        place.settle(401)
        assert desk.only().device_id == honest.device_id
        assert len(desk.journal(journal.FORGED)) <= 2 * EACH
    assert sum(entry.facts["count"] for entry in desk.journal(journal.FORGED)) == place.ingest.counts.forged


def test_a_sampler_writes_the_first_and_then_a_sum() -> None:
    sampler = Sampler()
    written = [sampler.note("forged", NOW_MS + n, b"device 1", {"n": n}, None) for n in range(10)]
    assert [entry is not None for entry in written] == [True] * EACH + [False] * (10 - EACH)
    assert sampler.note("forged", NOW_MS, b"device 2", {}, None) is not None, "each device has its own share"
    assert sampler.due(NOW_MS + WINDOW_MS - 1) == []
    (rest,) = sampler.due(NOW_MS + WINDOW_MS)
    assert (rest.facts["count"], rest.facts["n"]) == (10 - EACH, 9)
    assert sampler.due(NOW_MS + 2 * WINDOW_MS) == []


def test_a_clock_set_back_does_not_hold_samples_for_ever() -> None:
    sampler = Sampler()
    for _ in range(9):
        sampler.note("forged", NOW_MS, b"device 1", {}, None)
    assert len(sampler.due(NOW_MS - 1)) == 1

"""Frames of check-ins that older versions kept in the journal go while the gateway works, and audits pass meanwhile.

No new entry has one.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from databases import Place
from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from gateway.journal.audited_ingest import audited_ingest, broken, tamper
from pressing_button import PressingButton, at, report_body
from siaga_gateway.adapters.sql.backups import check_sqlite, copy_sqlite
from siaga_gateway.adapters.sql.transaction import SqlTransaction
from siaga_gateway.domain.device_report import Flags
from siaga_gateway.domain.frame import Kind, Suite, is_private
from siaga_gateway.service.journal import audit_events
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import survey, verify
from siaga_gateway.service.journal.frame_removal import FrameRemoval
from siaga_gateway.service.store import StoreFailing, Transaction, UnknownDevice
from siaga_gateway.service.store.audit import ChainEntry

KINDS = (journal.CONTRADICTION, journal.COUNTER_JUMP, journal.POSITION_IMPOSSIBLE, journal.FORGED, journal.UNPROCESSED)
_KEPT = "SELECT id, frame FROM journal WHERE frame IS NOT NULL ORDER BY id"


def check_in(button: PressingButton, counter: int, flags: int = 0, suite: Suite = Suite.ES256) -> bytes:
    return button.frame(Kind.CHECKIN, counter, report_body(NOW_S, flags=flags, **at()), suite)


def noted_as_then(desk: IngestHarness, kind: str, frame: bytes) -> None:
    """An entry as older versions wrote it."""
    with desk.store.transaction() as transaction:
        assert isinstance(transaction, SqlTransaction)
        transaction._journal.append((NOW_MS, kind, None, frame[2:10], None, '{"count":1}', frame))


def old_journal(desk: IngestHarness) -> list[bytes]:
    """Returns the frames that stay: of a press, and of a check-in under duress."""
    button = desk.button()
    stay = [button.press(NOW_S, **at()), check_in(button, 50, Flags.DURESS)]
    for counter, kind in enumerate(KINDS, 10):
        noted_as_then(desk, kind, check_in(button, counter, suite=Suite.HS256_64 if counter % 2 else Suite.ES256))
        desk.take(button.follow(Kind.TAMPER, NOW_S))
    for frame in stay:
        noted_as_then(desk, journal.UNPROCESSED, frame)
    return stay


def private(desk: IngestHarness) -> int:
    return sum(is_private(frame) for _, frame in desk.store.fetch(_KEPT))


def run(desk: IngestHarness, stretch: int) -> None:
    """Step to the end, with an audit after each."""
    job, before = FrameRemoval(desk.store, ManualClock(NOW_MS)), private(desk)
    gone = verify(desk.store).frames_removed
    for _ in range(100):
        more = job.step(stretch)
        assert verify(desk.store).frames_removed == gone + before - private(desk)
        if not more:
            return
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize("stretch", [1, 4, 1000])
def test_they_go_step_by_step_and_the_rest_stays(desk: IngestHarness, stretch: int) -> None:
    before = desk.store.fetch(_KEPT)
    stay = old_journal(desk)
    head = desk.store.chain_head()
    run(desk, stretch)
    assert [frame for _, frame in desk.store.fetch(_KEPT)] == [frame for _, frame in before] + stay
    assert verify(desk.store, head).frames_removed == len(KINDS), "a head that was kept before fits"
    told = [number for entry in desk.journal(journal.FRAMES_REMOVED) for number in entry.facts["entries"]]
    assert len(told) == len(set(told)) == len(KINDS)
    run(desk, stretch)
    assert len(desk.journal(journal.FRAMES_REMOVED)) <= len(KINDS)


def test_it_can_be_killed_at_any_moment(desk: IngestHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    old_journal(desk)
    real = desk.store.transaction

    @contextlib.contextmanager
    def killed() -> Iterator[Transaction]:
        with real() as transaction:
            yield transaction
            raise StoreFailing("killed before the commit")

    for _ in range(40):
        before = desk.store.fetch(_KEPT)
        with monkeypatch.context() as patched, contextlib.suppress(StoreFailing):
            patched.setattr(desk.store, "transaction", killed)
            FrameRemoval(desk.store, ManualClock(NOW_MS)).step(2)
        assert desk.store.fetch(_KEPT) == before
        verify(desk.store)
        job = FrameRemoval(desk.store, ManualClock(NOW_MS))  # a new process
        while job.step(2) and desk.store.fetch(_KEPT) == before:
            pass
        verify(desk.store)
    assert private(desk) == 0


def test_an_audit_beside_it_passes(desk: IngestHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_events, "PAGE", 2)
    for start in range(4):
        old_journal(desk)
        job, pages = FrameRemoval(desk.store, ManualClock(NOW_MS)), iter(range(1000))

        def beside(what: str, done: int, of: int, job: FrameRemoval = job, start: int = start) -> None:
            if next(pages) >= start:  # noqa: B023 - its own, called before the next round
                job.step(2)

        verify(desk.store, progress=beside)
    run(desk, 100)
    assert private(desk) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE journal SET frame = NULL WHERE frame IS NOT NULL", "was changed"),
        ("UPDATE journal SET frame_sha256 = hash WHERE frame_sha256 IS NOT NULL", "was changed"),
        ("UPDATE journal SET frame = frame_sha256 WHERE frame_sha256 IS NOT NULL", "was changed"),
        ("UPDATE journal SET facts = '{\"entries\":[]}' WHERE kind = 'frames_removed'", "lost its frame"),
        ("DELETE FROM journal WHERE kind = 'frames_removed'", "lost its frame"),
    ],
)
def test_a_frame_that_no_removal_took_is_missed(desk: IngestHarness, change: str, said: str) -> None:
    old_journal(desk)
    run(desk, 1000)
    tamper(desk.store, change)
    assert said in broken(desk.store)


def test_each_removal_is_read_once_however_many_entries_none_of_them_names(
    desk: IngestHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rescue lost some of them: its store is verified all the same, in the time that it takes."""
    for _ in range(6):
        old_journal(desk)
    run(desk, 8)
    removals = desk.journal(journal.FRAMES_REMOVED)
    lost = removals[0].id
    tamper(desk.store, f"UPDATE journal SET facts = '{{\"entries\":[]}}' WHERE id <= {removals[2].id} AND id >= {lost}")
    read: list[int] = []
    fetch = desk.store.frame_removals

    def counted(*after: int) -> Sequence[ChainEntry]:
        found = fetch(*after)
        read.extend(entry.id for entry in found)
        return found

    monkeypatch.setattr(desk.store, "frame_removals", counted)
    unnamed = sum(first != removals[0].id for first, _ in survey(desk.store).changed)
    assert unnamed and len(read) == len(set(read)) == len(removals)


def test_a_call_s_frame_in_the_place_of_which_its_digest_was_put_is_missed(desk: IngestHarness) -> None:
    (frame,) = old_journal(desk)[:1]
    run(desk, 1000)
    with desk.store.engine.transaction() as session:
        session.run(
            "UPDATE journal SET frame = NULL, frame_sha256 = ? WHERE frame = ?", (sha256(frame).digest(), frame)
        )
    assert "lost its frame and no entry says so" in broken(desk.store)


def test_no_new_entry_has_one(desk: IngestHarness) -> None:
    button = desk.button()
    whole = check_in(button, 1)
    for frame in (whole, whole[:-1], whole + b"\0", b"\x00" + whole[1:], whole[:40]):
        with desk.store.transaction() as transaction:
            transaction.note(journal.MALFORMED, NOW_MS, {"size": len(frame)}, frame=frame)
        desk.take(frame)
    assert private(desk) == 0
    stay = [button.press(NOW_S, **at()), check_in(button, 3, Flags.DURESS), b"noise"]
    for frame in stay:
        with desk.store.transaction() as transaction:
            transaction.note(journal.UNPROCESSED, NOW_MS, frame=frame)
    assert [row[1] for row in desk.store.fetch(_KEPT)][-3:] == stay
    verify(desk.store)


def test_what_an_older_gateway_beside_it_writes_goes_too(desk: IngestHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[int] = []
    monkeypatch.setattr(desk.store, "scrub", lambda: emptied.append(1))
    job = FrameRemoval(desk.store, ManualClock(NOW_MS))
    for _ in range(2):
        old_journal(desk)
        job.work()
        assert private(desk) == 0
    verify(desk.store)
    assert emptied == [1], "presses wait for it"
    job._quiet_until = 0.0
    job.work()
    assert emptied == [1, 1]


def test_a_stranger_s_check_in_goes_from_the_quarantine_and_a_call_stays(desk: IngestHarness) -> None:
    """An older version kept it there; or still does, beside this one."""
    known = desk.button()
    kept = {
        b"strange1": check_in(known, 1),
        b"strange2": check_in(known, 2, Flags.DURESS),
        b"strange3": known.press(NOW_S, **at()),
        b"strange4": check_in(known, 3)[:30],
    }

    def quarantined() -> dict[bytes, tuple[bytes, bytes | None, int]]:
        return {one.device_id: (one.frame, one.enrol_frame, one.frames) for one in desk.store.strangers()}

    job = FrameRemoval(desk.store, ManualClock(NOW_MS))
    for frames in (1, 2):
        with desk.store.transaction() as transaction:
            transaction.quarantine([UnknownDevice(each, 0, 0, 1, frame, b"e") for each, frame in kept.items()], 9)
        job.work()
        assert quarantined() == {
            each: (b"" if each in (b"strange1", b"strange4") else frame, b"e", frames) for each, frame in kept.items()
        }
        job._strangers_at = 0.0  # an hour later
    verify(desk.store)


def test_where_nothing_is_to_go_nothing_is_written_but_the_place_now_and_then(
    desk: IngestHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.button()
    head, job = desk.store.chain_head(), FrameRemoval(desk.store, ManualClock(NOW_MS))
    while job.step(2):
        pass
    assert desk.store.chain_head() == head
    assert desk.store.remembered("frames.after") == "0"
    monkeypatch.setattr("siaga_gateway.service.journal.frame_removal._UNWRITTEN", 3)
    job = FrameRemoval(desk.store, ManualClock(NOW_MS))
    while job.step(2):
        pass
    assert 0 < int(desk.store.remembered("frames.after") or 0) <= head.id
    assert desk.store.chain_head() == head


def test_a_backup_from_before_is_verified_as_it_is(tmp_path: Path) -> None:
    """It has no such column: the check only reads."""
    desk = audited_ingest(Place("sqlite", tmp_path))
    copy_sqlite(tmp_path / "siaga.db", tmp_path / "copy.db")
    desk.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.db", isolation_level=None)) as old:
        old.execute("ALTER TABLE journal DROP COLUMN frame_sha256")
        old.execute("DELETE FROM migration WHERE number >= 43")
        old.execute("PRAGMA journal_mode = DELETE")
    assert check_sqlite(tmp_path / "copy.db") is not None

"""Whose login floods is kept out for a time that grows, is let in again, and is told of; the door is closed first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.broker_access.mosquitto_file import PasswordFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.formats.mosquitto import DOOR
from siaga_gateway.service.fleet.broker_access import BrokerAccess, PasswordsUnusable
from siaga_gateway.service.fleet.login_suspension import (
    DOOR_GRACE_MS,
    FIRST_S,
    LONGEST_S,
    LoginSuspensions,
    logins_out,
    out_for_s,
)
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier

DAY_MS = 86_400_000


class FakeBroker:
    """A broker whose door is open or not, and that counts how often it was told."""

    def __init__(self, *, open_: bool = False, fault: str = "") -> None:
        self.open, self.fault, self.woken = open_, fault, 0

    def wake(self) -> None:
        self.woken += 1

    def close_door(self) -> bool:
        if self.fault:
            raise PasswordsUnusable(self.fault)
        was, self.open = self.open, False
        return was


class SuspensionHarness:
    def __init__(self, store: SqlStore, *brokers: FakeBroker) -> None:
        self.store, self.clock, self.brokers = store, ManualClock(), brokers
        self.login = sample_store.DEVICE_ID.hex()
        self.outs = self.worker("first")

    def worker(self, name: str) -> LoginSuspensions:
        outs = LoginSuspensions(self.store, JournalNotifier(), self.clock, name)
        outs.serve(self.brokers)
        return outs

    def flood(self, login: str = "", outs: LoginSuspensions | None = None, frames: int = 30_000) -> None:
        outs = outs or self.outs
        outs.flooded(login or self.login, frames)
        outs.turn()

    def later(self, seconds: float) -> None:
        self.clock.at_ms += round(1_000 * seconds)
        self.outs.turn()

    def told(self) -> list[tuple[str, dict[str, object]]]:
        return [
            (row.kind, dict(row.facts))
            for row in self.store.journal_after(0)
            if row.kind.startswith("broker_") and row.kind != journal.BROKER_ACCESS
        ]


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with Place(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def harness(store: SqlStore) -> SuspensionHarness:
    return SuspensionHarness(store, FakeBroker())


def test_a_login_that_floods_is_out_and_in_again_after_its_time(harness: SuspensionHarness) -> None:
    harness.flood()
    assert logins_out(harness.store) == {harness.login} and harness.outs.out == 1
    assert harness.told() == [(journal.BROKER_SHUT_OUT, {"count": 30_000, "seconds": FIRST_S, "times": 1})]
    assert harness.store.journal_after(0)[-1].device_id == bytes.fromhex(harness.login)
    assert harness.brokers[0].woken == 1
    harness.later(FIRST_S - 1)
    assert logins_out(harness.store) == {harness.login}
    harness.later(2)
    assert logins_out(harness.store) == frozenset() and harness.outs.out == 0
    assert harness.told()[-1] == (journal.BROKER_LET_IN, {"times": 1})
    assert harness.brokers[0].woken == 2


def test_each_time_it_is_out_for_longer_and_a_day_of_peace_forgets(store: SqlStore) -> None:
    assert [out_for_s(times) for times in range(1, 9)] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert out_for_s(10_000) == LONGEST_S
    harness = SuspensionHarness(store, FakeBroker())
    for times in (1, 2, 3):
        harness.flood(outs=harness.worker("restarted"))
        assert harness.told()[-1][1]["times"] == times
        harness.later(out_for_s(times) + 1)
        assert logins_out(store) == frozenset()
    harness.later(DAY_MS / 1000)
    harness.flood(outs=harness.worker("restarted"))
    assert harness.told()[-1] == (journal.BROKER_SHUT_OUT, {"count": 30_000, "seconds": FIRST_S, "times": 1})


def test_what_was_on_its_way_is_no_second_flood(harness: SuspensionHarness) -> None:
    harness.flood()
    harness.flood()
    assert len(harness.told()) == 1


def test_what_was_dealt_with_is_forgotten_after_its_grace(
    harness: SuspensionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under invented logins it grew for as long as the gateway ran."""
    for number in range(300):
        harness.flood(f"{number:016x}")
    monkeypatch.setattr("siaga_gateway.service.fleet.login_suspension._GRACE_S", 0.0)
    harness.later(1)
    assert not harness.outs._dealt


def test_another_worker_and_a_restart_keep_to_it(harness: SuspensionHarness) -> None:
    other = harness.worker("second")
    harness.flood()
    harness.flood(outs=other)
    assert len(harness.told()) == 1, "it is told once"
    other.turn()
    assert other.out == 1
    harness.clock.at_ms += 1_000 * (FIRST_S + 1)
    other.turn()
    harness.outs.turn()
    assert [kind for kind, _ in harness.told()] == [journal.BROKER_SHUT_OUT, journal.BROKER_LET_IN]


def test_a_clock_that_was_set_back_keeps_nobody_out_for_longer(harness: SuspensionHarness) -> None:
    harness.flood()
    harness.later(-10 * LONGEST_S)
    assert logins_out(harness.store) == frozenset()


def test_a_flood_under_a_name_that_nobody_has_is_told(
    harness: SuspensionHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.flood("0123456789abcdef")
    harness.flood("no device_id at all")
    assert logins_out(harness.store) == frozenset()
    assert [kind for kind, _ in harness.told()] == [journal.BROKER_FLOOD] * 2
    assert "no such button is enrolled" in caplog.text


def test_where_nobody_looks_after_the_broker_s_logins_it_is_told(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    harness = SuspensionHarness(store)
    harness.flood()
    assert logins_out(store) == frozenset()
    assert harness.told() == [(journal.BROKER_FLOOD, {"count": 30_000})]
    assert "neither broker.passwords nor broker.table is set" in caplog.text


def test_while_the_door_is_open_it_is_the_door_that_is_closed(store: SqlStore) -> None:
    """Through it anybody could have a neighbour's button shut out."""
    brokers = FakeBroker(open_=True)
    harness = SuspensionHarness(store, brokers)
    harness.flood()
    assert logins_out(store) == frozenset() and not brokers.open
    assert harness.told() == [(journal.BROKER_DOOR_CLOSED, {"count": 30_000})]
    harness.flood()
    assert logins_out(store) == frozenset(), "what was on its way"
    harness.flood(outs=harness.worker("another"))
    assert logins_out(store) == frozenset(), "which other workers read too, and find the door closed"
    assert len(harness.told()) == 1
    brokers.open = True
    harness.flood(outs=harness.worker("another still"))
    assert not brokers.open and len(harness.told()) == 2, "open again, it is closed again"
    harness.clock.at_ms += DOOR_GRACE_MS
    harness.flood(outs=harness.worker("later"))
    assert logins_out(store) == {harness.login}, "it goes on with the door closed"


def test_for_a_crowd_the_door_is_closed_and_nobody_shut_out(store: SqlStore) -> None:
    brokers = FakeBroker(open_=True)
    harness = SuspensionHarness(store, brokers)
    harness.outs.crowded(40_000)
    harness.outs.turn()
    assert not brokers.open and harness.told() == [(journal.BROKER_DOOR_CLOSED, {"count": 40_000})]
    harness.clock.at_ms += DOOR_GRACE_MS
    other = harness.worker("another")
    other.crowded(40_000)
    other.turn()
    assert len(harness.told()) == 1 and logins_out(store) == frozenset()
    harness.flood(outs=other)
    assert logins_out(store) == {harness.login}, "it keeps nobody from dealing with a flood"


def test_whose_name_a_button_has_is_known_without_a_look_at_the_store(harness: SuspensionHarness) -> None:
    assert harness.outs.knows("0123456789abcdef"), "nothing is read yet"
    harness.outs.turn()
    assert harness.outs.knows(harness.login)
    assert not harness.outs.knows("0123456789abcdef") and not harness.outs.knows("enrol")


def test_a_store_that_fails_is_not_told_as_a_flood(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    harness = SuspensionHarness(store, FakeBroker())
    store.close()
    harness.outs.turn()
    assert "shut out" in caplog.text and "flood" not in caplog.text and "Traceback" not in caplog.text
    harness.flood()
    assert "a flood at the broker cannot be dealt with" in caplog.text


def test_a_password_file_that_cannot_be_written_is_told_and_shuts_out_in_the_store(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    harness = SuspensionHarness(store, FakeBroker(fault="the disk is full"))
    harness.flood()
    assert "the disk is full" in caplog.text and logins_out(store) == {harness.login}


@pytest.fixture
def passwords(harness: SuspensionHarness, tmp_path: Path) -> Iterator[tuple[BrokerAccess, Path]]:
    path = tmp_path / "passwords"
    access = BrokerAccess(
        harness.store, GatewayKey.generate(), PasswordFile(path), shut_out=lambda: logins_out(harness.store)
    )
    access.turn()
    yield access, path


def test_its_password_goes_and_comes_back(harness: SuspensionHarness, passwords: tuple[BrokerAccess, Path]) -> None:
    access, path = passwords
    before = path.read_text()
    assert before.startswith(f"{harness.login}:")
    harness.flood()
    access.turn()
    assert path.read_text() == ""
    harness.later(FIRST_S + 1)
    access.turn()
    assert path.read_text().startswith(f"{harness.login}:")


def test_a_line_of_another_user_in_other_letters_keeps_nobody_in(
    harness: SuspensionHarness, passwords: tuple[BrokerAccess, Path]
) -> None:
    _, path = passwords
    strange = b"j\xfcrgen:$7$101$c2FsdA==$aGFzaA==\n"
    path.write_bytes(path.read_bytes() + strange)
    PasswordFile(path).put(DOOR, "secret")
    assert PasswordFile(path).close_door()
    assert strange in path.read_bytes(), "as it was"


def test_the_door_in_a_password_file_is_closed(passwords: tuple[BrokerAccess, Path]) -> None:
    access, path = passwords
    assert not access.close_door()
    PasswordFile(path).put(DOOR, "secret")
    assert access.close_door() and f"{DOOR}:" not in path.read_text()


def test_a_lock_that_another_process_does_not_let_go_is_named_and_waited_for_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody was kept out or let in for as long as it hung."""
    monkeypatch.setattr("siaga_gateway.adapters.broker_access.mosquitto_file._HELD_S", 0.2)
    path = tmp_path / "passwords"
    program = f"""
import fcntl, time
lock = open({str(tmp_path / ".passwords.lock")!r}, "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(PasswordsUnusable, match=r"another process has held .*\.passwords\.lock"):
            PasswordFile(path).put("reader", "secret")
    finally:
        holder.kill()
        holder.communicate()
    PasswordFile(path).put("reader", "secret")
    assert path.read_text(encoding="utf-8").startswith("reader:")

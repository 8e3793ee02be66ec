"""Keys that go and come back while the gateway runs: told once each, and whoever asks hears how it is now."""

from __future__ import annotations

from pathlib import Path

from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.broker_access.mosquitto_file import PasswordFile
from siaga_gateway.adapters.files.gateway_key import key_fault, key_path, write_key
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.daily_jobs import passwords_watch
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.service.fleet.broker_access import BrokerAccess
from siaga_gateway.service.installation.key_health import PERSONAL, KeyWatch
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.scheduling.gateway_health import Health


def test_the_loss_of_the_personal_key_and_its_return_are_told_once_each(store: SqlStore) -> None:
    why: list[str | None] = [None]
    watch = KeyWatch(store, ManualClock(), JournalNotifier(), {PERSONAL: lambda: why[0]}, tells=True)
    beside = KeyWatch(store, ManualClock(), JournalNotifier(), {PERSONAL: lambda: why[0]}, tells=False)
    health = Health({}, {"broker": lambda: ""}, watch.warnings)
    for told in (None, "gone", "gone", None, None):
        why[0] = told
        watch.work()
        beside.look()
        assert health.warnings() == ({PERSONAL: told} if told else {})
        assert health.problems() == {}, "a press is taken all the same"
    entries = [(entry.kind, dict(entry.facts)) for entry in store.journal_after(0)]
    assert entries == [(journal.PERSONAL_KEY_MISSING, {"why": "gone"}), (journal.PERSONAL_KEY_BACK, {})]


def test_the_gateways_own_key_is_missed_before_the_next_start_needs_it(tmp_path: Path) -> None:
    key = GatewayKey.generate()
    write_key(tmp_path, key)
    assert key_fault(tmp_path, key) is None
    write_key(tmp_path, GatewayKey.generate())
    assert "not the key that the running gateway uses" in str(key_fault(tmp_path, key))
    key_path(tmp_path).unlink()
    assert "no key" in str(key_fault(tmp_path, key))
    key_path(tmp_path).write_bytes(b"-----BEGIN")
    key_path(tmp_path).chmod(0o600)
    assert str(key_path(tmp_path)) in str(key_fault(tmp_path, key))


def test_a_password_file_that_is_deleted_is_missed_and_written_anew(store: SqlStore, tmp_path: Path) -> None:
    """A broker that is started without it lets no button in."""
    path = tmp_path / "passwords"
    access = BrokerAccess(store, GatewayKey.generate(), PasswordFile(path))
    access.turn()
    assert path.read_text().startswith(f"{sample_store.DEVICE_ID.hex()}:")
    watch = KeyWatch(store, ManualClock(), JournalNotifier(), {"x": passwords_watch(path, [access])}, tells=True)
    assert watch.warnings() == {}
    path.unlink()
    access.turn()
    assert not path.exists(), "the registry is as it was"
    assert str(path) in watch.warnings()["x"]
    access.turn()
    assert path.read_text().startswith(f"{sample_store.DEVICE_ID.hex()}:") and watch.warnings() == {}
    assert watch.warnings() == {}
    access.turn()
    path.write_text("somebody's own:$7$1$\n")  # mosquitto_passwd -c makes the file anew
    access.turn()
    assert "somebody" in path.read_text() and watch.warnings() == {}
    access.turn()
    assert f"\n{sample_store.DEVICE_ID.hex()}:" in path.read_text(), "written over, it is put right too"

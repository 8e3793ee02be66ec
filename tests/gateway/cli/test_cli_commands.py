"""What administrators and registrars type, against a real store; and every reason why the gateway will not start."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from brokers import embedded_broker, free_port
from pressing_button import PressingButton, report_body
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.cli.group import gateway
from siaga_gateway.domain.device_status import step
from siaga_gateway.domain.frame import Flags, Kind, decode_uplink
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.registry.enrol import EnrolError, Registrar
from siaga_gateway.service.store import Attempt, DeliveryState, UnknownDevice
from spoiling import spoilt
from system.running_gateway import Gateway

WATI = ["--name", "Contoh Wati", "--nik", "9900000000000001", "--phone", "+620000000001", "--address", "Jl. Contoh 1"]


@dataclass
class Office:
    """A folder with settings, key and store, and the commands on it."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "siaga.toml"

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(gateway, [*arguments, "--config", str(self.config)], catch_exceptions=False)

    def does(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refuses(self, *arguments: str) -> str:
        """The one sentence on stderr."""
        result = self.run(*arguments)
        assert result.exit_code != 0
        assert "Traceback" not in result.stderr
        return result.stderr

    def store(self) -> SqlStore:
        return SqlStore(store_path(self.folder / "data"), 0)

    def kinds(self) -> list[str]:
        return [json.loads(line)["kind"] for line in self.does("log", "--json").splitlines()]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(tmp_path / "data"))
    return made


def test_init_makes_all_that_is_needed_and_overwrites_nothing(office: Office) -> None:
    key = office.folder / "data" / "gateway-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(office.does("key").strip())) == 64
    before = key.read_bytes()
    assert "is there already" in office.refuses("init", "--name", "siaga.other", "--data", str(office.folder / "data"))
    assert key.read_bytes() == before


def test_an_owner_is_registered_once_and_shown_only_where_asked(office: Office) -> None:
    number = office.does("owner", "add", *WATI, "--by", "Dewi").strip()
    assert "Contoh Wati" in office.does("owner", "list", "--by", "Dewi")
    assert "9900000000000001" not in office.does("owner", "list", "--by", "Dewi")
    assert "9900000000000001" in office.does("owner", "show", number, "--by", "Dewi")
    assert "registered already, as owner 1" in office.refuses("owner", "add", *WATI, "--by", "Dewi")
    assert office.kinds() == [journal.OWNER_ADDED, *[journal.PERSONAL_READ] * 3]
    assert "Wati" not in office.does("log")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--nik", "123"), "a NIK has 16 digits"),
        (("--phone", "nomor baru"), "as +6281234567890"),
        (("--phone", "0812"), "as +6281234567890"),
        (("--name", " "), "the name is empty"),
        (("--address", "x" * 300), "at most 200"),
    ],
)
def test_what_cannot_be_right_of_an_owner_is_refused(office: Office, wrong: tuple[str, str], said: str) -> None:
    assert said in office.refuses("owner", "add", *WATI, *wrong, "--by", "Dewi")
    assert office.does("owner", "list", "--by", "Dewi") == ""


def test_a_number_is_written_as_people_do_and_what_is_unlikely_is_said(office: Office) -> None:
    odd = ["--phone", "0812-3456-7890", "--nik", "1871013002900001"]
    added = office.run("owner", "add", *WATI, *odd, "--by", "Dewi")
    assert added.exit_code == 0 and added.stdout.strip() == "1"
    assert "no possible date of birth" in added.stderr and "telephone" not in added.stderr
    assert "+6281234567890" in office.does("owner", "show", "1", "--by", "Dewi")


def test_a_button_is_enrolled_by_its_frame(office: Office) -> None:
    owner = office.does("owner", "add", *WATI, "--by", "Dewi").strip()
    button = PressingButton()
    frame = button.enrol().hex()
    options = ["--owner", owner, "--label", "Toko Contoh", "--by", "Dewi"]
    printed = office.does("enrol", *options, "--frame", frame, "--installed=-5.4292,105.2610", "--state", "pending")
    assert printed.startswith(f"{button.device_id.hex()} pending")
    assert "is enrolled already" in office.refuses("enrol", *options, "--frame", frame)
    assert button.device_id.hex() in office.does("devices")
    store = office.store()
    device = store.enrolled([button.device_id])[button.device_id].device
    store.close()
    assert (device.installed_latitude, device.installed_longitude) == (-54_292_000, 1_052_610_000)
    assert office.kinds() == [journal.OWNER_ADDED, journal.ENROLLED]


def test_a_button_is_enrolled_from_the_quarantine(office: Office) -> None:
    owner = office.does("owner", "add", *WATI, "--by", "Dewi").strip()
    proven, silent = PressingButton(), PressingButton()
    now_ms = time.time_ns() // 1_000_000
    store = office.store()
    with store.transaction() as transaction:
        transaction.quarantine(
            [
                UnknownDevice(proven.device_id, now_ms, now_ms, 2, b"", proven.enrol()),
                UnknownDevice(silent.device_id, now_ms, now_ms, 1, silent.press(), None),
            ],
            10,
        )
    store.close()
    shown = office.does("quarantine")
    assert proven.device_id.hex() in shown
    assert silent.device_id.hex() in shown
    options = ["--owner", owner, "--label", "Toko Contoh", "--by", "Dewi", "--device-id"]
    assert "has called but not shown its key" in office.refuses("enrol", *options, silent.device_id.hex())
    assert "has not called yet" in office.refuses("enrol", *options, "00" * 8)
    office.does("enrol", *options, proven.device_id.hex())
    assert proven.device_id.hex() not in office.does("quarantine")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ("xyz", "hex"),
        ("00" * 20, "no frame of a button"),
        (PressingButton().press().hex(), "this is a PRESS, not an ENROL"),
        (spoilt(PressingButton().enrol()).hex(), "not signed by the key that it carries"),
    ],
)
def test_a_frame_that_proves_nothing_enrols_nobody(office: Office, frame: str, said: str) -> None:
    owner = office.does("owner", "add", *WATI, "--by", "Dewi").strip()
    assert said in office.refuses("enrol", "--owner", owner, "--label", "x", "--by", "Dewi", "--frame", frame)
    assert "no device is enrolled yet" in office.does("devices")


def test_devices_tell_what_they_said_of_themselves(office: Office) -> None:
    owner = office.does("owner", "add", *WATI, "--by", "Dewi").strip()
    button, silent = PressingButton(), PressingButton()
    for each in (button, silent):
        office.does("enrol", "--owner", owner, "--label", "x", "--by", "Dewi", "--frame", each.enrol().hex())
    report = report_body(0, battery=9, flags=Flags.LOW_BATTERY | Flags.TAMPER_OPEN | Flags.EXTERNAL_POWER)
    said = report + struct.pack(">BBBbBBBB", 1, 2, 3, -97, 3 << 4 | 15, 255, 2, 0)
    uplink = decode_uplink(button.frame(Kind.CHECKIN, 2, said))
    store = office.store()
    with store.transaction() as transaction:
        transaction.put_status(step(None, uplink, 1_790_000_000_000, 1_790_000_000_000).status)
    store.close()
    first, second = office.does("devices").splitlines()
    assert second.endswith("(never heard)")
    assert first.endswith(
        "WIB, battery 9 % LOW, external power, OPEN, version 1.2.3, LoRaWAN -97 dBm, up 255+ h, 15+ waiting, "
        "2 restarts)"
    )


def test_a_registration_is_changed_with_a_name_and_a_reason(office: Office) -> None:
    owner = office.does("owner", "add", *WATI, "--by", "Dewi").strip()
    button = PressingButton()
    device = button.device_id.hex()
    office.does("enrol", "--owner", owner, "--label", "x", "--by", "Dewi", "--frame", button.enrol().hex())
    office.does("state", device, "stolen", "--by", "Dewi", "--reason", "reported by telephone")
    store = office.store()
    assert store.enrolled([button.device_id])[button.device_id].device.state is RegistrationState.STOLEN
    store.close()
    entry = json.loads(office.does("log", "--json", "-n", "1"))
    assert (entry["kind"], entry["actor"]) == (journal.REGISTRATION_CHANGED, "Dewi")
    assert entry["facts"] == {"before": "active", "after": "stolen", "reason": "reported by telephone"}
    assert "is not enrolled" in office.refuses("state", "00" * 8, "active", "--by", "Dewi", "--reason", "x")
    until = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    suspended = ("state", device, "suspended", "--by", "Dewi", "--reason", "fee not paid", "--until")
    for wrong, said in (("soon", "is no day"), ("2020-01-31", "is over"), ("2099-01-31", "at most 90 days")):
        assert said in office.refuses(*suspended, wrong)
    office.does(*suspended, until)
    store = office.store()
    assert list(store.suspended()) == [button.device_id]
    store.close()
    assert "Missing option '--by'" in office.refuses("state", device, "active", "--reason", "x")


def test_a_removed_button_serves_again_only_when_somebody_means_it(office: Office) -> None:
    owner = office.does("owner", "add", *WATI, "--by", "Dewi").strip()
    button = PressingButton()
    device = button.device_id.hex()
    office.does("enrol", "--owner", owner, "--label", "x", "--by", "Dewi", "--frame", button.enrol().hex())
    office.does("state", device, "removed", "--by", "Dewi", "--reason", "its key was copied")
    back = ("state", device, "active", "--by", "Budi", "--reason", "found again")
    refused = office.refuses(*back)
    for told in ("was removed", "Dewi", "its key was copied", "--yes"):
        assert told in refused
    assert office.does(*back, "--yes").strip() == f"{device}: removed -> active"


def test_a_registration_that_somebody_changed_meanwhile_is_not_changed_over_them(office: Office) -> None:
    owner = office.does("owner", "add", *WATI, "--by", "Dewi").strip()
    button = PressingButton()
    office.does("enrol", "--owner", owner, "--label", "x", "--by", "Dewi", "--frame", button.enrol().hex())
    office.does("state", button.device_id.hex(), "stolen", "--by", "Dewi", "--reason", "by telephone")
    store = office.store()
    registrar = Registrar(store, WallClock())
    change = partial(registrar.set_state, button.device_id, actor="Budi", reason="paid")
    with pytest.raises(EnrolError, match=r"is stolen, not active: Dewi changed it, .* \(by telephone\)"):
        change(RegistrationState.SUSPENDED, shown=RegistrationState.ACTIVE)
    assert change(RegistrationState.SUSPENDED, shown=RegistrationState.STOLEN) is RegistrationState.STOLEN
    store.close()


def test_the_log_can_be_narrowed_and_shows_frames_only_where_asked(office: Office) -> None:
    device = bytes(range(8))
    store = office.store()
    with store.transaction() as transaction:
        transaction.note(journal.GATEWAY_STARTED, 0, {"pid": 1})
        transaction.note(journal.FORGED, 0, {"counter": 3}, device_id=device, frame=b"\xab\xcd")
    store.close()
    assert office.does("log", "--security").count("\n") == 1
    assert "frame=" not in office.does("log", "--security")
    assert "frame=abcd" in office.does("log", "--security", "--frames")
    assert json.loads(office.does("log", "--device", device.hex(), "--json", "--frames"))["frame"] == "abcd"
    assert "16 hex digits" in office.refuses("log", "--device", "nonsense")


def test_abandoned_deliveries_are_shown_and_tried_again(office: Office) -> None:
    from gateway import sample_store

    store = office.store()
    sample_store.with_device(store)
    incident = sample_store.open_incident(store, outputs=("cad", "folder"))
    row = store.pending("cad")[0]
    with store.transaction() as transaction:
        transaction.record([Attempt(row.id, 0, DeliveryState.ABANDONED, "410 Gone")])
    store.close()
    assert f"abandoned  {row.key}  opened  1 attempts  410 Gone" in office.does("outbox", "list")
    assert office.does("outbox", "list", "--state", "abandoned").count("\n") == 1
    assert office.does("outbox", "retry", "--key", f"{incident.identifier}.9.cad", "--by", "Dewi") == (
        "nothing to try again\n"
    )
    assert office.does("outbox", "retry", "--key", row.key, "--by", "Dewi") == "cad: 1\n"
    assert "pending" in office.does("outbox", "list")
    assert office.kinds()[-1] == journal.DELIVERY_RETRIED
    assert incident.device_label in office.does("incidents")
    store = office.store()
    with store.engine.transaction() as session:
        session.run("UPDATE incident SET call_back = 'calmed' WHERE id = ?", (incident.id,))
    store.close()
    said = office.does("incidents", "--language", "en")
    assert f"{incident.id}: CANNOT BE READ (button {incident.device_id.hex()}, {incident.device_label})" in said


def test_commands_without_an_installation_say_how_to_make_one(tmp_path: Path) -> None:
    assert "a new gateway is made by `siaga gateway init`" in Office(tmp_path).refuses("devices")


# What keeps the gateway from starting. Each is a process of its own, as an administrator would meet it.


@pytest.fixture(scope="module")
def broker_port() -> Iterator[int]:
    with embedded_broker() as port:
        yield port


@pytest.fixture
def house(tmp_path: Path, broker_port: int) -> Gateway:
    return Gateway(tmp_path, broker_port)


def cannot_start(house: Gateway) -> str:
    said = house.command("run", check=False)
    lines = [line for line in said.splitlines() if line.startswith("siaga: ")]
    assert lines, said
    assert "Traceback" not in said
    return "\n".join(lines)


def change(house: Gateway, old: str, new: str) -> None:
    text = house.config.read_text(encoding="utf-8")
    assert old in text
    house.config.write_text(text.replace(old, new), encoding="utf-8")


def test_a_busy_console_port(house: Gateway) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        change(house, "port = 0", f"port = {port}")
        said = cannot_start(house)
    assert f"console.port = {port}: another program listens there; stop it, or choose another port" in said


def test_a_busy_port_for_text_messages(house: Gateway) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        change(house, "[console]", f'[sms.webhook]\nport = {port}\nsecret = "sixteen letters."\n\n[console]')
        said = cannot_start(house)
    assert f"sms.webhook.port = {port}: another program listens there" in said


def test_an_aggregator_that_cannot_be_posted_to(house: Gateway) -> None:
    change(house, "[console]", '[sms.aggregator]\nurl = "ftp://sms.example"\n\n[console]')
    assert "sms.aggregator: url has scheme 'ftp'" in cannot_start(house)


def test_a_missing_broker(house: Gateway, broker_port: int) -> None:
    port = free_port()
    change(house, f"port = {broker_port}", f"port = {port}\nstart_timeout_s = 1")
    assert f"no MQTT broker at 127.0.0.1:{port}" in cannot_start(house)


def test_a_data_folder_that_is_missing_or_no_folder(house: Gateway) -> None:
    change(house, 'data_dir = "data"', 'data_dir = "elsewhere"')
    assert "there is no such folder: check the setting data_dir" in cannot_start(house)
    (house.folder / "elsewhere").write_text("")
    assert "is not a folder" in cannot_start(house)


def test_a_data_folder_that_may_only_be_read(house: Gateway) -> None:
    if os.geteuid() == 0:  # root writes everywhere but where the kernel itself says no
        change(house, 'data_dir = "data"', 'data_dir = "/proc"')
        assert "data_dir /proc: nothing can be written there" in cannot_start(house)
        return
    house.data.chmod(0o500)
    try:
        assert "nothing can be written there: permission denied" in cannot_start(house)
    finally:
        house.data.chmod(0o700)


def test_a_key_that_others_can_read(house: Gateway) -> None:
    (house.data / "gateway-key.pem").chmod(0o644)
    assert "others can read the gateway's key; mend it by `chmod 600" in cannot_start(house)


def test_a_wrong_setting(house: Gateway) -> None:
    change(house, "[mqtt]", "[mqtt]\nhots = 1")
    assert "mqtt.hots: there is no such setting" in cannot_start(house)


def test_a_second_gateway_on_the_same_folder(house: Gateway) -> None:
    with house:
        assert house.process is not None
        said = cannot_start(house)
        assert f"another gateway works on it (process {house.process.pid}); stop that one first" in said
        assert house.stop() == 0

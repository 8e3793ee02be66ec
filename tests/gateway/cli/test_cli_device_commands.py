"""Commands as an administrator types them, through the gateway's process and a real broker to a button and back."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cli_commands import WATI, Office

from brokers import Mosquitto
from gateway.command_button import ObeyingButton
from gateway.enrolled_devices import enrolled_buttons
from pressing_button import PressingButton
from siaga_gateway.domain.frame import CommandCode, Result
from siaga_gateway.service.journal import kinds as journal
from system.running_gateway import Gateway
from waiting import eventually


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(tmp_path / "data"))
    return made


def enrolled(office: Office) -> str:
    owner = office.does("owner", "add", *WATI, "--by", "Dewi").strip()
    button = PressingButton()
    frame = button.enrol().hex()
    office.does("enrol", "--owner", owner, "--label", "Toko Contoh", "--by", "Dewi", "--frame", frame)
    return button.device_id.hex()


def test_commands_are_given_listed_and_withdrawn(office: Office) -> None:
    assert office.does("commands") == "no command was given yet\n"
    device = enrolled(office)
    first = office.does("command", device, "locate", "--by", "Dewi").split()[0]
    settings = '{"hold_ms": 3000, "apn": "hemlig"}'
    second = office.does("command", device, "settings", settings, "--by", "Dewi", "--days", "0.5").split()[0]
    office.does("command", device, "update", "https://u:hemlig@example.org/b?key=hemlig", "--by", "Dewi")
    assert int(second) > int(first)
    assert office.does("command", device, "withdraw", first, "--by", "Budi") == f"{first} withdrawn\n"
    listed = office.does("commands", device).splitlines()
    assert [line.split()[:4] for line in listed] == [
        [device, str(int(second) + 1), "waiting", "update"],
        [device, second, "waiting", "settings"],
        [device, first, "withdrawn", "locate"],
    ]
    assert "settings hold_ms, apn" in listed[1]
    assert "update https://example.org/b " in listed[0]
    assert "by Dewi" in listed[2]
    assert office.does("commands") == office.does("commands", device)
    assert "hemlig" not in office.does("commands") + office.does("log")
    entries = [json.loads(line) for line in office.does("log", "--json", "--device", device).splitlines()]
    assert [(entry["kind"], entry["actor"]) for entry in entries[1:]] == [
        (journal.COMMAND_ASKED, "Dewi"),
        (journal.COMMAND_ASKED, "Dewi"),
        (journal.COMMAND_ASKED, "Dewi"),
        (journal.COMMAND_WITHDRAWN, "Budi"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["settings", "hold_ms=3000"], "the settings are no JSON"),
        (["settings"], "settings needs the settings to change"),
        (["update", "siaga.bundle"], "is no web address"),
        (["restart", "now"], "restart takes no argument"),
        (["withdraw"], "withdraw needs the command's number"),
        (["withdraw", "3"], "has no command 3"),
        (["dance"], "'dance' is not one of"),
        (["locate", "--days", "0"], "0 is not in the range"),
    ],
)
def test_a_wrong_command_is_refused_and_leaves_nothing(office: Office, arguments: list[str], said: str) -> None:
    device = enrolled(office)
    assert said in office.refuses("command", device, *arguments, "--by", "Dewi")
    assert office.does("commands") == "no command was given yet\n"


def test_an_unknown_and_a_suspended_device_are_told_nothing(office: Office) -> None:
    assert "is not enrolled" in office.refuses("command", "00" * 8, "locate", "--by", "Dewi")
    device = enrolled(office)
    office.does("state", device, "suspended", "--reason", "lost", "--by", "Dewi")
    assert "is suspended: it may not be told to locate" in office.refuses("command", device, "locate", "--by", "Dewi")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as made:
        yield made


def state(gateway: Gateway, device: str) -> list[str]:
    """States of a device's commands, the newest first."""
    return [line.split()[2] for line in gateway.command("commands", device).splitlines()]


def test_from_the_command_line_to_the_button_and_back(tmp_path: Path, broker: Mosquitto) -> None:
    gateway = Gateway(tmp_path / "gateway", broker.port)
    awake, carried = (ObeyingButton(button) for button in enrolled_buttons(gateway.data, 2))
    awake._obey = lambda code, arguments: Result.REFUSED if code == CommandCode.UPDATE else Result.DONE
    device, other = awake.button.device_id.hex(), carried.button.device_id.hex()
    awake.wake(broker.port)
    gateway.start()
    try:
        # A running gateway notices what another process wrote.
        gateway.command("command", device, "locate", "--by", "Dewi")
        assert awake.next_command() == (CommandCode.LOCATE, b"")
        gateway.command("command", device, "settings", '{"hold_ms": 3000}', "--by", "Dewi")
        gateway.command("command", device, "update", "https://example.org/b", "--by", "Dewi")
        assert awake.next_command() == (CommandCode.SETTINGS, b'{"hold_ms":3000}')
        assert awake.next_command() == (CommandCode.UPDATE, b"https://example.org/b")
        assert state(gateway, device) == ["refused", "done", "done"]

        # A carried button sleeps; what is sent meanwhile is lost, what is withdrawn it never hears.
        gateway.command("command", other, "restart", "--by", "Dewi")
        eventually(lambda: state(gateway, other) == ["sent"], "it was sent, into nothing")
        number = gateway.command("commands", other).split()[1]
        gateway.command("command", other, "withdraw", number, "--by", "Dewi")
        gateway.command("command", other, "test", "--by", "Dewi")
        eventually(lambda: state(gateway, other) == ["sent", "withdrawn"], "the next was sent, into nothing")
        gateway.kill()  # and the gateway dies over it
        gateway.start()
        carried.wake(broker.port)
        assert carried.check_in() == 1
        assert carried.next_command() == (CommandCode.TEST, b"")
        assert state(gateway, other) == ["done", "withdrawn"]

        # A receipt that nobody asked for is acknowledged and noted.
        assert carried.receipt(7, Result.FAILED) == 1
        gateway.command("state", device, "stolen", "--reason", "reported", "--by", "Dewi")
        gateway.command("command", device, "locate", "--by", "Dewi")
        assert awake.next_command() == (CommandCode.LOCATE, b"")
        with pytest.raises(queue.Empty):
            carried.done.get_nowait()
        kinds = gateway.kinds()
        assert kinds.count(journal.COMMAND_ANSWERED) == 5
        assert kinds.count(journal.RECEIPT_UNKNOWN) == kinds.count(journal.COMMAND_WITHDRAWN) == 1
        assert gateway.stop() == 0
        assert "Traceback" not in gateway.stderr()
    finally:
        awake.sleep()
        carried.sleep()
        gateway.kill()

"""The defaults of `init`, `broker-config` and the gateway fit each other: on a real Mosquitto a press is answered."""

from __future__ import annotations

import getpass
import subprocess
import time
from pathlib import Path

import pytest

from bare_mqtt import BareClient
from brokers import free_port, mosquitto_binary, wait_until_open
from firmware.broker_certificates import Authority
from pressing_button import PressingButton, at
from siaga_gateway.adapters.files.gateway_key import read_key
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually

UP, DOWN = "siaga/v1/up/", "siaga/v1/down/"


class Installation(Gateway):
    """As the guide has it; only ports and places are others, for this machine has one of each."""

    def __init__(self, folder: Path) -> None:
        self.port, self.local_port = free_port(), free_port()
        super().__init__(folder, self.local_port)
        authority = Authority("Siaga test CA")
        authority.issue(folder / "certificates", "localhost")
        self.ca = folder / "ca.pem"
        self.ca.write_text(authority.pem)
        (folder / "store").mkdir()
        self.said = self.command(
            "broker-config",
            str(folder / "conf"),
            *("--certificate", str(folder / "certificates" / "broker.pem")),
            *("--key", str(folder / "certificates" / "broker.key")),
            *("--port", str(self.port), "--address", "127.0.0.1", "--local-port", str(self.local_port)),
            *("--persistence", str(folder / "store"), "--pid-file", str(folder / "mosquitto.pid")),
            *("--log", str(folder / "mosquitto.log"), "--user", getpass.getuser()),
        )
        self._initial = self.config.read_text(encoding="utf-8")

    def settle(self, *without: str) -> None:
        """What broker-config says belongs into siaga.toml, but for lines that begin so."""
        printed = self.said[self.said.index("[mqtt]") :]
        lines = [line for line in printed.splitlines() if not line.startswith(without or ("\0",))]
        before, _, rest = self._initial.partition("[mqtt]")
        after = rest[rest.index("\n# Frames by a LoRaWAN") :]
        pid_file = f'pid_file = "{self.folder}/mosquitto.pid"'
        self.config.write_text("\n".join([before, *lines, pid_file, after]), encoding="utf-8")

    def pressed(self, button: PressingButton) -> bool:
        """Through the buttons' door, answered on its own topic."""
        login = button.device_id.hex()
        with BareClient(self.port, self.ca) as client:
            password = read_key(self.data).device_key(button.public_xy).broker_password
            if client.connect(login, password, login, clean=False) != 0:
                return False
            client.subscribe(DOWN + login)
            frame = button.press(int(time.time()), **at())
            client.publish(UP + login, frame)
            until = time.monotonic() + ENDS_S
            while not any(one.payload[10:14] == frame[10:14] for one in client.received):
                assert time.monotonic() < until, "no answer"
                client._read()
        return True


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("house"))


def test_a_press_is_answered_with_what_is_printed_and_with_the_defaults_alone(house: Installation) -> None:
    button = PressingButton()
    with subprocess.Popen([mosquitto_binary(), "-c", str(house.folder / "conf" / "mosquitto.conf")]) as broker:
        try:
            wait_until_open(house.local_port)
            for without in ((), ("retained_status",)):
                house.settle(*without)
                with house:
                    if not without:
                        house.enrol(button.device_id.hex(), frame=button.enrol().hex())
                    eventually(lambda: house.pressed(button), "the button is let in, and answered")
                    assert house.stop() == 0
        finally:
            broker.terminate()
            broker.wait(ENDS_S)
    said = house.stderr()
    assert "ERROR" not in said and "WARNING" not in said, said
    assert "Error: " not in (house.folder / "mosquitto.log").read_text()

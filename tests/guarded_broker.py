"""Mosquitto with the configuration that `siaga gateway broker-config` writes, as an administrator would set it up."""

from __future__ import annotations

import getpass
import subprocess
from pathlib import Path

from bare_mqtt import BareClient
from brokers import free_port, mosquitto_binary, wait_until_open
from firmware.broker_certificates import Authority
from gateway.enrolled_devices import enrolled_buttons
from pressing_button import PressingButton
from siaga_gateway.adapters.files.gateway_key import read_key
from siaga_gateway.domain.frame_authentication import GatewayKey
from system.running_gateway import Gateway
from waiting import RUNS_S

PASSWORD = "the password of the test's gateway"


class GuardedBroker:
    """Neither it nor its `gateway` is started. `buttons`: so many are enrolled before it is configured."""

    def __init__(self, folder: Path, buttons: int = 0, receiver_port: int | None = None) -> None:
        self.folder = folder
        self.port, self.local_port = free_port(), free_port()
        self.gateway = Gateway(folder / "gateway", self.local_port, receiver_port)
        self.buttons = enrolled_buttons(self.gateway.data, buttons) if buttons else []
        authority = Authority("Siaga test CA")
        self.pem = authority.pem
        authority.issue(folder / "certificates", "localhost")
        self.ca = folder / "ca.pem"
        self.ca.write_text(authority.pem)
        self.pid_file = folder / "mosquitto.pid"
        self._log = folder / "mosquitto.log"
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "store").mkdir()
        self._settings()
        self.said = self.configure()

    def _settings(self) -> None:
        """The gateway is told as broker-config says, by another password and the pid file."""
        config = self.gateway.config
        text, found = config.read_text(encoding="utf-8"), "[mqtt]\n"
        assert found in text
        lines = [f'user = "gateway"\npassword = "{PASSWORD}"\nretained_status = false']
        text = text.replace(found, found + "\n".join(lines) + "\n")
        text += f'\n[broker]\npasswords = "{self.folder}/conf/passwords"\npid_file = "{self.pid_file}"\n'
        config.write_text(text, encoding="utf-8")

    def configure(self, *more: str) -> str:
        files = self.folder / "certificates"
        return self.gateway.command(
            "broker-config",
            str(self.folder / "conf"),
            *("--certificate", str(files / "broker.pem"), "--key", str(files / "broker.key")),
            *("--port", str(self.port), "--address", "127.0.0.1", "--local-port", str(self.local_port)),
            *("--persistence", str(self.folder / "store"), "--pid-file", str(self.pid_file)),
            *("--log", str(self._log), "--user", getpass.getuser(), "--connections", "200"),
            *more,
        )

    def start(self) -> GuardedBroker:
        self.process = subprocess.Popen(
            [mosquitto_binary(), "-c", str(self.folder / "conf" / "mosquitto.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until_open(self.local_port)
            wait_until_open(self.port)
        except TimeoutError:
            self.kill()
            raise RuntimeError(f"Mosquitto did not start:\n{self.log()}") from None
        return self

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(RUNS_S)
            self.process = None

    def stop(self) -> None:
        """In good order: it writes its store."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(RUNS_S)
            self.process = None

    def empty(self) -> None:
        """Its disk is lost."""
        for kept in (self.folder / "store").iterdir():
            kept.unlink()

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def __enter__(self) -> GuardedBroker:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    # Clients

    def key(self) -> GatewayKey:
        return read_key(self.gateway.data)

    def password(self, button: PressingButton) -> str:
        return self.key().device_key(button.public_xy).broker_password

    def client(self, version: int = 4) -> BareClient:
        """Through the buttons' door; not logged in."""
        return BareClient(self.port, self.ca, version)

    def button(self, button: PressingButton, version: int = 4, **more: object) -> BareClient:
        """Logged in as this button."""
        client = self.client(version)
        user = button.device_id.hex()
        assert client.connect(user, self.password(button), user, **more) == 0  # type: ignore[arg-type]
        return client

    def listener(self, *topics: str, client_id: str = "listener") -> BareClient:
        """As the gateway, through its own door."""
        client = BareClient(self.local_port)
        assert client.connect("gateway", PASSWORD, client_id) == 0
        if topics:
            client.subscribe(*topics)
        return client

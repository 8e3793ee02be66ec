"""The files by which a Mosquitto admits the buttons and the gateway, and nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from siaga_gateway.formats import mosquitto
from siaga_gateway.formats.mosquitto import Layout, Listener

LOOPBACK: Final = "127.0.0.1"
RESERVE: Final = 100  # extra connections for a gateway's listener
CONNECTIONS: Final = 20_000
FOLDER: Final = Path("/etc/mosquitto/siaga")
PERSISTENCE: Final = Path("/var/lib/mosquitto")
PID_FILE: Final = Path("/run/mosquitto/mosquitto.pid")
LOG: Final = Path("/var/log/mosquitto/mosquitto.log")
RELOAD_PATH: Final = "siaga-broker-reload.path"
RELOAD_SERVICE: Final = "siaga-broker-reload.service"


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    """What `broker-config` is told, with the defaults of Debian's Mosquitto."""

    gateway: str  # its name
    folder: Path
    certificate: Path
    key: Path
    address: str | None = None
    port: int = 8883
    connections: int = CONNECTIONS
    local_port: int = 1883
    gateway_port: int | None = None
    persistence: Path = PERSISTENCE
    pid_file: Path = PID_FILE
    log: Path = LOG
    user: str = "mosquitto"

    @property
    def passwords(self) -> Path:
        return self.folder / "passwords"

    @property
    def target(self) -> Path:
        return self.folder / "mosquitto.conf"

    def files(self) -> Mapping[Path, str]:
        """Return the folder's files, the configuration last: passwords are not among them."""
        gateways: Sequence[Listener] = [
            *([Listener(self.local_port, LOOPBACK, connections=RESERVE)] if self.local_port else []),
            *([self._tls(self.gateway_port, None, RESERVE)] if self.gateway_port else []),
        ]
        layout = Layout(
            gateway=self.gateway,
            buttons=self._tls(self.port, self.address, self.connections),
            gateways=gateways,
            passwords=str(self.passwords),
            rules=str(self.folder / "rules"),
            gateway_passwords=str(self.folder / "gateway-passwords"),
            gateway_rules=str(self.folder / "gateway-rules"),
            persistence=f"{self.persistence}/",
            pid_file=str(self.pid_file),
            log=str(self.log),
            user=self.user,
        )
        return {
            self.folder / "rules": mosquitto.rules(),
            self.folder / "gateway-rules": mosquitto.gateway_rules(self.gateway),
            **{self.folder / "systemd" / name: text for name, text in self.units().items()},
            self.target: mosquitto.configuration(layout),
        }

    def units(self) -> Mapping[str, str]:
        """Return what systemd needs, by the file's name."""
        return {
            RELOAD_PATH: mosquitto.reload_path(str(self.passwords)),
            RELOAD_SERVICE: mosquitto.RELOAD_SERVICE,
            "mosquitto.service.d-siaga.conf": mosquitto.drop_in(str(self.target), self.connections + 2 * RESERVE),
        }

    def _tls(self, port: int, address: str | None, connections: int) -> Listener:
        return Listener(port, address, str(self.certificate), str(self.key), connections)

"""Every file that an installation needs beside the store, and whose it is. The templates are those of
gateway/operations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from siaga_gateway.bootstrap.setup.broker_files import FOLDER, BrokerPlan
from siaga_gateway.bootstrap.setup.settings_text import NewSettings

Proxy = Literal["nginx", "caddy", "none"]

USER: Final = "siaga"
BROKER_GROUP: Final = "mosquitto"
SETTINGS: Final = Path("/etc/siaga/siaga.toml")
SECRETS: Final = Path("/etc/siaga/secrets.env")
CERTIFICATE_NAME: Final = Path("/etc/siaga/certificate.env")
STATE: Final = Path("/var/lib/siaga")
BACKUPS: Final = Path("/var/backups/siaga")
PROGRAMS: Final = Path("/opt/siaga/bin")
UNITS: Final = Path("/etc/systemd/system")
CHAIN: Final = Path("/etc/mosquitto/certs/broker.pem")  # as siaga-certificate lays them out
KEY: Final = Path("/etc/mosquitto/certs/broker.key")
AUTHORITY: Final = Path("/usr/local/share/siaga/authority.pem")
DATABASE_BESIDE: Final = "postgresql:///siaga?host=/var/run/postgresql"  # the container beside, by a socket of both
PROXY_FILES: Final[dict[Proxy, tuple[str, Path]]] = {
    "nginx": ("nginx.conf", Path("/etc/nginx/conf.d/siaga.conf")),
    "caddy": ("Caddyfile", Path("/etc/caddy/Caddyfile")),
}
_HOST: Final = re.compile(r"\bsos\.example\b")


@dataclass(frozen=True, slots=True)
class PlannedFile:
    path: Path
    text: str
    mode: int = 0o644
    group: str = "root"
    owner: str = "root"
    kept: bool = False  # once there it is the administrator's own


@dataclass(frozen=True, slots=True)
class PlannedFolder:
    path: Path
    mode: int
    owner: str
    group: str


@dataclass(frozen=True, slots=True)
class Plan:
    """settings: what a new settings file is made from. host: by which buttons and browsers know the machine.
    in_container: programs are in the image, and compose starts them (gateway/container)."""

    settings: NewSettings
    host: str
    proxy: Proxy
    own_authority: bool
    in_container: bool = False

    @property
    def broker(self) -> BrokerPlan | None:
        """None: the broker is another machine's."""
        folder = self.settings.broker
        return None if folder is None else BrokerPlan(self.settings.name, folder, CHAIN, KEY)

    def folders(self) -> Iterator[PlannedFolder]:
        yield PlannedFolder(SETTINGS.parent, 0o750, "root", USER)
        yield PlannedFolder(STATE, 0o700, USER, USER)
        yield PlannedFolder(BACKUPS, 0o700, USER, USER)
        if self.broker is not None:
            yield PlannedFolder(FOLDER, 0o2750, USER, BROKER_GROUP)

    def files(self) -> Iterator[PlannedFile]:
        yield PlannedFile(SETTINGS, self.settings.text(), 0o640, USER, kept=True)
        yield PlannedFile(SECRETS, "", 0o600, kept=True)
        if self.own_authority:
            yield PlannedFile(CERTIFICATE_NAME, f"NAME={self.host}\n")
        if not self.in_container:
            yield from self._programs_and_units()
        if self.proxy in PROXY_FILES:
            name, place = PROXY_FILES[self.proxy]
            yield PlannedFile(place, _HOST.sub(self.host, template(name)))

    def _programs_and_units(self) -> Iterator[PlannedFile]:
        for program in ("siaga-backup", "siaga-certificate"):
            yield PlannedFile(PROGRAMS / program, template(program), 0o755)
        units = ["siaga-gateway.service", "siaga-backup.service", "siaga-backup.timer"]
        if self.own_authority:
            units += ["siaga-certificate.service", "siaga-certificate.timer"]
        for unit in units:
            yield PlannedFile(UNITS / unit, template(unit))
        if (broker := self.broker) is not None:
            for name, text in broker.units().items():
                place = UNITS / "mosquitto.service.d" / "siaga.conf" if name.endswith(".conf") else UNITS / name
                yield PlannedFile(place, text)

    def broker_files(self) -> Iterator[PlannedFile]:
        """Yield what `broker-config` writes as the service's user; here to be compared, or previewed."""
        if (broker := self.broker) is not None:
            for path, text in broker.files().items():
                yield PlannedFile(path, text, 0o640, BROKER_GROUP, USER)

    def commands(self) -> Iterator[str]:
        """Yield what is left to type, in order."""
        if self.in_container:
            yield "docker compose up --detach"
            yield "docker compose exec gateway siaga gateway doctor"
            return
        yield "sudo systemctl daemon-reload"
        timers = ["siaga-backup.timer", *(["siaga-certificate.timer"] if self.own_authority else [])]
        if self.broker is not None:
            timers.append("siaga-broker-reload.path")
        yield f"sudo systemctl enable --now {' '.join(timers)}"
        if self.broker is not None:
            yield "sudo systemctl restart mosquitto"
        yield "sudo systemctl enable --now siaga-gateway"
        if self.proxy == "nginx":
            yield "sudo nginx -t"
        if self.proxy in PROXY_FILES:
            yield f"sudo systemctl restart {self.proxy}"
        yield "sudo -u siaga siaga gateway doctor"


def template(name: str) -> str:
    """Return a file of gateway/operations, from the package or the checkout."""
    packed = resources.files("siaga_gateway") / "operations" / name
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / "operations" / name).read_text(encoding="utf-8")

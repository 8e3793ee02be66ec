"""A broker and a gateway for the button, so that a press is really received, and an operator who answers it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any, Final

import httpx

from siaga_gateway.adapters.files.gateway_key import key_path, read_key, write_key
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_tools.demo import enrolment, services, site
from siaga_tools.demo.owners import OWNERS
from siaga_tools.messages import Trouble
from siaga_tools.process.child import Child
from siaga_tools.silicon.network_server import NetworkServer

LORAWAN_KEY: Final = "00112233445566778899AABBCCDDEEFF"
_ENROL_S: Final = 240.0
_OPERATOR: Final = "Peragaan"
# An operator's next step, by the incident's state: the step, and the form's content.
_STEPS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "open": ("seen", {}),
    "seen": ("assign", {"unit": "Patroli 12", "eta": "6"}),
    "assigned": ("on-scene", {}),
    "on_scene": ("close", {"disposition": "verified", "note": "simulasi"}),
}


class GatewayStack:
    """The stack.

    folder: its settings, store and log
    network: of the LoRaWAN module, once it has started
    """

    def __init__(self, folder: Path, language: str, *, lorawan: bool) -> None:
        self.console_url = ""
        self.network: NetworkServer | None = None
        self._folder = folder
        self._language = language
        self._lorawan = lorawan
        self._port = 0
        self._broker: Child | None = None
        self._gateway: Child | None = None
        self._store: SqlStore | None = None

    async def start(self) -> None:
        """Start everything. Raises Trouble; stop() is needed even then."""
        self._port = services.free_port()
        data = self._folder / "gateway"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = self._folder / "siaga.toml"
        lorawan = f'\n[lorawan]\nnetwork = "chirpstack"\nport = {self._port}\n' if self._lorawan else ""
        settings.write_text(
            f'name = "simulasi"\ndata_dir = {json.dumps(str(data))}\nmode = "exercise"\n'
            f'language = "{self._language}"\n\n[mqtt]\nhost = "127.0.0.1"\nport = {self._port}\n\n'
            f'[console]\nhost = "127.0.0.1"\nport = 0\n{lorawan}\n{site.settings()}',
            encoding="utf-8",
        )
        if not key_path(data).exists():
            write_key(data, GatewayKey.generate())
        self._broker = await services.start_broker(self._port)
        log = self._folder / "gateway.log"
        self._gateway, self.console_url = await services.start_gateway(settings, log, lambda line: None)
        self._store = SqlStore(store_path(data), time.time_ns() // 1_000_000)
        if self._lorawan:
            self.network = NetworkServer("127.0.0.1", self._port)
            await asyncio.to_thread(self.network.__enter__)

    def settings(self) -> dict[str, Any]:
        """Return the settings that a button needs to reach it."""
        key = read_key(self._folder / "gateway").public_xy.hex()
        reach: dict[str, Any] = {
            "mqtt_hosts": ["127.0.0.1"],
            "mqtt_port": self._port,
            "mqtt_tls": False,
            "gateway_key": key,
            "language": self._language,
        }
        return {**reach, "lorawan_app_key": LORAWAN_KEY} if self._lorawan else reach

    async def enrol(self, device_id: str) -> bool:
        """Enrol the button once it has called. Returns whether it was new. Raises Trouble."""
        assert self._store is not None
        if enrolment.is_enrolled(self._store, device_id):
            return False
        until = time.monotonic() + _ENROL_S
        while not enrolment.waits_in_quarantine(self._store, device_id):
            if time.monotonic() > until:
                raise Trouble("enrol_late", button=1, seconds=f"{_ENROL_S:g}", what="ENROL")
            await asyncio.sleep(0.05)
        await asyncio.to_thread(enrolment.enrol, self._store, OWNERS[0], device_id)
        return True

    async def answer(self) -> str:
        """Do an operator's next step with the newest open incident: seen, assign, on-scene, close. "" = there is none.
        Raises Trouble."""
        assert self._store is not None
        incidents = self._store.open_incidents()
        if not incidents:
            return ""
        incident = incidents[-1]
        step, form = _STEPS[str(incident.state)]
        try:
            # trust_env: no proxy from the environment on loopback.
            async with httpx.AsyncClient(
                base_url=self.console_url, headers={"origin": self.console_url.rstrip("/")}, trust_env=False, timeout=10
            ) as console:
                signed = await console.post("/sign-in", data={"name": _OPERATOR})
                done = await console.post(f"/incidents/{incident.id}/{step}", data=form)
        except httpx.HTTPError as error:
            raise Trouble("gateway_refused", command=step, why=error) from error
        if signed.status_code != 303 or done.status_code >= 400:
            raise Trouble("gateway_refused", command=step, why=f"HTTP {done.status_code}")
        return step

    async def stop(self) -> None:
        """Stop everything, in order. Idempotent."""
        if self.network is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self.network.__exit__, None, None, None)
            self.network = None
        if self._gateway is not None:
            await self._gateway.stop(grace_s=8)
        if self._store is not None:
            self._store.close()
            self._store = None
        if self._broker is not None:
            await self._broker.stop(grace_s=2)

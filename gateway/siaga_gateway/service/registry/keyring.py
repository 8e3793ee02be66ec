"""Caches enrolled devices with their keys loaded: loading a key costs far more than a dictionary lookup."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from siaga_gateway.domain.frame_authentication import DeviceKey, GatewayKey
from siaga_gateway.domain.registry import Device, Owner
from siaga_gateway.service.store import Store
from siaga_gateway.service.store.versions import follows

_KEPT: Final = 50_000  # devices with loaded keys; about 3 kB each


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device, its owner, and the keys to verify and answer it."""

    device: Device
    owner: Owner | None
    key: DeviceKey


class KeyRing:
    """Looks devices up in the registry, and caches them until the registry changes. Thread-safe."""

    def __init__(self, store: Store, gateway_key: GatewayKey, kept: int = _KEPT) -> None:
        self._store = store
        self._gateway_key = gateway_key
        self._limit = kept
        self._lock = threading.Lock()
        self._known: dict[bytes, KnownDevice] = {}
        self._version = store.registry_version()

    def look_up(self, device_ids: Collection[bytes]) -> dict[bytes, KnownDevice]:
        """Return those of the devices that are enrolled, as now registered. Raises: StoreFailing."""
        with self._lock:
            self._forget_changed()
            found = {device_id: self._known[device_id] for device_id in device_ids if device_id in self._known}
            missing = [device_id for device_id in device_ids if device_id not in found]
            if missing:
                found.update(self._load(missing))
            return found

    def _forget_changed(self) -> None:
        """Drop changed devices: one that was just suspended must not pass. Costs one small read a batch."""
        version = self._store.registry_version()
        if version == self._version:
            return
        if follows(version, self._version):
            for device_id in self._store.devices_changed(self._version):
                self._known.pop(device_id, None)
        else:
            self._known.clear()
        self._version = version

    def _load(self, device_ids: Collection[bytes]) -> dict[bytes, KnownDevice]:
        loaded: dict[bytes, KnownDevice] = {}
        for device_id, enrolled in self._store.enrolled(device_ids).items():
            key = self._gateway_key.device_key(enrolled.device.public_xy)
            loaded[device_id] = KnownDevice(enrolled.device, enrolled.owner, key)
        self._known.update(loaded)
        while len(self._known) > self._limit:
            self._known.pop(next(iter(self._known)))
        return loaded

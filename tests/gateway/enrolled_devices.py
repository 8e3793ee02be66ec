"""Buttons that a gateway knows before it starts."""

from __future__ import annotations

import time
from pathlib import Path

from pressing_button import PressingButton
from siaga_gateway.adapters.files.gateway_key import read_key
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.registry import Device, Owner, RegistrationState


def enrolled_buttons(data: Path, count: int) -> list[PressingButton]:
    """Buttons of one invented owner, enrolled at the store in this data folder."""
    return enroll_at(SqlStore(store_path(data), 0), read_key(data), count)


def enroll_at(store: SqlStore, key: GatewayKey, count: int) -> list[PressingButton]:
    """The same at a store, which is closed then."""
    now_ms = time.time_ns() // 1_000_000
    buttons = [PressingButton().meet(key) for _ in range(count)]
    with store.transaction() as transaction:
        nik = f"99{time.time_ns() % 10**14:014d}"  # there may be others in the store already
        owner = Owner(0, "Contoh Wati", nik, "+620000000001", "Jl. Contoh 1, Bandar Lampung")
        owner_id = transaction.add_owner(owner, now_ms)
        for button in buttons:
            state = RegistrationState.ACTIVE
            transaction.add_device(Device(button.device_id, button.public_xy, owner_id, state, "Toko Contoh", now_ms))
    store.close()
    return buttons

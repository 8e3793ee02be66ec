"""Invented devices on a real store, for the maintenance page."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.device_report import Status
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.supervision import SupervisionLimits
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.fleet.supervision import Supervisor
from siaga_gateway.service.ports import Clock, Notifier

HOUR = 3_600_000
WANTED = SupervisionLimits(version=(1, 2, 0))
WELL = Status((1, 2, 0), -87, 1, 0, 40, 0, 0)
PLACES = ("Toko Contoh, kasir", "Apotek Contoh, meja depan", "Gudang Contoh, pintu", "Pos Contoh Kalianda")


def open_fleet(folder: Path) -> SqlStore:
    return SqlStore(store_path(folder), 0)


def fleet_desk(store: SqlStore, notifier: Notifier, clock: Clock) -> MaintenanceCases:
    return MaintenanceCases(store, notifier, clock, WANTED)


def device_id(number: int) -> bytes:
    return (0xA7_0000_0000_0000_00 + number).to_bytes(8, "big")


def make_fleet(folder: Path, notifier: Notifier, clock: Clock, count: int, silent: range = range(0)) -> SqlStore:
    """`count` devices: 1 runs low, 2 was opened, 3 has old firmware, 4 is suspended, 5 was never heard; `silent` ones
    have not been heard for a day. The gateway has listened for two days."""
    store = open_fleet(folder)
    now_ms = time.time_ns() // 1_000_000
    with store.transaction() as transaction:
        owner = Owner(0, "Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh 1")
        owner_id = transaction.add_owner(owner, 0)
        for number in range(1, count + 1):
            state = RegistrationState.SUSPENDED if number == 4 else RegistrationState.ACTIVE
            label = f"{PLACES[number % len(PLACES)]} {number:04d}"
            fresh = number == 5
            enrolled_ms = now_ms - (HOUR if fresh else 60 * 24 * HOUR)
            transaction.add_device(
                Device(device_id(number), number.to_bytes(64, "big"), owner_id, state, label, enrolled_ms)
            )
            if fresh:
                continue
            status = DeviceStatus(
                device_id(number),
                1,
                500,
                500,
                now_ms - (24 * HOUR if number in silent else number * 60_000 % (5 * HOUR)),
                battery=40 + number % 60,
                external_power=number % 3 == 0,
                health=replace(WELL, signal=-60 - number % 60, bearer=1 + number % 4, waiting=number % 7 // 6),
            )
            if number == 1:
                status = replace(status, battery=8, low_battery=True)
            if number == 2:
                status = replace(status, tampered_ms=now_ms - HOUR, tamper_open=True)
            if number == 3:
                status = replace(status, health=replace(WELL, version=(1, 1, 4)))
            transaction.put_status(status)
        for way in ("mqtt",):
            transaction.remember(f"heard.{way}", str(now_ms))
    supervisor = Supervisor(store, notifier, clock, WANTED, ways=lambda: {"mqtt": True})
    supervisor.look(now_ms)
    return store

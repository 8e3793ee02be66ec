"""Enrolled devices and the supervisor over them, on a real store; time passes when a test says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from databases import Place
from gateway.fake_ports import ManualClock
from siaga_gateway.domain.device_report import Status
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.supervision import Cause, SupervisionLimits
from siaga_gateway.service.fleet.supervision import Supervisor
from siaga_gateway.service.journal.notifier import JournalNotifier

NOW = 1_790_000_000_000
DAY_MS = 24 * 3600 * 1000
MINUTE = 60_000
WANTED = SupervisionLimits(checkin_s=60, version=(1, 2, 0))
WELL = Status((1, 2, 0), -80, 1, 0, 5, 0, 0)


class Fleet:
    """Enrolled devices and the supervisor over them."""

    def __init__(self, place: Place) -> None:
        self.store = place.open(NOW)
        self.clock = ManualClock(NOW)
        self.ways: dict[str, bool] = {"mqtt": True}
        self.supervisor = self.fresh()
        with self.store.transaction() as transaction:
            owner = Owner(0, "Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh 1")
            self.owner_id = transaction.add_owner(owner, NOW)
        self.listen()

    def fresh(self) -> Supervisor:
        """As after a restart of the gateway."""
        return Supervisor(self.store, JournalNotifier(), self.clock, WANTED, ways=lambda: self.ways, mass=10)

    def listen(self) -> None:
        self.supervisor.listen()

    def device(
        self,
        number: int,
        checkin_s: int | None = 60,
        sim_until_ms: int | None = None,
        sim_quota_mb: int | None = None,
        **changes: object,
    ) -> bytes:
        device_id = number.to_bytes(8, "big")
        with self.store.transaction() as transaction:
            transaction.add_device(
                Device(
                    device_id,
                    number.to_bytes(64, "big"),
                    self.owner_id,
                    RegistrationState(str(changes.pop("state", "active"))),
                    f"Contoh {number:05d}",
                    NOW - 30 * DAY_MS,
                    checkin_s=checkin_s,
                    sim_until_ms=sim_until_ms,
                    sim_quota_mb=sim_quota_mb,
                )
            )
        self.says(device_id, **changes)
        return device_id

    def says(self, device_id: bytes, **changes: object) -> None:
        status = DeviceStatus(device_id, 1, 100, 100, self.clock.at_ms, battery=80, health=WELL)
        with self.store.transaction() as transaction:
            transaction.put_status(replace(status, **changes))  # type: ignore[arg-type]

    def after(self, ms: int, *alive: bytes) -> None:
        """Let time pass; the gateway listens all the while, and these devices check in at its end."""
        end = self.clock.at_ms + ms
        while self.clock.at_ms < end:
            self.clock.at_ms = min(end, self.clock.at_ms + MINUTE // 2)
            self.listen()
        for device_id in alive:
            self.says(device_id)
        self.supervisor.look(self.clock.at_ms)

    def open(self) -> list[tuple[int, Cause]]:
        return [
            (0 if case.device_id is None else int.from_bytes(case.device_id, "big"), case.cause)
            for case in self.store.open_cases(limit=10_000)
        ]

    def told(self) -> Counter[str]:
        return Counter(entry.kind for entry in self.store.journal_after(0, 10_000) if "maintenance" in entry.kind)

    def facts(self, kind: str) -> Mapping[str, object]:
        return [entry for entry in self.store.journal_after(0, 10_000) if entry.kind == kind][-1].facts

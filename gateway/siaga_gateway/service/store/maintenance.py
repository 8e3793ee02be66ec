"""Maintenance cases of buttons, and what supervision reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.domain.supervision import Case, Cause, SupervisionLimits, Version


@dataclass(frozen=True, slots=True)
class SupervisionFilter:
    """A prefilter by which the store finds devices whose cases may change; domain/supervision.py decides."""

    now_ms: int
    wanted: SupervisionLimits
    silent_before_ms: Mapping[int, int]  # by checkin_s: silent if last heard before this


@dataclass(frozen=True, slots=True)
class SupervisedDevice:
    """A device as supervision sees it."""

    device: Device
    status: DeviceStatus | None  # without its position
    standing: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class FleetFilter:
    """Of which devices a list is wanted; None: it does not matter."""

    now_ms: int = 0  # by which a registration counts as expired
    state: RegistrationState | None = None
    below_version: Version | None = None  # of the firmware
    below_battery: int | None = None  # percent
    silent_since_ms: int | None = None  # not heard since then, or never
    stations: Collection[str] | None = None  # in whose areas their owners live
    sim_until_ms: int | None = None  # their SIM cards lapse by then
    below_quota_mb: int | None = None  # of a SIM card's data


ANY: Final = FleetFilter()


@dataclass(frozen=True, slots=True)
class PlacedDevice:
    """A device with a place, for a map."""

    device_id: bytes
    label: str
    owner_id: int
    state: RegistrationState
    valid_until_ms: int | None
    place: tuple[int, int]  # latitude, longitude; degrees x 10^7
    at_ms: int | None  # when a carried one was there; None: it is mounted there
    last_seen_ms: int | None
    troubled: bool  # it has an open case
    silent: bool


@dataclass(frozen=True, slots=True)
class DeviceCensus:
    """Sums over all devices; counting takes a while."""

    devices: Mapping[str, int]  # by registration state
    cases: Mapping[Cause, int]  # open ones by cause, without folds


class CaseWriting(Protocol):
    """Writes cases, folds, and the periods when nobody was heard."""

    def case(self, case_id: int) -> Case | None: ...
    def next_case_id(self) -> int:
        """Return an unused case id; all higher ones are free too, until this transaction ends."""
        ...

    def put_case(self, case: Case) -> None: ...
    def put_members(self, fold: Case) -> None:
        """Close the open cases of a closed fold, in the way it was closed."""
        ...

    def release_members(self, fold_id: int) -> None:
        """Detach a fold's open cases from it."""
        ...

    def add_deafness(self, way: str, from_ms: int, to_ms: int) -> None:
        """Record a period; also forgets those that ended more than 40 days before."""
        ...


class FleetMapReading(Protocol):
    """Reads where devices are."""

    def placed(
        self, limit: int, *, text: str = "", troubled: bool = False, only: FleetFilter = ANY, carried: bool = False
    ) -> Sequence[PlacedDevice]:
        """Return where the devices are that `watched` lists, in no order that means anything.

        carried: also those that are mounted nowhere, by the last position that is kept of them.
        """
        ...


class CaseReading(Protocol):
    """Reads cases, and the devices that have or may get one."""

    def intervals(self) -> Sequence[int]:
        """Return every checkin_s registered for a device."""
        ...

    def deafness(self, ways: Collection[str], since_ms: int) -> Sequence[tuple[int, int]]:
        """Return periods (from, to) in which one of these ways was not heard, if they ended after since_ms."""
        ...

    def suspects(self, sieve: SupervisionFilter, after: bytes, limit: int) -> Sequence[SupervisedDevice]:
        """Return devices that the prefilter catches, with device_id > after, in that order."""
        ...

    def open_cases(self, *, fold: int | None = None, after: int = 0, limit: int = 200) -> Sequence[Case]:
        """Return open cases with id > after, oldest first: those outside folds and the folds, or the members of one
        fold."""
        ...

    def open_folds(self) -> Sequence[tuple[Case, int]]:
        """Return open folds, each with the number of its open cases."""
        ...

    def opened_since(self, cause: Cause, since_ms: int) -> Sequence[Case]:
        """Return open cases outside folds."""
        ...

    def cases_of(self, device_id: bytes, limit: int = 50) -> Sequence[Case]:
        """Return the device's cases, newest first, closed ones too."""
        ...

    def watched(
        self,
        *,
        text: str = "",
        troubled: bool = False,
        only: FleetFilter = ANY,
        after: tuple[str, bytes] | None = None,
        limit: int = 50,
    ) -> Sequence[SupervisedDevice]:
        """Return devices after `after`, ordered by (label, device_id).

        text: part of the label, or the start of the device_id in hex. troubled: only those with an open case. Their
        `standing` is their open cases.
        """
        ...

    def watched_by(self, device_ids: Collection[bytes]) -> Mapping[bytes, SupervisedDevice]:
        """Return those of the devices that are enrolled; their `standing` is empty."""
        ...

    def census(self) -> DeviceCensus: ...

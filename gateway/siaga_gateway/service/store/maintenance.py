"""Buttons that need an installer: the cases, and what supervision looks at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from siaga_gateway.domain.registry import Device
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.domain.supervision import Case, Cause, Wanted


@dataclass(frozen=True, slots=True)
class Sieve:
    """By what the store finds devices whose cases may have to change; domain.supervision decides."""

    now_ms: int
    wanted: Wanted
    silent_before_ms: Mapping[int, int]  # by checkin_s: who was heard last before that is silent


@dataclass(frozen=True, slots=True)
class Watched:
    """A device as supervision sees it."""

    device: Device
    status: DeviceStatus | None
    standing: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Census:
    """Sums over all devices; counting them takes a while."""

    devices: Mapping[str, int]  # by registration state
    cases: Mapping[Cause, int]  # open ones by cause, folds not counted


class CaseWriting(Protocol):
    """Cases, folds, and when nobody could be heard."""

    def case(self, case_id: int) -> Case | None: ...
    def next_case_id(self) -> int:
        """A number that no case has had; so are all above it, until this transaction ends."""
        ...

    def put_case(self, case: Case) -> None: ...
    def put_members(self, fold: Case) -> None:
        """Close the open cases of a closed fold as it was closed."""
        ...

    def release_members(self, fold_id: int) -> None:
        """The open cases of a fold stand for themselves from now on."""
        ...

    def add_deafness(self, way: str, from_ms: int, to_ms: int) -> None:
        """Also forgets what ended more than 40 days before."""
        ...


class CaseReading(Protocol):
    """Cases, and the devices in or near one."""

    def intervals(self) -> Sequence[int]:
        """Every checkin_s that is registered of a device."""
        ...

    def deafness(self, ways: Collection[str], since_ms: int) -> Sequence[tuple[int, int]]:
        """When one of these ways was not heard: from, to; those that ended after since_ms."""
        ...

    def suspects(self, sieve: Sieve, after: bytes, limit: int) -> Sequence[Watched]:
        """Devices that the sieve holds back, by device_id > after, in that order."""
        ...

    def open_cases(self, *, fold: int | None = None, after: int = 0, limit: int = 200) -> Sequence[Case]:
        """Open cases with id > after, oldest first: those that no fold stands for, folds among them, or a fold's."""
        ...

    def open_folds(self) -> Sequence[tuple[Case, int]]:
        """Folds that are not closed, each with how many of its cases are open."""
        ...

    def opened_since(self, cause: Cause, since_ms: int) -> Sequence[Case]:
        """Open cases that no fold stands for."""
        ...

    def cases_of(self, device_id: bytes, limit: int = 50) -> Sequence[Case]:
        """The newest first, closed ones too."""
        ...

    def watched(
        self, *, text: str = "", troubled: bool = False, after: tuple[str, bytes] | None = None, limit: int = 50
    ) -> Sequence[Watched]:
        """Devices in the order of (label, device_id) after that of `after`. text: in the label, or how the device_id
        begins in hex. troubled: only those with an open case. `standing`: their open cases."""
        ...

    def watched_by(self, device_ids: Collection[bytes]) -> Mapping[bytes, Watched]:
        """Those of the devices that are enrolled; `standing`: nothing."""
        ...

    def census(self) -> Census: ...

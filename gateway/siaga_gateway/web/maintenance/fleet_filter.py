"""Of which buttons the fleet's list is asked for, as it stands in the page's address."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query

from siaga_gateway.domain.limits import LONGEST_SEARCH
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.supervision import DAY_MS, SupervisionLimits
from siaga_gateway.domain.value import record
from siaga_gateway.service.store.maintenance import FleetFilter

_VERSION: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})")
_HOUR_MS: Final = 3_600_000
SILENT_HOURS: Final = (6, 24, 72, 168, 720)
BATTERIES: Final = (50, 30, 20, 10)
SIMS: Final = ("lapsed", "soon", "ending", "low")


@record
class Asked:
    """What somebody asked for."""

    q: str = ""  # part of a label, or the start of a device_id
    troubled: bool = False
    state: RegistrationState | None = None
    version: str = ""  # lower than this
    battery: int | None = None  # below, percent
    silent: int | None = None  # for at least so many hours
    station: str = ""  # a station_key: owners in its area, or in those below it
    sim: str = ""  # one of SIMS

    @property
    def query(self) -> str:
        """The same for an address; empty: everything."""
        given = {
            "q": self.q,
            "open": "1" if self.troubled else "",
            "state": self.state or "",
            "version": self.version,
            "battery": self.battery or "",
            "silent": self.silent or "",
            "station": self.station,
            "sim": self.sim,
        }
        return urlencode({name: str(value) for name, value in given.items() if value})

    def filter(
        self, now_ms: int, wanted: SupervisionLimits, stations_below: Callable[[str], Collection[str]]
    ) -> FleetFilter:
        """Return what the store is asked; a version that is none is not asked for."""
        version = _VERSION.fullmatch(self.version)
        days = {"lapsed": 0, "soon": wanted.sim_soon_days, "ending": wanted.sim_days}.get(self.sim)
        return FleetFilter(
            now_ms,
            self.state,
            None if version is None else (_byte(version[1]), _byte(version[2]), _byte(version[3])),
            self.battery,
            None if self.silent is None else now_ms - self.silent * _HOUR_MS,
            stations_below(self.station) if self.station else None,
            None if days is None else now_ms + days * DAY_MS,
            wanted.quota_mb if self.sim == "low" else None,
        )


def _byte(digits: str) -> int:
    return min(int(digits), 255)


def asked(
    q: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
    troubled: Annotated[bool, Query(alias="open")] = False,
    state: RegistrationState | Literal[""] = "",
    version: Annotated[str, Query(max_length=11)] = "",
    battery: Annotated[str, Query(pattern="^[0-9]{0,3}$")] = "",
    silent: Annotated[str, Query(pattern="^[0-9]{0,5}$")] = "",
    station: Annotated[str, Query(max_length=64)] = "",
    sim: Literal["", "lapsed", "soon", "ending", "low"] = "",
) -> Asked:
    """Read an address; fields of the form that were left empty do not matter."""
    return Asked(
        q.strip(),
        troubled,
        state or None,
        version.strip(),
        int(battery) if battery else None,
        int(silent) if silent else None,
        station.strip(),
        sim,
    )


TheAsked = Annotated[Asked, Depends(asked)]

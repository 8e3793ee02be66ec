"""What chrony, ntpd and systemd-timesyncd answer when they are asked whom they follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_CHRONY_FIELDS: Final = 14  # of `chronyc -c tracking`: reference, name, stratum, time, offset (s), ..., leap status
_UNSYNCHRONISED: Final = 16  # stratum
_OWN_CLOCK: Final = re.compile(
    r"7F7F\w{4}|127\.127\.1\.\d+|LOCL|LOCAL.*", re.IGNORECASE
)  # "local stratum 10" and its like


@dataclass(frozen=True, slots=True)
class TimeSource:
    """Whom a time service follows."""

    service: str
    name: str | None  # None: nobody
    offset_ms: float | None = None  # by which the clock is off, as far as the service says

    @property
    def is_own_clock(self) -> bool:
        return self.name is not None and _OWN_CLOCK.fullmatch(self.name) is not None


def read_chrony(said: str) -> TimeSource | None:
    """Read `chronyc -c tracking`; None: that is no answer of a chronyd."""
    fields = said.strip().split(",")
    if len(fields) < _CHRONY_FIELDS or (offset_s := _number(fields[4])) is None:
        return None
    reference, name, stratum, leap = fields[0], fields[1], fields[2], fields[-1]
    if leap == "Not synchronised" or stratum in ("0", str(_UNSYNCHRONISED)):
        return TimeSource("chrony", None)
    if _OWN_CLOCK.fullmatch(reference):
        return TimeSource("chrony", reference)
    return TimeSource("chrony", name or reference, 1000 * offset_s)


def read_ntpd(said: str) -> TimeSource | None:
    """Read `ntpq -c rv`, of ntpd and of ntpsec; None: that is no answer of theirs."""
    values = dict(re.findall(r"(\w+)=\"?([^\s,\"]+)", said))
    if "stratum" not in values:
        return None
    if "leap_alarm" in said or values.get("leap") in ("11", "3") or values["stratum"] == str(_UNSYNCHRONISED):
        return TimeSource("ntpd", None)
    return TimeSource("ntpd", values.get("refid", "?"), _number(values.get("offset", "")))


def read_timesyncd(said: str) -> TimeSource | None:
    """Read `timedatectl show-timesync`; None: systemd-timesyncd does not run."""
    values = dict(line.partition("=")[::2] for line in said.splitlines())
    if "ServerName" not in values and "ServerAddress" not in values:
        return None
    # It names a server from its first question on; an answer is what counts.
    answered = "NTPMessage" in values
    name = values.get("ServerName") or values.get("ServerAddress") or None
    return TimeSource("systemd-timesyncd", name if answered else None)


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None

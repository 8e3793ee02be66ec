"""A simulated GNSS receiver: NMEA 0183 once a second on a serial line, as u-blox, Quectel and CASIC modules write it.

Its position can be set, and it can lose the sky, hang, repeat itself, or use another bit rate.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from types import TracebackType
from typing import Self

from siaga_tools.silicon.pty_line import PtyLine


class ReceiverCondition(StrEnum):
    """Its condition."""

    WELL = "well"
    NO_SKY = "no_sky"  # or jammed
    FROZEN = "frozen"  # the same fix over and over
    SILENT = "silent"
    NOISE = "noise"


def sentence(text: str) -> bytes:
    """Return a sentence with its $, checksum and end (NMEA 0183, 5.3)."""
    total = 0
    for byte in text.encode("ascii"):
        total ^= byte
    return f"${text}*{total:02X}\r\n".encode("ascii")


def angle(e7: int, width: int, letters: str) -> str:
    """Return degrees x 10^7 as (d)ddmm.mmmmm and the hemisphere's letter."""
    degrees, rest = divmod(abs(e7), 10_000_000)
    minutes = rest * 60  # x 10^7
    return f"{degrees:0{width}d}{minutes // 10**7:02d}.{minutes % 10**7:07d},{letters[e7 < 0]}"


USUAL = frozenset(("RMC", "GGA", "GLL", "GSA", "GSV"))


def epoch(
    moment: datetime.datetime,
    place: tuple[int, int] | None,
    hdop: float = 0.9,
    kinds: Collection[str] = USUAL,
    date: str | None = None,
) -> bytes:
    """Return one second's sentences.

    place: latitude and longitude, degrees x 10^7; None = no fix
    kinds: which of RMC, GGA, GNS, GLL, GSA and GSV to send
    date: sent in place of the actual date
    """
    time, date = moment.strftime("%H%M%S.00"), date or moment.strftime("%d%m%y")
    if place is None:
        return b"".join(
            sentence(text)
            for text in (
                f"GNRMC,{time},V,,,,,,,{date},,,N",
                f"GNGGA,{time},,,,,0,00,99.99,,M,,M,,",
                f"GNGNS,{time},,,,,NNN,00,99.99,,,,,V",
                f"GNGLL,,,,,{time},V,N",
                "GNGSA,A,1" + "," * 15,
            )
            if text[2:5] in kinds
        )
    where = f"{angle(place[0], 2, 'NS')},{angle(place[1], 3, 'EW')}"
    return b"".join(
        sentence(text)
        for text in (
            f"GNRMC,{time},A,{where},0.01,,{date},,,A",
            f"GNGGA,{time},{where},1,09,{hdop:.2f},42.0,M,3.0,M,,",
            f"GNGNS,{time},{where},AAN,09,{hdop:.2f},42.0,3.0,,,V",
            f"GNGLL,{where},{time},A,A",
            f"GNGSA,A,3,04,05,07,09,12,,,,,,,,1.60,{hdop:.2f},1.30",
            "GPGSV,1,1,01,04,40,083,46",
        )
        if text[2:5] in kinds
    )


class SimulatedGnss:
    """Sends on `line` until closed.

    period_s: a second, or less in compressed time
    powered: whether it has power
    baud: its bit rate
    heard_at: the listener's bit rate, which receives garbage at any other
    """

    def __init__(
        self,
        period_s: float = 1.0,
        now: Callable[[], datetime.datetime] | None = None,
        pause: Callable[[Callable[[], bool]], object] | None = None,
        turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """pause: replaces the wait for the next period; returns early if its argument says so. turn: context around
        each wait and what is sent after it."""
        self.line = PtyLine()
        self.mood = ReceiverCondition.WELL
        self._power = threading.Event()
        self._power.set()
        self._pause = pause or self._wait
        self._turn = turn
        self.baud = self.heard_at = 9600
        self.place: tuple[int, int] | None = None
        self.hdop = 0.9
        self.kinds: Collection[str] = USUAL
        self.date: str | None = None
        self.period_s = period_s
        self._now = now or (lambda: datetime.datetime.now(datetime.UTC))
        self._frozen_at: datetime.datetime | None = None
        self._log: list[bytes] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._talk, name="simulated GNSS", daemon=True)

    def play(self, log: Iterable[bytes]) -> None:
        """Send these pieces, one a period, before anything of its own."""
        self._log = list(log)

    def said(self) -> bytes:
        """Return what it sends in this period."""
        if self._log:
            return self._log.pop(0)
        moment = self._now()
        if self.mood is not ReceiverCondition.FROZEN:
            self._frozen_at = None
        match self.mood:
            case ReceiverCondition.SILENT:
                return b""
            case ReceiverCondition.NOISE:
                return bytes((byte * 37 + 129) % 256 for byte in range(90))
            case ReceiverCondition.FROZEN:
                self._frozen_at = self._frozen_at or moment
                moment = self._frozen_at
        return epoch(
            moment, None if self.mood is ReceiverCondition.NO_SKY else self.place, self.hdop, self.kinds, self.date
        )

    @property
    def powered(self) -> bool:
        return self._power.is_set()

    @powered.setter
    def powered(self, on: bool) -> None:
        (self._power.set if on else self._power.clear)()

    def _wait(self, is_over: Callable[[], bool]) -> bool:
        return self._stop.wait(self.period_s)

    def _talk(self) -> None:
        while not self._stop.is_set():
            if not self._power.wait(0.2):
                continue
            with self._turn():
                self._pause(self._stop.is_set)
                words = self.said() if self.powered and not self._stop.is_set() else b""
                if self.baud != self.heard_at:
                    words = bytes((byte * 85 + 0x80) % 256 for byte in words[::3])
                if words:
                    self.line.write(words)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        self.line.close()

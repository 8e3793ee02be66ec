"""A simulated modem's other lines: supply, power key, reset, flight mode, and DTR, which lets the serial line sleep.
Times in seconds, from logs of an A7670E and its hardware design."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.pty_line import PtyLine

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

_KEY_ON_S: Final = 0.05
_KEY_OFF_S: Final = 2.5
_RESET_S: Final = 1.9
# AT+CSCLK=1 with DTR high: the serial line sleeps after this long without a byte; the second is its wake-up time after
# DTR went low.
_DOZE_S: Final = 10.0
_AWAKE_S: Final = 0.05


class ModemPower:
    """The lines; used in the modem's own thread.

    is_on: it runs
    boots: how often it started
    pins: takes the lines as text
    flight_allows: the board lets the radio be on
    """

    def __init__(self, modem: A7670) -> None:
        self._modem = modem
        self.pins = PtyLine()
        self.is_on = False
        self.boots = 0
        self.flight_allows = True
        self._supplied = True
        self._dtr = False
        self._key_acts = False
        self._key_down_s = 0.0
        self._reset_timer: asyncio.TimerHandle | None = None
        self._heard_s = self._awake_s = 0.0
        self._text = b""

    # The board's lines

    def read_pins(self) -> None:
        """Read how the board drives them: "power_key 1" and the like, a line each."""
        self._text += self.pins.read(0)
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            name, _, level = line.decode("ascii", "replace").strip().partition(" ")
            self.drive(name, level == "1")

    def drive(self, name: str, acts: bool) -> None:
        """Drive one line: power_key, reset, supply, dtr or flight."""
        loop, pace = self._modem.loop, self._modem.pace
        if name == "supply":
            self._supplied = acts
            if not acts:
                self.turn_off()
        elif name == "reset":
            if self._reset_timer is not None:
                self._reset_timer.cancel()
                self._reset_timer = None
            if acts and self.is_on:
                self._reset_timer = loop.call_later(_RESET_S * pace, self.restart)
        elif name == "dtr":
            if self.is_asleep() and not acts:
                self._awake_s = loop.time() + _AWAKE_S * pace
            self._heard_s = loop.time()
            self._dtr = acts
        elif name == "flight":
            self.flight_allows = acts
        elif name == "power_key" and acts:
            self._key_acts = True
            self._key_down_s = loop.time()
        elif name == "power_key":
            self._key_acts = False
            held_s = loop.time() - self._key_down_s
            if not self.is_on and held_s >= _KEY_ON_S * pace:
                self.turn_on()
            elif self.is_on and held_s >= _KEY_OFF_S * pace:
                self.turn_off()

    @property
    def is_pressed(self) -> bool:
        """Return whether the board holds its power key or its reset line."""
        return self._key_acts or self._reset_timer is not None

    # On and off

    def turn_on(self) -> None:
        if self._supplied and not self.is_on:
            self.is_on = True
            self.boots += 1
            self._heard_s = self._awake_s = 0.0
            self._modem.begin()

    def turn_off(self) -> None:
        self.is_on = False
        self._modem.faults -= {Fault.HANG, Fault.HANG_HARD}
        self._modem.cease()

    def restart(self) -> None:
        if Fault.HANG_HARD in self._modem.faults:
            return
        self.turn_off()
        self.turn_on()

    # Sleep of the serial line

    def is_asleep(self) -> bool:
        """Return whether its serial line sleeps: registered and connected, it receives nothing there."""
        quiet_s = self._modem.loop.time() - self._heard_s
        sleeps = self._modem.general.sleep_mode == 1 and self._dtr
        return self.is_on and sleeps and quiet_s >= _DOZE_S * self._modem.pace

    def hears(self) -> bool:
        """Note that a byte came. Returns whether the line was awake for it."""
        now_s = self._modem.loop.time()
        if self.is_asleep() or now_s < self._awake_s:
            return False
        self._heard_s = now_s
        return True

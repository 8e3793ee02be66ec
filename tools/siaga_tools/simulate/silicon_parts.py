"""The parts attached to a simulated chip: modem, LoRaWAN module and receiver on their wires, and what their antennas
receive."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from siaga_tools.board_wiring import ModemWires, Wiring
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.gnss import ReceiverCondition, SimulatedGnss
from siaga_tools.silicon.modem_sim import Sim
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.pty_line import PtyLine
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from siaga_tools.simulate.clock import SimClock


@dataclass(frozen=True)
class Traffic:
    """What went over a serial line: ">" from the chip, "<" to it.

    line: modem, lorawan or gnss
    """

    at_us: int
    line: str
    way: str
    text: bytes


class SiliconParts:
    """The parts.

    modem, lorawan, receiver: None if the button has none
    wires: of each UART the pty at its other end; a wire without a part leads nowhere
    on_traffic(traffic): called for each transfer
    """

    def __init__(self, wiring: Wiring, clock: SimClock, on_traffic: Callable[[Traffic], None]) -> None:
        self.wiring = wiring
        self.modem: A7670 | None = None
        self.lorawan: SimulatedRak3172 | None = None
        self.receiver: SimulatedGnss | None = None
        self.wires: dict[tuple[int, int], str] = {}
        self._clock = clock
        self._on_traffic = on_traffic
        self._stack = contextlib.ExitStack()
        clock.listeners.append(self._pace)

    # Assembly, before it is switched on

    def add_lorawan(self, network: NetworkServer | None, key: str, dwell: bool) -> None:
        """Add a module. network: in its range, None = the button has no such module."""
        line = None
        if network is not None:
            self.lorawan = SimulatedRak3172(network, app_key=key, dwell=dwell, speed=self._clock.speed)
            line = self.lorawan.line
        self._wire("lorawan", self.wiring.lorawan, line)

    def add_receiver(self) -> None:
        """Add a receiver, if the board has one beside the modem's."""
        pins = self.wiring.gnss
        if pins is not None:
            clock = self._clock
            receiver = self.receiver = SimulatedGnss(
                now=lambda: datetime.fromtimestamp(clock.now_us() / 1_000_000, UTC),
                pause=lambda is_over: clock.until(clock.now_us() + 1_000_000, is_over),
                turn=clock.held,
            )
            receiver.mood = ReceiverCondition.NO_SKY
            self._wire("gnss", pins, receiver.line)

    def add_modem(self, folder: Path, sim: Sim, on_ring: Callable[[bool], None]) -> None:
        """Add a modem, if the board has one. folder: of its messages. on_ring(low): called with the level of its RI
        line, from its thread."""
        wires = self.wiring.modem
        if wires is not None:
            modem = self.modem = A7670(folder, pace=self._clock.real_s(1), sim=sim, model=wires.model)
            modem.on_ring = on_ring
            self._wire("modem", (wires.tx, wires.rx), modem.line)

    def _wire(self, name: str, pins: tuple[int, int], line: PtyLine | None) -> None:
        if line is None:
            line = self._stack.enter_context(PtyLine())
        else:
            line.trace = self._tracer(name)
        self.wires[pins] = line.path

    def _tracer(self, line: str) -> Callable[[str, bytes], None]:
        def trace(way: str, text: bytes) -> None:
            self._on_traffic(Traffic(self._clock.now_us(), line, way, text))

        return trace

    def _pace(self) -> None:
        if self.modem is not None:
            self.modem.pace = self._clock.real_s(1)
        if self.lorawan is not None:
            self.lorawan.speed = self._clock.speed

    # Operation

    def start(self) -> None:
        for part in (self.modem, self.lorawan, self.receiver):
            if part is not None:
                self._stack.enter_context(part)
        wires = self.wiring.modem
        if self.modem is not None and wires is not None:
            if wires.supply is not None:
                self.modem.press_line("supply", False)
            if wires.flight is not None:
                self.modem.press_line("flight", False)

    def stop(self) -> None:
        self._stack.close()

    def power_cut(self) -> None:
        """Cut the power for a moment; it is off when this returns."""
        wires = self.wiring.modem
        if self.modem is not None:
            self.modem.press_line("supply", False)
            if wires is not None and wires.supply is None:
                self.modem.press_line("supply", True)
            self.modem.do(lambda: None)
        if self.lorawan is not None:
            self.lorawan.power_cycle()

    def on_pin(self, number: int, level: int | None) -> None:
        """Take what the chip drives on a pin."""
        wiring = self.wiring
        if number == wiring.lorawan_reset and self.lorawan is not None:
            self.lorawan.reset_line(level == 0)
        elif wiring.modem is not None and self.modem is not None:
            _drive_modem(wiring.modem, self.modem, number, level == 1)
        elif number == wiring.gnss_supply and self.receiver is not None:
            self.receiver.powered = level == 1

    def on_uart(self, baud: int, pins: tuple[int, int]) -> None:
        """Take the bit rate at which the chip listens."""
        if self.receiver is not None and pins == self.wiring.gnss:
            self.receiver.heard_at = baud

    def place(self, latitude: float | None, longitude: float = 0.0) -> None:
        """Set its position, degrees; None = no satellites."""
        if self.modem is not None:
            self.modem.place = None if latitude is None else (latitude, longitude)
        if self.receiver is not None:
            there = None if latitude is None else (round(latitude * 1e7), round(longitude * 1e7))
            self.receiver.mood = ReceiverCondition.NO_SKY if there is None else ReceiverCondition.WELL
            self.receiver.place = there


def _drive_modem(wires: ModemWires, modem: A7670, number: int, acts: bool) -> None:
    for name, pin in (
        ("power_key", wires.key),
        ("reset", wires.reset),
        ("dtr", wires.dtr),
        ("supply", wires.supply),
        ("flight", wires.flight),
    ):
        if pin == number:
            modem.press_line(name, acts)

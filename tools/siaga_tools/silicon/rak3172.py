"""A simulated RAK3172 with RUI3 firmware on a serial line, in reach of a network server that speaks ChirpStack's JSON.

It answers as RAK-STM32-RUI (component/service) does: the same words, events between them, an empty frame and
AT_PARAM_ERROR for a payload that the present data rate does not carry, busy until its receive windows are over. What
it has transmitted, and how long each took on the air, stands in `sent`. Times go by `speed` times faster.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.serial_line import SerialLine

# RP002-1.0.5, 3.10.7: application bytes by data rate in AS923, without and with UplinkDwellTime.
_AS923: Final = (51, 51, 115, 115, 242, 242, 242, 242)
_AS923_DWELL: Final = (0, 0, 11, 53, 125, 242, 242, 242)
_JOIN_S: Final = 6.0
_WINDOWS_S: Final = 2.2  # RECEIVE_DELAY2 and the window itself
_LONGEST: Final = 540
_OVERHEAD: Final = 13  # MHDR, DevAddr, FCtrl, FCnt, FPort, MIC


def airtime_ms(size: int, data_rate: int) -> float:
    """Milliseconds on the air of an uplink with so many application bytes; 125 kHz, CR 4/5, explicit header, CRC.

    Semtech SX1276 data sheet, 4.1.1.7; low data rate optimisation at SF11 and SF12.
    """
    factor = 12 - min(data_rate, 5)
    symbol_ms = float(1 << factor) / 125
    slow = 1 if factor >= 11 else 0
    bits = 8 * (size + _OVERHEAD) - 4 * factor + 28 + 16
    symbols = 8 + max(math.ceil(bits / (4 * (factor - 2 * slow))) * 5, 0)
    return (8 + 4.25 + symbols) * symbol_ms


@dataclass(frozen=True, slots=True)
class Sent:
    """One transmission."""

    data_rate: int
    port: int
    payload: bytes
    airtime_ms: float


@dataclass(slots=True)
class Faults:
    """What is to go wrong, from now on."""

    hang: bool = False  # no answer to anything
    lose_uplinks: int = 0  # so many more frames that no gateway hears
    lose_downlinks: int = 0
    no_coverage: bool = False  # no join, no uplink arrives
    mac_bytes: int = 0  # waiting MAC answers: they go first and take room once
    duty_ms: int = 0  # the next send must wait for so long
    noise: bool = False  # garbage before each answer
    interleave: bool = False  # an event between a command and its answer
    echo: bool = False


@dataclass(slots=True)
class _Module:
    """What the module keeps in its flash."""

    values: dict[str, str] = field(
        default_factory=lambda: {
            "NWM": "1",
            "NJM": "1",
            "BAND": "4",
            "CLASS": "A",
            "CFM": "0",
            "ADR": "1",
            "DR": "0",
            "DEVEUI": "AC1F09FFFE05A1B2",
            "APPEUI": "0000000000000000",
            "APPKEY": "00000000000000000000000000000000",
            "LPM": "0",
            "LPMLVL": "1",
        }
    )
    joined: bool = False
    frame_counter: int = 0


class SimulatedRak3172:
    """`dwell`: whether the network's 400 ms limit holds. `app_key`: which key the network server knows (hex)."""

    def __init__(
        self,
        network: NetworkServer,
        *,
        app_key: str,
        dwell: bool = True,
        speed: float = 1.0,
        trace: Callable[[str, bytes], None] = lambda way, words: None,
    ) -> None:
        self.line = SerialLine()
        self.faults = Faults()
        self.sent: list[Sent] = []
        self.joins = 0
        self.written: list[str] = []  # settings that the button wrote
        self._network = network
        self._app_key = app_key.upper()
        self._dwell = dwell
        self.speed = speed
        self.asleep_until = 0.0
        self._trace = trace
        self._module = _Module()
        self._busy_until = 0.0
        self._last = (0, b"")
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._order = 0
        self._thread = threading.Thread(target=self._run, name="simulated RAK3172", daemon=True)

    @property
    def joined(self) -> bool:
        return self._module.joined

    @property
    def dev_eui(self) -> str:
        return self._module.values["DEVEUI"].lower()

    def limit(self) -> int:
        """Application bytes at the present data rate."""
        return (_AS923_DWELL if self._dwell else _AS923)[int(self._module.values["DR"])]

    def choose_data_rate(self, data_rate: int) -> None:
        """The network orders another data rate (LinkADRReq)."""
        self._module.values["DR"] = str(data_rate)

    def power_cycle(self) -> None:
        """As ATZ, or the power gone for a moment: the session is lost."""
        self._agenda.clear()
        self._module.joined = False
        self._busy_until = 0.0
        self.line.write(b"\x00\xff\x13RAKwireless RAK3172\r\nCurrent Work Mode: LoRaWAN.\r\n")

    # The line

    def _run(self) -> None:
        held = b""
        while not self._stop.is_set():
            with self._lock:
                now = time.monotonic()
                due = [item for item in self._agenda if item[0] <= now]
                self._agenda = [item for item in self._agenda if item[0] > now]
            for _, _, what in sorted(due, key=lambda item: item[:2]):
                what()
            heard = self.line.read(0.005)
            if not heard:
                continue
            self._trace(">", heard)
            if time.monotonic() < self.asleep_until:
                self.asleep_until = 0.0  # what wakes it is lost
                held = b""
                continue
            *lines, held = re.split(rb"\r\n|\r|\n", held + heard)
            held = held[-_LONGEST:]
            for line in lines:
                if line:
                    self._command(line.decode("ascii", "replace"))

    def _say(self, text: str) -> None:
        words = f"{text}\r\n".encode("ascii")
        self._trace("<", words)
        self.line.write(words)

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        with self._lock:
            self._order += 1
            self._agenda.append((time.monotonic() + seconds / self.speed, self._order, what))

    def _command(self, line: str) -> None:
        if self.faults.hang:
            if line == "ATZ":
                self.faults.hang = False
                self.power_cycle()
            return
        if self.faults.echo:
            self._say(line)
        if self.faults.noise:
            self.line.write(b"\x80\x81noise\xfe\r\n")
        if self.faults.interleave:
            self._say("+EVT:LINKCHECK:0:20:1:-80:7")
        name, equals, value = line.partition("=")
        if line == "AT":
            self._say("OK")
        elif line == "ATZ":
            self.power_cycle()
        elif name == "AT+SLEEP":
            self._sleep(value)
        elif not name.startswith("AT+") or not equals:
            self._say("AT_COMMAND_NOT_FOUND")
        elif name == "AT+JOIN":
            self._join(value)
        elif name == "AT+SEND":
            self._send(value)
        elif value == "?":
            self._tell(name)
        else:
            self._set(name[3:], value)

    def _tell(self, name: str) -> None:
        values = self._module.values
        known = {"NJS": str(int(self._module.joined)), "VER": "RUI_4.1.1_RAK3172-E", **values}
        known["RECV"] = f"{self._last[0]}:{self._last[1].hex().upper()}"
        if name[3:] not in known:
            self._say("AT_COMMAND_NOT_FOUND")
            return
        self._say(f"{name}={known[name[3:]]}")
        self._say("OK")

    def _set(self, name: str, value: str) -> None:
        forms = {
            "NWM": "[01]",
            "NJM": "[01]",
            "BAND": "[0-9]|1[0-2]",
            "CLASS": "[ABC]",
            "CFM": "[01]",
            "ADR": "[01]",
            "DR": "[0-7]",
            "DEVEUI": "[0-9A-Fa-f]{16}",
            "APPEUI": "[0-9A-Fa-f]{16}",
            "APPKEY": "[0-9A-Fa-f]{32}",
            "LPM": "[01]",
            "LPMLVL": "[12]",
        }
        if name not in forms:
            self._say("AT_COMMAND_NOT_FOUND")
        elif not re.fullmatch(forms[name], value) or (name == "DR" and self._dwell and int(value) < 2):
            self._say("AT_PARAM_ERROR")
        else:
            self._module.values[name] = value.upper()
            self.written.append(name)
            self._say("OK")

    def _sleep(self, value: str) -> None:
        """AT+SLEEP=<ms>, or without a time until something is heard; the session is kept."""
        if value and not re.fullmatch(r"\d{1,10}", value):
            self._say("AT_PARAM_ERROR")
            return
        self._say("OK")
        self.asleep_until = time.monotonic() + int(value) / 1000 / self.speed if value else math.inf

    # The air

    def _is_busy(self) -> bool:
        return time.monotonic() < self._busy_until

    def _on_air(self, seconds: float) -> None:
        self._busy_until = time.monotonic() + seconds / self.speed

    def _join(self, value: str) -> None:
        if not re.fullmatch(r"[01](:[01](:\d{1,3}(:\d{1,3})?)?)?", value):
            self._say("AT_PARAM_ERROR")
            return
        if self._is_busy():
            self._say("AT_BUSY_ERROR")
            return
        self.joins += 1
        self._module.joined = False
        self._on_air(_JOIN_S)
        self._say("OK")
        values = self._module.values
        hears = not self.faults.no_coverage and values["APPKEY"] == self._app_key and values["BAND"] == "9"

        def outcome() -> None:
            if hears:
                self._module.joined = True
                self._module.frame_counter = 0
                self._say("+EVT:JOINED")
            else:
                self._say("+EVT:JOIN_FAILED_RX_TIMEOUT")

        self._later(_JOIN_S, outcome)

    def _send(self, value: str) -> None:
        form = re.fullmatch(r"(\d{1,3}):((?:[0-9A-Fa-f]{2}){1,250})", value)
        if form is None or not 1 <= int(form[1]) <= 223:
            self._say("AT_PARAM_ERROR")
        elif not self._module.joined:
            self._say("AT_NO_NETWORK_JOINED")
        elif self.faults.duty_ms:
            self._say(f"Restricted_Wait_{self.faults.duty_ms}_ms")
            self._say("AT_BUSY_ERROR")
            self._later(self.faults.duty_ms / 1000, lambda: setattr(self.faults, "duty_ms", 0))
        elif self._is_busy():
            self._say("AT_BUSY_ERROR")
        else:
            payload = bytes.fromhex(form[2])
            fits = len(payload) <= self.limit() - self.faults.mac_bytes
            self._transmit(int(form[1]) if fits else 0, payload if fits else b"")
            self._say("OK" if fits else "AT_PARAM_ERROR")

    def _transmit(self, port: int, payload: bytes) -> None:
        module, data_rate = self._module, int(self._module.values["DR"])
        on_air = airtime_ms(len(payload) + self.faults.mac_bytes, data_rate)
        self.faults.mac_bytes = 0
        self.sent.append(Sent(data_rate, port, payload, on_air))
        counter = module.frame_counter
        module.frame_counter += 1
        self._on_air(on_air / 1000 + _WINDOWS_S)
        arrives = not self.faults.no_coverage
        if arrives and self.faults.lose_uplinks > 0:
            self.faults.lose_uplinks -= 1
            arrives = False

        def end_of_uplink() -> None:
            if arrives:
                self._network.uplink(self.dev_eui, port, payload, data_rate, counter)

        def windows_over() -> None:
            again = False
            if arrives:
                answer = self._network.downlink(self.dev_eui)
                if answer is not None:
                    again = self._network.waiting(self.dev_eui)
                    if self.faults.lose_downlinks > 0:
                        self.faults.lose_downlinks -= 1
                    else:
                        self._last = answer
                        self._say(f"+EVT:RX_1:-70:8:UNICAST:{answer[0]}:{answer[1].hex()}")
            self._say("+EVT:TX_DONE")
            if again:
                # FramePending: the module fetches the rest by itself, with empty frames.
                self._later(0.1, lambda: None if self._is_busy() else self._transmit(0, b""))

        self._later(on_air / 1000, end_of_uplink)
        self._later(on_air / 1000 + _WINDOWS_S, windows_over)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        self.line.close()

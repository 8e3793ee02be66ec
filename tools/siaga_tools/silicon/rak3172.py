"""A simulated RAK3172 with RUI3 firmware on a serial line, in range of a network server that speaks ChirpStack's JSON.

It behaves as RAK-STM32-RUI (component/service) and logs of real modules do: the same output, events in between, an
empty frame and AT_PARAM_ERROR for a payload that does not fit, busy until its receive windows are over. As the stack
does it applies AS923's dwell-time limit until the network lifts it. What it has transmitted, with times on the air, is
in `sent`. Time runs `speed` times faster.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from siaga_tools.silicon.lorawan_airtime import Transmission, airtime_ms, payload_limit
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.pty_line import PtyLine
from siaga_tools.silicon.rak3172_state import FORMS, ModuleFaults, ModuleMemory

_JOIN_S: Final = 6.0
_WINDOWS_S: Final = 2.2  # RECEIVE_DELAY2 and the window itself
_BOOT_S: Final = 0.3
_DOZES_S: Final = 0.005  # with LPM=1, after the last byte; in host time, as it is shorter than any pause
_LONGEST: Final = 540
# Versions that do not report the end of an unconfirmed uplink; 4.0.2 stands for the tag of April 2023, which does.
_NO_TX_DONE: Final = re.compile(r"[0-3]\.|4\.0\.[013]")


class SimulatedRak3172:
    """The module.

    dwell: whether the network wants the 400 ms limit
    tells_dwell: whether it says so (TxParamSetupReq); a ChirpStack with default settings does not
    app_key, version: the key that the network server knows (hex); of RUI3
    """

    def __init__(
        self,
        network: NetworkServer,
        *,
        app_key: str,
        dwell: bool = True,
        tells_dwell: bool = True,
        version: str = "4.1.1",
        speed: float = 1.0,
        trace: Callable[[str, bytes], None] = lambda way, words: None,
    ) -> None:
        self.line = PtyLine()
        self.faults = ModuleFaults()
        self.sent: list[Transmission] = []
        self.joins = 0
        self.resets = 0  # by its RST line
        self.written: list[str] = []  # settings that the button wrote
        self.version = version
        self._network = network
        self._app_key = app_key.upper()
        self._dwell = dwell
        self._tells_dwell = tells_dwell
        self.speed = speed
        self.asleep_until = 0.0
        self._trace = trace
        self._module = ModuleMemory()
        self._busy_until = 0.0
        self._awake_until = 0.0
        self._deaf_until = 0.0
        self._restricted_until = 0.0
        self._in_reset = False
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

    @property
    def sleeps(self) -> bool:
        """Return whether it sleeps when idle."""
        return self._module.values["LPM"] == "1"

    def limit(self) -> int:
        """Return the application bytes at the present data rate."""
        return payload_limit(self._module.data_rate, self._module.uplink_dwell) - self.faults.room

    def choose_data_rate(self, data_rate: int) -> None:
        """Have the network order another data rate (LinkADRReq)."""
        self._module.data_rate = data_rate

    def keep(self, **values: str) -> None:
        """Set values in its flash, as if somebody had set them before."""
        self._module.values.update(values)
        self._module.data_rate = int(self._module.values["DR"])

    def receive_p2p(self) -> None:
        """Leave it in P2P mode, listening."""
        self._module.values["NWM"] = "0"
        self._module.p2p_receives = True

    def power_cycle(self) -> None:
        """Restart it, as by ATZ or a short power cut: the session is lost."""
        with self._lock:
            self._agenda.clear()
        module = self._module
        module.joined = module.p2p_receives = False
        module.uplink_dwell = True
        module.data_rate = int(module.values["DR"])
        self.faults.hang = self.faults.hang_hard = self._in_reset = False
        self._busy_until = 0.0
        self._deaf_until = time.monotonic() + _BOOT_S / self.speed

        def started() -> None:
            mode = "LoRaWAN" if module.values["NWM"] == "1" else "P2P"
            self.line.write(b"\x00\xff\x13RAKwireless RAK3172-E Example\r\n")
            self._say("-" * 54)
            self._say(f"Version: RUI_{self.version}_RAK3172-E")
            self._say(f"Current Work Mode: {mode}.")

        self._later(_BOOT_S, started)

    def lose_settings(self) -> None:
        """Cut its supply so that EUIs, key, mode and region are all zeros afterwards."""
        self.keep(DEVEUI="0" * 16, APPEUI="0" * 16, APPKEY="0" * 32, NWM="0", BAND="0")
        self.power_cycle()

    def reset_line(self, pulled: bool) -> None:
        """Pull its RST to ground, or release it."""
        if self._in_reset and not pulled:
            self.resets += 1
            self.power_cycle()
        self._in_reset = pulled

    # Line

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
                self.asleep_until = 0.0  # the bytes that wake it are lost
                held = b""
                continue
            if self._in_reset or time.monotonic() < self._deaf_until:
                held = b""
                continue
            if self.sleeps and time.monotonic() > self._awake_until:
                heard = b"\xc1" + heard[1:]  # the byte that wakes it is corrupted
            self._awake_until = time.monotonic() + _DOZES_S
            *lines, held = re.split(rb"\r\n|\r|\n", held + heard)
            held = held[-_LONGEST:]
            for line in lines:
                if line:
                    self._command(line.decode("ascii", "replace"))

    def _say(self, text: str) -> None:
        words = f"{text}\r\n".encode("ascii")
        self._trace("<", words)
        self.line.write(words)
        self._awake_until = time.monotonic() + _DOZES_S

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        with self._lock:
            self._order += 1
            self._agenda.append((time.monotonic() + seconds / self.speed, self._order, what))

    def _command(self, line: str) -> None:
        if self.faults.hang_hard or (self.faults.hang and line != "ATZ"):
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
            self._restart()
        elif name == "AT+SLEEP":
            self._sleep(value)
        elif not name.startswith("AT+") or not equals:
            self._say("AT_COMMAND_NOT_FOUND")
        elif name == "AT+NWM" and value != "?":
            self._change_mode(value)
        elif name == "AT+PRECV" and value != "?":
            self._receive(value)
        elif self._module.values["NWM"] != "1" and name != "AT+NWM":
            self._say("AT_MODE_NO_SUPPORT")
        elif name == "AT+JOIN":
            self._join(value)
        elif name == "AT+SEND":
            self._send(value)
        elif value == "?":
            self._tell(name)
        else:
            self._set(name[3:], value)

    def _restart(self) -> None:
        if self.faults.restart_hangs:
            self.faults.restart_hangs = False
            self.faults.hang_hard = True
            return
        self.power_cycle()

    def _change_mode(self, value: str) -> None:
        if not re.fullmatch("[012]", value):
            self._say("AT_PARAM_ERROR")
        elif self._module.p2p_receives:
            self._say("P2P_RX_ON already, please disable P2P RX before setting.")
            self._say("AT_BUSY_ERROR")
        else:
            self._module.values["NWM"] = value
            self.written.append("NWM")
            if int(self.version[0]) >= 4:
                self._say("OK")
            self.power_cycle()

    def _receive(self, value: str) -> None:
        if self._module.values["NWM"] == "1":
            self._say("AT_MODE_NO_SUPPORT")
        else:
            self._module.p2p_receives = value != "0"
            self._say("OK")

    def _tell(self, name: str) -> None:
        values = self._module.values
        known = {"NJS": str(int(self._module.joined)), "VER": f"RUI_{self.version}_RAK3172-E", **values}
        if int(self.version[0]) >= 4:  # earlier versions: what was set, whatever the network has chosen since
            known["DR"] = str(self._module.data_rate)
        known["RECV"] = f"{self._last[0]}:{self._last[1].hex().upper()}"
        if name[3:] not in known:
            self._say("AT_COMMAND_NOT_FOUND")
            return
        self._say(f"{name}={known[name[3:]]}")
        self._say("OK")

    def _set(self, name: str, value: str) -> None:
        if name not in FORMS:
            self._say("AT_COMMAND_NOT_FOUND")
        elif not re.fullmatch(FORMS[name], value) or (name == "DR" and not self._allows(int(value))):
            self._say("AT_PARAM_ERROR")
        elif name == "DR" and self._is_busy():
            self._say("AT_ERROR")
        else:
            if name == "DR":
                self._module.data_rate = int(value)
            self._module.values[name] = value.upper()
            self.written.append(name)
            self._say("OK")

    def _allows(self, data_rate: int) -> bool:
        values = self._module.values
        return data_rate >= 2 or not self._module.uplink_dwell or values["BAND"] not in ("8", "9", "10", "11")

    def _sleep(self, value: str) -> None:
        """AT+SLEEP=<ms>, or without a time until a byte arrives; the session is kept."""
        if value and not re.fullmatch(r"\d{1,10}", value):
            self._say("AT_PARAM_ERROR")
            return
        self._say("OK")
        self.asleep_until = time.monotonic() + int(value) / 1000 / self.speed if value else math.inf

    # Air

    def _is_busy(self) -> bool:
        return time.monotonic() < self._busy_until

    def _on_air(self, seconds: float) -> None:
        self._busy_until = time.monotonic() + seconds / self.speed

    def _is_restricted(self) -> bool:
        """Return whether its duty cycle forbids sending; it then says so."""
        if self.faults.duty_ms:
            self._restricted_until = time.monotonic() + self.faults.duty_ms / 1000 / self.speed
            self.faults.duty_ms = 0
        left_ms = math.ceil((self._restricted_until - time.monotonic()) * 1000 * self.speed)
        if left_ms <= 0:
            return False
        self._say(f"Restricted_Wait_{left_ms}_ms")
        self._say("AT_BUSY_ERROR")
        return True

    def _join(self, value: str) -> None:
        if not re.fullmatch(r"[01](:[01](:\d{1,3}(:\d{1,3})?)?)?", value):
            self._say("AT_PARAM_ERROR")
            return
        if self._is_restricted():
            return
        if self._is_busy():
            self._say("AT_BUSY_ERROR")
            return
        self.joins += 1
        self._module.joined = False
        self._module.uplink_dwell = True
        self._on_air(_JOIN_S)
        self._say("OK")
        values = self._module.values
        hears = not self.faults.no_coverage and values["APPKEY"] == self._app_key and values["BAND"] == "9"

        def outcome() -> None:
            if hears:
                self.faults.session_lost = False
                self._module.joined = True
                self._module.frame_counter = 0
                self._module.data_rate = int(values["DR"])
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
        elif self._is_restricted():
            pass
        elif self._is_busy():
            self._say("AT_BUSY_ERROR")
        else:
            payload = bytes.fromhex(form[2])
            fits = len(payload) <= self.limit() - self.faults.mac_bytes
            self._transmit(int(form[1]) if fits else 0, payload if fits else b"")
            self._say("OK" if fits else "AT_PARAM_ERROR")

    def _transmit(self, port: int, payload: bytes) -> None:
        module, data_rate = self._module, self._module.data_rate
        if self.faults.restart_on_air:
            self.faults.restart_on_air = False
            self._later(0.1, self.power_cycle)
        on_air = airtime_ms(len(payload) + self.faults.mac_bytes, data_rate)
        self.faults.mac_bytes = 0
        self.sent.append(Transmission(data_rate, port, payload, on_air))
        counter = module.frame_counter
        module.frame_counter += 1
        self._on_air(on_air / 1000 + _WINDOWS_S)
        arrives = not self.faults.no_coverage and not self.faults.session_lost
        if arrives and self.faults.lose_uplinks > 0:
            self.faults.lose_uplinks -= 1
            arrives = False

        def end_of_uplink() -> None:
            if arrives:
                self._network.uplink(self.dev_eui, port, payload, data_rate, counter)

        def windows_over() -> None:
            again = False
            if arrives:
                if module.uplink_dwell and not self._dwell and self._tells_dwell:
                    module.uplink_dwell = False  # TxParamSetupReq; its answer is piggybacked on the next uplink
                    self.faults.mac_bytes += 1
                answer = self._network.downlink(self.dev_eui)
                if answer is not None:
                    again = self._network.waiting(self.dev_eui)
                    if self.faults.lose_downlinks > 0:
                        self.faults.lose_downlinks -= 1
                    else:
                        self._last = answer
                        self._say(f"+EVT:RX_1:-70:8:UNICAST:{answer[0]}:{answer[1].hex()}")
            if not _NO_TX_DONE.match(self.version):
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

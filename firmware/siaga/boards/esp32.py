"""What every ESP32 board has: the lamp, contacts, the battery's divider, the watchdog, and deep sleep.

On the original ESP32, pins can end deep sleep in two ways: ext0, one pin at one level, and ext1, any of several pins
being HIGH (or all of them LOW, which is of no use here). The modem's ring line pulses LOW and takes ext0 while the
modem sleeps; so contacts that wake have to read HIGH when active. Both are level-triggered: a case that is open already
is left out, else it would wake the chip for ever, and a press after the firmware's last sample ends the sleep as it
begins. Sources: ESP32 Technical Reference Manual 5.3, ESP-IDF Sleep Modes.
"""

import asyncio
import json
import sys
import time

import esp32
import machine

from micropython import const
from siaga.app import flash_records
from siaga.app.board import BUTTON, CASE, GUARD_MS, INPUT, MODEM, POWER, RESET, RESTART, SLEEP, TIMER, Board, EarlyEdges
from siaga.boards import internal_ram, wake_cause
from siaga.boards.esp32_wifi import Wifi
from siaga.boards.rtc import EPOCH, ChipRtc, Memory
from siaga.drivers import battery
from siaga.drivers.board_parts import Line, LorawanParts
from siaga.drivers.indicator import FIRST, SECOND, Lamp

_SETTINGS = "/settings.json"  # where an installer's tool puts it: mpremote cp settings.json :settings.json
_READINGS = 16
_LONGEST = 256
_PAUSE_MS = 10000
_LOOK_MS = 50
_LONGEST_LEFT_OUT = 96
# RTC_CNTL_STORE0, a general-purpose word: ESP-IDF's soc/rtc_cntl_reg.h. Its rom/rtc.h for this chip has it as reserved,
# and uses for STORE1 to 7. That it survives resets, and nothing else writes it, was not tried on silicon.
_STORE = const(0x3FF4804C)


class PinLamp(Lamp):
    """LED, passive buzzer and vibration motor, each on while its pin is HIGH. second: the pin of the LED's other colour
    or of another LED; -1 = there is none."""

    def __init__(self, led: int, buzzer: int, motor: int, second: int = -1) -> None:
        self._led = machine.Pin(led, machine.Pin.OUT, value=0)
        self._second: "machine.Pin | None" = None
        if second >= 0:
            self._second = machine.Pin(second, machine.Pin.OUT, value=0)
            self.colours = 2
        self._motor = machine.Pin(motor, machine.Pin.OUT, value=0)
        self._buzzer = machine.PWM(machine.Pin(buzzer), freq=1000, duty_u16=0)

    def set(self, light: int, tone_hz: int, vibration: bool) -> None:
        self._led.value(light == FIRST)
        if self._second is not None:
            self._second.value(light == SECOND)
        self._motor.value(vibration)
        if tone_hz:
            self._buzzer.freq(tone_hz)
        self._buzzer.duty_u16(32768 if tone_hz else 0)


class Contact:
    """A switch on a pin, with an external resistor that holds the other level. level: what the pin reads while the
    switch is active: pressed, case open, mains there."""

    def __init__(self, number: int, level: int, pull: int = -1) -> None:
        self.number = number
        self.level = level
        self.pin = machine.Pin(number, machine.Pin.IN, pull)

    def acts(self) -> bool:
        return self.pin.value() == self.level


class OutLine(Line):
    """An active-HIGH output that keeps its level through resets and deep sleep until changed: the pad is held all the
    time.

    level: at the start; it is set before the hold is released
    """

    def __init__(self, number: int, level: int = 0) -> None:
        self._pin = machine.Pin(number, machine.Pin.OUT, value=level, hold=True)  # type: ignore[call-arg]

    def value(self, on: int) -> None:
        self._pin.value(on)
        self._pin.init(hold=True)  # type: ignore[call-arg]  # lets the new level through


class PulledLine(Line):
    """An output that pulls a line to ground when active and is open otherwise, as it is while the chip starts or
    sleeps: the line needs a pull-up of its own."""

    def __init__(self, number: int) -> None:
        self._pin = machine.Pin(number, machine.Pin.OPEN_DRAIN, value=1)

    def value(self, on: int) -> None:
        self._pin.value(not on)


class ChipBoard(Board):
    """What a board file fills in, before anything else is called.

    button, case, alarm (the external input), mains: each a Contact
    cell: the battery behind two equal resistors
    ring: the modem's ring line
    lorawan_pins: (tx, rx) of UART 2 and the reset, for a module that the settings may name
    before_ticks_ms: how long inputs went unsampled before the chip's clock started
    """

    folder = "/siaga-state"
    ring: "machine.Pin | None" = None
    lorawan_pins = (-1, -1, -1)
    # From power-on or wake-up to the chip's own ticks: ESP-IDF tests the PSRAM at each start.
    before_ticks_ms = 540

    def __init__(
        self, lamp: PinLamp, button: Contact, case: Contact, alarm: Contact, mains: Contact, cell: int
    ) -> None:
        rtc = machine.RTC()
        self._memory = Memory(rtc)
        self._wifi = Wifi()
        super().__init__(ChipRtc(rtc, self._memory), lamp, self._wifi)
        self.button = button
        self.case = case
        self.alarm = alarm
        self.mains = mains
        self._cell_pin = cell
        self._watchdog: "machine.WDT | None" = None
        self._undecided = False
        self._marked = 0
        try:
            self._causes = self._why()
        except Exception as error:  # doubt decides for the alarm
            sys.print_exception(error)
            self._causes = (BUTTON,) if machine.reset_cause() == machine.DEEPSLEEP_RESET else (RESET,)

    def _why(self) -> "tuple[str, ...]":
        cause = machine.reset_cause()
        if cause == machine.DEEPSLEEP_RESET:
            return self._woken(wake_cause.read()) or (TIMER,)
        first = POWER if cause == machine.PWRON_RESET else RESET
        if first == RESET:
            self._marked = machine.mem32[_STORE]
        latch = _latch()
        if latch is None or not latch.state:
            return (first,)
        # A wake that an earlier start did not get to decide about; all but the manual causes are past.
        hand = [word for word in self._woken(wake_cause.Wake(latch.state, latch.status)) if word in (BUTTON, INPUT)]
        return (first,) + tuple(hand)

    def _woken(self, woke: wake_cause.Wake) -> "tuple[str, ...]":
        causes = []
        for contact, word in ((self.button, BUTTON), (self.alarm, INPUT), (self.case, CASE)):
            if contact.number in woke.pins or (woke.ext0 and not contact.level):
                causes.append(word)
        if woke.ext0 and self.button.level:
            causes.append(MODEM)
        if woke.timer:
            causes.append(TIMER)
        if woke.ext1 and not woke.pins:
            causes.insert(0, BUTTON)  # the pin is not reported: doubt decides for the alarm
        return tuple(causes)

    def tell(self, event: str, facts: "dict[str, object]") -> None:
        line: "dict[str, object]" = {"t": self.stamp_ms(), "ev": event}
        line.update(facts)
        print(json.dumps(line))

    def stamp_ms(self) -> int:
        ahead_s = self._memory.ahead_s if self._memory.is_set else 0
        return time.time_ns() // 1000000 + (EPOCH - ahead_s) * 1000

    def causes(self) -> "tuple[str, ...]":
        return self._causes

    def awake_ms(self) -> int:
        return self.before_ticks_ms + time.ticks_ms()  # type: ignore[return-value, operator]  # from the chip's start

    def early(self) -> "EarlyEdges | None":
        latch = _latch()
        if latch is None:
            return None
        latch.end()
        here = [line.number for line in latch.lines]
        if here != [self.button.number, self.alarm.number]:
            what = (
                "/board.txt names other contacts than this board's button and input: what the hand does before the "
                "firmware is loaded counts only as far as the wake tells it"
            )
            self.tell("error", {"what": what})
            return None
        ahead = self.before_ticks_ms
        early = EarlyEdges([])
        for line in latch.lines:
            early.lines.append((line.acts, line.first_ms + ahead, [(ms + ahead, acts) for ms, acts in line.edges]))
        early.before_ms, early.held_ms, early.lost = latch.before_ms, latch.earlier_ms, latch.lost
        if latch.lost and machine.reset_cause() == machine.WDT_RESET:
            early.held_ms = GUARD_MS  # nobody sampled when that hold ended: doubt decides for the alarm
        if BUTTON in self._causes[1:]:  # a hold of an earlier start, unsampled for as long
            early.before_ms += ahead if early.before_ms else 0
            early.held_ms += ahead if early.held_ms else 0
        return early

    def note_hold(self, undecided: bool) -> None:
        self._undecided = undecided
        latch = _latch()
        if latch is not None:
            latch.note(undecided)

    def kept(self) -> bytes:
        return self._memory.record

    def keep(self, record: bytes) -> None:
        if len(record) > _LONGEST:
            raise ValueError("a record of %d bytes is longer than %d" % (len(record), _LONGEST))
        self._memory.record = record
        self._memory.write()

    def lack(self) -> str:
        try:
            return internal_ram.lack()
        except Exception:  # a failed query stops no press
            return ""

    def memory(self) -> "tuple[int, int, int] | None":
        try:
            return internal_ram.internal()
        except Exception:
            return None

    def pressed(self) -> bool:
        return self.button.acts()

    def alarm_input(self) -> bool:
        return self.alarm.acts()

    def tamper_open(self) -> bool:
        return self.case.acts()

    def external_power(self) -> bool:
        return self.mains.acts()

    def _cell(self) -> machine.ADC:
        """Return the ADC of the cell. Raises OSError, as its read_uv() does on an uncalibrated chip."""
        return machine.ADC(machine.Pin(self._cell_pin), atten=machine.ADC.ATTN_11DB)

    def battery(self) -> "int | None":
        cell = self._cell()
        return battery.percent(battery.typical([cell.read_uv() for _ in range(_READINGS)]) * 2 // 1000)

    def noise(self) -> bytes:
        try:
            self._wifi.switch_on()  # with the radio off, the chip's random source is only pseudo-random
        except OSError:
            pass
        time.sleep_ms(100)
        cell = self._cell()
        readings = "".join(str(cell.read_u16()) for _ in range(32))  # read_uv() needs a calibration
        return machine.unique_id() + readings.encode()

    def offered_settings(self) -> "bytes | None":
        try:
            return flash_records.read_file(_SETTINGS)
        except OSError as error:
            self.tell("error", {"what": "%s cannot be read: %s" % (_SETTINGS, error)})
            return None

    def use(self, settings: "Settings") -> None:
        self._wifi.use(settings.wifi_ssid, settings.wifi_password)
        if settings.lorawan_app_key and self.lorawan is None and self.lorawan_pins[0] >= 0:
            tx, rx, reset = self.lorawan_pins
            self.lorawan = LorawanParts(uart(2, tx, rx), PulledLine(reset) if reset >= 0 else None)

    def feed(self) -> None:
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=GUARD_MS)  # the one already running
        self._watchdog.feed()

    def mark(self, call: int) -> None:
        machine.mem32[_STORE] = call

    def marked(self) -> int:
        return self._marked

    def left_out(self) -> bytes:
        return self._memory.left_out

    def leave_out(self, record: bytes) -> None:
        self._memory.left_out = record[:_LONGEST_LEFT_OUT]
        self._memory.write()

    async def surroundings(self) -> None:
        while True:
            await asyncio.sleep(3600)

    def rest(self) -> None:
        """Do what `ended` asks for. The chip restarts afterwards, whatever it was."""
        if self.ended == SLEEP:
            self._sleep()
        if self.ended != RESTART:
            self._pause()
        machine.reset()

    def _pause(self) -> None:
        """Pause after a firmware failure. A press ends it: the hold continues through the reset."""
        was = self.pressed() and not self._undecided
        for _ in range(_PAUSE_MS // _LOOK_MS):
            now = self.pressed()
            if now and not was:
                self.note_hold(True)
                return
            was = now
            time.sleep_ms(_LOOK_MS)

    def _sleep(self) -> None:
        self._wifi.switch_off()
        low = self.ring if self.modem_sleeps else None
        high = []
        for contact in (self.button, self.alarm) if self.case.acts() else (self.button, self.alarm, self.case):
            if contact.level:
                high.append(contact.pin)
            else:
                low = contact.pin
        esp32.wake_on_ext0(low, False)
        esp32.wake_on_ext1(high, esp32.WAKEUP_ANY_HIGH)
        # Pads that the chip does not hold by itself (GPIO5) are held in deep sleep only with this.
        esp32.gpio_deep_sleep_hold(True)  # type: ignore[attr-defined]
        machine.deepsleep(max(self.sleep_ms, 1))


def _latch() -> "Latch | None":
    """Return what the loader's first lines started."""
    module = sys.modules.get("siaga_latch")
    return None if module is None else module.latch


def uart(number: int, tx: int, rx: int, baud: int = 115200) -> machine.UART:
    """Return a serial line as the drivers need it: a stream with non-blocking reads."""
    return machine.UART(number, baudrate=baud, tx=tx, rx=rx, timeout=0, rxbuf=1024, txbuf=512)


def once(board: ChipBoard) -> "Iterator[ChipBoard]":
    """Yield the one board; when it is done, do what its `ended` asks for."""
    yield board
    board.rest()


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from siaga_latch import Latch

    from siaga.app.settings import Settings

"""A simulated SIMCom A7670E on a serial line: power, SIM, network, GNSS, and the faults that real ones have.

It speaks the bytes of the real one's AT commands (SIMCom A76XX AT Command Manual V1.09), with its defaults, so that a
button that forgets to ask for verification or for MQTT 3.1.1 does not get it. MQTT goes to a real broker
(modem_mqtt.py), messages into and out of folders (modem_sms.py), calls to a far end (modem_voice.py). `pace` shortens
every documented time alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import select
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from siaga_tools.silicon import paced
from siaga_tools.silicon.modem_faults import STRAY, Fault
from siaga_tools.silicon.modem_general import NUMBERS, ModemGeneral
from siaga_tools.silicon.modem_http import ModemHttp
from siaga_tools.silicon.modem_mqtt import ModemMqtt
from siaga_tools.silicon.modem_radio import ModemRadio
from siaga_tools.silicon.modem_sim import ModemSim, Sim
from siaga_tools.silicon.modem_sms import ModemSms
from siaga_tools.silicon.modem_voice import ModemVoice
from siaga_tools.silicon.modem_words import Command, Refused, parse
from siaga_tools.silicon.serial_line import SerialLine

# Seconds, from logs of an A7670E: *ATREADY 10 to 14 s after the power key, registered after 16 s.
BOOT_S = 12.0
POWER_KEY_ON_S = 0.05
POWER_KEY_OFF_S = 2.5
RESET_S = 1.9
# AT+CSCLK=1 with DTR high: the serial line sleeps after so long without a byte, and needs so long after DTR went low.
DOZE_S = 10.0
AWAKE_S = 0.05
_SOON_S = 0.003
_LOOK_S = 0.02


class A7670:
    """Runs in a thread of its own while it is entered. `path` is what the button opens; `pins` takes the board's lines
    as text, "power_key 1" and the like (power_key, reset, supply, dtr, flight; 1 = acting, for dtr: it may sleep, for
    flight: the radio may be on); press_line() does the same. `asked`: the commands so far. `place`: latitude and
    longitude, degrees; None = no fix. model: with SIM7600 in it, it is one of those (SIM7600 AT Command Manual V3.00):
    other greetings, GNSS commands and limits. `on_ring(low)` is told the level of its RI line, in its own thread."""

    def __init__(
        self, folder: Path, *, pace: float = 1.0, sim: Sim | None = None, model: str = "A7670E-FASE", seed: int = 1
    ) -> None:
        self.pace = pace
        self.model = model
        self.sim = sim or Sim()
        self.faults: set[Fault] = set()
        self.place: tuple[float, float] | None = None
        self.asked: list[str] = []
        self.boots = 0
        self.files: dict[str, bytes] = {}
        self.line = SerialLine()
        self.pins = SerialLine()
        self.path = self.line.path
        self.chance = random.Random(seed)  # noqa: S311  # for faults, not for secrets
        self.general = ModemGeneral(self)
        self.card = ModemSim(self)
        self.radio = ModemRadio(self)
        self.mqtt = ModemMqtt(self)
        self.http = ModemHttp(self)
        self.sms = ModemSms(self, folder)
        self.on_ring: Callable[[bool], None] | None = None
        self.flight_allows = True
        self._at_work = 0
        self._stirred_s = 0.0
        self.voice = ModemVoice(self)
        self._key_down = 0.0
        self._key_acts = False
        self._reset_timer: asyncio.TimerHandle | None = None
        self._dtr = False
        self._supplied = True
        self._on = False
        self._life: asyncio.Task[None] | None = None
        self._input: asyncio.Queue[bytes] = asyncio.Queue()
        self._rest = b""
        self._pin_text = b""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulated A7670", daemon=True)
        self._forget()

    def _forget(self) -> None:
        """What a start resets."""
        self.general.reset()
        self._heard_s = self._awake_s = 0.0
        self.card.reset()
        self.radio.reset()
        self.http.reset()
        self._rest = b""
        self._input = asyncio.Queue()

    # For whoever holds it; all of these may be called from any thread.

    def do(self, what: Callable[[], None]) -> None:
        """Something that happens to it, in its own thread; returns when it has."""
        done: Future[None] = Future()

        def step() -> None:
            try:
                what()
                done.set_result(None)
            except Exception as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(step)
        done.result(10)

    def power_on(self) -> None:
        self.do(self._start)

    def press_line(self, name: str, acts: bool) -> None:
        """One of the board's lines, as through `pins`; does not wait, so any thread may call it."""
        self.stir()
        self._loop.call_soon_threadsafe(self._pin, name, acts)

    def is_asleep(self) -> bool:
        """Whether its serial line is: registered and connected, it hears nothing there."""
        quiet_s = self._loop.time() - self._heard_s
        return self._on and self.general.sleep_mode == 1 and self._dtr and quiet_s >= DOZE_S * self.pace

    @property
    def is_on(self) -> bool:
        return self._on

    def brown_out(self) -> None:
        """Its voltage dips: it starts anew by itself."""
        self.do(self.restart)

    def drop_connection(self, cause: int = 1) -> None:
        """The broker's connection is lost."""
        self.do(lambda: self.mqtt.lose(cause))

    def drop_network(self) -> None:
        self.do(self.mqtt.lose_network)

    def say(self, words: bytes) -> None:
        """Whatever bytes, unasked."""
        self.do(lambda: self.line.write(words))

    def fail(self, *faults: Fault) -> None:
        self.do(lambda: self.faults.update(faults))

    def heal(self) -> None:
        self.do(self.faults.clear)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.do(self.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self.line.close()
        self.pins.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.add_reader(self.line.fileno(), self._hear)
        self._loop.add_reader(self.pins.fileno(), self._feel)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))

    # Power.

    def _feel(self) -> None:
        self._pin_text += self.pins.read(0)
        *lines, self._pin_text = self._pin_text.split(b"\n")
        for line in lines:
            name, _, level = line.decode("ascii", "replace").strip().partition(" ")
            self._pin(name, level == "1")

    def _pin(self, name: str, acts: bool) -> None:
        if name == "supply":
            self._supplied = acts
            if not acts:
                self.stop()
        elif name == "reset":
            if self._reset_timer is not None:
                self._reset_timer.cancel()
                self._reset_timer = None
            if acts and self._on:
                self._reset_timer = self._loop.call_later(RESET_S * self.pace, self.restart)
        elif name == "dtr":
            if self.is_asleep() and not acts:
                self._awake_s = self._loop.time() + AWAKE_S * self.pace
            self._heard_s = self._loop.time()
            self._dtr = acts
        elif name == "flight":
            self.flight_allows = acts
        elif name == "power_key" and acts:
            self._key_acts = True
            self._key_down = self._loop.time()
        elif name == "power_key":
            self._key_acts = False
            held_s = self._loop.time() - self._key_down
            if not self._on and held_s >= POWER_KEY_ON_S * self.pace:
                self._start()
            elif self._on and held_s >= POWER_KEY_OFF_S * self.pace:
                self.stop()

    def restart(self) -> None:
        if Fault.HANG_HARD in self.faults:
            return
        self.stop()
        self._start()

    def stop(self) -> None:
        self._on = False
        self.faults -= {Fault.HANG, Fault.HANG_HARD}
        if self._life is not None:
            self._life.cancel()
            self._life = None
        self.mqtt.stop()
        self.voice.reset()

    def _start(self) -> None:
        if self._supplied and not self._on:
            self._on = True
            self.boots += 1
            self._forget()
            self._life = self._loop.create_task(self._live())

    async def wait(self, seconds: float) -> None:
        with self.working():
            await paced.sleep(seconds, lambda: self.pace)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that happens here; that alone is nothing under way."""
        while not holds():  # noqa: ASYNC110  # what it waits for is told by many
            await asyncio.sleep(_LOOK_S)

    def later(self, seconds: float, what: Callable[..., None], *arguments: object) -> None:
        """Do something after so many documented seconds."""

        def step() -> None:
            self._at_work -= 1
            what(*arguments)

        self._at_work += 1
        paced.call_later(seconds, lambda: self.pace, step)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Something is under way meanwhile."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    def stir(self) -> None:
        """Something has just happened here or on the network."""
        self._stirred_s = time.monotonic()

    def unsettled_s(self, quiet_s: float) -> float:
        """How long, in real seconds, to wait before asking again whether nothing is under way here: 0 = nothing, and
        for quiet_s there was nothing. From any thread."""
        ready, _, _ = select.select([self.line, self.pins], [], [], 0)
        pressed = self._key_acts or self._reset_timer is not None or not self._input.empty()
        if ready or pressed or self._at_work or self.radio.is_under_way():
            return _SOON_S
        return max(0.0, self._stirred_s + quiet_s - time.monotonic())

    async def _live(self) -> None:
        if Fault.NOISE in self.faults:
            self.line.write(bytes(self.chance.randrange(256) for _ in range(40)))
        await self.wait(BOOT_S)
        if self.greets:
            self.urc("RDY" if self.is_old else "*ATREADY: 1")
        lives = (self.card.live(), self._find_network(), self.sms.watch())
        later = [self._loop.create_task(each) for each in lives]
        try:
            while True:
                line = await self._next_line()
                with self.working():
                    await self._obey(line)
        finally:
            for task in later:
                task.cancel()

    async def _find_network(self) -> None:
        while True:
            self.radio.report()
            await asyncio.sleep(_LOOK_S)

    # Its words.

    def urc(self, line: str, payload: bytes | None = None) -> None:
        """A line, and what belongs to it, unasked."""
        if not self._on or self.is_hung():
            return
        words = b"\r\n" + line.encode("latin-1") + b"\r\n"
        if payload is not None:
            words += payload + b"\r\n"
        if Fault.NOISE in self.faults and self.chance.randrange(4) == 0:
            words = b"\r\n\x80\xfe\x01\x80\r\n" + words
        if Fault.STRAY_WORDS in self.faults and self.chance.randrange(2) == 0:
            words = b"\r\n" + self.chance.choice(STRAY) + b"\r\n" + words
        self.general.ring(line)
        self.line.write(words)

    def is_hung(self) -> bool:
        return bool(self.faults & {Fault.HANG, Fault.HANG_HARD})

    def _hear(self) -> None:
        got = self.line.read(0)
        if self.is_asleep() or self._loop.time() < self._awake_s:
            return
        self._heard_s = self._loop.time()
        if self._on and got and not self.is_hung():
            self._input.put_nowait(got)

    async def _more(self) -> None:
        self._rest += await self._input.get()

    async def _next_line(self) -> bytes:
        while b"\r" not in self._rest:
            self._rest = self._rest[-2048:]
            await self._more()
        line, _, self._rest = self._rest.partition(b"\r")
        return line

    async def ask(self, length: int | None) -> bytes:
        """The payload after a prompt: so many bytes, or up to Ctrl-Z. Raises Refused where an escape ends it."""
        self.line.write(b"\r\n>" if length is not None else b"\r\n> ")
        async with asyncio.timeout(60 * max(self.pace, 0.05)):
            if length is not None:
                while len(self._rest) < length:
                    await self._more()
                payload, self._rest = self._rest[:length], self._rest[length:]
                return payload
            while not any(end in self._rest for end in (b"\x1a", b"\x1b")):
                await self._more()
        at = min(self._rest.find(end) for end in (b"\x1a", b"\x1b") if end in self._rest)
        text, end, self._rest = self._rest[:at], self._rest[at], self._rest[at + 1 :]
        if end == 0x1B:
            raise Refused("OK")
        return text

    async def _obey(self, line: bytes) -> None:
        if self.general.echo:
            self.line.write(line + b"\r")
        text = line.decode("latin-1").strip("\n\x1b ").strip()
        at = text.find("AT")
        if at < 0:
            return
        command = parse(text[at:])
        self.asked.append(text[at:])
        await self.wait(0.01)
        final = "OK"
        self.general.obeying = True
        try:
            await self._handler(command)(command)
        except Refused as refused:
            final = refused.final
            words = final.removeprefix("+CME ERROR: ")
            if not self.general.says_words and words in NUMBERS:
                final = f"+CME ERROR: {NUMBERS[words]}"
        except (TimeoutError, IndexError, ValueError):  # no payload came, or a parameter is missing or wrong
            final = "ERROR"
        self.urc(final)
        self.general.obeying = False
        for late in (*self.mqtt.results(), *self.http.results()):
            self._at_work += 1
            self._loop.create_task(self._see_through(late))

    async def _see_through(self, late: Coroutine[Any, Any, None]) -> None:
        try:
            await late
        finally:
            self._at_work -= 1
            self.stir()

    def _handler(self, command: Command) -> Callable[[Command], Awaitable[None]]:
        for owner in (self.general, self.card, self.radio, self.mqtt, self.http, self.sms, self.voice):
            found = getattr(owner, "at_" + command.name.lower(), None)
            if found is not None:
                handler: Callable[[Command], Awaitable[None]] = found
                return handler
        raise Refused("ERROR")

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    @property
    def greets(self) -> bool:
        """Logs of A7608 and SIM7670G have no word of a start."""
        return not self.model.startswith(("A7608", "SIM7670"))

    @property
    def is_old(self) -> bool:
        return "SIM7600" in self.model

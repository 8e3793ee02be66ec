"""A simulated SIMCom A7670E on a serial line: power, SIM, network, GNSS, and the faults of real ones.

It speaks the real modem's AT commands byte for byte (SIMCom A76XX AT Command Manual V1.09), with its defaults, so that
a button that forgets to ask for verification or for MQTT 3.1.1 does not get it. MQTT goes to a real broker
(modem_mqtt.py), messages to and from folders (modem_sms.py), calls to a far end (modem_voice.py). `pace` scales every
documented time.
"""

from __future__ import annotations

import asyncio
import random
import select
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from siaga_tools.silicon.loop_thread import LoopThread
from siaga_tools.silicon.modem_activity import ModemActivity
from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.modem_general import ModemGeneral
from siaga_tools.silicon.modem_http import ModemHttp
from siaga_tools.silicon.modem_mqtt import ModemMqtt
from siaga_tools.silicon.modem_power import ModemPower
from siaga_tools.silicon.modem_radio import ModemRadio
from siaga_tools.silicon.modem_serial import ModemSerial
from siaga_tools.silicon.modem_sim import ModemSim, Sim
from siaga_tools.silicon.modem_sms import ModemSms
from siaga_tools.silicon.modem_speech import ModemSpeech
from siaga_tools.silicon.modem_voice import ModemVoice

# Seconds, from logs of an A7670E: *ATREADY 10 to 14 s after the power key, registered after 16 s.
BOOT_S = 12.0
_SOON_S = 0.003
_LOOK_S = 0.02


class A7670:
    """The modem; runs in its own thread while entered.

    path: what the button opens
    pins: takes the board's lines as text, "power_key 1" and the like (power_key, reset, supply, dtr, flight; 1 =
        active, for dtr: it may sleep, for flight: the radio may be on); press_line() does the same
    place: latitude and longitude, degrees; None = no fix
    model: with SIM7600 in it, it is one of those (SIM7600 AT Command Manual V3.00): other start-up messages, GNSS
        commands and limits
    on_ring(low): called with the level of its RI line, in its own thread
    power: its lines
    serial: its AT line
    activity: what is in progress

    There is one further part for each kind of command.
    """

    def __init__(
        self, folder: Path, *, pace: float = 1.0, sim: Sim | None = None, model: str = "A7670E-FASE", seed: int = 1
    ) -> None:
        self.pace = pace
        self.model = model
        self.sim = sim or Sim()
        self.faults: set[Fault] = set()
        self.place: tuple[float, float] | None = None
        self.files: dict[str, bytes] = {}
        self.on_ring: Callable[[bool], None] | None = None
        self._thread = LoopThread("simulated A7670")
        self.loop = self._thread.loop
        self.do = self._thread.do
        self.activity = ModemActivity(lambda: self.pace)
        self.wait = self.activity.wait
        self.later = self.activity.later
        self.power = ModemPower(self)
        self.pins = self.power.pins
        self.serial = ModemSerial(self, random.Random(seed))  # noqa: S311  # for faults, not for secrets
        self.line = self.serial.line
        self.path = self.line.path
        self.urc = self.serial.urc
        self.ask = self.serial.ask
        self.general = ModemGeneral(self)
        self.card = ModemSim(self)
        self.radio = ModemRadio(self)
        self.mqtt = ModemMqtt(self)
        self.http = ModemHttp(self)
        self.sms = ModemSms(self, folder)
        self.voice = ModemVoice(self)
        self.speech = ModemSpeech(self)
        self._life: asyncio.Task[None] | None = None
        self._forget()

    def _forget(self) -> None:
        """Reset what a start resets."""
        for part in (self.general, self.card, self.radio, self.http, self.serial):
            part.reset()

    # For the outside: all of these may be called from any thread.

    def plug_in_as(self, link: Path) -> None:
        """Give the port a name that goes with the modem, as /dev/serial/by-id has it: the system gives the number of a
        pseudo-terminal that was closed to the next one, whosesoever it is."""
        link.symlink_to(self.line.path)
        self.path = str(link)

    def unplug(self) -> None:
        """Take the port away; in the modem's own thread (`do`)."""
        if self.path != self.line.path:
            Path(self.path).unlink()
        self.line.close()

    def power_on(self) -> None:
        self.do(self.power.turn_on)

    def press_line(self, name: str, acts: bool) -> None:
        """Drive one of the board's lines, as through `pins`; does not wait."""
        self.activity.stir()
        self._thread.later(self.power.drive, name, acts)

    def is_asleep(self) -> bool:
        """Return whether its serial line sleeps: registered and connected, it receives nothing there."""
        return self.power.is_asleep()

    @property
    def is_on(self) -> bool:
        return self.power.is_on

    @property
    def asked(self) -> list[str]:
        """Return the commands so far."""
        return self.serial.asked

    @property
    def boots(self) -> int:
        """Return how often it started."""
        return self.power.boots

    def brown_out(self) -> None:
        """Dip the supply voltage: it restarts by itself."""
        self.do(self.power.restart)

    def drop_connection(self, cause: int = 1) -> None:
        """Lose the broker's connection."""
        self.do(lambda: self.mqtt.lose(cause))

    def drop_network(self) -> None:
        self.do(self.mqtt.lose_network)

    def say(self, words: bytes) -> None:
        """Send any bytes, unsolicited."""
        self.do(lambda: self.line.write(words))

    def fail(self, *faults: Fault) -> None:
        self.do(lambda: self.faults.update(faults))

    def heal(self) -> None:
        self.do(self.faults.clear)

    def unsettled_s(self, quiet_s: float) -> float:
        """Return how long, in real seconds, to wait before checking again whether it is idle: 0 = it is, and has been
        for quiet_s."""
        ready, _, _ = select.select([self.line, self.pins], [], [], 0)
        pressed = self.power.is_pressed or self.serial.is_waiting
        if ready or pressed or self.activity.is_at_work or self.radio.is_under_way():
            return _SOON_S
        return self.activity.quiet_in_s(quiet_s)

    def __enter__(self) -> Self:
        self.loop.add_reader(self.line.fileno(), self.serial.read)
        self.loop.add_reader(self.pins.fileno(), self.power.read_pins)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.do(self.power.turn_off)
        self._thread.stop()
        self.line.close()
        self.pins.close()

    # Lifecycle; for its parts, in its own thread.

    def begin(self) -> None:
        """Power came on."""
        self._forget()
        self._life = self.loop.create_task(self._live())

    def cease(self) -> None:
        """Power went off."""
        if self._life is not None:
            self._life.cancel()
            self._life = None
        self.mqtt.stop()
        self.voice.reset()
        self.speech.reset()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that happens here; waiting alone does not count as activity."""
        while not holds():  # noqa: ASYNC110  # what it waits for is told by many
            await asyncio.sleep(_LOOK_S)

    async def _live(self) -> None:
        self.serial.say_noise()
        await self.wait(BOOT_S)
        if self.greets:
            self.urc("RDY" if self.is_old else "*ATREADY: 1")
        lives = (self.card.live(), self._find_network(), self.sms.watch())
        later = [self.loop.create_task(each) for each in lives]
        try:
            await self.serial.obey_lines()
        finally:
            for task in later:
                task.cancel()

    async def _find_network(self) -> None:
        while True:
            self.radio.report()
            await asyncio.sleep(_LOOK_S)

    @property
    def greets(self) -> bool:
        """Return whether it sends start-up messages: logs of A7608 and SIM7670G show none."""
        return not self.model.startswith(("A7608", "SIM7670"))

    @property
    def is_old(self) -> bool:
        return "SIM7600" in self.model

"""The work bench that a simulated button lies on: what a person does with it, in words, and what is seen of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, Final

from siaga_gateway import catalogue
from siaga_tools.interpreter import check_micropython, find_firmware, find_micropython
from siaga_tools.signals import signal_meaning, signal_text
from siaga_tools.silicon.a7670 import A7670, Fault
from siaga_tools.silicon.gnss import Mood
from siaga_tools.silicon.modem_sms import Message, write_message
from siaga_tools.simulate.button import HEAP, WIFI, Audience, ButtonParts, Feedback, SimulatedButton, Traffic
from siaga_tools.simulate.chip import Life
from siaga_tools.simulate.house import LORAWAN_KEY, House
from siaga_tools.virtual_button import ButtonEvent
from siaga_tools.words import Trouble

HOME: Final = (-5.4292, 105.2613)  # the middle of Bandar Lampung
_TRACK_S: Final = 5.0
_STEP: Final = 0.0005  # degrees, some 50 m
_WIB: Final = timezone(timedelta(hours=7))
_LOG: Final = 400
_WAIT_S: Final = 300.0
_ENROL: Final = 6  # frame kind

# What may be typed for each act, in both languages.
_VERBS: Final = {
    "p": ("p", "press", "tekan"),
    "c": ("c", "cancel", "batal"),
    "d": ("d", "duress", "paksa"),
    "t": ("t", "test", "uji"),
    "k": ("k", "taps", "ketuk"),
    "case": ("case", "tutup"),
    "foot": ("foot", "kaki"),
    "battery": ("battery", "baterai"),
    "mains": ("mains", "listrik"),
    "wifi": ("wifi",),
    "net": ("net", "network", "jaringan"),
    "fix": ("fix", "posisi"),
    "fault": ("fault", "rusak"),
    "heal": ("heal", "pulih"),
    "sms": ("sms",),
    "call": ("call", "telepon"),
    "power": ("power", "daya"),
    "reset": ("reset",),
    "speed": ("speed", "kecepatan"),
    "skip": ("skip", "lompat"),
    "a": ("a", "answer", "jawab"),
    "at": ("at",),
    "heap": ("heap", "memori"),
    "wait": ("wait", "tunggu"),
    "l": ("l", "language", "bahasa"),
    "h": ("h", "help", "?", "bantuan"),
    "q": ("q", "quit", "keluar"),
}
_WORDS: Final = {word: verb for verb, words in _VERBS.items() for word in words}
_ON: Final = {
    "on": True,
    "off": False,
    "hidup": True,
    "mati": False,
    "open": True,
    "shut": False,
    "1": True,
    "0": False,
}


def text(key: str, language: str, **values: object) -> str:
    """`simulate.<key>` of the catalogue."""
    return catalogue.text(f"simulate.{key}", language, **values)


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    board: str
    language: str
    lorawan: bool = False
    settings: Path | None = None
    data: Path | None = None
    speed: float = 1.0
    at: bool = False
    micropython: str | None = None
    heap: str | None = None


@dataclass(frozen=True)
class Line:
    """A line of the log. weight: plain, good, wait, bad, faint."""

    at_us: int
    key: str
    weight: str
    values: Mapping[str, object]


class Bench(Audience):
    """start() it, obey() what is typed, stop() it; in one event loop. `changed` is called, from any thread, when there
    is something new to see; `log` and `traffic` are the newest."""

    def __init__(self, options: Options, changed: Callable[[], None]) -> None:
        self.options = options
        self.language = options.language
        self.changed = changed
        self.log: deque[Line] = deque(maxlen=_LOG)
        self.logged = 0
        self.traffic: deque[Traffic] = deque(maxlen=_LOG)
        self.shows_at = options.at
        self.feedback = Feedback()
        self.button: SimulatedButton | None = None
        self.house: House | None = None
        self.answered = False
        self.up: dict[str, bool] = {}
        self.battery = 100
        self.switches = {"case": False, "foot": False, "mains": False}
        self.on_line: Callable[[Line], None] = lambda line: None
        self.on_event_line: Callable[[ButtonEvent], None] = lambda event: None
        self.on_traffic_line: Callable[[Traffic], None] = lambda traffic: None
        self._folder: Path | None = None
        self._tracking: asyncio.Task[None] | None = None
        self._enrolling: asyncio.Task[None] | None = None

    # Its life.

    async def start(self) -> None:
        """Everything, until the button runs. Raises Trouble."""
        options = self.options
        micropython = find_micropython(options.micropython)
        await asyncio.to_thread(check_micropython, micropython)
        firmware = find_firmware().parent
        folder = self._folder = _folder(options.data)
        settings = _read_settings(options.settings)
        if options.settings is None:
            self.say("starting_house")
            self.house = House(folder, self.language, lorawan=options.lorawan)
            await self.house.start()
            settings = self.house.settings()
            if options.board == "esp32_devkit":
                settings["wifi_ssid"] = WIFI
            self.say("page", url=self.house.console_url)
        self.say("installing", board=options.board)
        network = None if self.house is None else self.house.network
        parts = ButtonParts(
            folder / options.board,
            micropython,
            firmware,
            options.board,
            settings,
            lorawan=network,
            lorawan_key=LORAWAN_KEY,
            heap=options.heap or HEAP,
        )
        button = self.button = await asyncio.to_thread(SimulatedButton, parts, speed=options.speed, audience=self)
        await asyncio.to_thread(button.__enter__)
        await asyncio.to_thread(button.place, *HOME)
        await asyncio.to_thread(button.power_on)
        await asyncio.to_thread(button.wait_for, lambda event: event.kind == "start", what="start")
        if self.house is not None:
            self._enrolling = asyncio.create_task(self._enrol(self.house, button))

    async def _enrol(self, house: House, button: SimulatedButton) -> None:
        try:
            if await house.enrol(button.device_id):
                self.say("enrolled", "good")
        except Trouble as trouble:
            self.say("not_done", "bad", why=trouble.say(self.language))

    async def stop(self) -> None:
        """Everything ends, each part within a deadline. Safe to call twice."""
        for task in (self._tracking, self._enrolling):
            if task is not None:
                task.cancel()
        if self.button is not None:
            await asyncio.to_thread(self.button.__exit__, None, None, None)
        if self.house is not None:
            await self.house.stop()
        if self._folder is not None and self.options.data is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # What a person does.

    async def obey(self, line: str) -> str:
        """Do one typed line; the verb, for those that are the view's to do: l, h, q. Raises Trouble."""
        words = line.split()
        if not words:
            return ""
        verb = _WORDS.get(words[0].lower())
        if verb is None:
            raise Trouble("command_unknown", word=words[0])
        if verb in ("l", "h", "q"):
            return verb
        button = self.button
        if button is None:
            raise Trouble("not_ready")
        try:
            await self._do(button, verb, words[1:])
        except (IndexError, KeyError, ValueError) as error:
            raise Trouble("simulate_usage", line=line, usage=text(f"usage.{verb}", self.language)) from error
        return verb

    async def _do(self, button: SimulatedButton, verb: str, rest: list[str]) -> None:
        there = asyncio.to_thread
        match verb:
            case "p" | "c" | "d" | "t":
                acts = {"p": button.press, "c": button.cancel, "d": button.duress, "t": button.test}
                if verb != "t" and button.life in (Life.OFF, Life.STOPPED):
                    raise Trouble("simulate_off")
                self.say(f"hand_{verb}")
                await there(acts[verb], *(float(word) for word in rest[:1]))
            case "k":
                await there(button.tap)
            case "case" | "foot" | "mains":
                on = _ON[rest[0]]
                await there({"case": button.tamper, "foot": button.foot_switch, "mains": button.mains}[verb], on)
                self.switches[verb] = on
                self.say(f"{verb}_{'on' if on else 'off'}")
            case "battery":
                percent = int(rest[0])
                if not -1 <= percent <= 100:
                    raise ValueError
                await there(button.battery, percent)
                self.battery = percent
                self.say("battery_is", percent=percent)
            case "wifi":
                await there(button.wifi, _ON[rest[0]])
            case "net":
                self._fault(button, Fault.NO_NETWORK, not _ON[rest[0]])
                if button.lorawan is not None:
                    button.lorawan.faults.no_coverage = not _ON[rest[0]]
            case "fix":
                await self._fix(button, rest)
            case "fault":
                if rest[0] == "jam":
                    self._jam(button, True)
                else:
                    self._fault(button, Fault(rest[0]), True)
                self.say("fault_on", "wait", fault=rest[0])
            case "heal":
                self._heal(button)
                self.say("healed", "good")
            case "sms":
                if button.modem is None:
                    raise Trouble("simulate_no_modem")
                write_message(button.modem.sms.incoming, "From", Message(rest[0], " ".join(rest[1:])))
            case "call":
                if button.modem is None:
                    raise Trouble("simulate_no_modem")
                button.modem.do(partial(_ring, button.modem, rest[0]))
            case "power":
                await there(button.power_on if _ON[rest[0]] else button.power_cut)
            case "reset":
                await there(button.reset)
            case "speed":
                button.set_speed(float(rest[0]))
                self.say("speed_is", speed=f"{button.clock.speed:g}")
            case "skip":
                if not button.skip_sleep():
                    raise Trouble("simulate_awake")
            case "a":
                await self._answer()
            case "at":
                self.shows_at = _ON[rest[0]] if rest else not self.shows_at
            case "heap":
                used, free = await there(button.heap)
                self.say("heap_is", used=used // 1024, free=free // 1024)
            case "wait":
                await self._wait(button, rest[0])

    async def _answer(self) -> None:
        if self.house is None:
            raise Trouble("simulate_no_house")
        step = await self.house.answer()
        if not step:
            raise Trouble("simulate_no_incident")
        self.say("operator", "good", step=text(f"step.{step}", self.language))

    async def _wait(self, button: SimulatedButton, word: str) -> None:
        """Until it shows a signal, is asleep or off, or was answered at all (enrolled)."""
        if word in (Life.ASLEEP, Life.OFF, Life.RUNNING):
            await asyncio.to_thread(button.wait_life, Life(word), deadline_s=_WAIT_S)
        elif word == "enrolled":
            await asyncio.to_thread(button.wait_for, _is_enrolment, deadline_s=_WAIT_S, what=word)
        elif word != button.signal:
            after = button.mark()
            if word != button.signal:
                await asyncio.to_thread(button.wait_signal, word, after=after, deadline_s=_WAIT_S)

    async def _fix(self, button: SimulatedButton, rest: list[str]) -> None:
        if self._tracking is not None:
            self._tracking.cancel()
            self._tracking = None
        if rest[0] == "none":
            await asyncio.to_thread(button.place, None)
        elif rest[0] == "track":
            self._tracking = asyncio.create_task(self._track(button))
        else:
            latitude, longitude = float(rest[0]), float(rest[1])
            if abs(latitude) > 90 or abs(longitude) > 180:
                raise ValueError
            await asyncio.to_thread(button.place, latitude, longitude)

    @staticmethod
    async def _track(button: SimulatedButton) -> None:
        """It is carried away, north-east."""
        step = 0
        while True:
            step += 1
            await asyncio.to_thread(button.place, HOME[0] + step * _STEP, HOME[1] + step * _STEP)
            await asyncio.sleep(button.clock.real_s(_TRACK_S))

    @staticmethod
    def _fault(button: SimulatedButton, fault: Fault, there: bool) -> None:
        modem = button.modem
        if modem is None:
            if fault is Fault.NO_NETWORK:
                button.wifi(not there)
                return
            raise Trouble("simulate_no_modem")
        modem.do(lambda: modem.faults.add(fault) if there else modem.faults.discard(fault))

    def _jam(self, button: SimulatedButton, there: bool) -> None:
        """A jammer takes the cellular network, LoRaWAN, Wi-Fi and the satellites alike."""
        self._fault(button, Fault.NO_NETWORK, there)
        if button.lorawan is not None:
            button.lorawan.faults.no_coverage = there
        button.wifi(not there)
        if there:
            button.place(None)
        else:
            button.place(*HOME)

    def _heal(self, button: SimulatedButton) -> None:
        if button.modem is not None:
            button.modem.heal()
        if button.lorawan is not None:
            button.lorawan.faults.no_coverage = button.lorawan.faults.hang = False
        if button.receiver is not None:
            button.receiver.mood = Mood.WELL
        button.wifi(True)
        button.place(*HOME)

    # What is seen.

    def say(self, key: str, weight: str = "plain", **values: object) -> None:
        """A line of the log, now; from any thread."""
        button = self.button
        now_us = int(datetime.now(UTC).timestamp() * 1e6) if button is None else button.clock.now_us()
        line = Line(now_us, key, weight, values)
        self.log.append(line)
        self.logged += 1
        self.on_line(line)
        self.changed()

    def clock_text(self, at_us: int) -> str:
        return datetime.fromtimestamp(at_us / 1e6, _WIB).strftime("%H:%M:%S")

    def line_text(self, line: Line) -> str:
        values = dict(line.values)
        if "signal" in values:
            signal = str(values["signal"])
            values["signal_text"] = signal_text(signal, self.language)
            values["meaning"] = signal_meaning(signal, self.language)
        return text(f"log.{line.key}", self.language, **values)

    def on_event(self, event: ButtonEvent) -> None:
        facts = event.facts
        self.on_event_line(event)
        match event.kind:
            case "start":
                self.say("start", device_id=facts["device_id"], version=facts["version"], why=facts.get("woke_by", ""))
            case "state":
                self.say("state", state=facts["state"])
            case "indicator":
                self.say("signal", _WEIGHTS.get(str(facts["signal"]), "plain"), signal=facts["signal"])
            case "frame":
                self.say(
                    "frame",
                    "faint",
                    kind=_KINDS.get(facts["kind"], facts["kind"]),
                    counter=facts["counter"],
                    step=text(f"frame.{facts['step']}", self.language),
                    bearer=facts["bearer"] or "-",
                )
                self.answered = self.answered or facts["step"] == "acknowledged"
            case "ack":
                self.say("ack", "good", counter=facts["counter"], stage=facts["stage"])
            case "bearer":
                self.up[facts["bearer"]] = bool(facts["up"])
                key = "bearer_up" if facts["up"] else "bearer_down"
                self.say(key, "good" if facts["up"] else "wait", bearer=facts["bearer"], why=facts["why"])
            case "error":
                self.say("error", "bad", what=facts["what"])
            case "log":
                self.say("log", "faint", what=facts["what"])
            case _:
                self.changed()

    def on_feedback(self, feedback: Feedback) -> None:
        self.feedback = feedback
        self.changed()

    def on_traffic(self, traffic: Traffic) -> None:
        self.traffic.append(traffic)
        if self.shows_at:
            self.on_traffic_line(traffic)
            self.changed()

    def on_life(self, life: Life, why: str) -> None:
        button = self.button
        if life is Life.ASLEEP and button is not None and button.chip.wakes_at_us is not None:
            self.say("life_asleep", "faint", until=self.clock_text(button.chip.wakes_at_us))
        elif life is Life.RUNNING:
            self.say("life_watchdog" if why else "life_running", "bad" if why else "faint")
        elif life is not Life.ASLEEP:
            self.up.clear()
            self.say(f"life_{life}", "bad" if life is Life.STOPPED else "wait", why=why)


_WEIGHTS: Final = {
    "sending": "wait",
    "received": "good",
    "seen": "good",
    "assigned": "good",
    "on_scene": "good",
    "not_getting_through": "bad",
    "refused": "bad",
    "low_battery": "wait",
    "no_connection": "wait",
}
_KINDS: Final = {1: "PRESS", 2: "UPDATE", 3: "CANCEL", 4: "CHECKIN", 5: "TAMPER", 6: "ENROL", 7: "RECEIPT"}


def _ring(modem: A7670, number: str) -> None:
    modem.urc("RING")
    modem.urc(f'+CLIP: "{number}",145,,,,0')


def _is_enrolment(event: ButtonEvent) -> bool:
    return (
        event.kind == "frame" and event.facts.get("kind") == _ENROL and event.facts.get("step") == "acknowledged"
    ) or (event.kind == "ack")


def _folder(wanted: Path | None) -> Path:
    try:
        if wanted is None:
            return Path(tempfile.mkdtemp(prefix="siaga-simulate-"))
        folder = wanted.expanduser().resolve()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.ExitStack():
            (folder / ".writable").touch()
            (folder / ".writable").unlink()
    except OSError as error:
        raise Trouble("folder_unusable", folder=wanted, why=error.strerror or error) from error
    return folder


def _read_settings(path: Path | None) -> dict[str, Any]:
    """A settings file as for a real button. Raises Trouble."""
    if path is None:
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as error:
        raise Trouble("simulate_settings", file=path, why=error) from error
    return told

"""Plays one scenario: a whole simulated button in an installation, its hand, its surroundings, its people.

Expectations look at what came after the last act. Every wait ends with the event that it waits for; its deadline is
only for what never comes. Time runs at PACE while something is under way, at FAST while time passes, and in a moment
while the button sleeps.
"""

from __future__ import annotations

import inspect
import json
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from house import eventually
from installation import ACTOR, GATEWAY_NUMBER, SERVER, Installation, outbox
from scenario import KINDS, Scenario

from micropython import FIRMWARE, micropython
from siaga_gateway.domain.frame import Kind, encode_ack
from siaga_gateway.domain.frame import Stage as AckStage
from siaga_gateway.domain.report import Report
from siaga_tools.silicon.a7670 import A7670, Fault, Sim
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from siaga_tools.simulate.button import HEAP, WIFI, Audience, ButtonParts, SimulatedButton, Traffic
from siaga_tools.simulate.chip import Life
from siaga_tools.virtual_button import ButtonEvent
from siaga_tools.words import Trouble

PACE = 10.0
BRISK = 25.0  # while a modem starts and looks for its network
FAST = 80.0
FASTEST = 300.0  # without a modem, whose own deadlines are the shortest
HAND = 2.5  # where a hold must not become a longer one on a busy machine
TAPS = 0.7
WITHIN_S = 120.0
# What the LILYGO boards' firmware needs on 64 bits with commands under way and an outbox that fills up
# (firmware/README.md, Memory); HEAP where there is LoRaWAN too.
NARROW = "240k"
KEY = "00112233445566778899AABBCCDDEEFF"
_SHOWN = 500  # lines of a timeline
_OPEN = ("sending", "received", "refused", "seen", "assigned", "on_scene")
_BEARERS = {"wifi": "mqtt"}
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
_DULL = (b"AT+CEREG?", b"AT+CGREG?", b"AT+CREG?", b"AT+CSQ", b"AT+CGNSSINFO", b"AT+CPIN?", b"AT\r")
_DULL_ANSWERS = (b"OK", b"+CEREG: 2,", b"+CGREG: 2,", b"+CREG: 2,", b"+CSQ:", b"+CGNSSINFO:")
_STRANGE = ("malformed", "forged", "contradiction", "unprocessed")


@dataclass(frozen=True)
class Step:
    """A sentence of a scenario: its form for people, its pattern, what it means, who does it."""

    form: str
    pattern: re.Pattern[str]
    means: str
    do: Callable[..., None]


STEPS: list[Step] = []
_SLOTS = {"<n>": r"(\d+(?:\.\d+)?)", "<unit>": "(s|min|h)", "<word>": r"([A-Za-z_0-9-]+)", "<degrees>": r"(-?\d+\.\d+)"}


def step(form: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A method is how a sentence of this form is done; its docstring says what happens."""

    def note(do: Callable[..., None]) -> Callable[..., None]:
        pattern = re.escape(form)
        for slot, meaning in _SLOTS.items():
            pattern = pattern.replace(re.escape(slot), meaning)
        means = " ".join((inspect.getdoc(do) or "").split())
        STEPS.append(Step(form, re.compile(pattern), means, do))
        return do

    return note


def find_step(text: str) -> tuple[Step, tuple[str, ...]]:
    """Who does a step, and with which words. ValueError where nobody does."""
    for one in STEPS:
        found = one.pattern.fullmatch(text)
        if found:
            return one, found.groups()
    raise ValueError(f"nobody knows how to do {text!r}; tests/system/SCENARIOS.md says what a step may say")


class Timeline(Audience):
    """What all parts did, by this machine's clock."""

    def __init__(self) -> None:
        self._began_s = time.time()
        self._lines: list[tuple[float, str, str]] = []
        self._lock = threading.Lock()
        self._dull = False

    def note(self, who: str, text: str, at_s: float | None = None) -> None:
        with self._lock:
            self._lines.append((time.time() if at_s is None else at_s, who, text))

    def on_event(self, event: ButtonEvent) -> None:
        when = datetime.fromtimestamp(event.at_ms / 1000, UTC)
        self.note("button", f"{when:%H:%M:%S.%f}"[:-3] + f" {event.kind} {json.dumps(dict(event.facts))}")

    def on_traffic(self, traffic: Traffic) -> None:
        """Without what it asks again and again, and what that is answered."""
        if traffic.line == "gnss":
            return
        if traffic.way == ">":
            self._dull = traffic.text.startswith(_DULL)
        if not (self._dull and (traffic.way == ">" or traffic.text.strip().startswith(_DULL_ANSWERS))):
            self.note(traffic.line, f"{traffic.way} {traffic.text!r}")

    def on_life(self, life: Life, why: str) -> None:
        self.note("chip", f"{life} {why}")

    def text(self, journal: list[dict[str, Any]]) -> str:
        """Everything in its order, with the gateway's journal; the last lines of it."""
        with self._lock:
            lines = list(self._lines)
        lines += [(entry["at_ms"] / 1000, "gateway", f"{entry['kind']} {entry['facts']}") for entry in journal]
        lines.sort(key=lambda line: line[0])
        return "\n".join(f"{at - self._began_s:8.3f} {who:<8} {text}" for at, who, text in lines[-_SHOWN:])


def _has_failed(event: ButtonEvent) -> bool:
    return event.kind == "error" and str(event.facts["what"]).startswith("the button stopped")


class Trap(list[str]):
    """What a modem was asked, with something that happens, once, when it is asked for `wanted`; in its own thread."""

    def __init__(self, asked: list[str], wanted: str, act: Callable[[], None]) -> None:
        super().__init__(asked)
        self._wanted = wanted
        self._act = act
        self.sprung = False

    def append(self, text: str) -> None:
        super().append(text)
        if not self.sprung and text.startswith(self._wanted):
            self.sprung = True
            self._act()


class Stage:
    """One scenario in one installation; play() it."""

    def __init__(self, scenario: Scenario, house: Installation, folder: Path) -> None:
        self.scenario = scenario
        self.house = house
        self.timeline = Timeline()
        self._began_ms = time.time_ns() // 1_000_000
        self._number = house.number()
        self._folder = folder
        self._mark = 0
        self._pace = PACE
        self._button: SimulatedButton | None = None
        self._has_id = self._enrol_frame = ""
        self._settings: dict[str, Any] = {}
        self._traps: list[Trap] = []
        self._forged: list[bytes] = []

    @property
    def button(self) -> SimulatedButton:
        assert self._button is not None
        return self._button

    @property
    def device_id(self) -> str:
        return self._has_id

    def play(self) -> None:
        """AssertionError with the timeline of all parts where a step or an expectation fails."""
        at = "before its first step"
        with ExitStack() as stack:
            try:
                self._button = stack.enter_context(self._make())
                for number, text in enumerate(self.scenario.steps, start=1):
                    at = f"step {number}, {text!r}"
                    self.timeline.note("scenario", text)
                    one, words = find_step(text)
                    one.do(self, *words)
                at = "the end"
                self.timeline.note("scenario", at)
                self._end()
            except (AssertionError, Trouble, TimeoutError, OSError) as error:
                why = error.say("en") if isinstance(error, Trouble) else str(error)
                journal = self.house.journal_since(self._began_ms)
                raise AssertionError(f"{self.scenario.name}: {at}: {why}\n\n{self.timeline.text(journal)}") from error

    def _make(self) -> SimulatedButton:
        scenario, house = self.scenario, self.house
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(house.image(scenario.board), self._folder / "flash.img")
        settings: dict[str, Any] = {"gateway_key": house.public_hex, "profile": scenario.profile}
        if "lte" in scenario.ways or "wifi" in scenario.ways:
            settings |= {"mqtt_host": SERVER, "mqtt_port": house.tls_port, "mqtt_ca": house.authority}
            if not scenario.tls:
                settings |= {"mqtt_host": "127.0.0.1", "mqtt_port": house.port, "mqtt_tls": False, "mqtt_ca": ""}
        if "wifi" in scenario.ways:
            settings["wifi_ssid"] = WIFI
        if "sms" in scenario.ways:
            settings["sms_numbers"] = [GATEWAY_NUMBER]
        lorawan = "lorawan" in scenario.ways
        if lorawan:
            settings["lorawan_app_key"] = KEY
        self._settings = {**settings, **scenario.settings}
        parts = ButtonParts(
            self._folder,
            micropython(),
            FIRMWARE,
            scenario.board,
            self._settings,
            lorawan=house.network if lorawan else None,
            lorawan_key=KEY,
            sim=Sim(number=f"+62811{self._number:08d}"),
            heap=HEAP if "lorawan" in scenario.ways else NARROW,
            chip_id=b"\x24\x0a\xc4" + self._number.to_bytes(3, "big"),
        )
        button = SimulatedButton(parts, speed=PACE, audience=self.timeline)
        if button.modem is not None:
            button.modem.sms.outgoing = house.sms / "outgoing"
            button.modem.sms.incoming = house.sms / "incoming"
        return button

    # What steps are made of.

    def act(self) -> None:
        """From here on expectations look."""
        self._mark = self.button.mark()

    def wait(self, wanted: Callable[[ButtonEvent], bool], what: str) -> ButtonEvent:
        def wanted_or_worst(event: ButtonEvent) -> bool:
            assert not _has_failed(event), f"instead of {what}: {event.facts['what']}"
            return wanted(event)

        return self.button.wait_for(wanted_or_worst, after=self._mark, deadline_s=WITHIN_S, what=what)

    def wait_frame(self, kind: int, step: str, what: str = "", **facts: object) -> ButtonEvent:
        wanted = {"kind": kind, **facts}
        return self.wait(
            lambda event: (
                event.kind == "frame"
                and event.facts["step"] == step
                and all(event.facts[name] == fact for name, fact in wanted.items())
            ),
            what or f"a frame of kind {kind} {step} {facts or ''}",
        )

    def wait_down(self, down: bool) -> None:
        self.wait(lambda event: event.kind == "button" and event.facts["down"] is down, f"the button {down=}")

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        return eventually(holds, what, WITHIN_S)

    @contextmanager
    def at_pace(self, pace: float) -> Iterator[None]:
        self.button.set_speed(min(pace, self._pace))
        try:
            yield
        finally:
            self.button.set_speed(self._pace)

    @property
    def modem(self) -> A7670:
        assert self.button.modem is not None, "this board has no modem"
        return self.button.modem

    @property
    def lorawan(self) -> SimulatedRak3172:
        assert self.button.lorawan is not None, "lorawan is not among its ways"
        return self.button.lorawan

    def incident(self) -> dict[str, Any]:
        """Its newest one."""
        return dict(self.until(lambda: self.house.incidents(self.device_id), "an incident")[-1])

    # Power.

    @step("switch on")
    def switch_on(self) -> None:
        """Its power comes. The first time the registrar enrols it, by the frame that it prints."""
        self.act()
        self.button.power_on()
        self._started()

    @step("switch on with the button held")
    def switch_on_held(self) -> None:
        """Which asks for a test press; let go once it has been taken."""
        self.act()
        self.button.power_on(held=True)
        self._started()
        self.wait_frame(Kind.PRESS, "stored", "a test press")
        self.button.hold(False)

    def _started(self) -> None:
        start = self.wait(lambda event: event.kind == "start", "its first words")
        if not self._has_id:
            self._has_id = str(start.facts["device_id"])
            self._enrol_frame = str(start.facts["enrol"])
            if self.scenario.enrolled:
                self.house.enrol(self._enrol_frame, self._number)

    @step("cut the power")
    def cut_power(self) -> None:
        """Chip, modem and module are without current at once, wherever they are."""
        self.act()
        self.button.power_cut()

    @step("the installer sets <word> to <word>")
    def install(self, name: str, value: str) -> None:
        """He switches it off, copies settings with this one changed, and switches it on."""
        self.act()
        self.button.power_cut()
        self._settings = {**self._settings, name: int(value) if value.isdecimal() else value}
        self.button.offer(self._settings)
        self.button.power_on()
        self._started()

    @step("mains on")
    def mains_on(self) -> None:
        """External power comes."""
        self.act()
        self.button.mains(True)

    @step("mains off")
    def mains_off(self) -> None:
        """External power goes."""
        self.act()
        self.button.mains(False)

    @step("battery at <n> percent")
    def battery(self, percent: str) -> None:
        """Its cell's voltage is what it is at so many percent."""
        self.act()
        self.button.battery(float(percent))

    # The hand.

    @step("press")
    def press(self) -> None:
        """Hold the button until it takes it for a press; during an incident for 2.5 s, as a cancel is longer."""
        self.act()
        if self._is_in_incident():
            with self.at_pace(HAND):
                self._hold(2.5)
        else:
            self.button.hold(True)
            self.wait_frame(Kind.PRESS, "stored", "a press")
            self.button.hold(False)
        self.wait_frame(Kind.PRESS, "stored", "a press")
        self.wait_down(False)

    def _is_in_incident(self) -> bool:
        return self.button.state in _OPEN and self.button.life is Life.RUNNING

    def _hold(self, seconds: float) -> None:
        self.button.hold(True)
        self.wait_down(True)
        self.button.sleep(seconds)
        self.button.hold(False)
        self.wait_down(False)

    @step("press, and cut the power when it is <word>")
    def press_and_cut(self, moment: str) -> None:
        """Hold it, and take its power in the moment in which the press is stored, signed, published or puback."""
        self.act()
        if self._is_in_incident():
            with self.at_pace(HAND):
                self._hold(2.5)
        else:
            self.button.hold(True)
        self.wait_frame(Kind.PRESS, moment)
        self.button.power_cut()
        self.button.hold(False)

    @step("cancel")
    def cancel(self) -> None:
        """Hold it for a little more than 5 s, and let go."""
        self.act()
        with self.at_pace(HAND):
            self._hold(5.4)
        self.wait_frame(Kind.CANCEL, "stored", "a cancel")

    @step("cancel under force")
    def duress(self) -> None:
        """Hold it until it shows that it is cancelled, which is after 8 s."""
        self.act()
        with self.at_pace(HAND):
            self.button.hold(True)
            self.wait_frame(Kind.CANCEL, "stored", "a cancel")
            self.button.hold(False)
        self.wait_down(False)

    @step("tap three times")
    def tap(self) -> None:
        """Three short taps, each as short as it is felt."""
        self.act()
        with self.at_pace(TAPS):
            for _ in range(3):
                mark = self._mark = self.button.mark()
                self.button.hold(True)
                self.wait_down(True)
                self.button.hold(False)
                self.wait_down(False)
        self._mark = mark
        self.wait_frame(Kind.PRESS, "stored", "a press by taps")

    @step("hold the button down")
    def hold_down(self) -> None:
        """A finger, or something that has fallen onto it."""
        self.act()
        self.button.hold(True)

    @step("let go")
    def let_go(self) -> None:
        """Nobody touches the button."""
        self.act()
        self.button.hold(False)
        self.wait_down(False)

    @step("open the case")
    def open_case(self) -> None:
        """The tamper switch opens."""
        self.act()
        self.button.tamper(True)

    @step("shut the case")
    def shut_case(self) -> None:
        """The tamper switch closes."""
        self.act()
        self.button.tamper(False)

    @step("step on the foot switch")
    def foot_switch(self) -> None:
        """The external input closes, until the press is taken."""
        self.act()
        self.button.foot_switch(True)
        self.wait_frame(Kind.PRESS, "stored", "a press by the foot switch")
        self.button.foot_switch(False)

    # The air.

    @step("the modem has <word>")
    def fault(self, fault: str) -> None:
        """A fault of modem, SIM or network: no_network, denied, no_data, no_sim, no_credit, hang, hang_hard,
        lost_puback, stray_words, result_first, slow_tls, noise."""
        self.act()
        self.modem.fail(Fault(fault))

    @step("the modem is well")
    def heal(self) -> None:
        """None of these any more."""
        self.act()
        self.modem.heal()

    @step("at its next publish: <word>")
    def trap(self, what: str) -> None:
        """When the button next asks the modem to publish, the modem hangs (hang, hang_hard: until its power goes),
        browns out (brown_out), loses its connection (connlost) or its data network (nonet)."""
        self.act()
        modem = self.modem
        acts: dict[str, Callable[[], None]] = {
            "hang": lambda: modem.faults.add(Fault.HANG),
            "hang_hard": lambda: modem.faults.add(Fault.HANG_HARD),
            "brown_out": lambda: modem.loop.call_soon(modem._restart),
            "connlost": lambda: modem.mqtt.lose(1),
            "nonet": modem.mqtt.lose_network,
        }
        trap = Trap(modem.asked, "AT+CMQTTPUB=", acts[what])
        modem.asked = trap
        self._traps.append(trap)

    @step("LoRaWAN out of reach")
    def lorawan_away(self) -> None:
        """No gateway of the LoRaWAN network hears it."""
        self.act()
        self.lorawan.faults.no_coverage = True

    @step("LoRaWAN in reach")
    def lorawan_there(self) -> None:
        """It is heard again."""
        self.act()
        self.lorawan.faults.no_coverage = False

    @step("Wi-Fi off")
    def wifi_off(self) -> None:
        """The access point is gone."""
        self.act()
        self.button.wifi(False)

    @step("Wi-Fi on")
    def wifi_on(self) -> None:
        """The access point is there."""
        self.act()
        self.button.wifi(True)

    @step("satellites see it at <degrees> <degrees>")
    def place(self, latitude: str, longitude: str) -> None:
        """Its receiver finds this position, in degrees."""
        self.act()
        self.button.place(float(latitude), float(longitude))

    @step("no satellites")
    def no_place(self) -> None:
        """No sky, or a jammer."""
        self.act()
        self.button.place(None)

    # Broker, gateway, people.

    @step("gateway killed")
    def gateway_down(self) -> None:
        """SIGKILL."""
        self.act()
        self.house.gateway.kill()

    @step("gateway started")
    def gateway_up(self) -> None:
        """The same one again, with its store."""
        self.act()
        self.house.gateway.start()

    @step("broker killed")
    def broker_down(self) -> None:
        """SIGKILL."""
        self.act()
        self.house.broker.kill()

    @step("broker started")
    def broker_up(self) -> None:
        """The same one again."""
        self.act()
        self.house.broker.start()

    @step("broker frozen")
    def broker_frozen(self) -> None:
        """SIGSTOP: its connections stay, and nobody answers on them; a link that died without a word looks the same."""
        self.act()
        assert self.house.broker.process is not None
        self.house.broker.process.send_signal(signal.SIGSTOP)

    @step("broker thawed")
    def broker_thawed(self) -> None:
        """It goes on as if nothing had been."""
        self.act()
        assert self.house.broker.process is not None
        self.house.broker.process.send_signal(signal.SIGCONT)

    @step("broker replaced by an empty one")
    def broker_replaced(self) -> None:
        """SIGKILL, and another one at its address that knows no session and no message."""
        self.act()
        self.house.replace_broker()

    @step("operator: <word>")
    def operator(self, what: str) -> None:
        """On the console, with its newest incident: seen, assign, on-scene, close."""
        self.act()
        self.house.operate(self.incident()["id"], what)

    @step("the registrar enrols it from the quarantine")
    def enrol(self) -> None:
        """It has called, and waits there with its key proven; now it gets its owner."""
        self.act()
        self.until(lambda: self.house.calls(self.device_id), "its call in the quarantine")
        self.house.enrol(self._enrol_frame, self._number)

    @step("the registrar commands <word>")
    def command(self, what: str) -> None:
        """By `siaga gateway command`: locate, test, restart, or hold_ms, a setting that is no good."""
        self.act()
        words = ("settings", '{"hold_ms": 1}') if what == "hold_ms" else (what,)
        self.house.gateway.command("command", self.device_id, *words, "--by", ACTOR)

    @step("it answers <word>")
    def answers(self, result: str) -> None:
        """The gateway has its receipt: done, refused or failed."""

        def told() -> bool:
            answers = [one for one in self.house.journal(self.device_id) if one["kind"] == "command_answered"]
            return bool(answers) and json.loads(answers[-1]["facts"])["result"] == result

        self.until(told, f"a receipt that says {result}")

    @step("registration <word>")
    def registration(self, state: str) -> None:
        """The registrar changes what its presses are worth: active, suspended, expired, stolen."""
        self.act()
        self.house.registration(self.device_id, state)

    @step("somebody replays what the gateway said")
    def replay(self) -> None:
        """All that it was ever sent by MQTT, forgeries among it, once more, in the broker's name."""
        self.act()
        before = [event for event in self.button.events if event.kind == "ack"]
        topic = f"siaga/v1/down/{self.device_id}"
        recorded = [payload for where, payload in list(self.house.downlinks) if where == topic]
        assert recorded, "the gateway has sent it nothing by MQTT"
        forged = sum(payload in self._forged for payload in recorded)
        for payload in recorded:
            self.house.publish(topic, payload)

        def all_came() -> bool:
            told = [event for event in self.button.events if event.kind == "ack"]
            return len(told) >= len(before) + len(recorded) - forged

        self.until(all_came, "the replay at the button")

    @step("somebody forges a stage <word>")
    def forge(self, stage: str) -> None:
        """An acknowledgement of its newest press under a key that is not the gateway's."""
        self.act()
        counter = int(self.stored(Kind.PRESS)[-1])
        frame = encode_ack(bytes(32), bytes.fromhex(self.device_id), counter, int(time.time()), AckStage[stage.upper()])
        self.house.publish(f"siaga/v1/down/{self.device_id}", frame)
        self._forged.append(frame)
        self.wait(
            lambda event: event.kind == "log" and str(event.facts["what"]).startswith("refused: a downlink"),
            "its refusal",
        )

    # Time.

    @step("<n> <unit> pass")
    def passes(self, number: str, unit: str) -> None:
        """Time goes by, in a moment where the button sleeps."""
        self.act()
        self._pass(float(number) * _UNITS[unit])

    def _pass(self, seconds: float) -> None:
        button = self.button
        until_us = button.clock.now_us() + int(seconds * 1e6)
        button.set_speed(max(FASTEST if button.modem is None else FAST, self._pace))
        try:
            while (left_us := until_us - button.clock.now_us()) > 0:
                wakes_at_us = button.chip.wakes_at_us
                if button.life is Life.ASLEEP and wakes_at_us is not None:
                    ahead_us = min(left_us, max(0, wakes_at_us - button.clock.now_us()))
                    button.clock.jump(ahead_us / 1e6)
                time.sleep(min(0.05, max(0.005, left_us / 1e6 / button.clock.speed)))
        finally:
            button.set_speed(self._pace)

    @step("until it sleeps")
    def until_asleep(self) -> None:
        """Its chip is in deep sleep."""
        self.button.wait_life(Life.ASLEEP, deadline_s=WITHIN_S)

    @step("until it wakes by itself")
    def until_waking(self) -> None:
        """The time until its next waking passes in a moment, unless its modem wakes it before."""
        self.act()
        self.button.skip_sleep()
        self.wait(lambda event: event.kind == "start", "its waking")

    # What has to be seen.

    @step("see <word>")
    def see(self, signal: str) -> None:
        """Its lights show this signal, after the last act."""
        self.wait(lambda event: event.kind == "indicator" and event.facts["signal"] == signal, f"signal {signal}")

    @step("it still shows <word>")
    def still(self, signal: str) -> None:
        """This is what it shows now."""
        assert self.button.signal == signal, f"it shows {self.button.signal}, not {signal}"

    @step("no light, no sound")
    def dark(self) -> None:
        """Every signal so far was without light and sound."""
        shown = [event for event in self.button.events if event.kind == "indicator"]
        assert shown and not any(event.facts["light"] or event.facts["sound"] for event in shown)

    @step("<word> up")
    def way_up(self, way: str) -> None:
        """This way to the gateway is open, now or soon."""
        self._way(way, True)

    @step("<word> down")
    def way_down(self, way: str) -> None:
        """This way is closed, now or soon."""
        self._way(way, False)

    def _way(self, way: str, up: bool) -> None:
        name = _BEARERS.get(way, way)

        def latest() -> bool:
            for event in reversed(self.button.events):
                if event.kind == "start":
                    return False
                if event.kind == "bearer" and event.facts["bearer"] == name:
                    return event.facts["up"] is up
            return False

        self.button.set_speed(BRISK if up else self._pace)
        try:
            self.until(latest, f"{way} {'up' if up else 'down'}")
        finally:
            self.button.set_speed(self._pace)

    @step("the press goes out by <word>")
    def goes_by(self, way: str) -> None:
        """Its frame is handed to this way. (The answer may come by another one on which it was heard of late.)"""
        self.wait_frame(Kind.PRESS, "published", bearer=_BEARERS.get(way, way))

    @step("<word> puback")
    def puback(self, kind: str) -> None:
        """The broker has a frame of this kind."""
        self.wait_frame(KINDS[kind], "puback")

    @step("<word> acknowledged")
    def acknowledged(self, kind: str) -> None:
        """The gateway's word on a frame of this kind has come."""
        self.wait_frame(KINDS[kind], "acknowledged")

    @step("every press acknowledged")
    def all_presses_acknowledged(self) -> None:
        """All that were made so far, whenever that was: a power cut may come a moment late."""
        self.until(lambda: set(self.stored(Kind.PRESS)) <= self._acknowledged(), "an acknowledgement of every press")

    @step("<word> acknowledged by <word>")
    def acknowledged_by(self, kind: str, way: str) -> None:
        """The same, by this way."""
        self.wait_frame(KINDS[kind], "acknowledged", bearer=_BEARERS.get(way, way))

    @step("the call: <word>")
    def call(self, step: str) -> None:
        """What the button tells of its telephone call: dialling, began, over."""
        self.wait(lambda event: event.kind == "call" and event.facts["step"] == step, f"a call {step}")

    @step("it says <word>")
    def says(self, word: str) -> None:
        """It complains, or tells, with this word in it (_ for a space)."""
        words = word.replace("_", " ")
        self.wait(lambda event: event.kind in ("error", "log") and words in str(event.facts["what"]), f"{words!r} said")

    @step("woken by <word>")
    def woken(self, what: str) -> None:
        """Its chip began anew, and this is why: button, input, case, modem, timer."""
        self.wait(lambda event: event.kind == "start" and event.facts["woke_by"] == what, f"woken by {what}")

    @step("the gateway has the press")
    def has_press(self) -> None:
        """Its store holds the newest press."""
        counter = self.stored(Kind.PRESS)[-1]
        self.until(
            lambda: any(event["counter"] == counter for event in self.house.events(self.device_id)), f"frame {counter}"
        )

    @step("the gateway has the signature of the press")
    def has_signature(self) -> None:
        """Evidence that anybody can verify, not only who shares a key with it."""
        counter = self.stored(Kind.PRESS)[-1]
        self.until(
            lambda: any(
                event["counter"] == counter and event["signature"] is not None
                for event in self.house.events(self.device_id)
            ),
            f"the signature of frame {counter}",
        )

    @step("the gateway has no signature of the press yet")
    def has_no_signature(self) -> None:
        """Only the short form has arrived."""
        counter = self.stored(Kind.PRESS)[-1]
        assert [event["signature"] for event in self.house.events(self.device_id) if event["counter"] == counter] == [
            None
        ]

    @step("its incident has <word> <word>")
    def incident_has(self, name: str, value: str) -> None:
        """A column of its newest incident in the gateway's store: presses, duress, silent, held, ...; none is NULL."""
        self.until(
            lambda: str(self.incident()[name]).lower() == value, f"incident with {name} {value}, not {self.incident()}"
        )

    @step("its incident has a time of its own")
    def incident_has_time(self) -> None:
        """The button's clock was set when it was pressed."""
        self.until(lambda: self.incident()["pressed_at_ms"] is not None, "a time of the press")

    @step("its last word is <word> <n>")
    def last_word(self, name: str, value: str) -> None:
        """A column of its status in the gateway's store: battery, low_battery, tamper_open, external_power."""

        def holds() -> bool:
            rows = self.house.rows("SELECT * FROM device_status WHERE device_id = ?", bytes.fromhex(self.device_id))
            return bool(rows) and rows[0][name] == int(value)

        self.until(holds, f"{name} {value}")

    @step("no update was made")
    def no_update(self) -> None:
        """The button has kept no position by itself."""
        assert not self.stored(Kind.UPDATE)

    @step("its incident is at <degrees> <degrees>")
    def incident_at(self, latitude: str, longitude: str) -> None:
        """The place that the operator sees, to some ten metres."""

        def near() -> bool:
            there = self.incident()
            return there["latitude"] is not None and all(
                abs(there[name] - float(degrees) * 1e7) < 1000
                for name, degrees in (("latitude", latitude), ("longitude", longitude))
            )

        self.until(near, "the incident's place")

    @step("the press tells a place that is <n> <unit> old")
    def old_place(self, number: str, unit: str) -> None:
        """In the newest press as the gateway stored it the fix is at least so old."""
        counter = self.stored(Kind.PRESS)[-1]
        frames = [event["frame"] for event in self.house.events(self.device_id) if event["counter"] == counter]
        report = Report.from_body(frames[0][14:35])
        assert report.has_position and (report.fix_age_s or 0) >= float(number) * _UNITS[unit], report

    @step("the journal has <word>")
    def journal_has(self, kind: str) -> None:
        """The gateway's journal has an entry of this kind about it."""
        self.until(lambda: kind in [entry["kind"] for entry in self.house.journal(self.device_id)], f"{kind} entry")

    @step("its check-in tells of <n> refused")
    def told_refused(self, number: str) -> None:
        """The status of a check-in counts at least so many refused inputs."""

        def told() -> bool:
            bodies = [event["frame"] for event in self.house.events(self.device_id) if event["kind"] == Kind.CHECKIN]
            return any(len(body) >= 43 and body[42] >= int(number) for body in bodies)

        self.until(told, f"a check-in with {number} refused")

    # The end.

    def stored(self, *kinds: int) -> list[int]:
        """Counters that the button has kept so far, in their order."""
        return [
            int(event.facts["counter"])
            for event in self.button.events
            if event.kind == "frame" and event.facts["step"] == "stored" and event.facts["kind"] in kinds
        ]

    def _end(self) -> None:
        scenario = self.scenario
        button = self.button
        button.place(None)
        must = [number for name, number in KINDS.items() if name not in scenario.left and number <= Kind.TAMPER]

        def all_acknowledged() -> bool:
            return set(self.stored(*must)) <= self._acknowledged()

        if button.life is not Life.OFF:
            self.until(all_acknowledged, "an acknowledgement of all that was stored")
            self.until(
                lambda: button.signal == scenario.ends and button.state == scenario.state,
                f"{scenario.ends} at last, not {button.signal} and {button.state}",
            )
            button.power_cut()
        assert all(trap.sprung for trap in self._traps), "the modem was never asked to publish"
        self._is_stored_once()
        self._complains_of_nothing()
        allowed = {KINDS[name] for name in scenario.left}
        answered = self._acknowledged()
        for counter, kind in outbox(button.flash):
            # A check-in goes by the clock, and may have been made in the very moment of the end.
            just_made = kind == Kind.CHECKIN and counter not in answered and counter == max(self.stored(kind))
            assert kind in allowed or just_made, f"its outbox holds frame {counter} of kind {kind}"

    def _acknowledged(self) -> set[int]:
        """Counters that the gateway has acknowledged to the button so far."""
        return {
            int(event.facts["counter"])
            for event in self.button.events
            if event.kind == "frame" and event.facts["step"] == "acknowledged"
        }

    def _is_stored_once(self) -> None:
        events = self.house.events(self.device_id)
        counters = [event["counter"] for event in events if event["kind"] == Kind.PRESS]
        pressed = self.stored(Kind.PRESS)
        assert counters == sorted(set(pressed)), f"the store has presses {counters}, the button made {pressed}"
        cancelled = {event["counter"] for event in events if event["kind"] == Kind.CANCEL}
        assert cancelled == set(self.stored(Kind.CANCEL))
        incidents = [one for one in self.house.incidents(self.device_id) if one["mode"] != "test"]
        assert len(incidents) == self.scenario.incidents, f"{len(incidents)} incidents: {incidents}"
        strange = {entry["kind"] for entry in self.house.journal(self.device_id) if entry["kind"] in _STRANGE}
        assert strange == set(self.scenario.journal), f"the gateway's journal has {strange}"

    def _complains_of_nothing(self) -> None:
        errors = [str(event.facts["what"]) for event in self.button.events if event.kind == "error"]
        unexpected = [what for what in errors if not what.startswith(self.scenario.errors or ("\0",))]
        assert not unexpected, f"it complained: {unexpected}"
        for beginning in self.scenario.errors:
            assert any(what.startswith(beginning) for what in errors), f"it did not complain of {beginning!r}"

"""The visible side of a simulated button: its log in words, its lights, its traffic."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from siaga_gateway import catalogue
from siaga_tools.demo.site import EMERGENCY, LOCAL
from siaga_tools.signal_styles import signal_meaning, signal_text
from siaga_tools.simulate.button import ButtonListener, Feedback, SimulatedButton
from siaga_tools.simulate.chip import ChipState
from siaga_tools.simulate.silicon_parts import Traffic
from siaga_tools.virtual_button import ButtonEvent

_LOG: Final = 400
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
    "not_set_up": "bad",
    "press_longer": "wait",
    "unfit_chip": "bad",
}
KINDS: Final = {1: "PRESS", 2: "UPDATE", 3: "CANCEL", 4: "CHECKIN", 5: "TAMPER", 6: "ENROL", 7: "RECEIPT"}


def text(key: str, language: str, **values: object) -> str:
    """Return `simulate.<key>` of the catalogue."""
    return catalogue.text(f"simulate.{key}", language, **values)


@dataclass(frozen=True)
class Line:
    """A line of the log.

    weight: plain, good, wait, bad, faint
    """

    at_us: int
    key: str
    weight: str
    values: Mapping[str, object]


class LogView(ButtonListener):
    """Collects what there is to see.

    changed: called, from any thread, when there is something new
    log, traffic: the newest lines
    """

    def __init__(self, language: str, shows_at: bool, changed: Callable[[], None]) -> None:
        self.language = language
        self.shows_at = shows_at
        self.changed = changed
        self.log: deque[Line] = deque(maxlen=_LOG)
        self.logged = 0
        self.traffic: deque[Traffic] = deque(maxlen=_LOG)
        self.feedback = Feedback()
        self.button: SimulatedButton | None = None
        self.answered = False
        self.up: dict[str, bool] = {}
        self.on_line: Callable[[Line], None] = lambda line: None
        self.on_event_line: Callable[[ButtonEvent], None] = lambda event: None
        self.on_traffic_line: Callable[[Traffic], None] = lambda traffic: None

    def say(self, key: str, weight: str = "plain", **values: object) -> None:
        """Add a line to the log, now. Thread-safe."""
        button = self.button
        now_us = int(datetime.now(UTC).timestamp() * 1e6) if button is None else button.clock.now_us()
        line = Line(now_us, key, weight, values)
        self.log.append(line)
        self.logged += 1
        self.on_line(line)
        self.changed()

    def clock_text(self, at_us: int) -> str:
        return LOCAL.bare(at_us // 1000)

    def line_text(self, line: Line) -> str:
        values = dict(line.values)
        if "signal" in values:
            signal = str(values["signal"])
            values["signal_text"] = signal_text(signal, self.language)
            values["meaning"] = signal_meaning(signal, self.language, EMERGENCY)
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
                    kind=KINDS.get(facts["kind"], facts["kind"]),
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

    def on_life(self, life: ChipState, why: str) -> None:
        button = self.button
        if life is ChipState.ASLEEP and button is not None and button.chip.wakes_at_us is not None:
            self.say("life_asleep", "faint", until=self.clock_text(button.chip.wakes_at_us))
        elif life is ChipState.RUNNING:
            self.say("life_watchdog" if why else "life_running", "bad" if why else "faint")
        elif life is not ChipState.ASLEEP:
            self.up.clear()
            self.say(f"life_{life}", "bad" if life is ChipState.STOPPED else "wait", why=why)

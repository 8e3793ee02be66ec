"""Everything the demo knows at a moment, and how each observation changes it. No I/O and no clock.

The views draw a DashboardState; `Demo` feeds it. A line of the log keeps its key and values, so that the language can
be changed while it runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_tools.demo.owners import DemoOwner
from siaga_tools.demo.press_trace import Hop, PressTrace
from siaga_tools.demo.stations import NAMES
from siaga_tools.virtual_button import ButtonEvent

_STEPS: Final = {
    "pressed": Hop.PRESSED,
    "stored": Hop.KEPT,
    "signed": Hop.SIGNED,
    "published": Hop.PUBLISHED,
    "puback": Hop.BROKER,
}
_PRESS: Final = 1  # frame kind
_PRESS_KINDS: Final = (journal.INCIDENT_OPENED, journal.PRESSED_AGAIN, journal.TEST_PRESS)
_WAITING_SIGNALS: Final = ("sending", "not_getting_through", "test")
_STATES: Final = {
    journal.SEEN: "seen",
    journal.ASSIGNED: "assigned",
    journal.ON_SCENE: "on_scene",
    journal.CLOSED: "closed",
}
# Journal lines that the log repeats, with their weight.
_JOURNAL_LINES: Final = {
    journal.INCIDENT_OPENED: "warn",
    journal.PRESSED_AGAIN: "warn",
    journal.POSITION: "plain",
    journal.CANCELLED_BY_HOLDER: "warn",
    journal.DURESS: "bad",
    journal.CALLED: "warn",
    journal.CALL_FAILED: "bad",
    journal.RESPONDER_SAID: "good",
    journal.ACKNOWLEDGED: "good",
    journal.SEEN: "good",
    journal.ASSIGNED: "good",
    journal.ON_SCENE: "good",
    journal.CLOSED: "good",
    journal.TEST_PRESS: "plain",
    journal.DELIVERY_FAILED: "bad",
    journal.DELIVERY_ABANDONED: "bad",
    journal.FORGED: "bad",
    journal.CONTRADICTION: "bad",
    journal.BROKER_LOST: "bad",
    journal.BROKER_BACK: "good",
}
# After these nobody is called any more, for now.
_RESTS: Final = frozenset({journal.SEEN, journal.ACKNOWLEDGED, journal.ASSIGNED, journal.ON_SCENE, journal.CLOSED})
_KEPT_TRAILS: Final = 50
_KEPT_LINES: Final = 500


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line for people: the catalogue's `log.<key>` with its values.

    weight: plain, good, warn or bad
    """

    at_ms: int
    key: str
    values: Mapping[str, object]
    weight: str = "plain"


@dataclass(slots=True)
class ButtonView:
    """One button as a bystander sees it."""

    owner: DemoOwner
    device_id: str = ""
    state: str = "off"
    signal: str = "off"  # what light, sound and vibration show
    eta_minutes: int | None = None
    connected: bool = False
    network: bool = True  # what the demo simulates
    enrolled: bool = False
    holding: bool = False  # a finger is on it
    testing: bool = False  # it was switched on with a finger on it
    answered: PressTrace | None = None  # acknowledged, but the light has not changed yet


@dataclass(slots=True)
class IncidentView:
    """One incident, according to the journal."""

    id: int
    button: int
    opened_at_ms: int
    state: str = "open"
    presses: int = 1
    cancelled: bool = False
    unit: str | None = None
    eta_minutes: int | None = None
    deliveries: int = 0
    rung: str = ""  # the last one called; empty: a desk has answered


@dataclass(slots=True)
class DashboardState:
    """The whole state. `changed` is called after every observation."""

    buttons: dict[int, ButtonView]
    changed: Callable[[], None] = lambda: None
    parts: dict[str, str] = field(default_factory=dict)  # broker, gateway, console: off, starting, on, lost
    console_url: str = ""
    trails: deque[PressTrace] = field(default_factory=lambda: deque(maxlen=_KEPT_TRAILS))
    incidents: dict[int, IncidentView] = field(default_factory=dict)
    log: deque[LogLine] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))
    logged: int = 0  # lines ever, so that a reader knows what is new
    _notices: set[str] = field(default_factory=set)
    _early: dict[tuple[int, Hop], deque[int]] = field(default_factory=dict)  # observed before their press was
    _console_seen: dict[int, int] = field(default_factory=dict)  # journal row: when

    def on_change(self, do: Callable[[], None]) -> None:
        """Call it after every observation, beside earlier callbacks."""
        before = self.changed

        def both() -> None:
            before()
            do()

        self.changed = both

    def on_line(self, do: Callable[[LogLine], None]) -> None:
        """Call it with every line of the log, past and future."""
        told = 0

        def tell() -> None:
            nonlocal told
            fresh, told = self.logged - told, self.logged
            for line in list(self.log)[-fresh:] if fresh else ():
                do(line)

        self.on_change(tell)

    def say(self, at_ms: int, key: str, weight: str = "plain", **values: object) -> None:
        self.log.append(LogLine(at_ms, key, values, weight))
        self.logged += 1
        self.changed()

    def part(self, name: str, condition: str) -> None:
        self.parts[name] = condition
        self.changed()

    def trace_of(self, device_id: str, counter: int) -> PressTrace | None:
        button = self.button_of(device_id)
        return next((t for t in reversed(self.trails) if t.button == button and t.counter == counter), None)

    def button_of(self, device_id: str) -> int:
        """Return the button's number, 0 for an unknown one."""
        return next((number for number, view in self.buttons.items() if view.device_id == device_id), 0)

    def incident_known(self, incident: Incident) -> None:
        """Add an incident that was open before the demo began to watch."""
        number = self.button_of(incident.device_id.hex())
        view = IncidentView(incident.id, number, incident.opened_at_ms, str(incident.state), incident.presses)
        view.cancelled, view.unit, view.eta_minutes = (
            incident.cancelled_by_holder,
            _named(incident.unit),
            incident.eta_minutes,
        )
        self.incidents[incident.id] = view

    # --- observations

    def button_told(self, number: int, event: ButtonEvent) -> None:
        """Take one line of a button."""
        view = self.buttons[number]
        facts = event.facts
        match event.kind:
            case "start":
                view.device_id = str(facts["device_id"])
            case "state":
                view.state = str(facts["state"])
            case "indicator":
                signal = str(facts["signal"])
                if signal != view.signal and view.enrolled:
                    self.say(event.at_ms, "signal", button=number, signal=signal)
                view.signal = signal
                if view.answered is not None:
                    view.answered.reach(Hop.ACK, event.at_ms)
                    view.answered = None
            case "frame":
                self._frame(number, event)
            case "ack":
                self._ack(number, event)
            case "bearer":
                view.connected = bool(facts["up"])
            case "error":
                self.say(event.at_ms, "button_error", "warn", button=number, what=facts.get("what", "?"))
        self.changed()

    def _frame(self, number: int, event: ButtonEvent) -> None:
        facts = event.facts
        hop = _STEPS.get(str(facts.get("step")))
        if facts.get("kind") != _PRESS or hop is None:
            return
        view = self.buttons[number]
        trail = self._trail(number, int(facts["counter"]))
        if hop is Hop.PRESSED and hop not in trail.times:
            trail.test = view.testing
            self.say(event.at_ms, "tested" if trail.test else "pressed", button=number, who=self._who(number))
        trail.reach(hop, event.at_ms)

    def _trail(self, number: int, counter: int) -> PressTrace:
        """Return the press's trace, created by whichever observation comes first."""
        trail = self.trace_of(self.buttons[number].device_id, counter)
        if trail is None:
            trail = PressTrace(number, counter)
            self.trails.append(trail)
            for hop in (Hop.WEBHOOK, Hop.CAP):
                early = self._early.get((number, hop))
                if early:
                    trail.reach(hop, early.popleft())
        return trail

    def _ack(self, number: int, event: ButtonEvent) -> None:
        view = self.buttons[number]
        view.eta_minutes = event.facts.get("eta")
        trail = self.trace_of(view.device_id, int(event.facts["counter"]))
        if trail is None or Hop.ACK in trail.times:
            return
        if view.signal in _WAITING_SIGNALS:
            view.answered = trail  # the light changes next
        else:
            trail.reach(Hop.ACK, event.at_ms)

    def journal_told(self, entry: JournalEntry, seen_ms: int) -> None:
        """Take one entry of the gateway's journal; another process could read it from `seen_ms` on."""
        number = 0 if entry.device_id is None else self.button_of(entry.device_id.hex())
        if entry.kind in _PRESS_KINDS and number:
            trail = self._trail(number, int(entry.facts["counter"]))
            trail.test = entry.kind == journal.TEST_PRESS
            trail.journal_id = entry.id
            trail.reach(Hop.GATEWAY, entry.at_ms)
            trail.reach(Hop.STORED, seen_ms)
            if entry.id in self._console_seen:
                trail.reach(Hop.CONSOLE, self._console_seen[entry.id])
        if entry.incident_id is not None:
            self._incident(entry, entry.incident_id, number)
        self._journal_line(entry, number)
        self.changed()

    def console_told(self, journal_id: int, seen_ms: int) -> None:
        """Take a journal row from the console's live stream."""
        self._console_seen[journal_id] = seen_ms
        while len(self._console_seen) > _KEPT_LINES:
            del self._console_seen[next(iter(self._console_seen))]
        for trail in self.trails:
            if trail.journal_id == journal_id:
                trail.reach(Hop.CONSOLE, seen_ms)
        self.changed()

    def _incident(self, entry: JournalEntry, incident_id: int, number: int) -> None:
        facts = entry.facts
        if entry.kind == journal.INCIDENT_OPENED:
            self.incidents[incident_id] = IncidentView(incident_id, number, entry.at_ms)
        incident = self.incidents.get(incident_id)
        if incident is None:  # a test's number
            return
        match entry.kind:
            case journal.PRESSED_AGAIN:
                incident.presses = int(facts.get("presses") or incident.presses + 1)
            case journal.CANCELLED_BY_HOLDER:
                incident.cancelled = True
            case journal.ASSIGNED:
                incident.unit, incident.eta_minutes = facts.get("unit"), facts.get("eta_minutes")
            case journal.CALLED:
                incident.rung = str(facts.get("rung") or "")
            case journal.RESPONDER_SAID:
                self._said(incident, facts)
            case journal.DELIVERED:
                incident.deliveries += 1
        incident.state = _STATES.get(entry.kind, incident.state)
        if entry.kind in _RESTS:
            incident.rung = ""

    def _said(self, incident: IncidentView, facts: Mapping[str, Any]) -> None:
        """The first responder who accepts is the unit, until a desk names one."""
        if facts.get("said") == "accepted" and incident.unit is None:
            incident.unit, incident.eta_minutes = _named(_responder(facts)), facts.get("minutes")

    def _journal_line(self, entry: JournalEntry, number: int) -> None:
        if entry.kind not in _JOURNAL_LINES:
            return
        self.say(
            entry.at_ms,
            entry.kind,
            _JOURNAL_LINES[entry.kind],
            incident=entry.incident_id,
            button=number,
            who=self._who(number) if number else "?",
            actor=entry.actor or "?",
            unit=entry.facts.get("unit") or "?",
            rung=entry.facts.get("rung") or "",
            person=_named(_responder(entry.facts)),
            said=entry.facts.get("said") or "",
            minutes=entry.facts.get("minutes"),
        )

    def message_told(self, who: str, title: str, at_ms: int) -> None:
        """Take a message to a station or an officer."""
        self.say(at_ms, "told", "warn", who=who, title=title)

    def notice_delivered(self, event: Mapping[str, Any], key: str, at_ms: int) -> None:
        """Take a signed CloudEvent from the webhook's receiver. A repeat (same key) is only logged."""
        again = key in self._notices
        self._notices.add(key)
        contents = event["data"]
        number = self.button_of(str(contents["device"]["id"]))
        change = str(contents["change"])
        self.say(
            at_ms, "webhook_again" if again else "webhook", "plain" if again else "good", notice=key, change=change
        )
        if not again and change in ("opened", "pressed_again"):
            self._first_without(Hop.WEBHOOK, number, at_ms)

    def cap_written(self, incident_id: int, change: str, at_ms: int) -> None:
        """Take a CAP file in the folder, complete since `at_ms`."""
        self.say(at_ms, "cap", "good", change=change)
        if change in ("opened", "pressed_again"):
            self._first_without(Hop.CAP, self.incidents[incident_id].button, at_ms)

    def _first_without(self, hop: Hop, number: int, at_ms: int) -> None:
        # The gateway keeps one incident's notices in order, so the oldest press still waiting is meant.
        for trail in self.trails:
            if trail.button == number and not trail.test and hop not in trail.times:
                trail.reach(hop, at_ms)
                break
        else:
            self._early.setdefault((number, hop), deque()).append(at_ms)
        self.changed()

    def _who(self, number: int) -> str:
        owner = self.buttons[number].owner
        return f"{owner.name}, {owner.town}"


def _responder(facts: Mapping[str, Any]) -> str:
    """Return the key of whoever said something; empty: nobody did."""
    return str(facts.get("who") or "").removeprefix(RESPONDER)


def _named(unit: str | None) -> str | None:
    return None if unit is None else NAMES.get(unit, unit)

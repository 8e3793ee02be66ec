"""A whole scenario, from its first step to the questions that each ends with."""

from __future__ import annotations

from contextlib import ExitStack

from siaga_gateway.domain.frame import Kind
from siaga_tools.messages import Trouble
from siaga_tools.simulate.chip import ChipState
from stage.air import Air
from stage.brokers import Brokers
from stage.hand import Hand
from stage.hours import Hours
from stage.people import People
from stage.power import Power
from stage.seen import Seen
from stage.steps import Step, steps_of
from stage.updates import Updates
from system.installation import outbox
from system.scenario import KINDS

_STRANGE = ("malformed", "forged", "contradiction", "unprocessed")


class Stage(Power, Hand, Air, Brokers, People, Updates, Hours, Seen):
    """One scenario in one installation; play() it."""

    def play(self) -> None:
        """AssertionError with the timeline of all parts where a step or an expectation fails."""
        at = "before its first step"
        with ExitStack() as stack:
            self.enter = stack.enter_context
            try:
                if self.scenario.release:
                    self._releases = stack.enter_context(self.house.releases())
                self._button = stack.enter_context(self.make())
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

    def _end(self) -> None:
        scenario = self.scenario
        button = self.button
        button.place(None)
        must = [number for name, number in KINDS.items() if name not in scenario.left and number <= Kind.TAMPER]

        def all_acknowledged() -> bool:
            return set(self.stored(*must)) <= self.acknowledged_so_far()

        if button.life is not ChipState.OFF:
            self.until(all_acknowledged, "an acknowledgement of all that was stored")
            self.until(
                lambda: button.signal == scenario.ends and button.state == scenario.state,
                f"{scenario.ends} at last, not {button.signal} and {button.state}",
            )
            button.power_cut()
        assert all(trap.sprung for trap in self._traps), "the modem was never asked for what a trap waits for"
        self._is_stored_once()
        self._complains_of_nothing()
        allowed = {KINDS[name] for name in scenario.left}
        answered = self.acknowledged_so_far()
        for counter, kind in outbox(button.flash):
            # A check-in goes by the clock, and may have been made in the very moment of the end: not yet sent, or not
            # even told of, as the power was cut between the writing and the telling.
            just_made = (
                kind == Kind.CHECKIN and counter not in answered and counter >= max(self.stored(kind), default=0)
            )
            assert kind in allowed or just_made, f"its outbox holds frame {counter} of kind {kind}"

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
        errors = [str(event.facts["what"]) for event in self.button.events.all() if event.kind == "error"]
        unexpected = [what for what in errors if not what.startswith(self.scenario.errors or ("\0",))]
        assert not unexpected, f"it complained: {unexpected}"
        for beginning in self.scenario.errors:
            assert any(what.startswith(beginning) for what in errors), f"it did not complain of {beginning!r}"


STEPS: list[Step] = [one for part in Stage.__bases__ for one in steps_of(part)]


def find_step(text: str) -> tuple[Step, tuple[str, ...]]:
    """Who does a step, and with which words. ValueError where nobody does."""
    for one in STEPS:
        found = one.pattern.fullmatch(text)
        if found:
            return one, found.groups()
    raise ValueError(f"nobody knows how to do {text!r}; tests/system/SCENARIOS.md says what a step may say")

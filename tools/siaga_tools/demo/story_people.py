"""What the story's people can do: press, take a step at the console, answer by phone. None acts on a person's call.

Every wait is for an event and has a deadline; SIAGA_PATIENCE makes the deadlines longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import httpx

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState
from siaga_gateway.service.journal import kinds as journal
from siaga_tools.demo.answering import OPERATOR
from siaga_tools.demo.console_operator import ConsoleOperator, Form
from siaga_tools.demo.dispatch import DemoDispatch
from siaga_tools.demo.run_state import RunState
from siaga_tools.demo.virtual_buttons import VirtualButtons
from siaga_tools.messages import Trouble
from siaga_tools.process.slow_machine import patient

POLDA: Final = "Piket Polda Contoh"
_PERSON_S: Final = 300.0  # for which the story waits for whoever has taken a call
_STEP_S: Final = 60.0
_AGAIN_S: Final = 0.3
_THEIR_OWN: Final = frozenset({OPERATOR, POLDA})
_STEPS: Final = frozenset(
    {journal.SEEN, journal.ACKNOWLEDGED, journal.RESUMED, journal.ASSIGNED, journal.STOOD_DOWN, journal.ON_SCENE}
    | {journal.CALLED_BACK, journal.NOTE_ADDED, journal.CLOSED, journal.REOPENED, journal.MADE_REAL}
)  # fmt: skip
Done = Callable[[Incident], bool]


def is_seen(incident: Incident) -> bool:
    return incident.state is not IncidentState.OPEN


def is_closed(incident: Incident) -> bool:
    return incident.state is IncidentState.CLOSED


def has_unit(incident: Incident) -> bool:
    return incident.unit is not None or is_closed(incident)


def is_there(incident: Incident) -> bool:
    return incident.state is IncidentState.ON_SCENE or is_closed(incident)


@dataclass(slots=True)
class Cast:
    """Who plays the story, and what they play it with. For the demo's event loop."""

    stage: RunState
    buttons: VirtualButtons
    store: SqlStore
    dispatch: DemoDispatch
    _of_persons: set[int] = field(default_factory=set)  # incidents, as it was said
    _not_awaited: set[int] = field(default_factory=set)  # any more

    def at_console(self, name: str) -> ConsoleOperator:
        return ConsoleOperator(name, lambda: self.stage.board.console_url)

    def incident(self, number: int) -> Incident:
        found = self.store.incident(number)
        assert found is not None, "no incident is ever removed while the demo runs"
        return found

    def is_taken(self, number: int) -> bool:
        """Return whether a person has taken a step at the console in it."""
        return any(
            entry.kind in _STEPS and entry.actor is not None and entry.actor not in _THEIR_OWN
            for entry in self.store.journal_of_incident(number)
        )

    def has_called(self, number: int, rung: str) -> bool:
        return any(
            entry.kind == journal.CALLED and entry.facts.get("rung") == rung
            for entry in self.store.journal_of_incident(number)
        )

    async def clock_is_known(self, button: int) -> None:
        """Wait until a check-in has proven the button's clock, and until a press made from now on names a later second
        than this one: of a drill, only such a press is an exercise. Raises Trouble (`story_button`)."""
        began_s = int(time.time())
        device_id = bytes.fromhex(self.stage.board.buttons[button].device_id)
        until = time.monotonic() + patient(_STEP_S)
        while (status := self.store.status(device_id)) is None or status.clock is None:
            if time.monotonic() > until:
                raise Trouble("story_button", button=button)
            await asyncio.sleep(_AGAIN_S)
        await asyncio.sleep(max(0.0, began_s + 1 - min(0, status.clock.lag_s) - time.time()))

    async def press(self, button: int) -> int:
        """Press it once it is at rest; returns the incident's number. Raises Trouble (`story_button`)."""
        board = self.stage.board
        if not await self.stage.until(lambda: self.buttons.may_open(button), patient(_STEP_S)):
            raise Trouble("story_button", button=button)
        before = set(board.incidents)
        await self.buttons.press(button)

        def opened() -> list[int]:
            return [each.id for each in board.incidents.values() if each.button == button and each.id not in before]

        if not await self.stage.until(lambda: bool(opened()), patient(_STEP_S)):
            raise Trouble("story_button", button=button)
        return opened()[0]

    async def step(self, who: ConsoleOperator, number: int, name: str, done: Done, form: Form | None = None) -> bool:
        """Take a step at the console, or where a person has taken the call, wait until he has. Returns whether it is
        done then. Raises Trouble (`story_step`)."""
        until = time.monotonic() + patient(_STEP_S)
        while not done(incident := self.incident(number)):
            if self.is_taken(number):
                return await self.await_person(number, done)
            if time.monotonic() > until:
                raise Trouble("story_step", who=who.name, incident=number)
            # What the page would send: whatever has changed meanwhile, the gateway refuses it (409).
            shown: dict[str, str | int] = {"shown": incident.progress}
            if name == "close":
                shown |= {"presses": incident.presses, "duress": str(incident.duress).lower()}
            try:
                answer = await asyncio.to_thread(who.post, f"/incidents/{number}/{name}", shown, form or {})
            except httpx.HTTPError:  # the gateway is down
                await asyncio.sleep(_AGAIN_S)
                continue
            if answer.is_error:
                await asyncio.sleep(_AGAIN_S)
        return True

    async def close(self, who: ConsoleOperator, number: int, disposition: Disposition, note: str = "") -> bool:
        return await self.step(who, number, "close", is_closed, {"disposition": str(disposition), "note": note})

    async def await_person(self, number: int, done: Done) -> bool:
        """Wait for the person who has taken it; of each incident that is said once. Returns whether it is done."""
        if number in self._not_awaited:
            return done(self.incident(number))
        if number not in self._of_persons:
            self._of_persons.add(number)
            self.stage.say("story_yours", "story", incident=number)
        came = await self.stage.until(lambda: done(self.incident(number)), patient(_PERSON_S))
        if not came:
            self._not_awaited.add(number)
            self.stage.say("story_not_awaited", "story", incident=number)
        return came

    async def comes(self, number: int, holds: Callable[[], bool]) -> bool:
        """Wait until it holds, or the call is a person's. Returns whether it holds."""
        either = await self.stage.until(lambda: holds() or self.is_taken(number), patient(_STEP_S))
        return either and holds()

    async def by_phone(self, do: Callable[[], None]) -> bool:
        """Do it on an officer's phone. Returns whether it was taken: not where the call is over."""
        until = time.monotonic() + patient(_STEP_S)
        while time.monotonic() < until:
            try:
                await asyncio.to_thread(do)
                return True
            except httpx.HTTPStatusError as refused:
                if refused.response.is_client_error:
                    return False
                await asyncio.sleep(_AGAIN_S)
            except httpx.HTTPError:
                await asyncio.sleep(_AGAIN_S)
        return False

    async def clear(self) -> None:
        """Close what earlier presses have left open: what a person has taken, he closes himself."""
        operator = self.at_console(OPERATOR)
        for incident in self.store.open_incidents():
            if not self.is_taken(incident.id):
                self.stage.say("story_clears", "story", incident=incident.id)
            await self.close(operator, incident.id, Disposition.TEST)

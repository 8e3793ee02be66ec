"""Who answers in the demo: an operator who is asleep at first, and officers who are told by their phones.

Each does what its person does: the operator signs in at the console and acknowledges the call, an officer answers by a
POST under the link of his message. What does not succeed (the gateway is down) is tried again for a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import httpx

from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_tools.demo.console_operator import ConsoleOperator
from siaga_tools.demo.ntfy_server import PhoneMessage
from siaga_tools.demo.run_state import RunState
from siaga_tools.demo.stations import RESPONDERS, key_of
from siaga_tools.process.slow_machine import patient

OPERATOR: Final = "Operator Contoh"
SLEEPS_S: Final = 12.0  # the chief has been called by then, the Polda has not; where he has not, until he is
WAKES_S: Final = 16.0  # an officer at home; he waits for an operator who has not answered by then
ARRIVES_S: Final = 60.0
MINUTES: Final = 5  # that he promises
_AGAIN_S: Final = 1.0
_GIVES_UP_S: Final = 60.0
_CLIMBS_S: Final = 60.0  # longer than any pause of the ladder
_TIMEOUT_S: Final = 5.0
_FIRST: Final = "stations"
_ANSWERED: Final = frozenset({journal.SEEN, journal.ACKNOWLEDGED, journal.ASSIGNED, journal.CLOSED})
_ANSWERING: Final = frozenset(each.key for each in RESPONDERS if each.answers)


@dataclass(frozen=True, slots=True)
class _Wave:
    """wakes: the ladder has climbed, or somebody has answered. over: the operator has answered, or gave it up."""

    wakes: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Answering:
    """Told of what the gateway has done, in the demo's event loop."""

    def __init__(self, stage: RunState, console_url: Callable[[], str]) -> None:
        """console_url: where the console is now."""
        self._stage = stage
        self.resting = False  # the story's people answer in their place
        self._operator = ConsoleOperator(OPERATOR, console_url)
        self._waves: dict[tuple[int, int], _Wave] = {}
        self._under_way: set[str] = set()  # links that an officer is answering

    def journal_told(self, entry: JournalEntry) -> None:
        """Take an entry of the gateway's journal: each wave of calls rings once until the operator wakes."""
        incident = entry.incident_id
        if incident is None:
            return
        if entry.kind in _ANSWERED:
            for (its, _), wave in self._waves.items():
                if its == incident:
                    wave.wakes.set()
        if entry.kind != journal.CALLED or self.resting:
            return
        key = incident, int(entry.facts.get("wave") or 0)
        if key not in self._waves:
            self._waves[key] = _Wave()
            self._stage.spawn(self._acknowledge(*key))
        if entry.facts.get("rung") != _FIRST:
            self._waves[key].wakes.set()

    def message_told(self, message: PhoneMessage) -> None:
        """Take a message that somebody's phone shows."""
        if self.resting or key_of(message.topic) not in _ANSWERING or not message.answers:
            return
        first = message.answers[0]  # accept; or alive, where he is asked whether he is well
        if first not in self._under_way:
            self._under_way.add(first)
            self._stage.spawn(self._answer(message, first))

    async def _acknowledge(self, incident: int, wave: int) -> None:
        this = self._waves[incident, wave]
        try:
            await asyncio.sleep(SLEEPS_S)
            # On a slow machine the ladder may be behind: who answers it before the chief is called shows no climb.
            await _come(this.wakes, patient(_CLIMBS_S))
            await self._until_done(lambda: self._acknowledged(incident, wave))
        finally:
            this.over.set()

    def _acknowledged(self, incident: int, wave: int) -> None:
        """Raises: HTTPError."""
        # 4xx: somebody else was faster, which is no fault.
        self._operator.post(f"/incidents/{incident}/acknowledge", {"wave": wave}, {})

    async def _answer(self, message: PhoneMessage, first: str) -> None:
        await asyncio.sleep(WAKES_S)
        for wave in list(self._waves.values()):
            await wave.over.wait()
        await self._until_done(lambda: _posted(first, {"minutes": str(MINUTES)}))
        if first.endswith("/accept"):
            await asyncio.sleep(ARRIVES_S)
            await self._until_done(lambda: _posted(f"{message.click}/arrived", {}))
        self._under_way.discard(first)

    async def _until_done(self, step: Callable[[], None]) -> None:
        ends = time.monotonic() + patient(_GIVES_UP_S)
        while time.monotonic() < ends:
            try:
                await asyncio.to_thread(step)
                return
            except httpx.HTTPError:
                await asyncio.sleep(_AGAIN_S)


async def _come(event: asyncio.Event, most_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(most_s):
            await event.wait()


def _posted(url: str, form: dict[str, str]) -> None:
    """Raises: HTTPError."""
    answer = httpx.post(url, data=form, timeout=patient(_TIMEOUT_S), trust_env=False)
    if answer.is_server_error:  # 4xx: it is over
        answer.raise_for_status()

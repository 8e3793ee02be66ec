"""The story that the demo plays on its real parts: five scenes, each step announced with where to look.

Its people do what people do: buttons are held, an operator uses the console, an officer answers on his phone. The
pauses are for whoever looks on; nothing waits for them to work.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import httpx

from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.incident import Disposition
from siaga_gateway.domain.notification import RESPONDER, STATION
from siaga_tools.demo.answering import MINUTES, OPERATOR
from siaga_tools.demo.console_operator import ConsoleOperator, Form
from siaga_tools.demo.invented_town import STEP, Point
from siaga_tools.demo.officer_phone import OfficerPhone, Phones, along
from siaga_tools.demo.owners import OWNERS
from siaga_tools.demo.site import TOWNS
from siaga_tools.demo.stations import NAMES
from siaga_tools.demo.story_people import POLDA, Cast, has_unit, is_closed, is_seen, is_there
from siaga_tools.messages import Trouble
from siaga_tools.process.slow_machine import patient

OFFICER: Final = "rahmat-contoh"
_SECOND_OFFICER: Final = "wayan-contoh"
_STATION: Final = "polsek-contoh-utara"
_X, _Y = TOWNS[0].middle
# From the officer's home to the first button, by streets that the map has.
ROUTE: Final[tuple[Point, ...]] = tuple(
    (_X + x * STEP, _Y + y * STEP) for x, y in ((4, -4), (4, -2), (2, -2), (2, 0), (0, 0))
)
_PLACES: Final = 12  # of the way that are told: of one phone twenty a minute are taken
_SOON: Final = 2  # minutes, half way
_RINGS_S: Final = 60.0
_PRANKS: Final = 3
_DRILL_MINUTES: Final = "10"
_DRILL: Final = re.compile(r"/drills/(\d+)")


class Story:
    """Once at a time, and again as often as somebody likes."""

    def __init__(self, cast: Cast, into_operation: Callable[[], Awaitable[None]], pause_s: float) -> None:
        """into_operation: makes the gateway one that takes drills. pause_s: for which each step stands."""
        self._cast = cast
        self._stage = cast.stage
        self._into_operation = into_operation
        self._pause_s = pause_s
        self._plays = False
        self._operator = cast.at_console(OPERATOR)

    def begin(self) -> None:
        """Play it beside whatever else goes on. Raises Trouble (`story_plays`)."""
        if self._plays:
            raise Trouble("story_plays")
        self._plays = True
        self._stage.spawn(self._play())

    async def _play(self) -> None:
        try:
            with self._cast.dispatch.story() as phones:
                await self._into_operation()
                await self._tell("begins", url=self._stage.board.console_url)
                await self._cast.clear()
                for scene in (partial(self._help, phones), self._drill, self._pranks, self._duress, self._climb):
                    try:
                        await scene()
                    except Trouble as trouble:  # what a person did meanwhile leaves no place for it
                        self._stage.say("story_scene_lost", "warn", why=trouble)
                self._stage.say("story_over", "story")
        except SiagaError as error:
            self._stage.say("story_lost", "bad", why=error)
        finally:
            self._plays = False

    async def _tell(self, name: str, **values: object) -> None:
        self._stage.say(f"story_{name}", "story", **values)
        await asyncio.sleep(self._pause_s)

    # --- scenes

    async def _help(self, phones: Phones) -> None:
        cast, mark = self._cast, phones.mark()
        await self._tell("press", who=OWNERS[0].name)
        incident = await cast.press(1)
        await self._tell("rings")
        await self._tell("answers")
        await cast.step(self._operator, incident, "seen", is_seen)
        phone = await phones.ring(OFFICER, mark, patient(_RINGS_S))
        if phone is not None:
            try:
                await self._comes_and_helps(phone, incident)
            finally:
                phone.close()
        await self._tell("closes")
        await cast.close(self._operator, incident, Disposition.VERIFIED)

    async def _comes_and_helps(self, phone: OfficerPhone, incident: int) -> None:
        cast, name = self._cast, NAMES[OFFICER]
        await self._tell("accepts", who=name, minutes=MINUTES)
        # Whom a person sends instead, he does not get in the way of.
        if has_unit(cast.incident(incident)) or not await cast.by_phone(partial(phone.accept, MINUTES)):
            return
        await self._tell("rides", who=name)
        for number, place in enumerate(along(ROUTE, _PLACES)):
            if not await cast.by_phone(partial(phone.is_at, place)):
                return
            if number == _PLACES // 2:
                await cast.by_phone(partial(phone.accept, _SOON))
                self._stage.say("story_sooner", "story", who=name, minutes=_SOON)
            await asyncio.sleep(self._pause_s / 4)
        if await cast.by_phone(phone.arrived):
            await self._tell("arrives", who=name)

    async def _drill(self) -> None:
        cast = self._cast
        await self._tell("drill", station=NAMES[_STATION])
        drill = await self._ordered()
        await cast.clock_is_known(2)
        incident = await cast.press(2)
        await self._tell("drill_pressed")
        await cast.step(self._operator, incident, "seen", is_seen)
        await cast.close(self._operator, incident, Disposition.EXERCISE)
        await self._at_console(self._operator, f"/drills/{drill}/end")
        await self._tell("drill_over", drill=drill)

    async def _ordered(self) -> int:
        """Order a drill of button 2 on the page of drills; returns its number. Raises Trouble (`story_drill`)."""
        form: Form = {
            "name": NAMES[_STATION],
            "minutes": _DRILL_MINUTES,
            "button": self._stage.board.buttons[2].device_id,
            "person": [STATION + _STATION, RESPONDER + _SECOND_OFFICER],
            "do": "begin",
        }
        answer = await self._at_console(self._operator, "/drills", form)
        found = _DRILL.search(answer.headers.get("location", ""))
        if found is None:
            raise Trouble("story_drill", status=answer.status_code)
        return int(found[1])

    async def _pranks(self) -> None:
        cast, who = self._cast, OWNERS[2]
        await self._tell("pranks", who=who.name)
        for number in range(1, _PRANKS + 1):
            incident = await cast.press(who.number)
            await cast.step(self._operator, incident, "seen", is_seen)
            await cast.close(self._operator, incident, Disposition.ABUSE)
            self._stage.say("story_prank", "story", number=number, of=_PRANKS)
        await self._tell("case", who=who.name)

    async def _duress(self) -> None:
        cast, who = self._cast, OWNERS[1]
        await self._tell("duress", who=who.name)
        incident = await cast.press(who.number)
        await cast.step(self._operator, incident, "seen", is_seen)
        await self._tell("forced", who=who.name)
        if not is_closed(cast.incident(incident)):
            await cast.buttons.duress(who.number)
        await cast.comes(incident, lambda: cast.incident(incident).duress)
        await self._tell("duress_shown", button=who.number)
        await self._tell("sends")
        sent = {"unit": NAMES[_SECOND_OFFICER], "eta": str(MINUTES)}
        await cast.step(self._operator, incident, "assign", has_unit, sent)
        await cast.step(self._operator, incident, "on-scene", is_there)
        await cast.close(self._operator, incident, Disposition.VERIFIED)

    async def _climb(self) -> None:
        cast, polda = self._cast, self._cast.at_console(POLDA)
        await self._tell("climb", who=OWNERS[0].name)
        incident = await cast.press(1)
        self._stage.say("story_nobody", "story")
        for rung in ("chief", "region"):
            if await cast.comes(incident, partial(cast.has_called, incident, rung)):
                await self._tell(f"climbs_{rung}")
        await cast.step(polda, incident, "seen", is_seen)
        sent = {"unit": NAMES["patroli-contoh-1"], "eta": str(MINUTES)}
        await cast.step(polda, incident, "assign", has_unit, sent)
        await self._tell("polda", who=POLDA)
        await cast.close(polda, incident, Disposition.NOT_NEEDED)

    async def _at_console(self, who: ConsoleOperator, path: str, form: Form | None = None) -> httpx.Response:
        """Raises Trouble (`story_drill`)."""
        try:
            return await asyncio.to_thread(who.post, path, {}, form or {})
        except httpx.HTTPError as error:
            raise Trouble("story_drill", status=str(error) or type(error).__name__) from error

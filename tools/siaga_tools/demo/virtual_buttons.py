"""The demo's three virtual buttons: started, enrolled, pressed, and restarted if one dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.sql import SqlStore
from siaga_tools.demo import enrolment
from siaga_tools.demo.folder import DemoFolder
from siaga_tools.demo.owners import OWNERS
from siaga_tools.demo.press_trace import Hop, PressTrace
from siaga_tools.demo.run_state import RunState, together
from siaga_tools.messages import Trouble, say
from siaga_tools.process.child import ending
from siaga_tools.process.slow_machine import patient
from siaga_tools.virtual_button import ButtonEvent, ButtonFiles, HoldTimes, VirtualButton

_ENROL_DEADLINE_S: Final = 30.0
_PRESSED_DEADLINE_S: Final = 5.0
_PAUSE_S: Final = 1.0  # before a button that died is restarted
_FIX_S: Final = 20.0
_STEP_E7: Final = 9000  # about 100 m
_ENROL: Final = 6  # frame kind
_OPEN_STATES: Final = ("sending", "received", "seen", "assigned", "on_scene", "refused")


class VirtualButtons:
    """Buttons 1 to 3. Every waiting method has a deadline and raises Trouble."""

    def __init__(
        self, stage: RunState, folder: DemoFolder, micropython: str, firmware: Path, holds: HoldTimes, language: str
    ) -> None:
        self._stage = stage
        self._folder = folder
        self._micropython = micropython
        self._firmware = firmware
        self._holds = holds
        self._language = language
        self._buttons: dict[int, VirtualButton] = {}

    def write_settings(self, broker_port: int, gateway_key: str) -> None:
        """Write each button's settings file, as from the installer's cable. gateway_key: X || Y in hex."""
        for owner in OWNERS:
            settings: dict[str, object] = {
                "mqtt_hosts": ["127.0.0.1"],
                "mqtt_port": broker_port,
                "mqtt_tls": False,
                "gateway_key": gateway_key,
                "hold_ms": self._holds.press_ms,
                "cancel_hold_ms": self._holds.cancel_ms,
                "duress_hold_ms": self._holds.duress_ms,
                "language": self._language,
            }
            if owner.installed:
                settings["installed_position"] = [owner.latitude, owner.longitude, owner.accuracy_m]
            path = self._folder.button_settings(owner.number)
            path.touch(mode=0o600)
            path.write_text(json.dumps(settings), encoding="utf-8")

    async def start(self) -> None:
        await together(*(self._start(owner.number) for owner in OWNERS))
        self._stage.spawn(self._move())

    async def enrol(self, store: SqlStore) -> None:
        await together(*(self._enrol(owner.number, store) for owner in OWNERS))

    async def stop(self) -> None:
        await asyncio.gather(*(button.stop() for button in self._buttons.values()), return_exceptions=True)

    # --- commands

    async def press(self, number: int) -> PressTrace:
        return await self._pressed(number, self._buttons[number].press)

    async def test(self, number: int) -> PressTrace:
        """Switch it on with a finger on it."""
        view = self._stage.board.buttons[number]
        if view.state in _OPEN_STATES:
            raise Trouble("test_open", button=number)
        view.testing = True
        try:
            return await self._pressed(number, self._buttons[number].test, "testing")
        finally:
            view.testing = False

    async def cancel(self, number: int) -> None:
        self._with_incident(number)
        await self._held(number, self._buttons[number].cancel, self._holds.cancel_ms)

    async def duress(self, number: int) -> None:
        """Cancel as one who is forced to."""
        self._with_incident(number)
        await self._held(number, self._buttons[number].duress, self._holds.duress_ms)

    def may_open(self, number: int) -> bool:
        """Return whether a press of this button would open an incident."""
        view = self._stage.board.buttons[number]
        return view.connected and not view.holding and view.state not in _OPEN_STATES

    async def network(self, number: int, on: bool) -> None:
        self._stage.board.buttons[number].network = on
        await self._buttons[number].network(on)
        self._stage.say("network_on" if on else "network_off", button=number)

    def _with_incident(self, number: int) -> None:
        """Raises: Trouble (`no_incident`)."""
        if self._stage.board.buttons[number].state not in _OPEN_STATES:
            raise Trouble("no_incident", button=number)

    async def _pressed(
        self, number: int, hold: Callable[[], Coroutine[Any, Any, None]], said: str = "holding"
    ) -> PressTrace:
        button = self._buttons[number]
        mark = button.mark()
        await self._held(number, hold, self._holds.press_ms, said)
        event = await button.wait_for(
            lambda event: event.kind == "frame" and event.facts.get("step") == "pressed",
            after=mark,
            deadline_s=patient(_PRESSED_DEADLINE_S),
            what=say(f"hop.{Hop.PRESSED}", self._language),
        )
        trail = self._stage.board.trace_of(button.device_id, int(event.facts["counter"]))
        assert trail is not None, "the board hears every event before a waiter does"
        return trail

    async def _held(
        self, number: int, hold: Callable[[], Coroutine[Any, Any, None]], hold_ms: int, said: str = "holding"
    ) -> None:
        view = self._stage.board.buttons[number]
        if view.holding:
            raise Trouble("busy_button", button=number)
        view.holding = True
        self._stage.say(said, button=number, seconds=f"{hold_ms / 1000:g}")
        try:
            await hold()
        finally:
            view.holding = False
            self._stage.board.changed()

    # --- lifecycle

    async def _start(self, number: int) -> None:
        view = self._stage.board.buttons[number]
        button = self._buttons[number] = await VirtualButton.start(
            say("source.button", self._language, button=number),
            ButtonFiles(
                self._micropython, self._firmware, self._folder.flash(number), self._folder.button_settings(number)
            ),
            on_event=lambda event: self._heard(number, event),
            holds=self._holds,
        )
        await button.tell(f"battery {view.owner.battery}")
        if view.owner.installed:
            await button.tell("pin external 1")
        else:
            await button.tell(f"fix {view.owner.latitude} {view.owner.longitude} {view.owner.accuracy_m}")
        if not view.network:
            await button.network(False)
        self._stage.spawn(self._watch(number, button))

    def _heard(self, number: int, event: ButtonEvent) -> None:
        self._stage.board.button_told(number, event)

    async def _watch(self, number: int, button: VirtualButton) -> None:
        code = ending(await button.ended())
        if self._stage.stopping or button.stopping:
            return
        view = self._stage.board.buttons[number]
        view.signal = view.state = "off"
        view.connected = False
        why = button.last_words()
        self._stage.say("button_lost", "bad", button=number, code=code, why=why)
        if not self._stage.recover or self._stage.restless(button.name):
            self._stage.fail(Trouble("button_ended", name=button.name, code=code, why=why))
            return
        await asyncio.sleep(_PAUSE_S)
        try:
            await self._start(number)
        except Trouble as trouble:
            self._stage.fail(trouble)

    async def _enrol(self, number: int, store: SqlStore) -> None:
        button, view = self._buttons[number], self._stage.board.buttons[number]
        who = f"{view.owner.name}, {view.owner.town}"
        if enrolment.is_enrolled(store, button.device_id):
            self._stage.say("known", button=number, who=who)
        else:
            await self._quarantined(number, button, store)
            self._stage.say("enrolling", button=number, who=who)
            await asyncio.to_thread(enrolment.enrol, store, view.owner, button.device_id)
            # Power-cycled, it calls again at once; otherwise it would do so within five seconds.
            mark = button.mark()
            await button.power_cycle()
            await button.wait_for(
                lambda event: (
                    event.kind == "frame"
                    and event.facts.get("kind") == _ENROL
                    and event.facts.get("step") == "acknowledged"
                ),
                after=mark,
                deadline_s=patient(_ENROL_DEADLINE_S),
                what="ENROL ACK",
            )
            self._stage.say("enrolled", "good", button=number)
        view.enrolled = True
        if not await self._stage.until(lambda: view.connected, patient(_ENROL_DEADLINE_S)):
            raise Trouble("enrol_late", button=number, seconds=f"{patient(_ENROL_DEADLINE_S):g}", what="MQTT")

    async def _quarantined(self, number: int, button: VirtualButton, store: SqlStore) -> None:
        until = time.monotonic() + patient(_ENROL_DEADLINE_S)
        while not enrolment.waits_in_quarantine(store, button.device_id):
            if time.monotonic() > until:
                raise self._late(number, button.last_words())
            await asyncio.sleep(0.02)

    def _late(self, number: int, what: str) -> Trouble:
        why = ", ".join(part for part in (what, self._stage.gateway_says()) if part)
        return Trouble("enrol_late", button=number, seconds=f"{patient(_ENROL_DEADLINE_S):g}", what=why)

    async def _move(self) -> None:
        """Now and then give a carried button a new fix; the second button's holder rides about."""
        step = 0
        while True:
            await asyncio.sleep(_FIX_S)
            step += 1
            for owner in OWNERS:
                button = self._buttons[owner.number]
                if owner.installed or not button.running:
                    continue
                away = abs((step + 5) % 10 - 5) * _STEP_E7 if owner.number == 2 else 0
                with contextlib.suppress(Trouble):  # it has just died: its watcher handles that
                    await button.tell(f"fix {owner.latitude + away} {owner.longitude + away} {owner.accuracy_m}")

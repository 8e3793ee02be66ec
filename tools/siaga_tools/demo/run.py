"""The demo itself: starts every part, passes on what people do, observes the press, ends everything."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.folder_out import file_name
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, store_path
from siaga_gateway.domain.verify import GatewayKey
from siaga_gateway.keyfile import key_path, read_key, write_key
from siaga_gateway.service import journal
from siaga_gateway.service.ports import JournalEntry
from siaga_tools.child import Child
from siaga_tools.demo import parts, registry
from siaga_tools.demo.board import Board, ButtonView
from siaga_tools.demo.commands import Command, Verb
from siaga_tools.demo.folder import DemoFolder
from siaga_tools.demo.owners import OWNERS
from siaga_tools.demo.receiver import Receiver, new_secret
from siaga_tools.demo.trail import Hop, Trail
from siaga_tools.demo.watch import ConsoleWatch, StoreWatch, modified_ms, now_ms
from siaga_tools.interpreter import find_firmware, find_micropython
from siaga_tools.virtual_button import ButtonEvent, ButtonFiles, HoldTimes, VirtualButton
from siaga_tools.words import Trouble, say

HOP_DEADLINE_S: Final = 10.0
_ENROL_DEADLINE_S: Final = 30.0
_CONSOLE_DEADLINE_S: Final = 10.0
_PAUSE_S: Final = 1.0  # before a part that died is started again
_RESTLESS: Final = 5  # so many ends within _RESTLESS_S mean that starting again is no help
_RESTLESS_S: Final = 60.0
_FIX_S: Final = 20.0
_STEP_E7: Final = 9000  # about 100 m
_ENROL: Final = 6  # frame kind
_OPEN_STATES: Final = ("sending", "received", "seen", "assigned", "on_scene", "refused")


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says."""

    language: str
    data: Path | None = None
    broker_port: int | None = None
    console_port: int | None = None
    micropython: str | None = None
    fast: bool = False  # hold the button for 0.2 s, not 2 s
    recover: bool = True  # start a gateway or button again that died


class Demo:
    """Use it as `await start()`, `await obey(command)` ..., `await stop()`; stop() also after a failed start()."""

    def __init__(self, options: DemoOptions) -> None:
        self.options = options
        self.board = Board({owner.number: ButtonView(owner) for owner in OWNERS}, self._on_change)
        self.ready = False
        # The trouble after which the demo cannot go on.
        self.failed: asyncio.Future[Trouble] = asyncio.get_running_loop().create_future()
        self._holds = HoldTimes(200, 1200) if options.fast else HoldTimes(2000, 5000)
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        self._waiters: set[asyncio.Future[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._folder: DemoFolder | None = None
        self._receiver: Receiver | None = None
        self._broker: Child | None = None
        self._gateway: Child | None = None
        self._store: SqlStore | None = None
        self._store_watch: StoreWatch | None = None
        self._console_watch: ConsoleWatch | None = None
        self._buttons: dict[int, VirtualButton] = {}
        self._firmware = Path()
        self._micropython = ""
        self._ends: dict[str, list[float]] = {}

    # --- start

    async def start(self) -> None:
        """Everything, until the three buttons are enrolled and answered. Raises Trouble."""
        began = time.monotonic()
        options = self.options
        self._micropython = find_micropython(options.micropython)
        self._firmware = find_firmware()
        broker_port = parts.choose_port(options.broker_port, "--broker-port")
        console_port = parts.choose_port(options.console_port, "--console-port")
        folder = self._folder = DemoFolder(options.data)
        secret = new_secret()
        self._receiver = Receiver(
            secret,
            on_notice=lambda event, key, at: self._soon(self.board.notice_delivered, event, key, at),
            on_refused=lambda why: self._soon(self._say, "webhook_refused", "bad", why=why),
        )
        folder.write_gateway_settings(
            broker_port=broker_port,
            console_port=console_port,
            webhook_url=self._receiver.url,
            webhook_secret=secret,
            language=options.language,
        )
        if not key_path(folder.data).exists():
            write_key(folder.data, GatewayKey.generate())
        self._say("starting_broker", port=broker_port)
        self.board.part("broker", "starting")
        self._broker = await parts.start_broker(broker_port)
        self._spawn(self._watch_broker(self._broker))
        self.board.part("broker", "on")
        self._say("starting_gateway")
        url = await self._start_gateway()
        self._open_store()
        self._watch_console(url)
        self._say("starting_buttons")
        self._write_button_settings(broker_port)
        await asyncio.gather(*(self._start_button(owner.number) for owner in OWNERS))
        await asyncio.gather(*(self._enrol(owner.number) for owner in OWNERS))
        await self._console_is_on(url)
        self._spawn(self._move())
        self.ready = True
        self._say("page", "plain", url=url)
        self._say("ready", "good", seconds=f"{time.monotonic() - began:.1f}")

    async def _start_gateway(self) -> str:
        assert self._folder is not None
        self.board.part("gateway", "starting")
        log = self._folder.path / "gateway.log"
        self._gateway, url = await parts.start_gateway(self._folder.settings, log, lambda line: None)
        self._spawn(self._watch_gateway(self._gateway))
        self.board.console_url = url
        self.board.part("gateway", "on")
        return url

    def _open_store(self) -> None:
        assert self._folder is not None
        try:
            self._store = SqlStore(store_path(self._folder.data), now_ms())
        except StoreUnusable as error:
            raise Trouble("gateway_refused", command="log", why=error) from error
        after = self._store.last_journal_id()
        self._store_watch = StoreWatch(self._store, after, lambda entry, seen: self._soon(self._journal, entry, seen))

    def _watch_console(self, url: str) -> None:
        assert self._store is not None
        self.board.part("console", "starting")
        self._console_watch = ConsoleWatch(
            url,
            self._store.last_journal_id(),
            lambda row, seen: self._soon(self.board.console_told, row, seen),
            lambda linked, why: self._soon(self._console_link, linked, why),
        )

    async def _console_is_on(self, url: str) -> None:
        if not await self._until(lambda: self.board.parts.get("console") == "on", _CONSOLE_DEADLINE_S):
            why = str(self.board.parts.get("console"))
            raise Trouble("console_silent", url=f"{url}live", seconds=f"{_CONSOLE_DEADLINE_S:g}", why=why)

    def _write_button_settings(self, broker_port: int) -> None:
        assert self._folder is not None
        key = read_key(self._folder.data).public_xy.hex()
        for owner in OWNERS:
            settings: dict[str, object] = {
                "mqtt_host": "127.0.0.1",
                "mqtt_port": broker_port,
                "mqtt_tls": False,
                "gateway_key": key,
                "hold_ms": self._holds.press_ms,
                "cancel_hold_ms": self._holds.cancel_ms,
                "duress_hold_ms": self._holds.cancel_ms + 3000,
                "language": self.options.language,
            }
            if owner.installed:
                settings["installed_position"] = [owner.latitude, owner.longitude, owner.accuracy_m]
            path = self._folder.button_settings(owner.number)
            path.touch(mode=0o600)
            path.write_text(json.dumps(settings), encoding="utf-8")

    async def _start_button(self, number: int) -> None:
        assert self._folder is not None
        view = self.board.buttons[number]
        button = self._buttons[number] = await VirtualButton.start(
            say("source.button", self.options.language, button=number),
            ButtonFiles(
                self._micropython, self._firmware, self._folder.flash(number), self._folder.button_settings(number)
            ),
            on_event=lambda event: self._button(number, event),
            holds=self._holds,
        )
        await button.tell(f"battery {view.owner.battery}")
        if view.owner.installed:
            await button.tell("pin external 1")
        else:
            await button.tell(f"fix {view.owner.latitude} {view.owner.longitude} {view.owner.accuracy_m}")
        if not view.network:
            await button.network(False)
        self._spawn(self._watch_button(number, button))

    async def _enrol(self, number: int) -> None:
        store, button, view = self._store, self._buttons[number], self.board.buttons[number]
        assert store is not None
        who = f"{view.owner.name}, {view.owner.town}"
        if registry.is_enrolled(store, button.device_id):
            self._say("known", button=number, who=who)
        else:
            until = time.monotonic() + _ENROL_DEADLINE_S
            while not registry.waits_in_quarantine(store, button.device_id):
                self._check(number, button)
                if time.monotonic() > until:
                    raise Trouble("enrol_late", button=number, seconds=f"{_ENROL_DEADLINE_S:g}", what="ENROL")
                await asyncio.sleep(0.02)
            self._say("enrolling", button=number, who=who)
            await asyncio.to_thread(registry.enrol, store, view.owner, button.device_id)
            # Switched off and on, it calls again at once; left alone it would do so within five seconds.
            mark = button.mark()
            await button.power_cycle()
            await button.wait_for(
                lambda event: (
                    event.kind == "frame"
                    and event.facts.get("kind") == _ENROL
                    and event.facts.get("step") == "acknowledged"
                ),
                after=mark,
                deadline_s=_ENROL_DEADLINE_S,
                what="ENROL ACK",
            )
            self._say("enrolled", "good", button=number)
        view.enrolled = True
        if not await self._until(lambda: view.connected, _ENROL_DEADLINE_S):
            raise Trouble("enrol_late", button=number, seconds=f"{_ENROL_DEADLINE_S:g}", what="MQTT")

    # --- what people do

    async def obey(self, command: Command) -> Trail | None:
        """Do it; for a press or a test press, the trail that it began. Raises Trouble."""
        if not self.ready:
            raise Trouble("not_ready")
        match command.verb:
            case Verb.PRESS:
                return await self._begin(command.button, self._buttons[command.button].press, self._holds.press_ms)
            case Verb.TEST:
                return await self._test(command.button)
            case Verb.CANCEL:
                await self._cancel(command.button)
            case Verb.NETWORK:
                self.board.buttons[command.button].network = command.on
                await self._buttons[command.button].network(command.on)
                self._say("network_on" if command.on else "network_off", button=command.button)
            case Verb.GATEWAY:
                self.kill_gateway()
        return None

    def kill_gateway(self) -> None:
        """SIGKILL, as a fault would; nothing that was acknowledged may be lost by it."""
        if self._gateway is not None and self._gateway.running:
            self._say("gateway_killed", "warn")
            self._gateway.signal(signal.SIGKILL)

    async def follow(self, trail: Trail) -> None:
        """Wait until the press has reached every hop, each within HOP_DEADLINE_S of the one before. Raises Trouble."""
        before = Hop.PRESSED
        for hop in trail.hops:
            if hop not in trail.hops:  # meanwhile the gateway said that it was a test
                continue
            try:
                reached = await self._until(partial(trail.passed, hop), HOP_DEADLINE_S)
            except Trouble as trouble:
                raise Trouble("hop_lost", hop=self._hop(hop), why=trouble.say(self.options.language)) from trouble
            if not reached:
                raise Trouble(
                    "hop_late",
                    hop=self._hop(hop),
                    before=self._hop(before),
                    seconds=f"{HOP_DEADLINE_S:g}",
                    hint=self._gateway.last_words() if self._gateway else "",
                )
            before = hop

    async def _begin(self, number: int, hold: Callable[[], Coroutine[Any, Any, None]], hold_ms: int) -> Trail:
        view, button = self.board.buttons[number], self._buttons[number]
        if view.holding:
            raise Trouble("busy_button", button=number)
        assert self._store_watch is not None
        mark = button.mark()
        view.holding = True
        self._say("holding", button=number, seconds=f"{hold_ms / 1000:g}")
        self._store_watch.expect(hold_ms / 1000 + 5)
        try:
            await hold()
        finally:
            view.holding = False
            self.board.changed()
        event = await button.wait_for(
            lambda event: event.kind == "frame" and event.facts.get("step") == "pressed",
            after=mark,
            deadline_s=5,
            what=self._hop(Hop.PRESSED),
        )
        trail = self.board.trail_of(view.device_id, int(event.facts["counter"]))
        assert trail is not None
        return trail

    async def _cancel(self, number: int) -> None:
        view, button = self.board.buttons[number], self._buttons[number]
        if view.holding:
            raise Trouble("busy_button", button=number)
        if view.state not in _OPEN_STATES:
            raise Trouble("no_incident", button=number)
        view.holding = True
        self._say("holding", button=number, seconds=f"{self._holds.cancel_ms / 1000:g}")
        try:
            await button.cancel()
        finally:
            view.holding = False
            self.board.changed()

    async def _test(self, number: int) -> Trail:
        view, button = self.board.buttons[number], self._buttons[number]
        if view.state in _OPEN_STATES:
            raise Trouble("test_open", button=number)
        view.testing = True
        try:
            return await self._begin(number, button.test, self._holds.press_ms)
        finally:
            view.testing = False

    # --- what is observed

    def _button(self, number: int, event: ButtonEvent) -> None:
        self.board.button_told(number, event)

    def _journal(self, entry: JournalEntry, seen_ms: int) -> None:
        self.board.journal_told(entry, seen_ms)
        if entry.kind == journal.DELIVERED and entry.facts.get("output") == "cap" and entry.incident_id is not None:
            self._cap(entry.incident_id, entry)

    def _cap(self, incident_id: int, entry: JournalEntry) -> None:
        """The gateway says that it wrote a CAP file: see for ourselves."""
        assert self._folder is not None and self._store is not None
        incident = self._store.incident(incident_id)
        if incident is None:
            return
        name = file_name(f"{incident.identifier}.{entry.facts['sequence']}.cap")
        at_ms = modified_ms(self._folder.cap / name)
        if at_ms is not None:
            self.board.cap_written(name, incident_id, str(entry.facts["change"]), at_ms)

    def _console_link(self, linked: bool, why: str) -> None:
        before = self.board.parts.get("console")
        self.board.part("console", "on" if linked else why if before not in ("on", "lost") else "lost")
        if linked and before == "lost":
            self._say("console_back", "good")
        if not linked and before == "on" and not self._stopping:
            self._say("console_lost", "bad")

    # --- keeping it alive

    async def _watch_broker(self, child: Child) -> None:
        code = await child.ended()
        if not self._stopping and not child.stopping:
            self.board.part("broker", "lost")
            self._say("broker_ended", "bad", code=code)
            self._fail(Trouble("broker_ended", code=code, why=child.last_words()))

    async def _watch_gateway(self, child: Child) -> None:
        code = await child.ended()
        if self._stopping or child.stopping:
            return
        ended = time.monotonic()
        why = child.last_words()
        self.board.part("gateway", "lost")
        self._say("gateway_lost", "bad", code=code, why=why)
        if not self.options.recover:
            self._fail(Trouble("gateway_ended", code=code, why=why))
            return
        if self._restless("gateway"):
            self._fail(Trouble("gateway_restless", times=_RESTLESS, why=why))
            return
        await asyncio.sleep(_PAUSE_S)
        try:
            await self._start_gateway()
        except Trouble as trouble:
            self._fail(trouble)
            return
        self._say("gateway_back", "good", seconds=f"{time.monotonic() - ended:.1f}")

    async def _watch_button(self, number: int, button: VirtualButton) -> None:
        code = await button.ended()
        if self._stopping or button.stopping:
            return
        view = self.board.buttons[number]
        view.signal = view.state = "off"
        view.connected = False
        why = button.last_words()
        self._say("button_lost", "bad", button=number, code=code, why=why)
        trouble = Trouble("button_ended", name=button.name, code=code, why=why)
        if not self.options.recover or self._restless(button.name):
            self._fail(trouble)
            return
        await asyncio.sleep(_PAUSE_S)
        try:
            await self._start_button(number)
        except Trouble as again:
            self._fail(again)

    def _restless(self, name: str) -> bool:
        now = time.monotonic()
        ends = self._ends.setdefault(name, [])
        ends[:] = [*(end for end in ends if now - end < _RESTLESS_S), now]
        return len(ends) >= _RESTLESS

    async def _move(self) -> None:
        """A carried button's receiver has a fix now and then; the second button's holder rides about."""
        step = 0
        while True:
            await asyncio.sleep(_FIX_S)
            step += 1
            for owner in OWNERS:
                button = self._buttons[owner.number]
                if owner.installed or not button.running:
                    continue
                away = abs((step + 5) % 10 - 5) * _STEP_E7 if owner.number == 2 else 0
                with contextlib.suppress(Trouble):
                    await button.tell(f"fix {owner.latitude + away} {owner.longitude + away} {owner.accuracy_m}")

    # --- end

    async def stop(self) -> None:
        """End all parts in order, each within a deadline. Safe to call twice."""
        if self._stopping:
            return
        self._stopping = True
        self._say("stopping")
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        await asyncio.gather(*(button.stop() for button in self._buttons.values()), return_exceptions=True)
        if self._gateway is not None:
            await self._gateway.stop(grace_s=8)
        if self._console_watch is not None:
            self._console_watch.close()
        if self._store_watch is not None:
            self._store_watch.close()
        if self._store is not None:
            self._store.close()
        if self._broker is not None:
            await self._broker.stop(grace_s=2)
        if self._receiver is not None:
            self._receiver.close()
        if self._folder is not None:
            self._folder.close()

    @property
    def kept_in(self) -> Path | None:
        """The folder that stays, or None."""
        return self._folder.path if self._folder is not None and self._folder.kept else None

    # --- small things

    def _check(self, number: int, button: VirtualButton) -> None:
        if self.failed.done():
            raise self.failed.result()
        if not button.running:
            raise Trouble("button_ended", name=button.name, code="?", why=button.last_words())

    def _fail(self, trouble: Trouble) -> None:
        if not self.failed.done():
            self.failed.set_result(trouble)
        self._on_change()

    def _hop(self, hop: Hop) -> str:
        return say(f"hop.{hop}", self.options.language)

    def _say(self, key: str, weight: str = "plain", **values: object) -> None:
        self.board.say(now_ms(), key, weight, **values)

    def _soon(self, do: Callable[..., None], *arguments: object, **values: object) -> None:
        """From an onlooker's thread into the loop, which may be closed already when the demo ends."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(lambda: do(*arguments, **values))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_change(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def _until(self, holds: Callable[[], bool], deadline_s: float) -> bool:
        """Wait until it holds; False at the deadline. Raises the trouble after which the demo cannot go on."""
        until = time.monotonic() + deadline_s
        while not holds():
            if self.failed.done():
                raise self.failed.result()
            left = until - time.monotonic()
            if left <= 0:
                return False
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.add(waiter)
            await asyncio.wait((waiter,), timeout=left)
            self._waiters.discard(waiter)
        return True

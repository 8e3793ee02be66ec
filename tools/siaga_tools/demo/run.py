"""The demo itself: starts every part, passes on commands, observes the press, stops everything."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.files.gateway_key import key_path, read_key, write_key
from siaga_gateway.adapters.outputs.cap_folder import file_name
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, store_path
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_tools.demo import services
from siaga_tools.demo.commands import Command, Verb
from siaga_tools.demo.dispatch import DemoDispatch
from siaga_tools.demo.folder import DemoFolder
from siaga_tools.demo.observers import ConsoleWatch, StoreWatch, modified_ms, now_ms
from siaga_tools.demo.press_trace import Hop, PressTrace
from siaga_tools.demo.run_state import RunState, together
from siaga_tools.demo.story import Story
from siaga_tools.demo.story_people import Cast
from siaga_tools.demo.virtual_buttons import VirtualButtons
from siaga_tools.demo.webhook_receiver import Receiver, new_secret
from siaga_tools.firmware_build.bytecode import runnable
from siaga_tools.messages import Trouble
from siaga_tools.micropython import check_micropython, find_firmware, find_micropython
from siaga_tools.process.child import Child, ending
from siaga_tools.process.slow_machine import patient
from siaga_tools.virtual_button import HoldTimes

HOP_DEADLINE_S: Final = 10.0
_CONSOLE_DEADLINE_S: Final = 10.0
_GATEWAY_ENDS_S: Final = 8.0
_PAUSE_S: Final = 1.0  # before a gateway that died is restarted
_EAGER_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The command line's options."""

    language: str
    data: Path | None = None
    broker_port: int | None = None
    console_port: int | None = None
    micropython: str | None = None
    fast: bool = False  # hold the button for 0.2 s, not 2 s
    recover: bool = True  # restart a gateway or a button that died
    answers: bool = True  # an operator and officers answer by themselves, after a while
    story: bool = False  # play the story as soon as everything is on
    pause_s: float = 6.0  # for which each step of the story stands


class Demo:
    """Call `await start()`, `await obey(command)` ..., `await stop()`; stop() also after a failed start()."""

    def __init__(self, options: DemoOptions) -> None:
        self.options = options
        self.stage = RunState(recover=options.recover)
        self.board = self.stage.board
        self.ready = False
        self._folder: DemoFolder | None = None
        self._receiver: Receiver | None = None
        self._dispatch: DemoDispatch | None = None
        self._broker: Child | None = None
        self._gateway: Child | None = None
        self._crew: VirtualButtons | None = None
        self._story: Story | None = None
        self._settings: Callable[..., None] | None = None
        self._in_operation = options.story
        self._store: SqlStore | None = None
        self._store_watch: StoreWatch | None = None
        self._console_watch: ConsoleWatch | None = None
        self._console_why = ""
        self._complaint = ""

    async def start(self) -> None:
        """Start everything; returns once the three buttons are enrolled and answered. Raises Trouble."""
        await self.stage.unless_failed(self._start())

    async def _start(self) -> None:
        began = time.monotonic()
        options, stage = self.options, self.stage
        micropython = find_micropython(options.micropython)
        await asyncio.to_thread(check_micropython, micropython)
        broker_port = services.choose_port(options.broker_port, "--broker-port")
        console_port = services.choose_port(options.console_port, "--console-port")
        folder = self._folder = DemoFolder(options.data)
        firmware = await asyncio.to_thread(runnable, find_firmware().parent, folder.firmware)
        if options.recover:  # for --once nobody looks at a map
            await asyncio.to_thread(folder.draw_streets)
        dispatch = self._prepare(folder, broker_port, console_port)
        # The gateway waits for its broker, so both may start at once.
        await together(self._start_broker(broker_port), self._start_gateway(folder))
        store = self._watch(folder)
        stage.say("starting_buttons")
        holds = HoldTimes(200, 1200, 2400) if options.fast else HoldTimes()
        crew = self._crew = VirtualButtons(stage, folder, micropython, firmware, holds, options.language)
        crew.write_settings(broker_port, read_key(folder.data).public_xy.hex())
        await together(crew.start(), dispatch.set_up(store, options.language))
        for incident in store.open_incidents():  # of earlier runs in a kept folder
            self.board.incident_known(incident)
        await crew.enrol(store)
        await self._console_is_on()
        self._story = Story(Cast(stage, crew, store, dispatch), self._into_operation, options.pause_s)
        self.ready = True
        stage.say("page", url=self.board.console_url)
        stage.say("ready", "good", seconds=f"{time.monotonic() - began:.1f}")
        if options.story:
            self._story.begin()

    def _prepare(self, folder: DemoFolder, broker_port: int, console_port: int) -> DemoDispatch:
        """Prepare who receives what the gateway sends, and the gateway's settings and key."""
        stage, secret = self.stage, new_secret()
        self._receiver = Receiver(
            secret,
            on_notice=lambda event, key, at_ms: stage.soon(self.board.notice_delivered, event, key, at_ms),
            on_refused=lambda why: stage.soon(stage.say, "webhook_refused", "bad", why=why),
        )
        dispatch = self._dispatch = DemoDispatch(stage, answers=self.options.answers)
        self._settings = partial(
            folder.write_gateway_settings,
            broker_port=broker_port,
            console_port=console_port,
            webhook_url=self._receiver.url,
            webhook_secret=secret,
            language=self.options.language,
            dispatch=dispatch.settings(),
        )
        self._settings(in_operation=self._in_operation)
        if not key_path(folder.data).exists():
            write_key(folder.data, GatewayKey.generate())
        return dispatch

    async def _start_broker(self, port: int) -> None:
        self.stage.say("starting_broker", port=port)
        self.board.part("broker", "starting")
        self._broker = await services.start_broker(port)
        self.stage.spawn(self._watch_broker(self._broker))
        self.board.part("broker", "on")

    async def _start_gateway(self, folder: DemoFolder) -> None:
        self.stage.say("starting_gateway")
        self.board.part("gateway", "starting")
        self._gateway, url = await services.start_gateway(folder.settings, folder.gateway_log, self._complained)
        self.stage.gateway_says = self._gateway.last_words
        self.stage.spawn(self._watch_gateway(self._gateway, folder))
        self.board.console_url = url
        self.board.part("gateway", "on")

    def _watch(self, folder: DemoFolder) -> SqlStore:
        """Start the two observers, from the journal's present end on."""
        try:
            store = self._store = SqlStore(store_path(folder.data), now_ms())
        except StoreUnusable as error:
            raise Trouble("gateway_refused", command="log", why=error) from error
        stage, after = self.stage, store.last_journal_id()
        self._store_watch = StoreWatch(store, after, lambda entry, at_ms: stage.soon(self._journal, entry, at_ms))
        self.board.part("console", "starting")
        self._console_watch = ConsoleWatch(
            self.board.console_url,
            after,
            on_row=lambda row, at_ms: stage.soon(self.board.console_told, row, at_ms),
            on_link=lambda linked, why: stage.soon(self._console_link, linked, why),
        )
        return store

    async def _console_is_on(self) -> None:
        if not await self.stage.until(lambda: self.board.parts["console"] == "on", patient(_CONSOLE_DEADLINE_S)):
            url = f"{self.board.console_url}live"
            raise Trouble("console_silent", url=url, seconds=f"{patient(_CONSOLE_DEADLINE_S):g}", why=self._console_why)

    # --- commands

    async def obey(self, command: Command) -> PressTrace | None:
        """Carry out a command. Returns the trace of a press or test press. Raises Trouble."""
        if not self.ready or self._crew is None or self._store_watch is None:
            raise Trouble("not_ready")
        match command.verb:
            case Verb.PRESS | Verb.TEST:
                self._store_watch.expect(_EAGER_S)
                crew = self._crew
                return await (crew.press if command.verb is Verb.PRESS else crew.test)(command.button)
            case Verb.CANCEL:
                await self._crew.cancel(command.button)
            case Verb.DURESS:
                await self._crew.duress(command.button)
            case Verb.NETWORK:
                await self._crew.network(command.button, command.on)
            case Verb.GATEWAY:
                self._kill_gateway()
            case Verb.STORY:
                assert self._story is not None, "it is there before the demo is ready"
                self._story.begin()
        return None

    async def _into_operation(self) -> None:
        """Start the gateway anew, in operation: one for exercises takes no drill. Raises Trouble."""
        gateway, folder = self._gateway, self._folder
        if self._in_operation or self._settings is None or gateway is None or folder is None:
            return
        self.stage.say("story_operation")
        self._in_operation = True
        self._gateway = None  # so that nobody takes its end for a fault
        await asyncio.to_thread(self._settings, in_operation=True)
        await gateway.stop(grace_s=patient(_GATEWAY_ENDS_S))
        await self._start_gateway(folder)
        await self._console_is_on()

    def _kill_gateway(self) -> None:
        """SIGKILL, as a fault would; nothing acknowledged may be lost by it."""
        if self._gateway is not None and self._gateway.running:
            self.stage.say("gateway_killed", "warn")
            self._gateway.signal(signal.SIGKILL)

    async def follow(self, trail: PressTrace) -> None:
        """Wait until the press has reached every hop, each within HOP_DEADLINE_S of the previous one or a multiple
        of it. Raises Trouble."""
        before = Hop.PRESSED
        for hop in Hop:
            try:
                reached = await self.stage.until(partial(trail.passed, hop), patient(HOP_DEADLINE_S))
            except Trouble as trouble:
                raise Trouble("hop_lost", hop=hop, why=trouble) from trouble
            if not reached:
                hint = self.stage.gateway_says()
                raise Trouble("hop_late", hop=hop, before=before, seconds=f"{patient(HOP_DEADLINE_S):g}", hint=hint)
            before = hop if hop in trail.hops else before

    # --- observations

    def _journal(self, entry: JournalEntry, seen_ms: int) -> None:
        self.board.journal_told(entry, seen_ms)
        if self._dispatch is not None and not self.stage.stopping:
            self._dispatch.journal_told(entry)
        if entry.kind == journal.DELIVERED and entry.facts.get("output") == "cap" and entry.incident_id is not None:
            self._cap(entry.incident_id, entry)

    def _cap(self, incident_id: int, entry: JournalEntry) -> None:
        """Check on the file system that the gateway wrote a CAP file, as it reports."""
        if self._folder is None or self._store is None:
            return
        incident = self._store.incident(incident_id)
        if incident is None:
            return
        name = file_name(f"{incident.identifier}.{entry.facts['sequence']}.cap")
        at_ms = modified_ms(self._folder.cap / name)
        if at_ms is not None:
            self.board.cap_written(incident_id, str(entry.facts["change"]), at_ms)

    def _complained(self, line: str) -> None:
        """Log a gateway log line above routine; repeats only once."""
        if line != self._complaint and not self.stage.stopping:
            self._complaint = line
            self.stage.say("complaint", "bad", line=line)

    def _console_link(self, linked: bool, why: str) -> None:
        before = self.board.parts.get("console")
        self._console_why = why
        if linked:
            self.board.part("console", "on")
            if before == "lost":
                self.stage.say("console_back", "good")
        elif before == "on" and not self.stage.stopping:
            self.board.part("console", "lost")
            self.stage.say("console_lost", "bad")

    # --- restarts

    async def _watch_broker(self, child: Child) -> None:
        code = ending(await child.ended())
        if not self.stage.stopping:
            self.board.part("broker", "lost")
            self.stage.say("broker_ended", "bad", code=code)
            self.stage.fail(Trouble("broker_ended", code=code, why=child.last_words()))

    async def _watch_gateway(self, child: Child, folder: DemoFolder) -> None:
        code = ending(await child.ended())
        if self.stage.stopping or child is not self._gateway:
            return
        ended, why = time.monotonic(), child.last_words()
        self.board.part("gateway", "lost")
        self.stage.say("gateway_lost", "bad", code=code, why=why)
        if not self.stage.recover:
            self.stage.fail(Trouble("gateway_ended", code=code, why=why))
            return
        if times := self.stage.restless("gateway"):
            self.stage.fail(Trouble("gateway_restless", times=times, why=why))
            return
        await asyncio.sleep(_PAUSE_S)
        try:
            await self._start_gateway(folder)
        except Trouble as trouble:
            self.stage.fail(trouble)
            return
        self.stage.say("gateway_back", "good", seconds=f"{time.monotonic() - ended:.1f}")

    # --- end

    async def stop(self) -> None:
        """Stop all parts in order, each within a deadline. Idempotent."""
        if self.stage.stopping:
            return
        self.stage.stopping = True
        if self._folder is not None:
            self.stage.say("stopping")
        await self.stage.end_tasks()
        if self._crew is not None:
            await self._crew.stop()
        if self._gateway is not None:
            await self._gateway.stop(grace_s=_GATEWAY_ENDS_S)
        if self._console_watch is not None:
            await asyncio.to_thread(self._console_watch.close)
        if self._store_watch is not None:
            await asyncio.to_thread(self._store_watch.close)
        if self._store is not None:
            self._store.close()
        if self._broker is not None:
            await self._broker.stop(grace_s=2)
        if self._receiver is not None:
            await asyncio.to_thread(self._receiver.close)
        if self._dispatch is not None:
            await asyncio.to_thread(self._dispatch.close)
        if self._folder is not None:
            self._folder.close()

    @property
    def kept_in(self) -> Path | None:
        """Return the folder that is kept, or None."""
        return self._folder.path if self._folder is not None and self._folder.kept else None

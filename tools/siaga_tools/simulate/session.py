"""A session with a simulated button: starts it, carries out commands, ends."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siaga_tools.messages import Trouble
from siaga_tools.micropython import check_micropython, find_firmware, find_micropython
from siaga_tools.settings_check import read_settings
from siaga_tools.simulate.actions import HOME, do, verb_of
from siaga_tools.simulate.button import HEAP, WIFI, ButtonParts, SimulatedButton
from siaga_tools.simulate.gateway_stack import LORAWAN_KEY, GatewayStack
from siaga_tools.simulate.log_view import LogView, text


@dataclass(frozen=True)
class Options:
    """The command line's options."""

    board: str
    language: str
    lorawan: bool = False
    settings: Path | None = None
    data: Path | None = None
    speed: float = 1.0
    at: bool = False
    micropython: str | None = None
    heap: str | None = None


class Session(LogView):
    """Call start(), obey() for each command, stop(); in one event loop."""

    def __init__(self, options: Options, changed: Callable[[], None]) -> None:
        super().__init__(options.language, options.at, changed)
        self.options = options
        self.house: GatewayStack | None = None
        self.battery = 100
        self.switches = {"case": False, "foot": False, "mains": False}
        self.tracking: asyncio.Task[None] | None = None
        self._folder: Path | None = None
        self._enrolling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start everything; returns once the button runs. Raises Trouble."""
        options = self.options
        micropython = find_micropython(options.micropython)
        await asyncio.to_thread(check_micropython, micropython)
        firmware = find_firmware().parent
        folder = self._folder = _folder(options.data)
        settings: dict[str, Any] = {}
        if options.settings is not None:
            settings = await asyncio.to_thread(
                read_settings, options.settings, self.language, micropython=options.micropython
            )
        else:
            self.say("starting_house")
            self.house = GatewayStack(folder, self.language, lorawan=options.lorawan)
            await self.house.start()
            settings = self.house.settings()
            if options.board == "esp32_devkit":
                settings["wifi_ssid"] = WIFI
            self.say("page", url=self.house.console_url)
        self.say("installing", board=options.board)
        network = None if self.house is None else self.house.network
        parts = ButtonParts(
            folder / options.board,
            micropython,
            firmware,
            options.board,
            settings,
            lorawan=network,
            lorawan_key=LORAWAN_KEY,
            heap=options.heap or HEAP,
        )
        button = self.button = await asyncio.to_thread(SimulatedButton, parts, speed=options.speed, audience=self)
        await asyncio.to_thread(button.__enter__)
        await asyncio.to_thread(button.place, *HOME)
        await asyncio.to_thread(button.power_on)
        await asyncio.to_thread(button.events.wait_for, lambda event: event.kind == "start", what="start")
        if self.house is not None:
            self._enrolling = asyncio.create_task(self._enrol(self.house, button))

    async def _enrol(self, house: GatewayStack, button: SimulatedButton) -> None:
        try:
            if await house.enrol(button.device_id):
                self.say("enrolled", "good")
        except Trouble as trouble:
            self.say("not_done", "bad", why=trouble.say(self.language))

    async def stop(self) -> None:
        """Stop everything, each part within a deadline. Idempotent."""
        for task in (self.tracking, self._enrolling):
            if task is not None:
                task.cancel()
        if self.button is not None:
            await asyncio.to_thread(self.button.__exit__, None, None, None)
        if self.house is not None:
            await self.house.stop()
        if self._folder is not None and self.options.data is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def obey(self, line: str) -> str:
        """Carry out one command. Returns the verb if it is for the view: l, h, q. Raises Trouble."""
        words = line.split()
        if not words:
            return ""
        verb = verb_of(words[0])
        if verb is None:
            raise Trouble("command_unknown", word=words[0])
        if verb in ("l", "h", "q"):
            return verb
        button = self.button
        if button is None:
            raise Trouble("not_ready")
        try:
            await do(self, button, verb, words[1:])
        except (IndexError, KeyError, ValueError) as error:
            raise Trouble("simulate_usage", line=line, usage=text(f"usage.{verb}", self.language)) from error
        return verb


def _folder(wanted: Path | None) -> Path:
    try:
        if wanted is None:
            return Path(tempfile.mkdtemp(prefix="siaga-simulate-"))
        folder = wanted.expanduser().resolve()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise Trouble("folder_unusable", folder=wanted, why=error) from error
    return folder

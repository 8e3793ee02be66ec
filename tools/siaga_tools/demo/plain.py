"""The demo without a full screen: lines out, commands in. For pipes, logs and screen readers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, Final

from siaga_tools.demo.commands import Command, Verb, read_command
from siaga_tools.demo.run import DemoOptions
from siaga_tools.demo.service import LiveDemo
from siaga_tools.demo.wording import result, timed_line
from siaga_tools.ending import cancelled_by_signals
from siaga_tools.typed import typed_lines
from siaga_tools.words import Trouble, say

_LAST_PRESS_S: Final = 15.0


class PlainView:
    """Prints what the board's log gains, and does what is typed."""

    def __init__(self, live: LiveDemo, language: str) -> None:
        self.live = live
        self.language = language
        self._printed = 0
        self._under_way: set[asyncio.Task[None]] = set()
        changed = live.board.changed

        def after_each() -> None:
            changed()
            self._print_log()

        live.board.changed = after_each

    def say(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:  # whoever read it is gone
            self.live.quit.set()

    def obey(self, line: str) -> None:
        """One typed line. What takes time goes on beside the next one."""
        try:
            command = read_command(line)
        except Trouble as trouble:
            self.say(trouble.say(self.language))
            return
        if command is None:
            return
        match command.verb:
            case Verb.QUIT:
                self._start(self._quit())
            case Verb.LANGUAGE:
                self.language = "en" if self.language == "id" else "id"
            case Verb.HELP:
                self.say(say("plain.help", self.language))
            case _:
                self._start(self._do(command))

    async def _do(self, command: Command) -> None:
        try:
            trail = await self.live.demo.obey(command)
            if trail is not None:
                await self.live.demo.follow(trail)
                self.say(result(trail, self.language))
        except Trouble as trouble:
            self.say(trouble.say(self.language))

    async def _quit(self) -> None:
        """Presses that are under way still arrive."""
        others = self._under_way - {asyncio.current_task()}
        if others:
            self.say(say("plain.waiting", self.language))
            await asyncio.wait(others, timeout=_LAST_PRESS_S)
        self.live.quit.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _print_log(self) -> None:
        board = self.live.board
        fresh, self._printed = board.logged - self._printed, board.logged
        for line in list(board.log)[-fresh:] if fresh else ():
            self.say(timed_line(line, self.language))


async def run_plain(options: DemoOptions) -> int:
    """The exit code: 0 after a quit or Ctrl-C, 1 after a trouble, 128 + n after another signal."""
    live = LiveDemo(options)
    view = PlainView(live, options.language)
    trouble: Trouble | None = None
    with cancelled_by_signals() as ending:
        try:
            await live.start()
            reading = asyncio.ensure_future(_read_commands(view))
            try:
                await live.ended()
            finally:
                reading.cancel()
        except Trouble as found:
            trouble = found
        except asyncio.CancelledError:
            pass  # by a signal
        finally:
            ending.listening = False
            kept = live.demo.kept_in
            await live.stop()
    if trouble is not None:
        print(f"siaga: {trouble.say(view.language)}", file=sys.stderr)
        return 1
    if kept is not None:
        view.say(say("plain.kept", view.language, folder=kept))
    view.say(say("plain.ended", view.language))
    return ending.asked_code


async def _read_commands(view: PlainView) -> None:
    async for line in typed_lines():
        view.obey(line)
    view.say(say("plain.stdin_closed", view.language))

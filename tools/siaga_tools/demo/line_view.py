"""The demo without a full screen: lines out, commands in. For pipes, logs and screen readers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, Final

from siaga_tools.demo.commands import Command, Verb, read_command
from siaga_tools.demo.run import DemoOptions
from siaga_tools.demo.session import LiveDemo
from siaga_tools.demo.texts import result, timed_line
from siaga_tools.messages import Trouble, say
from siaga_tools.process.shutdown import cancelled_by_signals
from siaga_tools.process.slow_machine import patient
from siaga_tools.process.stdin_lines import typed_lines

_LAST_PRESS_S: Final = 15.0


class LineView:
    """Prints new log lines, and does what is typed."""

    def __init__(self, live: LiveDemo, language: str) -> None:
        self.live = live
        self.language = language
        self._under_way: set[asyncio.Task[None]] = set()
        live.board.on_line(lambda line: self.say(timed_line(line, self.language)))

    def say(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:  # the reader is gone
            self.live.quit.set()

    def obey(self, line: str) -> None:
        """Do one typed line. Slow commands run beside the next one."""
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
        """Quit; presses in progress still arrive."""
        others = self._under_way - {asyncio.current_task()}
        if others:
            self.say(say("plain.waiting", self.language))
            await asyncio.wait(others, timeout=patient(_LAST_PRESS_S))
        self.live.quit.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


async def run_plain(options: DemoOptions) -> int:
    """Return the exit code: 0 after a quit or Ctrl-C, 1 after a trouble, 128 + n after another signal."""
    live = LiveDemo(options)
    view = LineView(live, options.language)
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


async def _read_commands(view: LineView) -> None:
    async for line in typed_lines():
        view.obey(line)
    view.say(say("plain.stdin_closed", view.language))

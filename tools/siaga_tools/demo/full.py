"""The demo in the full-screen view."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

from textual.drivers.linux_driver import LinuxDriver

from siaga_tools.demo.run import DemoOptions
from siaga_tools.demo.service import LiveDemo
from siaga_tools.demo.view import DemoView
from siaga_tools.words import say


class Terminal(LinuxDriver):
    """Textual's own driver, which does not survive the loss of its terminal: the SIGCONT that comes with a hang-up
    (POSIX.1-2017, 11.1.10) makes it start anew on what is no terminal any more, and once 30 writes are queued the next
    one waits for ever. After a hang-up this one neither starts nor writes."""

    hung_up = False

    def start_application_mode(self) -> None:
        Terminal.hung_up = Terminal.hung_up or not os.isatty(self.fileno)
        if not Terminal.hung_up:
            super().start_application_mode()  # type: ignore[no-untyped-call]

    def write(self, data: str) -> None:
        if not Terminal.hung_up:
            super().write(data)


async def run_view(options: DemoOptions) -> int:
    """The exit code: 0 after a quit or Ctrl-C, 1 after a trouble, 128 + n after a signal."""
    live = LiveDemo(options)
    app = DemoView(live, options.language, Terminal)
    asked: list[int] = []

    def end(number: int) -> None:
        Terminal.hung_up = Terminal.hung_up or number == signal.SIGHUP
        asked.append(number)
        app.exit()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # To the end: a second Ctrl-C must not cut short the work of ending, which has deadlines.
        loop.add_signal_handler(number, end, number)
    try:
        await app.run_async()
    finally:
        for number in (signal.SIGTSTP, signal.SIGCONT):  # Textual's handlers would start the view again
            signal.signal(number, signal.SIG_DFL)
        kept = live.demo.kept_in
        await live.stop()
    with contextlib.suppress(OSError):  # the terminal may be gone
        if app.trouble is not None:
            print(f"siaga: {app.trouble.say(app.language)}", file=sys.stderr, flush=True)
        if kept is not None:
            print(say("plain.kept", app.language, folder=kept), flush=True)
        print(say("plain.ended", app.language), flush=True)
    if app.trouble is not None:
        return 1
    return 128 + asked[0] if asked and asked[0] != signal.SIGINT else 0

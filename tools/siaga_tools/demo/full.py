"""The demo in the full-screen view."""

from __future__ import annotations

import asyncio
import signal
import sys

from siaga_tools.demo.run import DemoOptions
from siaga_tools.demo.service import LiveDemo
from siaga_tools.demo.view import DemoView
from siaga_tools.words import say


async def run_view(options: DemoOptions) -> int:
    """The exit code: 0 after a quit or Ctrl-C, 1 after a trouble, 128 + n after a signal."""
    live = LiveDemo(options)
    app = DemoView(live, options.language)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # To the end: a second Ctrl-C must not cut short the work of ending, which has deadlines.
        loop.add_signal_handler(number, app.exit, 128 + number)
    try:
        code = await app.run_async()
    finally:
        kept = live.demo.kept_in
        await live.stop()
    language = app.language
    if app.trouble is not None:
        print(f"siaga: {app.trouble.say(language)}", file=sys.stderr)
        return 1
    if kept is not None:
        print(say("plain.kept", language, folder=kept))
    print(say("plain.ended", language))
    return 0 if code in (None, 128 + signal.SIGINT) else code

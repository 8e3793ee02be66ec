"""The demo in the full-screen view."""

from __future__ import annotations

from siaga_tools.demo.run import DemoOptions
from siaga_tools.demo.screen_view import DemoView
from siaga_tools.demo.session import LiveDemo
from siaga_tools.messages import say
from siaga_tools.terminal_app import Terminal, last_words, run_until_left


async def run_view(options: DemoOptions) -> int:
    """Return the exit code: 0 after a quit or Ctrl-C, 1 after a trouble, 128 + n after a signal."""
    live = LiveDemo(options)
    app = DemoView(live, options.language, Terminal)
    kept = None

    async def stop() -> None:
        nonlocal kept
        kept = live.demo.kept_in
        await live.stop()

    code = await run_until_left(app, stop)
    with last_words():
        if kept is not None:
            print(say("plain.kept", app.language, folder=kept), flush=True)
        print(say("plain.ended", app.language), flush=True)
    return code

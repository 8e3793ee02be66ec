"""`siaga demo --once`: one press from end to end, each hop's time, and an exit code."""

from __future__ import annotations

import asyncio
import json
import sys

from siaga_tools.demo.commands import Command, Verb
from siaga_tools.demo.run import Demo, DemoOptions
from siaga_tools.demo.trail import Trail
from siaga_tools.demo.wording import line_text, result
from siaga_tools.ending import cancelled_by_signals
from siaga_tools.words import Trouble, say


async def press_once(options: DemoOptions, *, as_json: bool) -> int:
    """The exit code: 0 when the press reached every hop, 1 when not (one line on standard error says which and why),
    128 + n when signal n ended it."""
    language = options.language
    demo = Demo(options)
    if not as_json:
        _print_progress(demo, language)
    trail: Trail | None = None
    trouble: Trouble | None = None
    with cancelled_by_signals() as ending:
        try:
            await demo.start()
            trail = await demo.obey(Command(Verb.PRESS, 1))
            assert trail is not None, "a press begins a trail"
            await demo.follow(trail)
        except Trouble as found:
            trouble = found
        except asyncio.CancelledError:
            print(f"siaga: {say('plain.interrupted', language)}", file=sys.stderr)
            return ending.code
        finally:
            ending.listening = False
            await demo.stop()
    if trouble is not None:
        if as_json:
            print(json.dumps({"ok": False, "trouble": trouble.name, "text": trouble.say(language)}))
        print(f"siaga: {trouble.say(language)}", file=sys.stderr)
        return 1
    assert trail is not None
    print(json.dumps({"ok": True, **trail.facts()}) if as_json else result(trail, language))
    return 0


def _print_progress(demo: Demo, language: str) -> None:
    """What the demo says goes to standard error, so that standard output is the result alone."""
    printed = 0
    changed = demo.board.changed

    def after_each() -> None:
        nonlocal printed
        changed()
        fresh, printed = demo.board.logged - printed, demo.board.logged
        for line in list(demo.board.log)[-fresh:] if fresh else ():
            print(line_text(line, language), file=sys.stderr, flush=True)

    demo.board.changed = after_each

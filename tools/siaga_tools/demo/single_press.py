"""`siaga demo --once`: one press from end to end, each hop's time, and an exit code."""

from __future__ import annotations

import asyncio
import json
import sys

from siaga_tools.demo.commands import Command, Verb
from siaga_tools.demo.press_trace import PressTrace
from siaga_tools.demo.run import Demo, DemoOptions
from siaga_tools.demo.texts import line_text, result
from siaga_tools.messages import Trouble, say
from siaga_tools.process.shutdown import cancelled_by_signals


async def press_once(options: DemoOptions, *, as_json: bool) -> int:
    """Return the exit code: 0 if the press reached every hop, 1 if not (one line on standard error says which and why),
    128 + n if signal n ended it."""
    language = options.language
    demo = Demo(options)
    if not as_json:  # on standard error, so that standard output is only the result
        demo.board.on_line(lambda line: print(line_text(line, language), file=sys.stderr, flush=True))
    trail: PressTrace | None = None
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

"""A simulated button in lines: for pipes, logs, tests and screen readers. One command after the other."""

from __future__ import annotations

import asyncio
import json
import sys

from siaga_tools.ending import cancelled_by_signals
from siaga_tools.simulate.bench import Bench, Options
from siaga_tools.simulate.button import Traffic
from siaga_tools.simulate.seen import Line, text
from siaga_tools.typed import typed_lines
from siaga_tools.virtual_button import ButtonEvent
from siaga_tools.words import Trouble


class Plain:
    """Prints what happens. as_json: the button's own lines instead, as they are."""

    def __init__(self, options: Options, as_json: bool) -> None:
        self.bench = Bench(options, lambda: None)
        if as_json:
            self.bench.on_event_line = self._event
        else:
            self.bench.on_line = self._line
        self.bench.on_traffic_line = self._traffic

    def say(self, words: str) -> None:
        # From several threads: one call a line, so that no two are mixed.
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()

    def _line(self, line: Line) -> None:
        self.say(f"{self.bench.clock_text(line.at_us)}  {self.bench.line_text(line)}")

    def _event(self, event: ButtonEvent) -> None:
        self.say(json.dumps({"t": event.at_ms, "ev": event.kind, **event.facts}))

    def _traffic(self, traffic: Traffic) -> None:
        self.say(f"{self.bench.clock_text(traffic.at_us)}  {traffic.line} {traffic.way} {shown(traffic.text)}")

    async def read(self) -> None:
        """What is typed, until q or the end of input."""
        async for line in typed_lines():
            try:
                verb = await self.bench.obey(line)
            except Trouble as trouble:
                self.say(trouble.say(self.bench.language))
                continue
            if verb == "q":
                return
            if verb == "h":
                self.say(text("help", self.bench.language))
            if verb == "l":
                self.bench.language = "en" if self.bench.language == "id" else "id"


def shown(words: bytes) -> str:
    """Bytes of a serial line as one line that can be read."""
    return (
        words.decode("latin-1")
        .replace("\r\n", "⏎")
        .replace("\r", "⏎")
        .encode("unicode_escape")
        .decode()
        .replace("\\u23ce", "⏎")
    )


async def run_plain(options: Options, as_json: bool) -> int:
    """The exit code: 0 after q, the end of input or Ctrl-C, 1 after a trouble, 128 + n after another signal."""
    plain = Plain(options, as_json)
    trouble: Trouble | None = None
    with cancelled_by_signals() as ending:
        try:
            await plain.bench.start()
            await plain.read()
        except Trouble as found:
            trouble = found
        except asyncio.CancelledError:
            pass  # by a signal
        finally:
            ending.listening = False
            await plain.bench.stop()
    if trouble is not None:
        print(f"siaga: {trouble.say(plain.bench.language)}", file=sys.stderr)
        return 1
    return ending.asked_code

"""A simulated button in lines: for pipes, logs, tests and screen readers. One command after the other."""

from __future__ import annotations

import asyncio
import json
import sys

from siaga_tools.messages import Trouble
from siaga_tools.process.shutdown import cancelled_by_signals
from siaga_tools.process.stdin_lines import typed_lines
from siaga_tools.simulate.log_view import Line, text
from siaga_tools.simulate.session import Options, Session
from siaga_tools.simulate.silicon_parts import Traffic
from siaga_tools.virtual_button import ButtonEvent


class LineView:
    """Prints what happens.

    as_json: the button's own lines instead, unchanged
    """

    def __init__(self, options: Options, as_json: bool) -> None:
        self.session = Session(options, lambda: None)
        if as_json:
            self.session.on_event_line = self._event
        else:
            self.session.on_line = self._line
        self.session.on_traffic_line = self._traffic

    def say(self, words: str) -> None:
        # From several threads: one call a line, so that lines do not mix.
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()

    def _line(self, line: Line) -> None:
        self.say(f"{self.session.clock_text(line.at_us)}  {self.session.line_text(line)}")

    def _event(self, event: ButtonEvent) -> None:
        self.say(json.dumps({"t": event.at_ms, "ev": event.kind, **event.facts}))

    def _traffic(self, traffic: Traffic) -> None:
        self.say(f"{self.session.clock_text(traffic.at_us)}  {traffic.line} {traffic.way} {shown(traffic.text)}")

    async def read(self) -> None:
        """Read commands, until q or the end of input."""
        async for line in typed_lines():
            try:
                verb = await self.session.obey(line)
            except Trouble as trouble:
                self.say(trouble.say(self.session.language))
                continue
            if verb == "q":
                return
            if verb == "h":
                self.say(text("help", self.session.language))
            if verb == "l":
                self.session.language = "en" if self.session.language == "id" else "id"


def shown(words: bytes) -> str:
    """Return the bytes of a serial line as a readable line."""
    return (
        words.decode("latin-1")
        .replace("\r\n", "⏎")
        .replace("\r", "⏎")
        .encode("unicode_escape")
        .decode()
        .replace("\\u23ce", "⏎")
    )


async def run_plain(options: Options, as_json: bool) -> int:
    """Return the exit code: 0 after q, the end of input or Ctrl-C, 1 after a trouble, 128 + n after another signal."""
    plain = LineView(options, as_json)
    trouble: Trouble | None = None
    with cancelled_by_signals() as ending:
        try:
            await plain.session.start()
            await plain.read()
        except Trouble as found:
            trouble = found
        except asyncio.CancelledError:
            pass  # by a signal
        finally:
            ending.listening = False
            await plain.session.stop()
    if trouble is not None:
        print(f"siaga: {trouble.say(plain.session.language)}", file=sys.stderr)
        return 1
    return ending.asked_code

"""What all parts of an installation did, for whoever has to find out why a scenario failed."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from typing import Any

from siaga_tools.simulate.button import ButtonListener
from siaga_tools.simulate.chip import ChipState
from siaga_tools.simulate.silicon_parts import Traffic
from siaga_tools.virtual_button import ButtonEvent

_SHOWN = 500  # lines of a timeline
_DULL = (b"AT+CEREG?", b"AT+CGREG?", b"AT+CREG?", b"AT+CSQ", b"AT+CGNSSINFO", b"AT+CPIN?", b"AT\r")
_DULL_ANSWERS = (b"OK", b"+CEREG: 2,", b"+CGREG: 2,", b"+CREG: 2,", b"+CSQ:", b"+CGNSSINFO:")


class Timeline(ButtonListener):
    """What all parts did, by this machine's clock."""

    def __init__(self) -> None:
        self._began_s = time.time()
        self._lines: list[tuple[float, str, str]] = []
        self._lock = threading.Lock()
        self._dull = False

    def note(self, who: str, text: str, at_s: float | None = None) -> None:
        with self._lock:
            self._lines.append((time.time() if at_s is None else at_s, who, text))

    def on_event(self, event: ButtonEvent) -> None:
        when = datetime.fromtimestamp(event.at_ms / 1000, UTC)
        self.note("button", f"{when:%H:%M:%S.%f}"[:-3] + f" {event.kind} {json.dumps(dict(event.facts))}")

    def on_traffic(self, traffic: Traffic) -> None:
        """Without what it asks again and again, and what that is answered."""
        if traffic.line == "gnss":
            return
        if traffic.way == ">":
            self._dull = traffic.text.startswith(_DULL)
        if not (self._dull and (traffic.way == ">" or traffic.text.strip().startswith(_DULL_ANSWERS))):
            self.note(traffic.line, f"{traffic.way} {traffic.text!r}")

    def on_life(self, life: ChipState, why: str) -> None:
        self.note("chip", f"{life} {why}")

    def text(self, journal: list[dict[str, Any]]) -> str:
        """Everything in its order, with the gateway's journal; the last lines of it."""
        with self._lock:
            lines = list(self._lines)
        lines += [(entry["at_ms"] / 1000, "gateway", f"{entry['kind']} {entry['facts']}") for entry in journal]
        lines.sort(key=lambda line: line[0])
        return "\n".join(f"{at - self._began_s:8.3f} {who:<8} {text}" for at, who, text in lines[-_SHOWN:])

"""The demo's observations in words: log lines, lights, hops."""

from __future__ import annotations

from siaga_gateway.catalogue import text
from siaga_gateway.domain.errors import SiagaError
from siaga_tools.demo.dashboard_state import LogLine
from siaga_tools.demo.press_trace import Hop, PressTrace
from siaga_tools.demo.site import LOCAL
from siaga_tools.messages import say
from siaga_tools.signal_styles import signal_text


def line_text(line: LogLine, language: str) -> str:
    """Return a log line without its time."""
    values = dict(line.values)
    if "signal" in values:
        values["signal_text"] = signal_text(str(values["signal"]), language)
    if isinstance(why := values.get("why"), SiagaError):
        values["why"] = why.say(language)
    if "change" in values:
        values["change_text"] = text(f"console.change.{values['change']}", language)
    if values.get("rung"):
        values["rung_text"] = text(f"console.rung.{values['rung']}", language)
    if values.get("said"):
        values["said_text"] = _said(str(values["said"]), values.get("minutes"), language)
    return say(f"log.{line.key}", language, **values).rstrip().removesuffix(":")


def _said(said: str, minutes: object, language: str) -> str:
    told = text(f"console.said.{said}", language)
    return told if minutes is None else f"{told}, {say('view.eta', language, minutes=minutes)}"


def timed_line(line: LogLine, language: str) -> str:
    return f"{LOCAL.bare(line.at_ms)}  {line_text(line, language)}"


def hop_table(trail: PressTrace, language: str) -> str:
    """Return the hops with their times in milliseconds: since the press, and since the hop that each waited for."""
    rows = [tuple(say(f"plain.{name}", language) for name in ("what", "since", "took"))]
    for hop in trail.hops:
        name = "stored_test" if trail.test and hop is Hop.STORED else hop
        rows.append((say(f"hop.{name}", language), _ms(trail.since_press(hop)), _ms(trail.took(hop))))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"  {name:<{widths[0]}}  {since:>{widths[1]}}  {took:>{widths[2]}}".rstrip() for name, since, took in rows
    )


def _ms(time: int | None) -> str:
    return "-" if time is None else f"{time} ms"


def result(trail: PressTrace, language: str) -> str:
    """Return which press, its hops, and the total."""
    return "\n".join(
        (
            say("plain.hops_of", language, button=trail.button, counter=trail.counter),
            hop_table(trail, language),
            say("plain.total", language, ms=trail.total_ms),
        )
    )

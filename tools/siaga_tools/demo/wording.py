"""How the demo's observations read in a language: log lines, lights, hops."""

from __future__ import annotations

from siaga_gateway.catalogue import clock_time
from siaga_tools.demo.board import LogLine
from siaga_tools.demo.trail import Hop, Trail
from siaga_tools.signals import signal_text
from siaga_tools.words import say


def line_text(line: LogLine, language: str) -> str:
    """A log line without its time."""
    values = dict(line.values)
    if "signal" in values:
        values["signal_text"] = signal_text(str(values["signal"]), language)
    if "change" in values:
        values["change_text"] = say(f"change.{values['change']}", language)
    return say(f"log.{line.key}", language, **values).rstrip().removesuffix(":")


def timed_line(line: LogLine, language: str) -> str:
    return f"{clock_time(line.at_ms).removesuffix(' WIB')}  {line_text(line, language)}"


def hop_table(trail: Trail, language: str) -> str:
    """The hops with their times in milliseconds: since the press, and since the hop that each waited for."""
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


def result(trail: Trail, language: str) -> str:
    """Which press, its hops, and the total."""
    return "\n".join(
        (
            say("plain.hops_of", language, button=trail.button, counter=trail.counter),
            hop_table(trail, language),
            say("plain.total", language, ms=trail.total_ms),
        )
    )

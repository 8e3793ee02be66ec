"""How the demo's observations read in a language: log lines, lights, hops."""

from __future__ import annotations

from siaga_gateway.catalogue import clock_time
from siaga_tools.demo.board import LogLine
from siaga_tools.demo.trail import Trail
from siaga_tools.signals import signal_text
from siaga_tools.words import say


def line_text(line: LogLine, language: str) -> str:
    """A log line without its time."""
    values = dict(line.values)
    if "signal" in values:
        values["signal_text"] = signal_text(str(values["signal"]), language)
    if "change" in values:
        values["change_text"] = say(f"change.{values['change']}", language)
    return say(f"log.{line.key}", language, **values)


def timed_line(line: LogLine, language: str) -> str:
    return f"{clock_time(line.at_ms).removesuffix(' WIB')}  {line_text(line, language)}"


def hop_table(trail: Trail, language: str) -> str:
    """The hops with their times in milliseconds: since the press, and since the latest hop before it."""
    headings = tuple(say(f"plain.{name}", language) for name in ("what", "since", "step"))
    rows: list[tuple[str, str, str]] = []
    latest: int | None = None
    for hop in trail.hops:
        since = trail.since_press(hop)
        step = "" if since is None or latest is None else f"{since - latest:+d} ms"
        rows.append((say(f"hop.{hop}", language), "-" if since is None else f"{since} ms", step))
        if since is not None:
            latest = since if latest is None else max(latest, since)
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(3)]
    lines = [f"  {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}".rstrip() for row in rows]
    head = f"  {headings[0]:<{widths[0]}}  {headings[1]:>{widths[1]}}  {headings[2]:>{widths[2]}}"
    return "\n".join((head, *lines))


def result(trail: Trail, language: str) -> str:
    """Which press, its hops, and the total."""
    return "\n".join(
        (
            say("plain.hops_of", language, button=trail.button, counter=trail.counter),
            hop_table(trail, language),
            say("plain.total", language, ms=trail.total_ms),
        )
    )

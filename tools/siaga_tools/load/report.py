"""A run's figures for people: a table of the kinds, and a line for each notable second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from siaga_gateway import catalogue

_COUNTS: Final = ("sent", "resent", "acknowledged", "lost", "refused", "answered_again")
_LATENCIES: Final = ("p50", "p90", "p99", "p99.9", "max")
_LONGEST: Final = 30  # lines of seconds; in a longer run several seconds share one
_TOOL_SLOW_MS: Final = 50.0


def report(facts: Mapping[str, Any], language: str) -> Iterator[str]:
    """Yield lines of text. facts: as cli.py makes them from Results.facts()."""

    def say(key: str, **values: object) -> str:
        return catalogue.text(f"load.{key}", language, **values)

    yield say("report.head", devices=facts["devices"], connections=facts["connections"], seconds=facts["took_s"])
    rows = [["", *(say(f"column.{name}") for name in _COUNTS), *(f"{name} ms" for name in _LATENCIES)]]
    for kind, one in facts["classes"].items():
        latency = one["latency_ms"]
        shown = [f"{latency[name]:.1f}" if name in latency else "-" for name in _LATENCIES]
        rows.append([kind.upper(), *(str(one[name]) for name in _COUNTS), *shown])
    yield from _aligned(rows)
    yield ""
    rows = [[say(f"column.{name}") for name in ("second", "sent", "resent", "acknowledged")] + ["p50 ms", "p99 ms"]]
    for some in _pieces(facts["seconds"]):
        first, last = some[0]["second"], some[-1]["second"]
        worst = max(some, key=lambda one: one["p99_ms"] or 0)
        rows.append(
            [
                str(first) if first == last else f"{first}-{last}",
                *(str(sum(one[name] for one in some)) for name in ("sent", "resent", "acknowledged")),
                *(f"{worst[name]:.1f}" if worst[name] is not None else "-" for name in ("p50_ms", "p99_ms")),
            ]
        )
    yield from _aligned(rows)
    yield ""
    yield say("report.silence", seconds=facts["longest_silence_s"])
    for name in ("losses", "forged_answers", "stale_answers", "later_stages"):
        if facts[name]:
            yield say(f"report.{name}", count=facts[name])
    late = facts["tool_late_ms"].get("p99", 0.0)
    if late > _TOOL_SLOW_MS:
        yield say("report.tool_slow", ms=round(late))
    lost = sum(one["lost"] for one in facts["classes"].values())
    yield say("report.lost", count=lost) if lost else say("report.none_lost")


def _pieces(seconds: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    step = -(-len(seconds) // _LONGEST) or 1
    for begin in range(0, len(seconds), step):
        yield seconds[begin : begin + step]


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *rest = [text.rjust(width) for text, width in zip(row, widths, strict=True)]
        yield "  ".join([first.strip().ljust(widths[0]), *rest]).rstrip()

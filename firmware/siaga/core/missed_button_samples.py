"""Replays what a contact did before sampling began as the samples that a Button or Contact would have been fed.
Pure."""

from micropython import const

_APART_MS = const(200)  # well below what a Button takes for a sampling gap
_SETTLED_MS = const(30)


def samples(line: "Early", now_ms: int) -> "Iterator[tuple[bool, int]]":
    """Yield (active, milliseconds) from the first sample to just before now_ms. line: the state at the first sample,
    its time, and each edge since: (milliseconds, active)."""
    acts, since_ms, edges = line
    for turned_ms, then in edges + [(now_ms, acts)]:
        yield acts, since_ms
        at_ms = since_ms + _SETTLED_MS
        while at_ms < turned_ms - 1:
            yield acts, at_ms
            at_ms += _APART_MS
        if turned_ms - 1 > since_ms:
            yield acts, turned_ms - 1
        acts, since_ms = then, max(turned_ms, since_ms)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Early = tuple[bool, int, list[tuple[int, bool]]]

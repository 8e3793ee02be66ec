"""Keeps a flood of refused frames from filling the journal: the first few of each kind and device in full, then a
sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Full entries in one window for one kind and device, and for one kind over all devices.
from siaga_gateway.domain.value import record

EACH: Final = 3
ALL: Final = 30
# For kinds that are normal on a bad network and of interest only as a sum.
FEW_EACH: Final = 1
FEW_ALL: Final = 5
WINDOW_MS: Final = 60_000


@record
class SampledEntry:
    """A journal entry; its `facts` include a `count` of the occurrences it stands for, including itself."""

    kind: str
    at_ms: int
    device_id: bytes | None
    facts: Mapping[str, Any]
    frame: bytes | None


@dataclass(slots=True)
class _Window:
    began_ms: int
    entries: dict[str, int] = field(default_factory=dict)
    by_device: dict[tuple[str, bytes | None], int] = field(default_factory=dict)
    held_back: dict[str, tuple[int, SampledEntry]] = field(default_factory=dict)


class Sampler:
    """Decides which entries are written. The rest is counted, and written as one entry a kind when the window ends.

    For one thread.
    """

    def __init__(self) -> None:
        self._window: _Window | None = None

    def note(
        self,
        kind: str,
        at_ms: int,
        device_id: bytes | None,
        facts: Mapping[str, Any],
        frame: bytes | None,
        *,
        few: bool = False,
        times: int = 1,
    ) -> SampledEntry | None:
        """Return the entry to write now, or None if it is only counted. Call `due` first.

        few: sample sooner. times: how many occurrences it stands for.
        """
        if self._window is None:
            self._window = _Window(at_ms)
        window = self._window
        entry = SampledEntry(kind, at_ms, device_id, {**facts, "count": times}, frame)
        entries = window.entries.get(kind, 0)
        mine = window.by_device.get((kind, device_id), 0)
        if entries < (FEW_ALL if few else ALL) and mine < (FEW_EACH if few else EACH):
            window.entries[kind] = entries + 1
            window.by_device[kind, device_id] = mine + 1
            return entry
        count, _ = window.held_back.get(kind, (0, None))
        window.held_back[kind] = (count + times, entry)
        return None

    def due(self, now_ms: int) -> list[SampledEntry]:
        """Return the entries for what was only counted, once the window has ended (or the clock was set back)."""
        window = self._window
        if window is None or 0 <= now_ms - window.began_ms < WINDOW_MS:
            return []
        return list(self.rest())

    def rest(self) -> Iterator[SampledEntry]:
        """End the window now."""
        window, self._window = self._window, None
        if window is None:
            return
        for kind, (count, last) in window.held_back.items():
            facts = {**last.facts, "count": count}
            yield SampledEntry(kind, last.at_ms, last.device_id, facts, last.frame)

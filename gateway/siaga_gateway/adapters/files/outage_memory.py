"""What a watcher remembers across its own restart: an outage that was told, so that it neither calls anew nor forgets
to say that it is over. A file; whatever is wrong with it costs only that."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any, Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.outage import SOUND, Fault, Outage

_LONGEST_MS: Final = 30 * 86_400_000  # older than this, or of the future: the clock has jumped
_LONGEST: Final = 64 * 1024

log = logging.getLogger(__name__)


class OutageMemory:
    """Times in the file are Unix milliseconds."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, now_ms: int) -> Outage:
        """Return what was told and has not ended; nothing that was not told is kept. Never raises."""
        try:
            with self._file.open("rb") as file:
                return _outage(json.loads(file.read(_LONGEST)), now_ms)
        except FileNotFoundError:
            return SOUND
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning(Localized("log.watch.no_memory", file=self._file, why=error))
            return SOUND

    def write(self, outage: Outage) -> None:
        """Never raises: a full disk keeps nobody from being called."""
        facts = {
            "began_ms": outage.began_ms,
            "told": list(outage.told),
            "calls": outage.calls,
            "next_ms": outage.next_ms,
            "faults": {
                name: {"since_ms": each.since_ms, "seen_ms": each.seen_ms, "detail": each.detail}
                for name, each in outage.faults.items()
                if each.told
            },
        }
        new = self._file.with_name(f".{self._file.name}.new")
        try:
            with new.open("w", encoding="utf-8") as file:
                json.dump(facts, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._file)
        except OSError as error:
            log.warning(Localized("log.watch.no_memory", file=self._file, why=error))


def _outage(told: Any, now_ms: int) -> Outage:
    if told["began_ms"] is None:
        return SOUND

    def past(at_ms: Any) -> int:
        return min(max(int(at_ms), now_ms - _LONGEST_MS), now_ms)

    faults = {
        str(name): Fault(past(each["since_ms"]), past(each["seen_ms"]), str(each["detail"]), looks=1, told=True)
        for name, each in told["faults"].items()
    }
    calls = max(1, int(told["calls"]))
    # The longest pause is an hour: a clock that was set back must not silence the calls for longer.
    next_ms = min(int(told["next_ms"]), now_ms + 3_600_000)
    return Outage(faults, past(told["began_ms"]), tuple(str(name) for name in told["told"]), calls, next_ms)

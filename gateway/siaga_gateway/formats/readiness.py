"""What a gateway answers at /readyz, as faults for a watcher. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from siaga_gateway.domain.outage import NO_GATEWAY, WATCHERS
from siaga_gateway.domain.value import record
from siaga_gateway.formats.text_rules import one_line

# Warnings of /readyz that somebody has to be called for; presses are taken all the same.
CALLED_FOR: Final = ("outputs", WATCHERS)
_LONGEST: Final = 200
_MOST: Final = 12


@record
class Readiness:
    """An answer of the gateway, or of something in front of it."""

    faults: Mapping[str, str]  # detail by name, see domain/outage.py; empty: all is well
    heard: bool | None = None  # whether the gateway knows the watcher by its token; None: it does not say


def read_readiness(status: int, body: bytes) -> Readiness:
    """Read an answer. Never raises: what is none of a gateway's is a fault."""
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    ready = told.get("ready") if isinstance(told, dict) else None
    problems = told.get("problems") if isinstance(told, dict) else None
    if status not in (200, 503) or not isinstance(ready, bool) or not isinstance(problems, dict):
        return Readiness({NO_GATEWAY: f"HTTP {status}"})
    found = {**problems, **_called_for(told.get("warnings"))}
    faults = {one_line(str(name), 40): one_line(str(why), _LONGEST) for name, why in list(found.items())[:_MOST]}
    if not faults and not (ready and status == 200):
        faults = {NO_GATEWAY: f"HTTP {status}"}
    heard = told.get("watcher")
    return Readiness(faults, heard == "heard" if isinstance(heard, str) else None)


def _called_for(warnings: Any) -> dict[str, Any]:
    if not isinstance(warnings, dict):
        return {}
    return {name: warnings[name] for name in CALLED_FOR if name in warnings}

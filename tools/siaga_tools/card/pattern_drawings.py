"""Small pictures of the patterns: what is lit or heard, drawn to scale from left to right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from siaga_tools.card.patterns import Pattern, Step

_WIDTH: Final = 96.0
_HEIGHT: Final = 12.0
_LIGHT_MS: Final = 4000  # the time that a picture of the light covers
_BEAT_MS: Final = 2400
_LEAST: Final = 1.2  # a 20 ms blink has to be visible on paper


def light(pattern: Pattern) -> str:
    """Draw the light over four seconds as an SVG element; three dots if its cycle is longer."""
    parts = [f'<rect class="off" width="{_WIDTH:g}" height="{_HEIGHT:g}" rx="2"/>']
    scale = _WIDTH / _LIGHT_MS
    at = 0.0
    cycle = sum(step.ms for step in pattern.again)
    steady = all(step.light for step in pattern.again)
    for step in (Step(True, False, False, _LIGHT_MS),) if steady else _filling(pattern.again, _LIGHT_MS):
        width = min(step.ms * scale, _WIDTH - at)
        if step.light and width > 0:
            parts.append(_bar("on", at, max(width, _LEAST)))
        at += max(step.ms * scale, _LEAST) if step.light else step.ms * scale
        if at >= _WIDTH:
            break
    if cycle > _LIGHT_MS and any(step.light for step in pattern.again):
        parts.append(f'<path class="more" d="M{_WIDTH - 12:g} 6h1m3 0h1m3 0h1"/>')
    return _svg(parts)


def beats(pattern: Pattern) -> str:
    """Draw what is heard and felt as an SVG element; an arrow for what repeats. Empty if there is nothing."""
    if not pattern.beats:
        return ""
    scale = (_WIDTH - 16) / _BEAT_MS
    at = 0.0
    parts = []
    for step in pattern.beats:
        width = max(step.ms * scale, _LEAST)
        if step.sound or step.vibration:
            parts.append(_bar("beat", at, width))
        elif step is pattern.beats[-1]:
            break
        at += min(width, 40)
    if pattern.beats_repeat:
        # The repeat arrow.
        parts.append(f'<path class="again" d="M{_WIDTH - 10:g} 2.5a4 4 0 1 0 5 2.2m.4-3.4v3.6h-3.6"/>')
    return _svg(parts)


def _filling(steps: tuple[Step, ...], ms: int) -> Iterable[Step]:
    """Repeat the steps until the time is filled."""
    length = sum(step.ms for step in steps)
    return steps * (ms // length + 1) if length else steps


def _bar(kind: str, at: float, width: float) -> str:
    return f'<rect class="{kind}" x="{at:.1f}" y="1.5" width="{width:.1f}" height="9" rx="1.2"/>'


def _svg(parts: list[str]) -> str:
    return f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" aria-hidden="true">{"".join(parts)}</svg>'

"""What the firmware shows, read from the firmware itself: the card cannot say anything else.

The source is read, not run: it is MicroPython.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# A light that is dark for so long is one of waiting for the next blink.
_RARE_MS: Final = 4500
_LONG_MS: Final = 500


@dataclass(frozen=True)
class Step:
    """What is on for so many milliseconds."""

    light: bool
    sound: bool
    vibration: bool
    ms: int


@dataclass(frozen=True)
class Pattern:
    """Played once, then again and again. tone_hz 0 = no sound."""

    tone_hz: int
    once: tuple[Step, ...]
    again: tuple[Step, ...]

    @property
    def beats(self) -> tuple[Step, ...]:
        """What is heard and felt: of what is played once, or of one round of what repeats."""
        played = self.once or self.again
        return played if any(step.sound or step.vibration for step in played) else ()

    @property
    def beats_repeat(self) -> bool:
        return not self.once and bool(self.beats)

    @property
    def sounds(self) -> bool:
        return bool(self.tone_hz) and any(step.sound for step in self.beats)

    @property
    def vibrates(self) -> bool:
        return any(step.vibration for step in self.beats)


@dataclass(frozen=True)
class Shown:
    """All patterns by signal, in the firmware's order, and for how many seconds a repeated sound is played."""

    patterns: Mapping[str, Pattern]
    sound_s: int


def read_shown(firmware: Path) -> Shown:
    """From `firmware`/siaga/drivers/indicator.py. Raises ValueError where it is not written as this reads it."""
    assigned = _assignments(firmware / "siaga" / "drivers" / "indicator.py")
    try:
        written = ast.literal_eval(assigned["PATTERNS"])
        patterns = {
            signal: Pattern(tone, _steps(once), _steps(again)) for signal, (tone, once, again) in written.items()
        }
        return Shown(patterns, _constant(assigned["SOUND_MS"]) // 1000)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"indicator.py is not written as the card reads it: {error}") from error


def read_defaults(firmware: Path) -> dict[str, Any]:
    """The settings' defaults, from the class in `firmware`/siaga/app/chosen.py."""
    tree = ast.parse((firmware / "siaga" / "app" / "chosen.py").read_text(encoding="utf-8"))
    defaults = {}
    for node in tree.body:
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                try:
                    defaults[line.targets[0].id] = ast.literal_eval(line.value)
                except ValueError:
                    continue  # not a plain value: nothing that the card tells
    return defaults


def light_words(pattern: Pattern) -> tuple[str, dict[str, int]]:
    """The key `card.light.<key>` and its numbers: how a person would say what the light does."""
    lit = [step.ms for step in pattern.again if step.light]
    cycle = sum(step.ms for step in pattern.again)
    if not lit:
        return "dark", {}
    if sum(lit) == cycle:
        return "steady", {}
    numbers = {"count": len(lit), "seconds": round(cycle / 1000)}
    if cycle - sum(lit) >= _RARE_MS:
        return ("rare" if len(lit) == 1 else "rare_many"), numbers
    if len(lit) > 1:
        return ("many_long" if min(lit) >= _LONG_MS else "many"), numbers
    if lit[0] >= _LONG_MS:
        return ("slow" if cycle > 2 * _LONG_MS else "even"), numbers
    return ("fast" if lit[0] * 2 >= cycle else "flicker"), numbers


def _steps(text: str) -> tuple[Step, ...]:
    marks = {"*": (True, True, True), "l": (True, False, False), "b": (True, True, False), "-": (False, False, False)}
    return tuple(Step(*marks[word[0]], int(word[1:])) for word in text.split())


def _assignments(path: Path) -> dict[str, ast.expr]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        target.id: line.value
        for line in tree.body
        if isinstance(line, ast.Assign)
        for target in line.targets
        if isinstance(target, ast.Name)
    }


def _constant(value: ast.expr) -> int:
    """The number in `const(number)`, or the number."""
    inner = value.args[0] if isinstance(value, ast.Call) else value
    number: int = ast.literal_eval(inner)
    return number

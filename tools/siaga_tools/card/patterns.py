"""The firmware's signals, read from the firmware itself: the card cannot say anything else.

The source is parsed, not run: it is MicroPython.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from siaga_tools.firmware_build.syntax_trees import syntax_tree

# A light that is dark for this long is described as a wait for the next blink.
_RARE_MS: Final = 4500
_LONG_MS: Final = 500


@dataclass(frozen=True)
class Step:
    """What is on, for so many milliseconds."""

    light: bool
    sound: bool
    vibration: bool
    ms: int


@dataclass(frozen=True)
class Pattern:
    """Played once, then repeated. tone_hz 0 = no sound."""

    tone_hz: int
    once: tuple[Step, ...]
    again: tuple[Step, ...]

    @property
    def beats(self) -> tuple[Step, ...]:
        """Return what is heard and felt: of what is played once, or of one cycle of what repeats."""
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
class SignalPatterns:
    """All patterns by signal, in the firmware's order; and for how many seconds "call the emergency number" sounds, at
    first and at the start of each further minute."""

    patterns: Mapping[str, Pattern]
    sound_s: int
    again_s: int


def read_shown(firmware: Path) -> SignalPatterns:
    """Parse `firmware`/siaga/drivers/indicator.py. Raises ValueError if it is not in the expected form."""
    assigned = _assignments(firmware / "siaga" / "drivers" / "indicator.py")
    try:
        written = ast.literal_eval(assigned["PATTERNS"])
        patterns = {
            signal: Pattern(tone, _steps(once), _steps(again)) for signal, (tone, once, again) in written.items()
        }
        sound_ms, again_ms = (_constant(assigned[name]) for name in ("SOUND_MS", "SOUND_AGAIN_MS"))
        return SignalPatterns(patterns, sound_ms // 1000, again_ms // 1000)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"indicator.py is not written as the card reads it: {error}") from error


def read_defaults(firmware: Path) -> dict[str, Any]:
    """Return the settings' defaults, from the class in `firmware`/siaga/app/settings.py."""
    tree = syntax_tree((firmware / "siaga" / "app" / "settings.py").read_text(encoding="utf-8"))
    defaults = {}
    for node in tree.body:
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                try:
                    defaults[line.targets[0].id] = ast.literal_eval(line.value)
                except ValueError:
                    continue  # not a plain value: not needed by the card
    return defaults


def light_words(pattern: Pattern) -> tuple[str, dict[str, int]]:
    """Return the key `card.light.<key>` and its numbers: how a person would describe the light."""
    lit = [step.ms for step in pattern.again if step.light]
    dark = [step.ms for step in pattern.again if not step.light]
    if not lit:
        return "dark", {}
    if not dark:
        return "steady", {}
    if max(dark) >= _RARE_MS:
        run = max(_runs(pattern.again))
        return ("rare_long" if run >= _LONG_MS else "rare"), {"seconds": round((run + max(dark)) / 1000)}
    if max(lit) >= _LONG_MS > min(lit):
        return ("call_dark" if max(dark) >= _LONG_MS * 2 else "call"), {}
    if len(lit) > 1:
        return "double", {}
    on, off = lit[0], dark[0]
    if on == off:
        return ("fast" if on < 150 else "even_fast" if on < 400 else "even" if on < 1000 else "long_long"), {}
    if on > off:
        return ("long_short" if off >= 200 else "gap" if on >= 1000 else "gap_fast"), {}
    return ("short_long" if on >= 200 else "flash"), {}


def _runs(steps: tuple[Step, ...]) -> list[int]:
    """Return how long each light is on, whatever else changes meanwhile."""
    runs = [0]
    for step in steps:
        if step.light:
            runs[-1] += step.ms
        elif runs[-1]:
            runs.append(0)
    return runs


def _steps(text: str) -> tuple[Step, ...]:
    marks = {"*": (True, True, True), "l": (True, False, False), "b": (True, True, False), "-": (False, False, False)}
    return tuple(Step(*marks[word[0]], int(word[1:])) for word in text.split())


def _assignments(path: Path) -> dict[str, ast.expr]:
    tree = syntax_tree(path.read_text(encoding="utf-8"))
    return {
        target.id: line.value
        for line in tree.body
        if isinstance(line, ast.Assign)
        for target in line.targets
        if isinstance(target, ast.Name)
    }


def _constant(value: ast.expr) -> int:
    """Return the number in `const(number)`, or the number."""
    inner = value.args[0] if isinstance(value, ast.Call) else value
    number: int = ast.literal_eval(inner)
    return number

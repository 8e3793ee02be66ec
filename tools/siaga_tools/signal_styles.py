"""A button's signals, for people: a word, its meaning, a colour's role."""

from __future__ import annotations

from typing import Final

from siaga_tools.messages import say

# Signal: the role of its colour, and whether it blinks. The patterns themselves are the firmware's.
LOOKS: Final = {
    "off": ("faint", False),
    "armed": ("calm", False),
    "sending": ("wait", True),
    "received": ("good", False),
    "seen": ("better", False),
    "assigned": ("help", False),
    "on_scene": ("help", False),
    "closed": ("calm", False),
    "cancelled": ("wait", False),
    "refused": ("bad", True),
    "not_getting_through": ("bad", True),
    "test": ("test", True),
    "test_received": ("test", False),
    "low_battery": ("wait", True),
    "no_connection": ("wait", True),
    "not_set_up": ("bad", True),
    "press_longer": ("wait", True),
    "press_for_test": ("test", True),
    "unfit_chip": ("bad", True),
}


def signal_text(signal: str, language: str) -> str:
    """Return what the light says, in a word or two; an unknown signal keeps its name."""
    return say(f"signal.{signal}", language) if signal in LOOKS else signal


def signal_meaning(signal: str, language: str, emergency: str) -> str:
    """emergency: the number that the holder is to call."""
    return say(f"meaning.{signal}", language, emergency=emergency) if signal in LOOKS else ""

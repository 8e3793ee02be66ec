"""What a step of a scenario may say: sentences, and the methods that do them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A sentence of a scenario: its form for people, its pattern, what it means, who does it."""

    form: str
    pattern: re.Pattern[str]
    means: str
    do: Callable[..., None]


_NOTED = "sentence"
_SLOTS = {"<n>": r"(\d+(?:\.\d+)?)", "<unit>": "(s|min|h)", "<word>": r"([A-Za-z_0-9-]+)", "<degrees>": r"(-?\d+\.\d+)"}


def step(form: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A method is how a sentence of this form is done; its docstring says what happens."""

    def note(do: Callable[..., None]) -> Callable[..., None]:
        pattern = re.escape(form)
        for slot, meaning in _SLOTS.items():
            pattern = pattern.replace(re.escape(slot), meaning)
        means = " ".join((inspect.getdoc(do) or "").split())
        setattr(do, _NOTED, Step(form, re.compile(pattern), means, do))
        return do

    return note


def steps_of(part: type) -> list[Step]:
    """The sentences that a class itself knows how to do, in the order in which they are written."""
    return [getattr(do, _NOTED) for do in vars(part).values() if hasattr(do, _NOTED)]

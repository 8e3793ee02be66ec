"""The form of the domain's values: frozen for whoever writes the program, cheap for the machine that runs it.

`dataclass(frozen=True)` sets each field by a call of `object.__setattr__`, at three times the cost, and every press
makes some twenty of these. So that nothing assigns to one is what mypy checks, not what every press pays for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots whose values are compared and hashed by their fields, and not to be changed."""
    return dataclass(slots=True, unsafe_hash=True)(cls)

"""The domain's value types: immutable to the programmer, cheap for the machine.

`dataclass(frozen=True)` sets each field by a call of `object.__setattr__`, at three times the cost, and every press
makes some twenty values. mypy checks that nothing assigns to a field, so that no press has to pay for it.

`copied(value, name=new, ...)` is the only way to derive a value from another: every field that is not named is carried
over, including those that the class gets tomorrow. Never copy fields one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

__all__ = ["copied", "record"]

T = TypeVar("T")

_COPIES: dict[type, Callable[[Any], Any]] = {}  # by record class


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots whose values are compared and hashed by their fields, and not to be changed."""
    made = dataclass(slots=True, unsafe_hash=True)(cls)
    _COPIES[made] = _copier(made)
    return made


def _copier(cls: type[Any]) -> Callable[[Any], Any]:
    """Copies a value of this class field by field; written once, as `dataclass` writes `__init__`."""
    lines = [f"    made.{each.name} = value.{each.name}" for each in fields(cls)]
    names: dict[str, Any] = {"new": object.__new__, "cls": cls}
    exec("\n".join(("def copy(value):", "    made = new(cls)", *lines, "    return made")), names)  # noqa: S102
    copier: Callable[[Any], Any] = names["copy"]
    return copier


if TYPE_CHECKING:
    # mypy knows the fields that `replace` takes, and so checks every change by name and type.
    from dataclasses import replace as copied
else:

    def copied(value, /, **changes):
        """Return the value with the named fields changed.

        Like `dataclasses.replace`, which serves other dataclasses here; that one lists the class's fields and calls
        `__init__` each time. Raises: AttributeError for an unknown field.
        """
        copier = _COPIES.get(type(value))
        if copier is None:
            return replace(value, **changes)
        made = copier(value)
        for name, new in changes.items():
            setattr(made, name, new)
        return made

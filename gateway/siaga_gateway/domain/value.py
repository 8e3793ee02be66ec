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

_COPIES: dict[tuple[Any, ...], Callable[[Any, Any], Any]] = {}  # by record class and changed fields
_FIELDS: dict[type, tuple[str, ...]] = {}  # by record class


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots whose values are compared and hashed by their fields, and not to be changed."""
    made = dataclass(slots=True, unsafe_hash=True)(cls)
    _FIELDS[made] = _names(made)
    return made


def _names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cls))


def _copier(cls: type[Any], changed: tuple[str, ...]) -> Callable[[Any, Any], Any]:
    """Return what copies a value of this class with these fields changed; written once, as `dataclass` writes
    `__init__`."""
    for name in changed:
        if name not in _FIELDS[cls]:
            raise AttributeError(f"{cls.__name__} has no field {name!r}")
    lines = [
        f"    made.{name} = {f'changes[{name!r}]' if name in changed else f'value.{name}'}" for name in _FIELDS[cls]
    ]
    names: dict[str, Any] = {"new": object.__new__, "cls": cls}
    text = "\n".join(("def copy(value, changes):", "    made = new(cls)", *lines, "    return made"))
    exec(text, names)  # noqa: S102
    copier: Callable[[Any, Any], Any] = names["copy"]
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
        shape = (type(value), *changes)
        copier = _COPIES.get(shape)
        if copier is None:
            if type(value) not in _FIELDS:
                return replace(value, **changes)
            # As many as there are places in the code that copy.
            copier = _COPIES[shape] = _copier(type(value), tuple(changes))
        return copier(value, changes)

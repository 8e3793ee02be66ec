"""What an operator typed or chose, checked."""

from __future__ import annotations

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.incident import Disposition
from siaga_gateway.domain.invisible_characters import tidied, visible
from siaga_gateway.service.operator_port import OperateError


def disposition_of(written: str) -> Disposition:
    """Raises: OperateError."""
    try:
        return Disposition(written)
    except ValueError:
        raise OperateError("operate.disposition", disposition=written, known=", ".join(Disposition)) from None


def checked_text(value: str, what: str, longest: int) -> str:
    """Return it tidied. what: of errors.what. longest: characters. Raises: OperateError if it is empty or longer."""
    value = visible(tidied(value))  # a hidden character is spelled out, and stops no unit from being sent
    if not value:
        raise OperateError("operate.empty", what=Localized(f"errors.what.{what}"))
    if len(value) > longest:
        named = Localized(f"errors.what.{what}")
        raise OperateError("operate.long", what=named, size=len(value), longest=longest)
    return value

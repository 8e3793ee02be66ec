"""A unit and its estimate as an operator types them."""

from __future__ import annotations

from siaga_gateway.domain.frame import LONGEST_ETA
from siaga_gateway.domain.limits import LONGEST_UNIT
from siaga_gateway.web.session.error_answers import NotUnderstood


def typed_assignment(unit: str, eta: str) -> tuple[str, int | None]:
    """Return the unit and its minutes, None: no estimate. Raises: NotUnderstood."""
    unit, eta = " ".join(unit.split()), eta.strip()
    if not 1 <= len(unit) <= LONGEST_UNIT:
        raise NotUnderstood("error.unit", longest=LONGEST_UNIT)
    digits = eta.isascii() and eta.isdecimal() and len(eta) <= len(str(LONGEST_ETA))
    if eta and not (digits and int(eta) <= LONGEST_ETA):
        raise NotUnderstood("error.eta", longest=LONGEST_ETA)
    return unit, int(eta) if eta else None

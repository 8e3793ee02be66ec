"""What somebody typed about a button's SIM card, and the card that it means. Pure."""

from __future__ import annotations

from datetime import date

from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.sim_card import SimCard
from siaga_gateway.domain.value import record
from siaga_gateway.service.registry.enrol import EnrolError


@record
class SimTyped:
    """The fields of the form."""

    number: str
    operator: str
    active_until: str  # 2027-12-31
    quota_mb: str
    quota_until: str

    def card(self, local: LocalTime) -> SimCard:
        """Raises: EnrolError."""
        if self.quota_mb and not (self.quota_mb.isascii() and self.quota_mb.isdecimal()):
            raise EnrolError("sim.quota_number", text=self.quota_mb)
        return SimCard(
            self.number or None,
            self.operator or None,
            _end(self.active_until, local),
            int(self.quota_mb) if self.quota_mb else None,
            _end(self.quota_until, local),
        )


def sim_typed(card: SimCard, local: LocalTime) -> SimTyped:
    """Return a card as its form shows it."""
    quota = "" if card.quota_mb is None else str(card.quota_mb)
    return SimTyped(
        card.number or "", card.operator or "", day(card.active_until_ms, local), quota, day(card.quota_until_ms, local)
    )


def day(until_ms: int | None, local: LocalTime) -> str:
    """Return the last day of a period that ends then, as 2027-12-31; empty: it has no end."""
    return "" if until_ms is None else local.at(until_ms - 1).date().isoformat()


def _end(text: str, local: LocalTime) -> int | None:
    try:
        return local.end_of(date.fromisoformat(text)) if text else None
    except (ValueError, OverflowError):
        raise EnrolError("enrol.no_day", text=text) from None

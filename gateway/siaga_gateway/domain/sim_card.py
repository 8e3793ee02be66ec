"""The SIM card of a button: a prepaid one that lapses makes a silent button. Pure."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.value import record

LONGEST_OPERATOR: Final = 40
MOST_QUOTA_MB: Final = 10_000_000


@record
class SimCard:
    """What is known of it; None: it is not known, or, of the dates, it does not lapse."""

    number: str | None = None  # E.164; personal data, None too where it cannot be decrypted now
    operator: str | None = None
    active_until_ms: int | None = None  # end of the card's active period
    quota_mb: int | None = None  # what was left of its data when it was last looked up
    quota_until_ms: int | None = None  # when the quota lapses

    @property
    def until_ms(self) -> int | None:
        """When the card stops to carry messages unless somebody tops it up."""
        return min((at_ms for at_ms in (self.active_until_ms, self.quota_until_ms) if at_ms is not None), default=None)


NO_SIM: Final = SimCard()

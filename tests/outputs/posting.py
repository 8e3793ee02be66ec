"""What the tests of deliveries over HTTP share."""

from __future__ import annotations

from outputs.incidents import SENT_MS
from siaga_gateway.service.ports import Delivered, NotDelivered

SECRET = "whsec_" + "c2lhZ2EtdGVzdC1zZWNyZXQtMzItYnl0ZXMtbG9uZyE="
# A deadline for receivers that never end, and what a loaded machine may take on top of it.
QUICK_S = 0.4
GRACE_S = 5.0


class FixedClock:
    def __init__(self, now_ms: int = SENT_MS) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now


def refused(outcome: Delivered | NotDelivered) -> NotDelivered:
    assert isinstance(outcome, NotDelivered), outcome
    assert outcome.detail
    assert "hidden" not in outcome.detail, "the query of the address may be a password"
    return outcome

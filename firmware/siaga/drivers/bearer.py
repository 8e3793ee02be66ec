"""The bearer interface: what every bearer offers to app/delivery.py, and what it reports to its owner."""

from siaga.core.bearer_policy import Link as Policy
from siaga.core.frame import BEARER_UNKNOWN, UNKNOWN_SIGNAL


def called() -> str:
    """Return why a link is closed after a new button has delivered its key over the enrolment login."""
    return "the gateway has this button's key: it has to be enrolled"


def back() -> str:
    """Return why a link to another broker than the first is closed."""
    return "back to the first broker"


class Owner:
    """Receives the bearers' events. Nothing here may wait."""

    def on_bearer(self, bearer: "Bearer", up: bool, why: str) -> None: ...

    def on_downlink(self, bearer: "Bearer", payload: bytes) -> None: ...

    def on_puback(self, bearer: "Bearer", counter: int) -> None:
        """Handle that something behind the bearer has the frame: the broker, the SMS centre, the network server."""

    def on_rejected(self, why: str) -> None: ...

    def on_certificate(self, ends: int, depth: int) -> None:
        """Handle that a TLS link is up. ends: when the server's certificate chain expires, Unix seconds. depth: which
        certificate expires first, 0 = the server's own, the highest = the CA's."""

    def is_urgent(self) -> bool:
        """Return whether a press is pending, so that reconnecting cannot wait long."""
        return False

    def chance(self) -> int:
        """Return a random number from 0 to 65535."""
        return 0


class Bearer:
    """A bearer.

    name: in messages
    number: in a CHECKIN
    policy: its state for core/bearer_policy.py
    """

    name = ""
    number = BEARER_UNKNOWN
    policy = Policy()

    def signal(self) -> int:
        """Return the received strength, dBm, or UNKNOWN_SIGNAL."""
        return UNKNOWN_SIGNAL

    def hurry(self) -> None:
        """Cut pauses short: a press is pending."""

    async def send(self, counter: int, payload: bytes) -> None:
        """Take one frame; returns soon. on_puback follows once somebody else has it, or on_bearer if nobody will.
        Raises SiagaError or OSError if it cannot be taken."""

    async def run(self) -> None:
        """Stay connected whenever possible; never returns."""

    async def close(self) -> None:
        """Disconnect cleanly before the power goes."""

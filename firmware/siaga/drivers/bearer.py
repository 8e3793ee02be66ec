"""What every bearer offers to app/delivery.py, and what it tells its owner."""

from siaga.core.bearers import Link as Policy
from siaga.core.frame import BEARER_UNKNOWN, UNKNOWN_SIGNAL


def called() -> str:
    """Why a link is let go once a new button has left its key at the door."""
    return "the gateway has this button's key: it has to be enrolled"


class Owner:
    """Whom the bearers serve. Nothing here may wait."""

    def on_bearer(self, bearer: "Bearer", up: bool, why: str) -> None: ...

    def on_downlink(self, bearer: "Bearer", payload: bytes) -> None: ...

    def on_puback(self, bearer: "Bearer", counter: int) -> None:
        """What stands behind the bearer has the frame: the broker, the message centre, the network server."""

    def on_rejected(self, why: str) -> None: ...

    def on_certificate(self, ends: int, depth: int) -> None:
        """A link over TLS is up. ends: Unix seconds until which its server's chain of certificates holds; depth: which
        of it ends first, 0 = the server's own, the highest the authority's."""

    def is_urgent(self) -> bool:
        """Whether a press waits, so that connecting again cannot wait long."""
        return False

    def chance(self) -> int:
        """A random number from 0 to 65535."""
        return 0


class Bearer:
    """name and number: how it is called in messages and in a CHECKIN. policy: how core/bearers.py sees it."""

    name = ""
    number = BEARER_UNKNOWN
    policy = Policy()

    def signal(self) -> int:
        """Received strength, dBm, or UNKNOWN_SIGNAL."""
        return UNKNOWN_SIGNAL

    def hurry(self) -> None:
        """A press waits."""

    async def send(self, counter: int, payload: bytes) -> None:
        """Take one frame; returns soon. on_puback follows when somebody else has it, or on_bearer if nobody will.
        Raises SiagaError or OSError where it cannot be taken."""

    async def run(self) -> None:
        """Be up whenever that is possible; never returns."""

    async def close(self) -> None:
        """Say good-bye before the power goes."""

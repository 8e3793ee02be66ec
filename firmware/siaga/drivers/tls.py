"""TLS as used here: the server's certificate is always verified, against the authorities in the settings.

mbedTLS compares certificates' dates with the chip's calendar (MBEDTLS_HAVE_TIME_DATE), passes each certificate of a
chain, the CA's first, to verify_callback (extmod/modtls_mbedtls.c, since MicroPython 1.23), and reports all faults of a
chain at once. So if only a date is wrong while the clock is not known, the chain's own dates are available, and it is
judged once more as of a plausible present time.
"""

import tls

from siaga.core.certificate_dates import validity
from siaga.core.errors import SiagaError
from siaga.core.pem import ders_of

# mbedTLS error codes (ssl.h) that say more than that it failed.
_ALERT = -0x7780
_NO_VERSION = -0x6E80
_NO_HANDSHAKE = -0x6E00
_NO_RECORD = (-0x7200, -0x7100)
_DATES = "certificate validity"  # "... has expired", "... starts in the future"


class ServerTls:
    """Verifies servers.

    context: for links to a server whose certificate one of the authorities signed. The caller names the server (SNI),
        and its name is checked too
    ends: when the last server's whole chain expires, the CA's certificate included, Unix seconds; 0 = none was seen yet
    ends_at: which of it expires first, 0 = the server's own certificate
    shown: whether the server of the current link has presented one
    """

    def __init__(self, pem: str, clock: "Clock") -> None:
        """Raises SiagaError for a text without certificates."""
        self._clock = clock
        self.shown = False
        self._begins = self.ends = self.ends_at = self._depth = 0
        context = self.context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
        context.verify_callback = self._look  # type: ignore[attr-defined]
        try:
            for der in ders_of(pem):
                context.load_verify_locations(der)  # adds to the earlier ones
        except (ValueError, OSError) as error:
            raise SiagaError("a certificate in mqtt_ca cannot be read: %s" % error)

    def _look(self, der: "memoryview", depth: int) -> int:
        """Inspect one certificate of a chain. Must not raise: it is called from mbedTLS."""
        try:
            self.shown = True
            begins, ends = validity(der)
            if depth >= self._depth:  # another chain
                self._begins, self.ends, self.ends_at = begins, ends, depth
            self._begins = max(self._begins, begins)
            if ends < self.ends:
                self.ends, self.ends_at = ends, depth
            self._depth = depth
        except Exception:
            self._begins = self.ends = self.ends_at = self._depth = 0
        return 0

    def trouble(self, code: int) -> str:
        """Return what mbedTLS's error means, for people; "" = its number says as much."""
        if code == _ALERT and not self.shown:
            return "the server refuses TLS 1.2, or the name that it is called by: does it speak TLS 1.3 only?"
        if code == _ALERT:
            return "the server broke the TLS link off"
        if code == _NO_VERSION:
            return "the server speaks no TLS that this button speaks: 1.2 is needed"
        if code == _NO_HANDSHAKE:
            return "no TLS that both sides speak: version, cipher or curve"
        if code in _NO_RECORD:
            return "what answers at this port does not speak TLS (settings mqtt_port, mqtt_tls)"
        return ""

    def forgives(self, complaint: str) -> bool:
        """Return whether to try the same server again at once, after a ValueError with this text."""
        if any(line and _DATES not in line for line in complaint.split("\n")):
            return False
        return bool(self.ends) and self._clock.judges(self._begins, self.ends)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.clock import Clock

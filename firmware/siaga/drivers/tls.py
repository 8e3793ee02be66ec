"""TLS as this house uses it: the server's certificate is always verified, against the authorities in the settings.

mbedTLS compares the certificates' dates with the chip's calendar (MBEDTLS_HAVE_TIME_DATE), shows each certificate of a
chain, the authority's first, to verify_callback (extmod/modtls_mbedtls.c, since MicroPython 1.23), and names all that
is wrong with a chain at once. So where nothing but a date is wrong while the clock is not known, the chain's own dates
are at hand, and it is judged once more as of a moment that can be now.
"""

import tls

from siaga.core.der import validity
from siaga.core.errors import SiagaError
from siaga.core.pem import ders_of
from siaga.drivers.clock import Clock

# Codes of mbedTLS (ssl.h), where they say more than that it did not go well.
_ALERT = -0x7780
_NO_VERSION = -0x6E80
_NO_HANDSHAKE = -0x6E00
_NO_RECORD = (-0x7200, -0x7100)
_DATES = "certificate validity"  # "... has expired", "... starts in the future"


class ServerTls:
    """context: for links to a server whose certificate one of the authorities signed. The caller names the server
    (SNI), and its name is checked too. ends: Unix seconds until which the whole chain of the last server holds, the
    authority among it; 0 = none was seen yet. ends_at: what of it ends first, 0 = the server's own certificate. shown:
    whether the server of the link under way has shown one."""

    def __init__(self, pem: str, clock: Clock) -> None:
        """Raises SiagaError for a text that holds no certificates."""
        self._clock = clock
        self.shown = False
        self._begins = self.ends = self.ends_at = self._depth = 0
        context = self.context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
        context.verify_callback = self._look  # type: ignore[attr-defined]
        try:
            for der in ders_of(pem):
                context.load_verify_locations(der)  # adds to those before
        except (ValueError, OSError) as error:
            raise SiagaError("a certificate in mqtt_ca cannot be read: %s" % error)

    def _look(self, der: "memoryview", depth: int) -> int:
        """One certificate of a chain. Must not raise: mbedTLS is underneath."""
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
        """What mbedTLS's error means, for people; "" = nothing that is known better than its number."""
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
        """Whether the same server is to be tried again at once, after a ValueError with this text."""
        if any(line and _DATES not in line for line in complaint.split("\n")):
            return False
        return bool(self.ends) and self._clock.judges(self._begins, self.ends)

"""TLS through the modem's own stack, whose defaults verify nothing: context 0, for everything this firmware connects
to.

It verifies the chain; its manual does not say whether it checks the name in the certificate. Source: SIMCom A76XX AT
Command Manual V1.09 chapter 19 (CSSLCFG, CCERTDOWN).
"""

import binascii
import hashlib
import time

from micropython import const

_WORD_MS = const(15000)
_BEGIN = "-----BEGIN"


def authorities(pem: str) -> "list[str]":
    """Return the certificates in a PEM text, each on its own, as a modem takes them."""
    return [_BEGIN + piece for piece in pem.split(_BEGIN)[1:] if "CERTIFICATE" in piece[:20]]


async def verify_servers(port: "AtPort", clock: "Clock", ca: str, judged: bool = True) -> None:
    """Set TLS 1.2, verification against this one CA (PEM), and SNI. judged: check dates, if the clock is set. Raises
    AtError if the modem does not verify; the rest is optional."""
    pem = ca.encode()
    name = "siaga%s.pem" % binascii.hexlify(hashlib.sha256(pem).digest()[:6]).decode()
    command, attempt = port.command, port.attempt
    # Stored in the modem's own flash, which should not be written at every connection.
    if not any(name.encode() in line for line in await attempt("AT+CCERTLIST", "+CCERTLIST:")):
        await command('AT+CCERTDOWN="%s",%d' % (name, len(pem)), None, _WORD_MS, pem)
    await attempt('AT+CSSLCFG="sslversion",0,3', None, _WORD_MS)
    await command('AT+CSSLCFG="authmode",0,1', None, _WORD_MS)
    await command('AT+CSSLCFG="cacert",0,"%s"' % name, None, _WORD_MS)
    await attempt('AT+CSSLCFG="enableSNI",0,1', None, _WORD_MS)
    await attempt('AT+CSSLCFG="negotiatetime",0,60', None, _WORD_MS)
    unix = clock.unix() if judged else 0
    if unix:
        await attempt('AT+CCLK="%s"' % calendar(unix))
    await attempt('AT+CSSLCFG="ignorelocaltime",0,%d' % (not unix), None, _WORD_MS)


def calendar(unix: int) -> str:
    """Return UTC as AT+CCLK takes it (TS 27.007 8.15): yy/MM/dd,hh:mm:ss and quarters of an hour from UTC."""
    year, month, day, hour, minute, second = time.gmtime(unix)[:6]
    if time.gmtime(0)[0] == 2000:
        year -= 30  # this port counts from 2000
    return "%02d/%02d/%02d,%02d:%02d:%02d+00" % (year % 100, month, day, hour, minute, second)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.at_port import AtPort
    from siaga.drivers.clock import Clock

"""Downloads a file by HTTP(S) through the modem's own stack: in parts that fit its cache, each read out in pieces.

Source: SIMCom A76XX AT Command Manual V1.09, chapter 16; SIM7600 AT Command Manual V3.00 writes DATA before a length.
What AT+HTTPREAD reads comes after its OK, as +HTTPREAD: <length>, the bytes, and +HTTPREAD: 0. Header fields of a
request go through USERDATA (at most 256 letters, no quotation marks: no If-Range with an ETag, so validators are
compared here). A CAT4 module caches 10 KB of an unread response, hence parts of 8.
"""

import asyncio

from micropython import const
from siaga.core.at import AtError, fields, number, quoted
from siaga.core.errors import SiagaError
from siaga.drivers.at_port import AtTimeout
from siaga.drivers.http_source import PIECE, Headers, HttpError, Source, answer, split_url
from siaga.drivers.simcom import ModemListener
from siaga.drivers.simcom_tls import authorities, verify_servers

PART = const(8192)
_WORD_MS = const(15000)
_SERVICE_MS = const(120000)
_ACTION_MS = const(125000)
_READ_MS = const(20000)
# 715, 719: the server's certificate is invalid, or the CA's is missing (16.3.2).
_TLS_ERRORS = (710, 715, 719)


class ModemHttp(Source, ModemListener):
    """See Source. ca: PEM text of the authorities, "" = https is refused."""

    def __init__(self, modem: "Modem", clock: "Clock", ca: str) -> None:
        self._modem = modem
        self._port = modem.port
        self._clock = clock
        self._authorities = authorities(ca)
        self._at = 0
        self._part = 0
        self._have = 0
        self._total = -1
        self._validator = b""
        self._whole = False
        self._piece = b""
        self._over = asyncio.Event()

    def is_up(self) -> bool:
        return self._modem.network.data

    async def open(self, url: str, start: int) -> "Answer":
        tls = split_url(url)[0]
        if tls and not self._authorities:
            raise HttpError("setting mqtt_ca is missing: without it no server can be verified")
        if self not in self._modem.listeners:
            self._modem.listeners.append(self)
        await self._stop()
        await self._port.command("AT+HTTPINIT", None, _SERVICE_MS)
        if tls:
            await verify_servers(self._port, self._clock, self._authorities[0])
            # A modem without this parameter uses context 0 anyway, the one that verifies.
            await self._port.attempt('AT+HTTPPARA="SSLCFG",0', None, _WORD_MS)
        await self._port.command('AT+HTTPPARA="URL",' + quoted(url), None, _WORD_MS)
        await self._port.attempt('AT+HTTPPARA="RECVTO",60', None, _WORD_MS)
        await self._port.attempt('AT+HTTPPARA="READMODE",1', None, _WORD_MS)
        self._at = start
        found = await self._ask()
        self._total, self._validator = found.total, found.validator
        return found

    async def _ask(self) -> "Answer":
        """Request the next part into the modem's cache."""
        part = "Range: bytes=%d-%d" % (self._at, self._at + PART - 1)
        await self._port.command('AT+HTTPPARA="USERDATA",' + quoted(part), None, _WORD_MS)
        line = (await self._port.command("AT+HTTPACTION=0", None, _WORD_MS, None, "+HTTPACTION:", _ACTION_MS))[-1]
        parts = fields(line)
        status, self._have = number(parts[1]) if len(parts) == 3 else -1, number(parts[-1])
        if status in _TLS_ERRORS:
            self._authorities = self._authorities[1:] + self._authorities[:1]  # another CA may have signed it
            raise HttpError("the server's certificate does not hold (error %d)" % status)
        if not 100 <= status < 600:
            raise HttpError("no answer from the server (error %d)" % status)
        headers = await self._headers()
        if self._have < 0:
            raise HttpError("an answer without a length")
        found = answer(status, headers, self._at)
        self._whole = status == 200
        self._part = 0
        if self._whole:
            found.total = self._have
        return found

    async def _headers(self) -> Headers:
        headers = Headers()
        lines = await self._port.attempt("AT+HTTPHEAD", "+HTTPHEAD:", _WORD_MS)
        if len(lines) > 1:
            for line in lines[1].split(b"\r\n"):
                headers.take(line)
        return headers

    async def read(self) -> bytes:
        if self._part >= self._have:
            if self._whole or self._have < PART or self._at == self._total:
                return b""
            try:
                found = await self._ask()
            except HttpError as error:
                if error.is_beyond and self._total < 0:
                    return b""  # the last part was a full one
                raise
            if self._whole or found.validator != self._validator or found.total != self._total:
                raise HttpError("the file has changed")
        piece = await self._read(self._part, min(PIECE, self._have - self._part))
        self._part += len(piece)
        self._at += len(piece)
        return piece

    async def _read(self, offset: int, length: int) -> bytes:
        self._piece = b""
        self._over.clear()
        lines = await self._port.command("AT+HTTPREAD=%d,%d" % (offset, length), "+HTTPREAD:", _READ_MS)
        for i in range(0, len(lines) - 1, 2):
            self.hear(lines[i], lines[i + 1])
        try:
            await asyncio.wait_for_ms(self._over.wait(), self._port.scaled(_READ_MS))
        except asyncio.TimeoutError:
            raise AtTimeout("AT+HTTPREAD: the bytes do not come")
        if len(self._piece) != length:
            raise AtError("AT+HTTPREAD: %d bytes came, not %d" % (len(self._piece), length))
        return self._piece

    def hear(self, line: bytes, payload: "bytes | None") -> bool:
        if line.startswith(b"+HTTPREAD:"):
            if number(fields(line)[-1]) == 0:
                self._over.set()
            elif payload is not None:
                self._piece += payload
        elif not line.startswith(b"+HTTP"):
            return False
        return True

    async def close(self) -> None:
        try:
            await self._stop()
        except (SiagaError, OSError):
            pass
        finally:
            if self in self._modem.listeners:
                self._modem.listeners.remove(self)

    async def _stop(self) -> None:
        """Stop the service: it may be running from before this chip's own restart."""
        await self._port.attempt("AT+HTTPTERM", None, _WORD_MS)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.clock import Clock
    from siaga.drivers.http_source import Answer
    from siaga.drivers.simcom import Modem

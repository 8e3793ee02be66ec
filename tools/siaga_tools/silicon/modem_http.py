"""The HTTP(S) service of a simulated A7670: AT+HTTP..., with real requests to a real server.

Its output follows the A76XX AT Command Manual V1.09, chapter 16: what was read comes after the OK, between
+HTTPREAD: <length> and +HTTPREAD: 0 (a SIM7600 writes DATA,<length>); only what fits its cache is kept of a response,
unless READMODE is 1. TLS is as set by AT+CSSLCFG, whose defaults verify nothing.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from siaga_tools.silicon.at_commands import Command, Refused

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

CACHE = 10240  # a CAT4 module's; others have 64 KB
_DEADLINE_S = 20.0
_LONGEST_USERDATA = 256


class ModemHttp:
    """The service.

    requests: the USERDATA of each, in order
    verified: whether the last TLS connection was
    """

    def __init__(self, modem: A7670) -> None:
        self._modem = modem
        self._late: list[Coroutine[Any, Any, None]] = []
        self.requests: list[str] = []
        self.verified = False
        self.reset()

    def reset(self) -> None:
        self._started = False
        self._parameters: dict[str, str] = {}
        self._head = b""
        self._body = b""

    def results(self) -> list[Coroutine[Any, Any, None]]:
        """Return what follows the OK of the command that has just ended."""
        late, self._late = self._late, []
        return late

    def _running(self) -> None:
        if not self._started:
            raise Refused("ERROR")

    async def at_httpinit(self, command: Command) -> None:
        if self._started:
            raise Refused("ERROR")
        if not self._modem.radio.has_data():
            raise Refused("ERROR")
        self._started = True

    async def at_httpterm(self, command: Command) -> None:
        self._running()
        self.reset()

    async def at_httppara(self, command: Command) -> None:
        self._running()
        name, value = command.arguments[0], command.arguments[1]
        known = {"URL", "CONNECTTO", "RECVTO", "CONTENT", "ACCEPT", "SSLCFG", "USERDATA"}
        if not self._modem.is_old:
            known.add("READMODE")
        if name not in known or (name == "USERDATA" and len(value) > _LONGEST_USERDATA):
            raise Refused("ERROR")
        if name == "URL" and not value.startswith(("http://", "https://")):
            raise Refused("ERROR")
        self._parameters[name] = value

    async def at_httpaction(self, command: Command) -> None:
        self._running()
        method = command.arguments[0]
        if method != "0" or "URL" not in self._parameters:
            raise Refused("ERROR")

        async def act() -> None:
            outcome = await self._act()
            self._modem.urc(f"+HTTPACTION: {method},{outcome},{len(self._body)}")

        if "result_first" in self._modem.faults:
            await act()
        else:
            self._late.append(act())

    async def _act(self) -> int:
        """Return the HTTP status, or the modem's own error."""
        self._head = self._body = b""
        if not self._modem.radio.has_data():
            return 709
        url = urlsplit(self._parameters["URL"])
        context: ssl.SSLContext | None = None
        if url.scheme == "https":
            context = self._modem.mqtt.tls_context()
            if context is None:
                return 719
            self.verified = self._modem.mqtt.verified
        userdata = self._parameters.get("USERDATA", "")
        self.requests.append(userdata)
        try:
            return await asyncio.to_thread(self._get, url.hostname or "", url.port, url.path or "/", context, userdata)
        except socket.gaierror:
            return 713
        except ssl.SSLError:
            return 715
        except (TimeoutError, http.client.IncompleteRead):
            return 706
        except OSError:
            return 714

    def _get(self, host: str, port: int | None, path: str, context: ssl.SSLContext | None, userdata: str) -> int:
        connection: http.client.HTTPConnection
        if context is not None:
            connection = http.client.HTTPSConnection(host, port, timeout=_DEADLINE_S, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=_DEADLINE_S)
        try:
            connection.putrequest("GET", path, skip_accept_encoding=True)
            for line in userdata.replace("\\r\\n", "\r\n").split("\r\n"):
                name, _, value = line.partition(":")
                if value:
                    connection.putheader(name.strip(), value.strip())
            connection.endheaders()
            response = connection.getresponse()
            lines = [f"HTTP/1.1 {response.status} {response.reason}"]
            lines += [f"{name}: {value}" for name, value in response.getheaders()]
            body = response.read()
        finally:
            connection.close()
        self._head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._body = body
        return response.status

    async def at_httphead(self, command: Command) -> None:
        self._running()
        if not self._head:
            raise Refused("ERROR")
        length = f"DATA,{len(self._head)}" if self._modem.is_old else str(len(self._head))
        self._modem.urc(f"+HTTPHEAD: {length}", self._head)

    async def at_httpread(self, command: Command) -> None:
        self._running()
        offset, size = int(command.arguments[0]), int(command.arguments[1])
        kept = self._body
        if self._parameters.get("READMODE") != "1" and len(kept) > CACHE:
            kept = kept[:CACHE]  # the rest did not fit
        piece = kept[offset : offset + size]
        if not piece:
            raise Refused("ERROR")

        async def tell() -> None:
            length = f"DATA,{len(piece)}" if self._modem.is_old else str(len(piece))
            self._modem.urc(f"+HTTPREAD: {length}", piece)
            self._modem.urc("+HTTPREAD: 0")

        if "result_first" in self._modem.faults:
            await tell()
        else:
            self._late.append(tell())

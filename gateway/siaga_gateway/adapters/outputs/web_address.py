"""A web address as a person writes it into the settings, and as a request uses it (RFC 3986; RFC 9110, 4.2)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from siaga_gateway.domain.errors import SettingError

_PORTS: Final = {"http": 80, "https": 443}
_LABEL: Final = "[a-z0-9_-]{1,63}"
_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_LONGEST_NAME: Final = 253  # RFC 1035, in DNS notation
_STRAY_PERCENT: Final = re.compile("%(?![0-9A-Fa-f]{2})")
# Allowed in a path and a query as they are (RFC 3986, 3.3 and 3.4), and what is already escaped.
_AS_IT_IS: Final = "%/?:@!$&'()*+,;=[]"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A parsed address."""

    scheme: str  # "http" or "https"
    host: str  # ASCII and lower case, an IPv6 address without brackets
    port: int
    target: str = field(repr=False)  # path and query as a request has them, ASCII
    user: str | None = field(repr=False)  # `name:password`, never shown; None: none given

    @property
    def authority(self) -> str:
        """Host and port, without the scheme's default port: the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def this_machine(self) -> bool:
        """Whether data sent there stays on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@lru_cache(maxsize=1_000)  # each message asks for its service's
def read_web_address(written: str) -> WebAddress:
    """Parse an address. Raises: SettingError, which shows at most scheme and host: the rest can contain a password."""
    written = written.strip()
    # urlsplit would silently drop some of these.
    if not written.isprintable():
        raise SettingError("output.url_characters")
    try:
        parts = urlsplit(written)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise SettingError("output.no_url", why=error) from error
    if parts.scheme not in _PORTS or not host:
        raise SettingError("output.scheme", scheme=parts.scheme, host=host)
    if not _is_host(host) or port == 0:
        raise SettingError("output.host", host=host)
    target = _escaped(parts.path or "/") + (f"?{_escaped(parts.query)}" if parts.query else "")
    user = None
    if parts.username or parts.password:
        user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return WebAddress(parts.scheme, host, port or _PORTS[parts.scheme], target, user)


def _is_host(host: str) -> bool:
    """Whether it is an IP address or a DNS name. Others are rejected: under another reading of the standards 'ß' names
    another host."""
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host).scope_id is None
        except ValueError:
            return False
    return len(host) <= _LONGEST_NAME and _NAME.fullmatch(host) is not None


def _escaped(text: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=_AS_IT_IS)

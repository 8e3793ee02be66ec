"""The interface of a file source by HTTP, over any carrier: what app/bundle_download.py needs from drivers/http.py and
drivers/simcom_http.py, and the parsing that both share (RFC 9110)."""

from micropython import const
from siaga.core.errors import SiagaError

PIECE = const(1024)
_LONGEST_URL = const(255)
_LONGEST_VALIDATOR = const(64)
# With these a retry will not help: the address is wrong, or access is denied.
_FINAL = (400, 401, 403, 404, 405, 410, 451)


class HttpError(SiagaError):
    """An HTTP request failed.

    is_final: a retry will not help
    is_beyond: the file has nothing at this offset (416)
    """

    is_final = False
    is_beyond = False


class Answer:
    """An answer to a request.

    start: offset in the file of the bytes that follow (0 if the server ignored the range)
    total: the whole file's length, -1 = unknown
    validator: differs if the file does, b"" = unknown
    """

    def __init__(self, start: int, total: int, validator: bytes) -> None:
        self.start = start
        self.total = total
        self.validator = validator


class Source:
    """A file source, for one file at a time. All methods raise SiagaError, OSError, or ValueError for an invalid
    certificate; none waits without a deadline."""

    def is_up(self) -> bool:
        """Return whether there is a network to ask."""
        return False

    async def open(self, url: str, start: int) -> Answer:
        """Request the file from this byte on."""
        raise SiagaError("no network")

    async def read(self) -> bytes:
        """Return the next bytes, at most PIECE; b"" at the end."""
        return b""

    async def close(self) -> None:
        """Close the connection, in any state."""


def split_url(url: str) -> "tuple[bool, str, int, str]":
    """Return whether it is https, host, port, path with query. Raises SiagaError for what no modem or request can
    carry."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    host, colon, port = host.partition(":")
    if len(url) > _LONGEST_URL or scheme not in ("http", "https") or not host:
        raise SiagaError("an address begins with http:// or https:// and has at most 255 letters")
    for letter in url:
        if not "!" <= letter <= "~" or letter in '"\\<>^`{|}#@':
            raise SiagaError("an address cannot hold %r" % letter)
    if colon and not (port.isdigit() and 0 < int(port) < 65536):
        raise SiagaError("%r is no port" % port)
    tls = scheme == "https"
    return tls, host, int(port) if colon else 443 if tls else 80, slash + path if slash else "/"


class Headers:
    """The relevant header fields of an answer."""

    def __init__(self) -> None:
        self.length = -1
        self.start = -1
        self.total = -1
        self.chunked = False
        self._etag = b""
        self._modified = b""

    def take(self, line: bytes) -> None:
        """Take one field line; irrelevant or malformed ones are skipped."""
        name, _, value = line.partition(b":")
        name, value = name.strip().lower(), value.strip()
        if name == b"content-length":
            self.length = _number(value)
        elif name == b"transfer-encoding":
            self.chunked = value.lower() == b"chunked"
        elif name == b"etag":
            self._etag = value[:_LONGEST_VALIDATOR]
        elif name == b"last-modified":
            self._modified = value[:_LONGEST_VALIDATOR]
        elif name == b"content-range" and value.startswith(b"bytes "):
            part, _, total = value[6:].partition(b"/")
            self.start = _number(part.partition(b"-")[0])
            self.total = _number(total)

    @property
    def validator(self) -> bytes:
        return self._etag or self._modified


def answer(status: int, headers: Headers, start: int) -> Answer:
    """Interpret the answer to a request from `start` on. Raises HttpError."""
    if status == 200:
        return Answer(0, headers.length, headers.validator)
    if status == 206 and headers.start in (start, -1):
        return Answer(start, headers.total, headers.validator)
    if status == 206:
        raise HttpError("the server sent another part than the one asked for")
    error = HttpError("the server answers %d" % status)
    if 300 <= status < 400:
        error = HttpError("the server answers %d: give the address to which it redirects" % status)
    error.is_final = status in _FINAL or 300 <= status < 400
    error.is_beyond = status == 416
    raise error


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() and len(text) < 10 else -1


def size(text: bytes) -> int:
    """Return the length in a chunk's first line (RFC 9112 7.1), -1 if it is none."""
    digits = text.split(b";")[0].strip().lower()
    if not 0 < len(digits) < 8 or any(digit not in b"0123456789abcdef" for digit in digits):
        return -1
    return int(digits, 16)

"""One POST to one address, and what its answer means for a delivery. The outputs over HTTP are made of it."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import ssl
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from siaga_gateway.adapters.delivery import DEADLINE_S, checked_deadline
from siaga_gateway.adapters.http_exchange import (
    Answer,
    BrokeOff,
    Line,
    NameNotFound,
    NoConnection,
    NotHttp,
    NotTrusted,
    TooSlow,
)
from siaga_gateway.catalogue import text
from siaga_gateway.formats.writing import one_line
from siaga_gateway.service.ports import Clock, Delivered, NotDelivered

# A receiver may ask for patience, but not for an hour while somebody waits for help.
LONGEST_RETRY_AFTER_S: Final = 300.0
_TRY_LATER: Final = frozenset({408, 425, 429})
_SECRET_BYTES: Final = range(24, 65)  # Standard Webhooks, "Signature scheme"


class Poster:
    """Sends bodies to one address, signed where there is a secret, each within a deadline. Safe in several threads.

    What a receiver answers in words is not kept: an error page can repeat personal data. Neither are the path and the
    query of the address, which can hold a password. `language` is that of the results' texts.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        secret: str | None = None,
        token: str | None = None,
        ca_file: Path | None = None,
        allow_plaintext: bool = False,
        language: str = "id",
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """Raises ValueError that names the wrong setting and what would be right.

        `secret` is `whsec_` and base64 of 24 to 64 bytes; `token` goes into `Authorization: Bearer`; `ca_file` is a PEM
        file of the authorities to trust in place of the public ones; `allow_plaintext` admits http:// beyond this
        machine.
        """
        self._url = _checked_url(url, allow_plaintext)
        self._secret = None if secret is None else _checked_secret(secret)
        self._clock = clock
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self.where = f"{self._url.scheme}://{self._url.netloc.decode('ascii')}"
        tls = _trust(ca_file)  # checked in any case: a wrong file is a wrong setting
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        host = self._url.raw_host.decode("ascii")
        # A proxy or a password that happens to stand in the environment is no setting of this output.
        self._line = Line(host, port, tls if self._url.scheme == "https" else None)
        head = {"host": self._url.netloc.decode("ascii"), "user-agent": "siaga-gateway", "accept": "*/*"}
        if token is not None:
            head["authorization"] = f"Bearer {_checked_token(token)}"
        elif self._url.userinfo:
            user = f"{self._url.username}:{self._url.password}".encode()
            head["authorization"] = f"Basic {base64.b64encode(user).decode('ascii')}"
        target = self._url.raw_path.decode("ascii")
        self._head = f"POST {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self._taken: dict[int, Delivered] = {}

    def close(self) -> None:
        """Close the kept connections."""
        self._line.close()

    def post(self, body: bytes, content_type: str, key: str) -> Delivered | NotDelivered:
        """Send `body` once. `key` is the idempotency key, sent as `webhook-id`; every failure is a NotDelivered."""
        until = time.monotonic() + self._deadline_s
        if not key.isascii() or not key.isprintable() or not key or " " in key:
            return NotDelivered(self._say("bad_key", written=ascii(key)), permanent=True)
        lines = f"content-type: {content_type}\r\ncontent-length: {len(body)}\r\n{self._signature(body, key)}\r\n"
        try:
            answer = self._line.exchange((self._head + lines).encode("ascii") + body, until)
        except Exception as error:
            return self._failure(error)
        return self._judge(answer)

    def _signature(self, body: bytes, key: str) -> str:
        """As Standard Webhooks 1.0 says; its own library makes the same of it, which the tests check."""
        # A key has full stops in it, which the standard leaves to senders whose keys no stranger can choose.
        if self._secret is None:
            return f"webhook-id: {key}\r\n"
        # Signed at each attempt: a receiver refuses a timestamp that is more than five minutes old.
        now_s = self._clock.now_ms() // 1000
        signed = hmac.digest(self._secret, f"{key}.{now_s}.".encode("ascii") + body, "sha256")
        signature = binascii.b2a_base64(signed, newline=False).decode("ascii")
        return f"webhook-id: {key}\r\nwebhook-timestamp: {now_s}\r\nwebhook-signature: v1,{signature}\r\n"

    def _judge(self, answer: Answer) -> Delivered | NotDelivered:
        status = answer.status
        if 200 <= status < 300:
            taken = self._taken.get(status)
            if taken is None:
                taken = self._taken[status] = Delivered(self._say("taken", where=self.where, status=status))
            return taken
        told = {"where": self.where, "status": status, "meaning": _meaning(status)}
        if 300 <= status < 400:
            location = _without_secrets(answer.headers.get("location", "?"))
            return NotDelivered(self._say("redirected", location=location, **told), permanent=True)
        if 400 <= status < 500 and status not in _TRY_LATER:
            return NotDelivered(self._say("refused", **told), permanent=True)
        wait_s = retry_after_s(answer.headers.get("retry-after"), self._clock.now_ms())
        return NotDelivered(self._say("try_later", **told), retry_after_s=wait_s)

    def _failure(self, error: Exception) -> NotDelivered:
        """None of these is permanent: a certificate is renewed, a name entered, a fault of ours mended."""
        why = one_line(str(error), 200) or type(error).__name__
        match error:
            case TooSlow():
                return NotDelivered(self._say("too_slow", where=self.where, seconds=f"{self._deadline_s:g}"))
            case NameNotFound():
                return NotDelivered(self._say("no_name", host=self._url.host, why=why))
            case NotTrusted():
                return NotDelivered(self._say("certificate", where=self.where, why=why))
            case NoConnection():
                return NotDelivered(self._say("no_connection", where=self.where, why=why))
            case BrokeOff():
                return NotDelivered(self._say("broke_off", where=self.where, why=why))
            case NotHttp():
                return NotDelivered(self._say("not_http", where=self.where, why=why))
        return NotDelivered(self._say("unexpected", why=type(error).__name__))

    def _say(self, name: str, **values: object) -> str:
        return text(f"formats.delivery.{name}", self._language, **values)


def retry_after_s(header: str | None, now_ms: int) -> float | None:
    """Seconds that Retry-After asks to wait (RFC 9110, 10.2.3: seconds or an HTTP date), at most
    LONGEST_RETRY_AFTER_S; None where it is absent or makes no sense."""
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        # Counted by digits first: a number of a thousand digits is not worth turning into one.
        return LONGEST_RETRY_AFTER_S if len(header) > 6 else min(float(header), LONGEST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(header)
        if moment.tzinfo is None:  # "-0000": UTC, from an unknown place
            moment = moment.replace(tzinfo=UTC)
        wait_s = moment.timestamp() - now_ms / 1000
    except (ValueError, OverflowError, TypeError):
        return None
    return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S)


def _checked_url(written: str, allow_plaintext: bool) -> httpx.URL:
    try:
        url = httpx.URL(written)
        url.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise ValueError(f"url is no web address ({error}); right would be https://host/path") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"url has scheme {url.scheme!r} and host {url.host!r}; right would be https://host/path")
    if url.scheme == "http" and not allow_plaintext and not _this_machine(url.host):
        raise ValueError(
            f"url http://{url.host} would send personal data unencrypted; use https://, "
            "or allow plaintext for this output if the network to it is protected otherwise"
        )
    return url


def _this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _checked_secret(secret: str) -> bytes:
    prefix, encoded = secret[:6], secret[6:]
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if prefix != "whsec_" or len(key) not in _SECRET_BYTES:
        raise ValueError(
            "secret must be whsec_ followed by the base64 of 24 to 64 random bytes; one is made by: "
            "python3 -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\""
        )
    return key


def _checked_token(token: str) -> str:
    if not token or not all("!" <= character <= "~" for character in token):
        raise ValueError("token must be non-empty and of visible ASCII characters without spaces")
    return token


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"ca_file {ca_file} cannot be used: {error}; it must hold certificates as PEM") from error


def _meaning(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "?"


def _without_secrets(location: str) -> str:
    """Where a redirect points, without what may be secret in it."""
    return one_line(location.partition("?")[0].rpartition("@")[2], 120)

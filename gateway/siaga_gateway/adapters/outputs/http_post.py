"""One POST to one address, and what its answer means for a delivery. The HTTP outputs build on it."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import ssl
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final

from siaga_gateway.adapters.outputs.common import checked_deadline
from siaga_gateway.adapters.outputs.http_client import (
    Answer,
    ConnectionClosed,
    ExchangeFailed,
    HttpClient,
    NameNotFound,
    NoConnection,
    NotHttp,
    NotTrusted,
    TooSlow,
)
from siaga_gateway.adapters.outputs.web_address import WebAddress, read_web_address
from siaga_gateway.adapters.tls_authorities import TlsAuthorities
from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import in_words
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.limits import DELIVERY_DEADLINE_S, LONGEST_RETRY_AFTER_S
from siaga_gateway.formats.text_rules import one_line
from siaga_gateway.service.ports import Clock, Delivered, NotDelivered

_KEPT: Final = 16 * 1024  # bytes of an answer in which success is looked for
_GONE: Final = 410  # the one answer that is final: whoever moves or ends a receiver gives it on purpose
_ASKS_TO_WAIT: Final = frozenset({429, 503})  # RFC 6585 and RFC 9110: those whose Retry-After is meant for us
_NOT_ITS_FAULT: Final = frozenset({408, 425, 429})  # of the 4xx those that no setting mends
_SECRET_BYTES: Final = range(24, 65)  # Standard Webhooks, "Signature scheme"


class Poster:
    """Sends bodies to one address, signed if there is a secret, each within a deadline. Thread-safe.

    The answer's text is not kept: an error page can repeat personal data. Nor are the address's path and query, which
    can contain a password. `language` is that of the results' texts.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        secret: str | None = None,
        previous_secret: str | None = None,
        token: str | None = None,
        ca_file: Path | None = None,
        client_certificate: tuple[Path, Path] | None = None,
        proxy: str | None = None,
        allow_plaintext: bool = False,
        language: str = "id",
        deadline_s: float = DELIVERY_DEADLINE_S,
        success: str | None = None,
    ) -> None:
        """Make a sender.

        secret: `whsec_` and base64 of 24 to 64 bytes. previous_secret: signs too, while receivers change to the new
        one. token: for `Authorization: Bearer`. ca_file: PEM file of the authorities to trust instead of the machine's.
        client_certificate: PEM files of our certificate and its key. proxy: `http://host:port`. allow_plaintext: allow
        http:// beyond this machine. success: a regular expression that is found in a 2xx answer to what was taken.
        Raises: ValueError, which names the wrong setting and a right one.
        """
        self._success = None if success is None else re.compile(success)
        self._url = checked_url(url, allow_plaintext)
        written = [("secret", secret), ("previous_secret", previous_secret)]
        self._secrets = [_checked_secret(name, each) for name, each in written if each is not None]
        self._clock = clock
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self.where = f"{self._url.scheme}://{self._url.authority}"
        secure = self._url.scheme == "https"
        # A file is always loaded: a wrong file is a wrong setting.
        files = ca_file is not None or client_certificate is not None
        tls = trusted(ca_file, client_certificate) if secure or files else None
        # A proxy or a password from the environment is not a setting of this output.
        self._client = HttpClient(self._url, tls if secure else None, None if proxy is None else checked_proxy(proxy))
        self._head = {"user-agent": "siaga-gateway", "accept": "*/*"}
        if token is not None:
            self._head["authorization"] = f"Bearer {checked_token(token)}"
        elif self._url.user is not None:
            self._head["authorization"] = f"Basic {base64.b64encode(self._url.user.encode()).decode('ascii')}"
        self._taken: dict[int, Delivered] = {}

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def post(
        self, body: bytes, content_type: str, key: str, more: Mapping[str, str] = MappingProxyType({})
    ) -> Delivered | NotDelivered:
        """Send `body` once; every failure is a NotDelivered. key: the idempotency key, sent as `webhook-id`. more:
        further headers of this message."""
        until = time.monotonic() + self._deadline_s
        if not key.isascii() or not key.isprintable() or not key or " " in key:
            return NotDelivered(self._say("bad_key", written=ascii(key)), permanent=True)
        headers = {**self._head, "content-type": content_type, **more, **self._signature(body, key)}
        try:
            answer = self._client.post(headers, body, until, keep=0 if self._success is None else _KEPT)
        except Exception as error:
            return not_exchanged(error, self._url, self._deadline_s, self._language)
        return self._judge(answer)

    def _signature(self, body: bytes, key: str) -> dict[str, str]:
        """Sign according to Standard Webhooks 1.0, with each secret; the tests compare with its own library."""
        # A key contains full stops; the standard leaves those to senders whose keys no stranger can choose.
        if not self._secrets:
            return {"webhook-id": key}
        # Signed anew at each attempt: a receiver rejects a timestamp that is more than five minutes old.
        now_s = self._clock.now_ms() // 1000
        signed = f"{key}.{now_s}.".encode("ascii") + body
        digests = (hmac.digest(secret, signed, "sha256") for secret in self._secrets)
        signatures = ["v1," + binascii.b2a_base64(digest, newline=False).decode("ascii") for digest in digests]
        return {"webhook-id": key, "webhook-timestamp": str(now_s), "webhook-signature": " ".join(signatures)}

    def _judge(self, answer: Answer) -> Delivered | NotDelivered:
        status = answer.status
        if 200 <= status < 300:
            if self._success is not None and not self._success.search(answer.body.decode("utf-8", "replace")):
                return NotDelivered(self._say("no_success", where=self.where, status=status))
            taken = self._taken.get(status)
            if taken is None:
                taken = self._taken[status] = Delivered(self._say("taken", where=self.where, status=status))
            return taken
        told = {"where": self.where, "status": status, "meaning": meaning(status)}
        if status == _GONE:
            return NotDelivered(self._say("gone", **told), permanent=True)
        # All else may be over in a minute: a token that is changed, a proxy in front of a receiver being redeployed.
        if 300 <= status < 400:
            path = self._url.target.partition("?")[0].rstrip("/")
            location = _without_secrets(answer.headers.get("location", "?"), path)
            return NotDelivered(self._say("redirected", location=location, **told))
        wait_s = None
        if status in _ASKS_TO_WAIT:
            wait_s = retry_after_s(answer.headers.get("retry-after"), self._clock.now_ms())
        refused = 400 <= status < 500 and status not in _NOT_ITS_FAULT
        return NotDelivered(self._say("refused" if refused else "try_later", **told), retry_after_s=wait_s)

    def _say(self, name: str, **values: object) -> str:
        return text(f"formats.delivery.{name}", self._language, **values)


def not_exchanged(error: Exception, url: WebAddress, deadline_s: float, language: str) -> NotDelivered:
    """Return what it means for a delivery that an exchange failed.

    None of these is permanent: a certificate gets renewed, a name registered, a bug of ours fixed.
    """
    why = one_line(str(in_words(error, language)), 200) or type(error).__name__
    where = f"{url.scheme}://{url.authority}"
    unknown = isinstance(error, ExchangeFailed) and error.sent
    match error:
        case TooSlow():
            name, told = "too_slow", {"where": where, "seconds": f"{deadline_s:g}"}
        case NameNotFound():
            name, told = "no_name", {"host": url.host, "why": why}
        case NotTrusted():
            name, told = "certificate", {"where": where, "why": why}
        case NoConnection():
            name, told = "no_connection", {"where": where, "why": why}
        case ConnectionClosed():
            name, told = "broke_off", {"where": where, "why": why}
        case NotHttp():
            name, told = "not_http", {"where": where, "why": why}
        case _:
            name, told = "unexpected", {"why": type(error).__name__}
    return NotDelivered(text(f"formats.delivery.{name}", language, **told), unknown=unknown)


def retry_after_s(header: str | None, now_ms: int) -> float | None:
    """Return the seconds that Retry-After asks to wait (RFC 9110, 10.2.3: seconds or an HTTP date), at most
    LONGEST_RETRY_AFTER_S; None if it is absent or makes no sense."""
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        # Checked by length first: a number of a thousand digits is not worth parsing.
        return LONGEST_RETRY_AFTER_S if len(header) > 6 else min(float(header), LONGEST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(header)
        if moment.tzinfo is None:  # "-0000": UTC, from an unknown place
            moment = moment.replace(tzinfo=UTC)
        wait_s = moment.timestamp() - now_ms / 1000
    except (ValueError, OverflowError, TypeError):
        return None
    return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S)


def checked_url(written: str, allow_plaintext: bool) -> WebAddress:
    """Parse the address of a receiver; allow_plaintext: http:// beyond this machine too. Raises: SettingError."""
    url = read_web_address(written)
    if url.scheme == "http" and not allow_plaintext and not url.this_machine:
        raise SettingError("output.plaintext", host=url.host)
    return url


def checked_proxy(written: str) -> WebAddress:
    """Parse the address of a proxy. Raises: SettingError."""
    try:
        proxy = read_web_address(written)
    except SettingError:
        raise SettingError("output.proxy") from None  # the other text names `url`, and what is written has a password
    if proxy.scheme != "http" or proxy.target != "/":
        raise SettingError("output.proxy")
    return proxy


def _checked_secret(name: str, secret: str) -> bytes:
    prefix, encoded = secret[:6], secret[6:]
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if prefix != "whsec_" or len(key) not in _SECRET_BYTES:
        raise SettingError("output.secret", name=name)
    return key


def checked_token(token: str) -> str:
    """Return a token that can stand in a header. Raises: SettingError."""
    if not token or not all("!" <= character <= "~" for character in token):
        raise SettingError("output.token")
    return token


def trusted(ca_file: Path | None, client_certificate: tuple[Path, Path] | None) -> TlsAuthorities:
    """Return whom to trust, and the certificate to show. Raises: SettingError."""
    try:
        found = TlsAuthorities(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingError("output.ca", ca_file=ca_file, why=error) from error
    if client_certificate is not None:
        try:
            found.show(*client_certificate)
        except (OSError, ssl.SSLError) as error:
            certificate, key = client_certificate
            raise SettingError("output.client_certificate", certificate=certificate, own_key=key, why=error) from error
    return found


def meaning(status: int) -> str:
    """Return a status's name."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "?"


def _without_secrets(location: str, path: str) -> str:
    """Return a redirect's target without what may be secret in it: a password, the query, our own path."""
    told = location.partition("?")[0].rpartition("@")[2]
    if path:
        told = re.sub(re.escape(path) + "(?=/|$)", "/…", told)
    return one_line(told, 120)

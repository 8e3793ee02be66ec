"""Guards every request: Host allow-list, origin check, security headers.

Host: a page on another site that resolves its own name to this machine (DNS rebinding) sends that name, and is refused.
Origin: only POST changes anything, and a POST is accepted only from the console's own pages (Fetch Metadata, or Origin
if the browser sends none), on top of the cookie's SameSite=Strict.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.web.session.error_logging import log_failure

LARGEST_BODY: Final = 64 * 1024  # bytes; the largest form is a note of 2,000 characters
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Everything comes from this server. data: is for the map's own control icons, which its style sheet embeds.
_CONNECT: Final = "connect-src 'self'"
CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        _CONNECT,
        "worker-src 'self'",
        "media-src blob:",  # tones that the page makes itself
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: that would turn the Origin of the console's own forms into `null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def headers_with_tiles(origin: str | None) -> Mapping[str, str]:
    """Return the headers where the map's tiles may also come from an origin that the settings name."""
    if origin is None:
        return SECURITY_HEADERS
    policy = CONTENT_POLICY.replace(_CONNECT, f"{_CONNECT} {origin}")
    return {**SECURITY_HEADERS, "Content-Security-Policy": policy}


def host_name(netloc: str) -> str | None:
    """Return the name in a Host header or an origin, lower case, without port and brackets; None if there is none."""
    try:
        name = urlsplit(f"//{netloc}").hostname
    except ValueError:
        return None
    return name or None


class RequestGuard:
    """ASGI middleware. It never buffers, so a live stream passes through."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str],
        failed: Callable[[Request], Response],
        headers: Mapping[str, str] = SECURITY_HEADERS,
        logged: Callable[[str], str] = lambda path: path,
        from_anywhere: bool = False,
        largest: Callable[[str], int] = lambda path: LARGEST_BODY,
        by_token: Callable[[str, Headers], bool] = lambda path, headers: False,
    ) -> None:
        """hosts: names and addresses, without port, by which browsers open it. failed: returns the answer to a request
        that failed inside. logged: what of a path may stand in the log. from_anywhere: a POST that does not say whence
        it comes is taken: it needs a secret in its path, not a cookie. largest: bytes that a POST there may have.
        by_token: whether a request carries a token of its own, which no browser adds by itself."""
        self._app = app
        self._failed = failed
        self._headers = headers
        self._logged = logged
        self._from_anywhere = from_anywhere
        self._largest = largest
        self._by_token = by_token
        self._hosts = frozenset(name.lower().strip("[]") for name in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                # Static files contain no personal data: cached, but revalidated by ETag.
                headers["Cache-Control"] = "no-cache" if static else "no-store"
            await send(message)

        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        try:
            await (refusal or self._app)(scope, receive, send_guarded)
        except Exception as error:
            # Here and not in the framework's outermost layer, so that this answer too has the headers.
            log_failure(
                Localized("log.console.failed", method=scope["method"], path=self._logged(scope["path"])), error
            )
            if started:
                raise
            await self._failed(Request(scope))(scope, receive, send_guarded)

    def _refusal(self, method: str, path: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if host_name(host) not in self._hosts:
            names = ", ".join(sorted(self._hosts))
            return _refused("other_name", 421, names=names)
        if method in SAFE_METHODS:
            return None
        silent = "sec-fetch-site" not in headers and "origin" not in headers
        trusted = silent and (self._from_anywhere or self._by_token(path, headers))
        if not trusted and not _from_own_page(headers, host):
            return _refused("other_page", 403)
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return _refused("no_length", 411)
        largest = self._largest(path)
        if len(length) > 12 or int(length) > largest:
            return _refused("too_large", 413, bytes=largest)
        return None


def _refused(name: str, status: int, **values: object) -> PlainTextResponse:
    """In both languages: the browser's language has not been determined yet."""
    said = [text(f"console.refused.{name}", language, **values) for language in LANGUAGES]
    return PlainTextResponse("".join(f"{line}\n" for line in said), status)


def _from_own_page(headers: Headers, host: str) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:  # set by the browser, beyond a page's control (W3C Fetch Metadata, 2.4)
        return site == "same-origin"
    try:
        return urlsplit(headers.get("origin", "")).netloc.lower() == host.lower()
    except ValueError:  # not an address
        return False

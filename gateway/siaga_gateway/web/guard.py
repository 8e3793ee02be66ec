"""What stands before every request: the Host allow-list, the origin check and the security headers.

Host: a page on another site that resolves its own name to this machine (DNS rebinding) sends that name, and is refused.
Origin: only POST changes anything, and a POST is taken only from the console's own pages (Fetch Metadata, or Origin
where the browser sends none of it), on top of the cookie's SameSite=Strict.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("siaga.console")

LARGEST_BODY: Final = 64 * 1024  # bytes; the longest form is a note of 2,000 characters
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Everything comes from this server. data: is for the map's own control icons, which its style sheet embeds.
CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
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


def host_name(netloc: str) -> str | None:
    """The name in a Host header or an origin, without port and brackets, in lower case; None where there is none."""
    try:
        name = urlsplit(f"//{netloc}").hostname
    except ValueError:
        return None
    return name or None


class Guard:
    """ASGI middleware; it never buffers, so a live stream passes through untouched."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], failed: Callable[[Request], Response]) -> None:
        """`hosts`: the names and addresses, without port, under which operators open the console. `failed` words the
        answer to a request on which the console broke."""
        self._app = app
        self._failed = failed
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
                headers.update(SECURITY_HEADERS)
                # Static files carry no personal data: kept, but asked for again by ETag.
                headers["Cache-Control"] = "no-cache" if static else "no-store"
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        try:
            await (refusal or self._app)(scope, receive, send_guarded)
        except Exception:
            # Here and not in the framework's outermost layer, so that this answer too carries the headers.
            log.exception("%s %s failed", scope["method"], scope["path"])
            if started:
                raise
            await self._failed(Request(scope))(scope, receive, send_guarded)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if host_name(host) not in self._hosts:
            names = ", ".join(sorted(self._hosts))
            return PlainTextResponse(f"This console is opened as: {names}. Other names are refused.\n", 421)
        if method in SAFE_METHODS:
            return None
        if not _from_own_page(headers, host):
            return PlainTextResponse("Only the console's own pages may change something.\n", 403)
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return PlainTextResponse("A request that changes something states its Content-Length.\n", 411)
        if int(length) > LARGEST_BODY:
            return PlainTextResponse(f"At most {LARGEST_BODY} bytes.\n", 413)
        return None


def _from_own_page(headers: Headers, host: str) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:  # set by the browser, out of a page's reach (W3C Fetch Metadata, 2.4)
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() == host.lower()

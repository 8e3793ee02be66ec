"""Asks another's address by GET or POST: what a watcher and a ping need. One deadline for the whole exchange."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.outputs.http_client import Answer, HttpClient
from siaga_gateway.adapters.outputs.http_post import checked_proxy, checked_url, trusted
from siaga_gateway.catalogue.localized import in_words
from siaga_gateway.domain.errors import SiagaError

READY_PATH: Final = "/readyz"
_KEPT: Final = 32 * 1024
_LONGEST_TOLD: Final = 200


class AskedAddress:
    """One address. Thread-safe; call `close` at the end."""

    def __init__(
        self,
        url: str,
        *,
        ca_file: Path | None = None,
        proxy: str | None = None,
        plaintext: bool = False,
        deadline_s: float = 10.0,
    ) -> None:
        """plaintext: allow http:// beyond this machine. Raises: SettingError."""
        self._to = checked_url(url, plaintext)
        self.where = f"{self._to.scheme}://{self._to.authority}"
        self.host = self._to.host
        self._deadline_s = deadline_s
        tls = trusted(ca_file, None) if self._to.scheme == "https" else None
        self._client = HttpClient(self._to, tls, None if proxy is None else checked_proxy(proxy))

    def get(self, headers: dict[str, str] | None = None) -> Answer:
        """Raises: ExchangeFailed."""
        head = {"user-agent": "siaga-watch", "accept": "*/*", **(headers or {})}
        return self._client.get(head, time.monotonic() + self._deadline_s, keep=_KEPT)

    def post(self) -> Answer:
        """Raises: ExchangeFailed."""
        return self._client.post({"user-agent": "siaga-watch"}, b"", time.monotonic() + self._deadline_s)

    def close(self) -> None:
        self._client.close()


def readiness_url(written: str) -> str:
    """Return the address to ask: of a bare host, its /readyz. Raises: SettingError."""
    address = checked_url(written, True)
    return written.rstrip("/") + READY_PATH if address.target in ("", "/") else written


def why_not(error: Exception, language: str) -> str:
    """Return in words why an exchange failed."""
    said = error.say(language) if isinstance(error, SiagaError) else str(in_words(error, language))
    return (said or type(error).__name__)[:_LONGEST_TOLD]

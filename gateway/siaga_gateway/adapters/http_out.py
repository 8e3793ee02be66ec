"""Outputs over HTTP: a signed webhook with a CloudEvent, and a CAP 1.2 message by POST."""

from __future__ import annotations

from pathlib import Path

from siaga_gateway.adapters.delivery import DEADLINE_S, made
from siaga_gateway.adapters.http_post import Poster
from siaga_gateway.domain.incident import Notice
from siaga_gateway.formats import cap, cloudevent
from siaga_gateway.service.ports import Clock, Delivered, NotDelivered


class WebhookOutput:
    """POSTs each notice as a CloudEvent (formats.cloudevent), signed as Standard Webhooks 1.0 describes.

    `webhook-id` is the idempotency key and stays the same over all attempts; timestamp and signature are new each time.
    """

    def __init__(
        self,
        name: str,
        url: str,
        secret: str,
        receives_tests: bool = False,
        *,
        clock: Clock,
        source: str | None = None,
        token: str | None = None,
        ca_file: Path | None = None,
        allow_plaintext: bool = False,
        language: str = "id",
        deadline_s: float = DEADLINE_S,
        at_once: int = 8,
    ) -> None:
        """`source` is the events' source (default `/gateways/<gateway name>`); for the rest see Poster.

        Raises ValueError that names the wrong setting and what would be right.
        """
        self.name = name
        self.receives_tests = receives_tests
        self.at_once = at_once
        self._source = source
        self._language = language
        self._poster = Poster(
            url,
            clock=clock,
            secret=secret,
            token=token,
            ca_file=ca_file,
            allow_plaintext=allow_plaintext,
            language=language,
            deadline_s=deadline_s,
        )

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        body = made(lambda: cloudevent.event(notice, key, source=self._source), self._language)
        return body if isinstance(body, NotDelivered) else self._poster.post(body, cloudevent.CONTENT_TYPE, key)

    def close(self) -> None:
        """Close the kept connections."""
        self._poster.close()


class CapHttpOutput:
    """POSTs each notice as a CAP 1.2 message (formats.cap).

    The idempotency key goes along as `webhook-id`; with a `secret` the request is signed as a webhook is.
    """

    def __init__(
        self,
        name: str,
        url: str,
        receives_tests: bool = False,
        *,
        clock: Clock,
        sender: str | None = None,
        secret: str | None = None,
        token: str | None = None,
        ca_file: Path | None = None,
        allow_plaintext: bool = False,
        language: str = "id",
        deadline_s: float = DEADLINE_S,
        at_once: int = 8,
    ) -> None:
        """`sender` is the messages' CAP sender (default the gateway's name); for the rest see Poster.

        Raises ValueError that names the wrong setting and what would be right.
        """
        self.name = name
        self.receives_tests = receives_tests
        self.at_once = at_once
        self._sender = None if sender is None else cap.check_name(sender, "sender")
        self._language = language
        self._poster = Poster(
            url,
            clock=clock,
            secret=secret,
            token=token,
            ca_file=ca_file,
            allow_plaintext=allow_plaintext,
            language=language,
            deadline_s=deadline_s,
        )

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        body = made(lambda: cap.document(notice, sender=self._sender), self._language)
        return body if isinstance(body, NotDelivered) else self._poster.post(body, cap.CONTENT_TYPE, key)

    def close(self) -> None:
        """Close the kept connections."""
        self._poster.close()

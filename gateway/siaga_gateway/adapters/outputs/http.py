"""Outputs over HTTP: one POST a notice; a format from `formats/` writes the body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from siaga_gateway.adapters.outputs.common import made
from siaga_gateway.adapters.outputs.http_post import Poster
from siaga_gateway.domain.gateway_trouble import Trouble
from siaga_gateway.domain.incident import Notice
from siaga_gateway.service.ports import Delivered, NotDelivered

Split = Callable[[bytes], tuple[bytes, Mapping[str, str]]]
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class HttpOutput:
    """POSTs each notice as `encode` writes it.

    The idempotency key is sent as `webhook-id`, the same in all attempts. With a secret the request is signed according
    to Standard Webhooks 1.0; each attempt has a new timestamp and signature.
    """

    def __init__(
        self,
        name: str,
        poster: Poster,
        encode: Callable[[Notice, str], bytes],
        content_type: str,
        receives_tests: bool = False,
        *,
        language: str = "id",
        at_once: int = 8,
        split: Split | None = None,
    ) -> None:
        """encode: writes the body, of type `content_type`, from a notice and its idempotency key. split: makes a body
        and headers of that. poster: closed with this."""
        self.name = name
        self.receives_tests = receives_tests
        self.at_once = at_once
        self._poster = poster
        self._encode = encode
        self._content_type = content_type
        self._language = language
        self._split = split

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        return self._post(lambda: self._encode(notice, key), key)

    def _post(self, write: Callable[[], bytes], key: str) -> Delivered | NotDelivered:
        body = made(write, self._language)
        if isinstance(body, NotDelivered):
            return body
        body, headers = (body, _NO_HEADERS) if self._split is None else self._split(body)
        return self._poster.post(body, self._content_type, key, headers)

    def close(self) -> None:
        """Close the kept connections."""
        self._poster.close()


class HttpTroubleOutput(HttpOutput):
    """Adds messages about trouble of the gateway itself, for a format that has them."""

    def __init__(
        self,
        name: str,
        poster: Poster,
        encode: Callable[[Notice, str], bytes],
        content_type: str,
        receives_tests: bool = False,
        *,
        encode_trouble: Callable[[Trouble, str], bytes],
        language: str = "id",
        at_once: int = 8,
        split: Split | None = None,
    ) -> None:
        """encode_trouble: writes the body from a trouble and its idempotency key; for the rest see HttpOutput."""
        super().__init__(
            name, poster, encode, content_type, receives_tests, language=language, at_once=at_once, split=split
        )
        self._encode_trouble = encode_trouble

    def tell(self, trouble: Trouble, key: str) -> Delivered | NotDelivered:
        """Implements service.ports.TroubleOutput; signed in the same way."""
        return self._post(lambda: self._encode_trouble(trouble, key), key)

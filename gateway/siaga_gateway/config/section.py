"""What all sections of the settings share."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.invisible_characters import code_point, hidden

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

# Incident identifiers and CAP senders contain it.
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?")

Name = Annotated[str, Field(pattern=rf"^{_NAME.pattern}$")]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Section(BaseModel):
    """Rejects unknown keys; immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _nothing_hidden(cls, value: Any) -> Any:
        for text in (value, *value) if isinstance(value, Mapping | list) else (value,):
            found = next(hidden(text), None) if isinstance(text, str) else None
            if found is not None:
                raise SettingError("text.hidden_value", place=found[0] + 1, mark=code_point(found[1]))
        return value


def https_server(url: str | None) -> tuple[str, int] | None:
    """Return host and port of an https:// address; None for any other."""
    parts = urlsplit(url or "")
    if parts.scheme != "https" or not parts.hostname:
        return None
    return parts.hostname, parts.port or 443


def this_machine(host: str) -> bool:
    """Whether data sent to this host stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def networks(written: list[str]) -> list[str]:
    """Return these addresses and networks of proxies as they are. Raises: ValueError."""
    for each in written:
        try:
            ipaddress.ip_network(each, strict=False)
        except ValueError:
            raise ValueError(f"{each!r} is neither an address nor a network, as 127.0.0.1 or 10.0.0.0/24") from None
    return written


def public_address(written: str | None) -> str | None:
    """Return an address for browsers without a path. Raises: SettingError."""
    if written is None:
        return None
    try:
        parts = urlsplit(written)
    except ValueError:
        parts = urlsplit("")
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or parts.path.strip("/"):
        raise SettingError("settings.public_url")
    return f"{parts.scheme}://{parts.netloc}"

"""The settings of the ways to people: a class for each kind, distinguished by `kind`.

A new kind is a class here, in the union at the end, and an entry in bootstrap/ways.py.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from siaga_gateway.config.section import Name, Port, Section, https_server
from siaga_gateway.domain.errors import SettingError

_DEADLINE_S: Final = 10
_LONGEST_S: Final = 15  # by then the ladder has gone on, and the gateway's end does not wait longer
_PARTS: Final = re.compile(r"\{[^{}]*\}")
_PORTS: Final = {"tls": 465, "starttls": 587, "plain": 25}
# Of the browsers in use: Chrome, Edge and Samsung; Firefox; Safari; Edge on Windows.
_PUSH_SERVICES: Final = (
    "https://fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)


class WaySection(Section):
    """What every kind of way has."""

    name: Name
    kind: str
    deadline_s: float = Field(_DEADLINE_S, ge=1, le=_LONGEST_S)
    at_once: int = Field(4, ge=1, le=64)
    burst: int | None = Field(None, ge=1, le=1_000)
    interval_s: float | None = Field(None, ge=0, le=3_600)

    @property
    def tls(self) -> tuple[tuple[str, int], Path | None] | None:
        """Host and port of its TLS server, and the file of its authority; None: no TLS, or none that can be seen."""
        return None

    def under(self, base: Path) -> Self:
        """Return the same with absolute paths, resolved against `base`."""
        return self


class HttpWaySection(WaySection):
    """What every kind has that is one service over HTTP."""

    url: str
    ca: Path | None = None
    proxy: SecretStr | None = None
    plaintext: bool = False

    @property
    def tls(self) -> tuple[tuple[str, int], Path | None] | None:
        server = https_server(self.url)
        return None if server is None else (server, self.ca)

    def under(self, base: Path) -> Self:
        return self.model_copy(update={"ca": self.ca and base / self.ca})


class NtfySettings(HttpWaySection):
    """An ntfy server: one's own, or ntfy.sh."""

    kind: Literal["ntfy"]
    token: SecretStr | None = None


class TelegramSettings(HttpWaySection):
    """A Telegram bot."""

    kind: Literal["telegram"]
    url: str = "https://api.telegram.org"
    token: SecretStr = Field(min_length=3)
    answers: bool | None = None

    @property
    def read_back(self) -> bool:
        """Whether what people write to the bot is fetched."""
        return bool(self.answers)


class WhatsappSettings(HttpWaySection):
    """WhatsApp's Cloud API."""

    kind: Literal["whatsapp"]
    url: str = "https://graph.facebook.com/v23.0"
    token: SecretStr = Field(min_length=1)
    phone_number_id: str = Field(pattern=r"^[0-9]{5,20}$")
    template: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    link_template: str | None = Field(None, pattern=r"^[a-z0-9_]{1,512}$")
    link_base: str | None = Field(None, pattern=r"^https://[!-~]+$")
    template_languages: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.link_template is None) != (self.link_base is None):
            raise SettingError("settings.half_link")
        return self


class PushSettings(WaySection):
    """Web push to the responder's page."""

    kind: Literal["push"]
    vapid_key: Path
    contact: str = Field(pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://[!-~]+)$")
    servers: list[str] = Field(default_factory=lambda: list(_PUSH_SERVICES), min_length=1)
    ca: Path | None = None
    proxy: SecretStr | None = None

    def under(self, base: Path) -> Self:
        return self.model_copy(update={"vapid_key": base / self.vapid_key, "ca": self.ca and base / self.ca})


class EmailSettings(WaySection):
    """A mail server that takes our email."""

    kind: Literal["email"]
    host: str = Field(min_length=1)
    port: Port | None = None
    security: Literal["tls", "starttls", "plain"] = "starttls"
    sender: str = Field(pattern=r"^[!-?A-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
    user: str | None = None
    password: SecretStr | None = None
    ca: Path | None = None
    plaintext: bool = False

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise SettingError("settings.half_login")
        here = self.host in ("localhost", "127.0.0.1", "::1")
        if self.security == "plain" and not here and not self.plaintext:
            raise SettingError("settings.plain_mail", host=self.host)
        return self

    @property
    def port_or_usual(self) -> int:
        return self.port or _PORTS[self.security]

    @property
    def tls(self) -> tuple[tuple[str, int], Path | None] | None:
        return ((self.host, self.port_or_usual), self.ca) if self.security == "tls" else None

    def under(self, base: Path) -> Self:
        return self.model_copy(update={"ca": self.ca and base / self.ca})


class TextSettings(WaySection):
    """Text messages, by what the section `[sms]` has."""

    kind: Literal["sms"]
    via: Literal["spool", "aggregator"]
    answers: bool | None = None

    @property
    def read_back(self) -> bool:
        """Whether what people write back to its number reaches the gateway."""
        return self.via == "spool" if self.answers is None else self.answers


class PhoneSettings(WaySection):
    """Telephone calls through a modem on a serial port."""

    kind: Literal["phone"]
    device: str = Field(pattern=r"^/[!-~]+$")
    baud: int = Field(115_200, ge=1_200, le=4_000_000)
    recordings: str | None = Field(None, pattern=r"^[A-Za-z]:/[^\s\"]{1,60}\.(amr|wav|mp3)$")
    credit_code: str | None = Field(None, pattern=r"^[*#][0-9*#]{1,20}#$")
    credit_least: int = Field(10_000, ge=0, le=100_000_000)

    @field_validator("recordings")
    @classmethod
    def _names_each(cls, recordings: str | None) -> str | None:
        if recordings is not None and sorted(_PARTS.findall(recordings)) != ["{language}", "{phrase}"]:
            raise SettingError("settings.recordings", recordings=recordings)
        return recordings


class AppriseSettings(WaySection):
    """What else Apprise knows."""

    kind: Literal["apprise"]
    schemes: list[str] = Field(min_length=1)


# Every kind, once.
_Kind = (
    Annotated[NtfySettings, Tag("ntfy")]
    | Annotated[TelegramSettings, Tag("telegram")]
    | Annotated[WhatsappSettings, Tag("whatsapp")]
    | Annotated[PushSettings, Tag("push")]
    | Annotated[EmailSettings, Tag("email")]
    | Annotated[TextSettings, Tag("sms")]
    | Annotated[PhoneSettings, Tag("phone")]
    | Annotated[AppriseSettings, Tag("apprise")]
)

WAY_KINDS: Final[dict[str, type[WaySection]]] = {tag.tag: model for model, tag in map(get_args, get_args(_Kind))}

_OfNoKind = create_model("_OfNoKind", __base__=WaySection, kind=(Literal[tuple(WAY_KINDS)], ...))  # type: ignore[arg-type]


def _known(written: Any) -> Any:
    """Report a missing or wrong kind like any other setting, not in the union's own words."""
    if not isinstance(written, WaySection) and (
        not isinstance(written, dict) or written.get("kind") not in tuple(WAY_KINDS)
    ):
        kind = written.get("kind") if isinstance(written, dict) else None
        _OfNoKind.model_validate({"name": "way", **({} if kind is None else {"kind": kind})})
    return written


def _kind_of(written: dict[str, Any] | WaySection) -> str:
    return str(written["kind"] if isinstance(written, dict) else written.kind)


WaySettings = Annotated[_Kind, Discriminator(_kind_of), BeforeValidator(_known)]


@cache
def way_fields() -> dict[str, FieldInfo]:
    """Return every setting of any kind by its name; required only if every kind requires it."""
    found: dict[str, FieldInfo] = {}
    for model in WAY_KINDS.values():
        for name, field in model.model_fields.items():
            everywhere = all(
                name in other.model_fields and other.model_fields[name].is_required() for other in WAY_KINDS.values()
            )
            if field.is_required() and not everywhere:
                found.setdefault(name, FieldInfo(annotation=field.annotation, default=None))
            else:
                found.setdefault(name, field)
    return found

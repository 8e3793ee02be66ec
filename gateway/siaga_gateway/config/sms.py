"""The settings of text messages: a modem daemon's spool folder, an aggregator's webhook and API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from siaga_gateway.config.section import Section
from siaga_gateway.domain.errors import SettingError

_SHORTEST_SECRET: Final = 16
_SHOWN_BY: Final = {
    "generic": "bearer",
    "twilio": "twilio",
    "infobip": "basic",
    "vonage": "vonage",
    "zenziva": "path",
}
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")


class SmsWebhookSettings(Section):
    """Where an aggregator posts received messages."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int | None = Field(None, ge=0, le=65_535)
    path: str = Field("/sms", pattern=r"^/[!-~]*$")
    provider: Literal["generic", "twilio", "infobip", "vonage", "zenziva"] = "generic"
    secret: SecretStr | None = None
    authentication: Literal["bearer", "basic", "hmac", "path", "twilio", "vonage"] | None = None
    signature_header: str | None = None
    signature_method: Literal["md5hash", "md5", "sha1", "sha256", "sha512"] = "sha256"
    public_url: str | None = Field(None, pattern=r"^https?://[!-~]+$")
    messages_field: str | None = None
    number_field: str | None = Field(None, min_length=1)
    text_field: str | None = Field(None, min_length=1)
    id_field: str | None = Field(None, min_length=1)

    @field_validator("signature_header")
    @classmethod
    def _header(cls, header: str | None) -> str | None:
        if header is not None and not _HEADER.fullmatch(header):
            raise SettingError("settings.header", header=header)
        return header

    @model_validator(mode="after")
    def _guarded(self) -> SmsWebhookSettings:
        if self.port is not None:
            if self.secret is None:
                raise SettingError("settings.webhook_secret")
            if len(self.secret.get_secret_value()) < _SHORTEST_SECRET:
                raise SettingError("settings.secret_short", shortest_secret=_SHORTEST_SECRET)
            if self.shown_by == "hmac" and self.signature_header is None:
                raise SettingError("settings.no_signature_header")
            if self.shown_by == "twilio" and self.public_url is None:
                raise SettingError("settings.no_public_url")
        return self

    @property
    def shown_by(self) -> str:
        """How a request proves the secret: a value of `authentication`."""
        if self.authentication is not None:
            return self.authentication
        return "hmac" if self.signature_header is not None else _SHOWN_BY[self.provider]


class SmsAggregatorSettings(Section):
    """Where to post messages to send."""

    url: str | None = None
    token: SecretStr | None = None
    ca: Path | None = None
    plaintext: bool = False
    number_field: str = Field("to", min_length=1)
    text_field: str = Field("text", min_length=1)
    extra: dict[str, str] = Field(default_factory=dict)
    success: str | None = None

    @model_validator(mode="after")
    def _is_a_pattern(self) -> SmsAggregatorSettings:
        if self.success is not None:
            try:
                re.compile(self.success)
            except re.error as error:
                raise SettingError("settings.no_pattern", name="sms.aggregator.success", why=error) from None
        return self


class SmsSettings(Section):
    """Text messages, besides the broker."""

    spool: Literal["off", "gammu", "smstools"] = "off"
    inbox: Path | None = None
    outbox: Path | None = None
    device: str | None = Field(None, pattern=r"^/[!-~]+$")
    replies_per_minute: int = Field(
        20,
        ge=1,
        le=1_000,
    )
    replies_per_hour: int = Field(200, ge=1, le=10_000)
    webhook: SmsWebhookSettings = Field(default_factory=SmsWebhookSettings, description="Messages from an aggregator.")
    aggregator: SmsAggregatorSettings = Field(
        default_factory=SmsAggregatorSettings, description="Messages to an aggregator."
    )

    @model_validator(mode="after")
    def _has_folders(self) -> SmsSettings:
        if self.spool != "off":
            for name in ("inbox", "outbox"):
                if getattr(self, name) is None:
                    raise SettingError("settings.spool", spool=self.spool, name=name)
            if self.inbox == self.outbox:
                raise SettingError("settings.same_folder")
        return self

    def under(self, base: Path) -> SmsSettings:
        """Return the same with absolute paths, resolved against `base`."""
        aggregator = self.aggregator.model_copy(update={"ca": self.aggregator.ca and base / self.aggregator.ca})
        return self.model_copy(
            update={
                "inbox": self.inbox and base / self.inbox,
                "outbox": self.outbox and base / self.outbox,
                "aggregator": aggregator,
            }
        )

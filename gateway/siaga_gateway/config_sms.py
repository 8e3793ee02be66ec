"""The settings of text messages: a spool folder of a modem's daemon, an aggregator's webhook and its interface."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from siaga_gateway.config_section import Section

_SHORTEST_SECRET: Final = 16
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")


class SmsWebhookSettings(Section):
    """Where an aggregator posts the messages that it receives."""

    host: str = Field("127.0.0.1", description="Address to listen on for the aggregator's POSTs.", min_length=1)
    port: int | None = Field(
        None, description="Port to listen on; none: no webhook, 0 takes a free one.", ge=0, le=65_535
    )
    path: str = Field("/sms", description="Path of the webhook.", pattern=r"^/[!-~]*$")
    secret: SecretStr | None = Field(
        None, description="Secret shared with the aggregator, at least 16 characters; needed with `port`."
    )
    signature_header: str | None = Field(
        None,
        description="Header with the HMAC-SHA-256 of the body under the secret, in hex; none: the secret itself comes "
        "as `Authorization: Bearer`.",
    )
    number_field: str = Field("from", description="Field of the JSON with the sender's number.", min_length=1)
    text_field: str = Field("text", description="Field of the JSON with the message's text.", min_length=1)

    @field_validator("signature_header")
    @classmethod
    def _header(cls, header: str | None) -> str | None:
        if header is not None and not _HEADER.fullmatch(header):
            raise ValueError(f"{header!r} is no name of a header; write it as X-Signature")
        return header

    @model_validator(mode="after")
    def _guarded(self) -> SmsWebhookSettings:
        if self.port is not None:
            if self.secret is None:
                raise ValueError("port needs secret: whoever knows the address could fill the gateway otherwise")
            if len(self.secret.get_secret_value()) < _SHORTEST_SECRET:
                raise ValueError(f"secret is too short: at least {_SHORTEST_SECRET} characters")
        return self


class SmsAggregatorSettings(Section):
    """Where messages to send are posted to."""

    url: str | None = Field(None, description="Where to POST messages to send; none: answers go by the spool only.")
    token: SecretStr | None = Field(None, description="Bearer token for the aggregator, if it wants one.")
    ca: Path | None = Field(None, description="PEM file with the authority of the aggregator's certificate.")
    plaintext: bool = Field(False, description="Allow http:// to another machine. Numbers go unencrypted then.")
    number_field: str = Field("to", description="Field of the JSON for the receiver's number.", min_length=1)
    text_field: str = Field("text", description="Field of the JSON for the message's text.", min_length=1)
    extra: dict[str, str] = Field(
        default_factory=dict, description="Further fields of the JSON, the same in every message."
    )


class SmsSettings(Section):
    """Text messages, beside the broker."""

    spool: Literal["off", "gammu", "smstools"] = Field(
        "off", description="Whose spool folders messages come from and go to: gammu-smsd's, SMS Server Tools 3's."
    )
    inbox: Path | None = Field(None, description="Folder that the daemon puts received messages into.")
    outbox: Path | None = Field(None, description="Folder that the daemon takes messages to send from.")
    replies_per_minute: int = Field(
        20,
        description="Answers sent to one number, or for one button, within a minute, at most; acknowledgements, later "
        "stages and commands each for themselves.",
        ge=1,
        le=1_000,
    )
    replies_per_hour: int = Field(200, description="The same within an hour.", ge=1, le=10_000)
    webhook: SmsWebhookSettings = Field(default_factory=SmsWebhookSettings, description="Messages from an aggregator.")
    aggregator: SmsAggregatorSettings = Field(
        default_factory=SmsAggregatorSettings, description="Messages to an aggregator."
    )

    @model_validator(mode="after")
    def _has_folders(self) -> SmsSettings:
        if self.spool != "off":
            for name in ("inbox", "outbox"):
                if getattr(self, name) is None:
                    raise ValueError(f'spool "{self.spool}" needs {name} = "/path/of/its/folder"')
            if self.inbox == self.outbox:
                raise ValueError("inbox and outbox are the same folder: what was sent would be taken for received")
        return self

    def under(self, base: Path) -> SmsSettings:
        """The same with paths that do not depend on where the gateway is started."""
        aggregator = self.aggregator.model_copy(update={"ca": self.aggregator.ca and base / self.aggregator.ca})
        return self.model_copy(
            update={
                "inbox": self.inbox and base / self.inbox,
                "outbox": self.outbox and base / self.outbox,
                "aggregator": aggregator,
            }
        )

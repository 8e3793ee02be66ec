"""The settings of the webhook at which WhatsApp's Cloud API tells what became of messages."""

from __future__ import annotations

from typing import Final

from pydantic import Field, SecretStr, model_validator

from siaga_gateway.config.section import Section
from siaga_gateway.domain.errors import SettingError

_SHORTEST: Final = 16  # characters


class WhatsappReceiptsSettings(Section):
    """Where Meta posts them."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int | None = Field(None, ge=0, le=65_535)
    path: str = Field("/whatsapp", pattern=r"^/[!-~]*$")
    app_secret: SecretStr | None = None
    verify_token: SecretStr | None = None

    @model_validator(mode="after")
    def _guarded(self) -> WhatsappReceiptsSettings:
        for name, secret in (("app_secret", self.app_secret), ("verify_token", self.verify_token)):
            if self.port is not None and (secret is None or len(secret.get_secret_value()) < _SHORTEST):
                raise SettingError("settings.receipts_secret", name=name, shortest=_SHORTEST)
        return self

"""The settings of the outputs: a class for each kind, distinguished by `kind`.

A new kind is a class here, in the union at the end, and an entry in bootstrap/outputs.py.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar, get_args

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    Tag,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo

from siaga_gateway.config.mqtt import BrokerSettings
from siaga_gateway.config.reached_at import ReachedAt
from siaga_gateway.config.section import Name, Port, Section, https_server, this_machine
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.limits import DELIVERY_DEADLINE_S, LONGEST_DELIVERY_S

_FEW_DIGITS: Final = r"^[0-9A-Fa-f]{1,6}$"
_AES_KEY_BYTES: Final = (16, 24, 32)
_SHORTEST_SUPERVISION_S: Final = 10
_SHORTEST_EXPIRY_MIN: Final = 5
_LONGEST_EXPIRY_MIN: Final = 10_080  # a week


Output = TypeVar("Output", bound="OutputSection")


class OutputSection(Section):
    """What every kind of output has."""

    HAS_TROUBLE: ClassVar[bool] = False  # whether it has a message for trouble of the gateway itself

    name: Name
    kind: str
    tests: bool = False
    trouble: bool | None = None

    _unused: tuple[str, ...] = PrivateAttr(())

    @property
    def reached_at(self) -> ReachedAt:
        return ReachedAt()

    @model_validator(mode="wrap")
    @classmethod
    def _of_this_kind(cls, written: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Ignore another kind's keys: they do no harm and must not prevent a start."""
        if not isinstance(written, dict):
            return handler(written)
        unused = [key for key in written if key not in cls.model_fields and key in output_fields()]
        made = handler({key: value for key, value in written.items() if key not in unused})
        made._unused = tuple(unused)
        return made

    @model_validator(mode="after")
    def _has_a_message(self) -> Self:
        if self.trouble and not self.HAS_TROUBLE:
            raise SettingError("settings.trouble_in_cap", kind=self.kind)
        return self

    @property
    def unused(self) -> tuple[str, ...]:
        """Keys in the file that mean nothing to this kind."""
        return self._unused

    @property
    def tells_trouble(self) -> bool:
        """Whether it is told about trouble of the gateway itself."""
        return self.HAS_TROUBLE and self.trouble is not False

    @property
    def longest_s(self) -> float:
        """What a delivery takes at most."""
        return DELIVERY_DEADLINE_S

    @property
    def tls(self) -> tuple[tuple[str, int], Path | None] | None:
        """Host and port of its TLS server, and the file of its authority; None: no TLS."""
        return None

    @property
    def own_files(self) -> dict[str, Path]:
        """Files of certificates of our own, by setting."""
        return {}

    def under(self, base: Path) -> Self:
        """Return the same with absolute paths, resolved against `base`."""
        return self


class HttpOutputSettings(OutputSection):
    """What every kind has that is sent over HTTP."""

    url: str
    secret: SecretStr | None = None
    previous_secret: SecretStr | None = None
    token: SecretStr | None = None
    ca: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    proxy: SecretStr | None = None
    plaintext: bool = False
    deadline_s: float = Field(DELIVERY_DEADLINE_S, ge=1, le=LONGEST_DELIVERY_S)
    at_once: int = Field(8, ge=1, le=64)

    @property
    def reached_at(self) -> ReachedAt:
        return ReachedAt(url=self.url, proxy=self.proxy, ca=self.ca)

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.client_certificate is None) != (self.client_key is None):
            raise SettingError("settings.half_certificate")
        if self.previous_secret is not None and self.secret is None:
            raise SettingError("settings.previous_secret")
        return self

    @property
    def tls(self) -> tuple[tuple[str, int], Path | None] | None:
        server = https_server(self.url)
        return None if server is None else (server, self.ca)

    @property
    def longest_s(self) -> float:
        return self.deadline_s

    @property
    def own_certificate(self) -> tuple[Path, Path] | None:
        """Our certificate and its key; None: none is shown."""
        certificate, key = self.client_certificate, self.client_key
        return None if certificate is None or key is None else (certificate, key)

    @property
    def own_files(self) -> dict[str, Path]:
        mine = {} if self.client_certificate is None else {"client_certificate": self.client_certificate}
        return {**super().own_files, **mine}

    def under(self, base: Path) -> Self:
        return _absolute(super().under(base), base, "ca", "client_certificate", "client_key")


def _absolute(output: Output, base: Path, *names: str) -> Output:
    files = {name: getattr(output, name) for name in names}
    return output.model_copy(update={name: file and base / file for name, file in files.items()})


def _check_supervision(seconds: int) -> None:
    if 0 < seconds < _SHORTEST_SUPERVISION_S:
        raise SettingError("settings.supervision", shortest=_SHORTEST_SUPERVISION_S)


class WebhookSettings(HttpOutputSettings):
    """CloudEvents, signed."""

    HAS_TROUBLE = True

    kind: Literal["webhook"]
    secret: SecretStr
    content_mode: Literal["structured", "binary"] = "structured"
    content_type: Literal["application/cloudevents+json", "application/json"] = "application/cloudevents+json"


class CapOutputSettings(OutputSection):
    """What every kind has that sends CAP 1.2."""

    sender: str | None = None
    expires_minutes: int | None = Field(None, ge=_SHORTEST_EXPIRY_MIN, le=_LONGEST_EXPIRY_MIN)
    shape: Literal["circle", "polygon", "both"] = "circle"
    geocodes: list[str] = Field(default_factory=list)
    geocode_name: str = Field("Kemendagri", pattern=r"^\S{1,60}$")
    areas: Path | None = None
    area_code: str = Field("kode", min_length=1)
    event_codes: list[str] = Field(default_factory=list)
    web: str | None = None
    contact: str | None = Field(None, min_length=1, max_length=200)
    signing_certificate: Path | None = None
    signing_key: Path | None = None

    @model_validator(mode="after")
    def _key_and_certificate(self) -> Self:
        if (self.signing_certificate is None) != (self.signing_key is None):
            raise SettingError("settings.half_signature")
        return self

    @property
    def signature(self) -> tuple[Path, Path] | None:
        """The certificate and key to sign with; None: messages are not signed."""
        certificate, key = self.signing_certificate, self.signing_key
        return None if certificate is None or key is None else (certificate, key)

    @property
    def own_files(self) -> dict[str, Path]:
        mine = {} if self.signing_certificate is None else {"signing_certificate": self.signing_certificate}
        return {**super().own_files, **mine}

    def under(self, base: Path) -> Self:
        return _absolute(super().under(base), base, "areas", "signing_certificate", "signing_key")


class CapHttpSettings(HttpOutputSettings, CapOutputSettings):
    """CAP 1.2 by POST."""

    kind: Literal["cap_http"]


class CapFolderSettings(CapOutputSettings):
    """CAP 1.2 files."""

    kind: Literal["cap_folder"]
    folder: Path
    at_once: int = Field(1, ge=1, le=64)

    @property
    def reached_at(self) -> ReachedAt:
        return ReachedAt(folder=self.folder)

    @model_validator(mode="after")
    def _one_at_a_time(self) -> Self:
        if self.at_once > 1:
            raise SettingError("settings.one_file")
        return self

    def under(self, base: Path) -> Self:
        return _absolute(super().under(base), base, "folder")


class Dc09Settings(OutputSection):
    """SIA DC-09 to an alarm receiving centre."""

    kind: Literal["dc09"]
    host: str = Field(min_length=1)
    port: Port
    transport: Literal["tcp", "udp"] = "tcp"
    protocol: Literal["SIA-DCS", "ADM-CID"] = "SIA-DCS"
    account: str = Field(pattern=r"^[0-9A-Fa-f]{3,16}$")
    account_by_button: bool = False
    receiver: str = Field("0", pattern=_FEW_DIGITS)
    line: str = Field("0", pattern=_FEW_DIGITS)
    encryption_key: SecretStr | None = None
    key_format: Literal["text", "hex"] = "text"
    partition: int = Field(1, ge=0, le=99)
    zone: int = Field(1, ge=0, le=999)
    extended_data: bool | None = None
    supervision_s: int = Field(60, ge=0, le=86_400)
    plaintext: bool = False
    deadline_s: float = Field(DELIVERY_DEADLINE_S, ge=1, le=LONGEST_DELIVERY_S)

    @property
    def reached_at(self) -> ReachedAt:
        return ReachedAt(host=self.host, port=self.port, by_event_only=self.transport == "udp")

    @model_validator(mode="after")
    def _a_key_that_is_one(self) -> Self:
        if self.encryption_key is None:
            if not (self.plaintext or this_machine(self.host)):
                raise SettingError("settings.dc09_plaintext", host=self.host)
        elif self.key_bytes is None:
            raise SettingError("settings.dc09_key")
        _check_supervision(self.supervision_s)
        return self

    @property
    def key_bytes(self) -> bytes | None:
        """The key for AES; None: none is set, or what is set is none."""
        written = "" if self.encryption_key is None else self.encryption_key.get_secret_value()
        try:
            key = bytes.fromhex(written) if self.key_format == "hex" else written.encode("ascii")
        except ValueError:
            return None
        return key if len(key) in _AES_KEY_BYTES else None

    @property
    def has_extended_data(self) -> bool:
        """Unless it is set: some receivers take the blocks in SIA-DCS only."""
        return self.protocol == "SIA-DCS" if self.extended_data is None else self.extended_data

    @property
    def longest_s(self) -> float:
        return self.deadline_s


class MqttOutputSettings(OutputSection):
    """Topics of a broker."""

    HAS_TROUBLE = True

    kind: Literal["mqtt"]
    host: str = Field(min_length=1)
    port: Port | None = None
    security: Literal["tls", "plain"] = "tls"
    ca: Path | None = None
    user: str | None = None
    password: SecretStr | None = None
    client_id: str | None = Field(None, min_length=1, max_length=64)
    topic: str | None = None
    states: bool = True
    keep_closed_s: int = Field(3_600, ge=0, le=2_592_000)
    supervision_s: int = Field(60, ge=0, le=86_400)
    plaintext: bool = False
    deadline_s: float = Field(DELIVERY_DEADLINE_S, ge=1, le=LONGEST_DELIVERY_S)
    at_once: int = Field(8, ge=1, le=64)

    @property
    def reached_at(self) -> ReachedAt:
        return ReachedAt(host=self.host, port=self.broker.port, tls=self.broker.tls, ca=self.ca)

    @model_validator(mode="after")
    def _unencrypted_only_here(self) -> Self:
        if self.security == "plain" and not (self.plaintext or this_machine(self.host)):
            raise SettingError("settings.mqtt_plaintext", host=self.host)
        _check_supervision(self.supervision_s)
        return self

    @property
    def broker(self) -> BrokerSettings:
        """How to reach it."""
        tls = self.security == "tls"
        port = self.port or (8883 if tls else 1883)
        return BrokerSettings(host=self.host, port=port, tls=tls, ca=self.ca, user=self.user, password=self.password)

    @property
    def tls(self) -> tuple[tuple[str, int], Path | None] | None:
        broker = self.broker
        return ((broker.host, broker.port), self.ca) if broker.tls else None

    @property
    def longest_s(self) -> float:
        return self.deadline_s

    def under(self, base: Path) -> Self:
        return _absolute(super().under(base), base, "ca")


# Every kind, once.
_Kind = (
    Annotated[WebhookSettings, Tag("webhook")]
    | Annotated[CapHttpSettings, Tag("cap_http")]
    | Annotated[CapFolderSettings, Tag("cap_folder")]
    | Annotated[Dc09Settings, Tag("dc09")]
    | Annotated[MqttOutputSettings, Tag("mqtt")]
)

KINDS: Final[dict[str, type[OutputSection]]] = {tag.tag: model for model, tag in map(get_args, get_args(_Kind))}

# If there is more to say than that a setting is missing.
NEEDED: Final = {
    "url": "settings.needs_url",
    "folder": "settings.needs_folder",
    "secret": "settings.needs_secret",
}

_OfNoKind = create_model("_OfNoKind", __base__=OutputSection, kind=(Literal[tuple(KINDS)], ...))  # type: ignore[arg-type]


def _known(written: Any) -> Any:
    """Report a missing or wrong kind like any other setting, not in the union's own words."""
    if not isinstance(written, OutputSection) and (
        not isinstance(written, dict) or written.get("kind") not in tuple(KINDS)
    ):
        _OfNoKind.model_validate(written)
    return written


def _kind_of(written: dict[str, Any] | OutputSection) -> str:
    return str(written["kind"] if isinstance(written, dict) else written.kind)


OutputSettings = Annotated[_Kind, Discriminator(_kind_of), BeforeValidator(_known)]


@cache
def output_fields() -> dict[str, FieldInfo]:
    """Return every setting of any kind by its name; required only if every kind requires it."""
    found: dict[str, FieldInfo] = {}
    for model in KINDS.values():
        for name, field in model.model_fields.items():
            everywhere = all(
                name in other.model_fields and other.model_fields[name].is_required() for other in KINDS.values()
            )
            if field.is_required() and not everywhere:
                found.setdefault(name, FieldInfo(annotation=field.annotation, default=None))
            else:
                found.setdefault(name, field)
    return found

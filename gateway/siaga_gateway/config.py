"""The settings of the gateway: one TOML file, each setting documented, an unknown or wrong one refused by its name.

An environment variable overrides the file: SIAGA_GATEWAY__MQTT__PASSWORD for `mqtt.password`. Secrets can so stay out
of the file, and no message here repeats one.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo

from siaga_gateway.config_broker import BrokerFilesSettings
from siaga_gateway.config_operations import MetricsSettings, SupervisionSettings
from siaga_gateway.config_retention import RetentionSettings
from siaga_gateway.config_section import Port
from siaga_gateway.config_section import Section as _Section
from siaga_gateway.config_sms import SmsSettings
from siaga_gateway.config_store import StoreSettings
from siaga_gateway.domain.incident import Mode
from siaga_gateway.logs import LogFormat, LogLevel

ENVIRONMENT_PREFIX: Final = "SIAGA_GATEWAY__"
_SECRETS: Final = frozenset({"password", "secret", "token", "operators"})
# An incident's identifier and a CAP sender are made of it.
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?")

Name = Annotated[str, Field(pattern=rf"^{_NAME.pattern}$")]
Language = Literal["id", "en"]


class SettingsError(Exception):
    """The settings cannot be used; the text has one line for each that is wrong."""


class BrokerSettings(_Section):
    """How a broker is reached."""

    host: str = Field("127.0.0.1", description="The broker's name or address.", min_length=1)
    port: Port = Field(1883, description="Its port; 8883 is usual with TLS.")
    tls: bool = Field(False, description="Speak TLS and verify the broker's certificate.")
    ca: Path | None = Field(
        None, description="PEM file with the authority that signed it; none: the system's authorities."
    )
    user: str | None = Field(None, description="User name at the broker.")
    password: SecretStr | None = Field(None, description="Its password; better in the environment than in the file.")
    client_id: str | None = Field(
        None,
        description="MQTT client id; none: `siaga-gateway-` and the gateway's name. It names the session that the "
        "broker keeps while the gateway is away.",
        min_length=1,
        max_length=64,
    )
    keepalive_s: int = Field(
        15, description="Seconds between signs of life; a dead link is noticed after 1.5 times.", ge=5, le=600
    )


class MqttSettings(BrokerSettings):
    """The broker that the buttons publish to."""

    share: str | None = Field(
        None,
        description="Group of workers among which the broker shares out what the buttons send, by MQTT 5's shared "
        "subscriptions; none: a name made of the gateway's key, where there are several workers. All workers of all "
        "machines name the same, and nobody else may know it.",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
    )
    start_timeout_s: float = Field(
        10, description="How long the start waits for the broker before it gives up.", ge=1, le=600
    )
    retained_status: bool = Field(
        True,
        description="Have the broker retain the gateway's status. False for a broker that retains nothing, as the one "
        "of `siaga gateway broker-config`.",
    )


class LorawanSettings(BrokerSettings):
    """The broker of a LoRaWAN network server."""

    network: Literal["off", "chirpstack", "things_stack"] = Field(
        "off",
        description="Which network server's MQTT integration frames come from: ChirpStack v4, The Things Stack v3.",
    )
    client_id: str | None = Field(
        None,
        description="MQTT client id; none: `siaga-lorawan-` and the gateway's name.",
        min_length=1,
        max_length=64,
    )


class ConsoleSettings(_Section):
    """The operator's console."""

    host: str = Field("127.0.0.1", description="Address to listen on. Other than loopback needs `console.operators`.")
    port: int = Field(8110, description="Port to listen on; 0 takes a free one.", ge=0, le=65_535)
    operators: dict[str, str] = Field(
        default_factory=dict,
        description="Operators who may log in: name = Argon2 hash, as `siaga gateway operator-hash` makes it. With "
        "none, whoever sits at this machine gives a name when duty starts.",
    )
    allowed_hosts: list[str] = Field(
        default_factory=list,
        description="Host names under which browsers may reach the console, beside its own address.",
    )

    @field_validator("operators")
    @classmethod
    def _hashed(cls, operators: dict[str, str]) -> dict[str, str]:
        for name, hashed in operators.items():
            if not hashed.startswith("$argon2"):
                raise ValueError(f"the entry of {name!r} is no Argon2 hash; make one by `siaga gateway operator-hash`")
        return operators

    @model_validator(mode="after")
    def _open_only_with_operators(self) -> ConsoleSettings:
        if not self.operators and not _loopback(self.host):
            raise ValueError(
                f"host {self.host!r} lets other machines in: name operators in [console.operators], or use 127.0.0.1"
            )
        return self


class OutputSettings(_Section):
    """One place that incidents are sent to."""

    name: Name = Field(
        description="Unique; it is part of the idempotency key, so do not change it while messages wait."
    )
    kind: Literal["webhook", "cap_http", "cap_folder"] = Field(
        description="webhook: signed CloudEvents; cap_http: CAP 1.2 by POST; cap_folder: CAP 1.2 files."
    )
    url: str | None = Field(None, description="Where to POST (webhook, cap_http).")
    folder: Path | None = Field(None, description="Where to write (cap_folder); it must exist.")
    secret: SecretStr | None = Field(
        None, description="Key that signs each message, as Standard Webhooks writes it: whsec_ and base64."
    )
    token: SecretStr | None = Field(None, description="Bearer token for the receiver, if it wants one.")
    ca: Path | None = Field(None, description="PEM file with the authority of the receiver's certificate.")
    plaintext: bool = Field(False, description="Allow http:// to another machine. Personal data goes unencrypted then.")
    sender: str | None = Field(None, description="CAP sender; none: the gateway's name.")
    at_once: int = Field(
        8,
        description="Deliveries under way at once, at most (webhook, cap_http). Those of one incident never overtake "
        "each other.",
        ge=1,
        le=64,
    )
    tests: bool = Field(False, description="Send test presses here too, marked as tests.")

    @model_validator(mode="after")
    def _has_a_place(self) -> OutputSettings:
        if self.kind == "cap_folder":
            if self.folder is None:
                raise ValueError('kind "cap_folder" needs folder = "/where/to/write"')
            if "at_once" in self.model_fields_set and self.at_once > 1:
                raise ValueError('kind "cap_folder" writes one file after the other: leave out at_once')
        elif self.url is None:
            raise ValueError(f'kind "{self.kind}" needs url = "https://..."')
        if self.kind == "webhook" and self.secret is None:
            raise ValueError('kind "webhook" needs secret = "whsec_..."; make one by `siaga gateway webhook-secret`')
        return self


class Settings(_Section):
    """All settings."""

    name: Name = Field(
        description="This gateway's name in the world, for ever: lower-case letters, digits, dots and dashes, such as "
        "siaga.lampung. Incidents are named after it."
    )
    data_dir: Path = Field(description="Folder of the store and the gateway's key.")
    personal_key: Path | None = Field(
        None,
        description="File with the key that personal data is encrypted under; none: `personal-key` in `data_dir`. "
        "Lay it where no backup of the store goes.",
    )
    mode: Mode = Field(
        Mode.ACTUAL,
        description="How receivers are to take what is sent: actual or exercise. A test of one button is marked by the "
        "button itself.",
    )
    language: Language = Field("id", description="Language of the console and of notices.")
    delayed_after_s: int = Field(
        120, description="A press that arrives later than this after it happened is shown as delayed.", ge=1, le=86_400
    )
    clock_ahead_s: int = Field(
        120, description="A button's clock further in the future than this is not believed.", ge=1, le=86_400
    )
    batch: int = Field(500, description="Frames verified and stored in one commit, at most.", ge=1, le=5_000)
    queue: int = Field(
        20_000, description="Frames waiting in memory, at most; then the broker is left to hold them.", ge=100
    )
    quarantine: int = Field(
        1_000, description="Unknown devices kept for the registrar, at most; then the oldest unproven goes.", ge=1
    )
    workers: int = Field(
        1,
        description="Processes that take frames, beside each other on this machine; several need `[store]`.",
        ge=1,
        le=64,
    )
    machine: Name | None = Field(
        None,
        description="Name of this machine, another one on each of those that share a store. With it frames are shared "
        "out even where each machine has one worker; none: its host name, and the others are not known of.",
    )
    verify_process: bool = Field(
        True,
        description="Have each worker's signatures checked by a process beside it, where there are more cores than "
        "workers.",
    )
    log_format: LogFormat = Field(
        "text", description="How the log on stderr is written: text, or json for a collector."
    )
    log_level: LogLevel = Field(
        "info", description="What the log tells: debug (a line for each frame), info, warning or error."
    )
    store: StoreSettings = Field(default_factory=StoreSettings, description="Where everything is kept.")
    mqtt: MqttSettings = Field(default_factory=MqttSettings, description="The broker.")
    broker: BrokerFilesSettings = Field(
        default_factory=BrokerFilesSettings, description="Who may log in at the broker."
    )
    lorawan: LorawanSettings = Field(default_factory=LorawanSettings, description="LoRaWAN, beside the broker.")
    sms: SmsSettings = Field(default_factory=SmsSettings, description="Text messages, beside the broker.")
    console: ConsoleSettings = Field(default_factory=ConsoleSettings, description="The console.")
    supervision: SupervisionSettings = Field(
        default_factory=SupervisionSettings, description="When a button becomes a case for the installers."
    )
    metrics: MetricsSettings = Field(default_factory=MetricsSettings, description="Figures and health.")
    retention: RetentionSettings = Field(
        default_factory=RetentionSettings, description="How long what is known of people is kept."
    )
    outputs: list[OutputSettings] = Field(default_factory=list, description="Where incidents are sent.")

    @field_validator("mode", mode="before")
    @classmethod
    def _not_a_test(cls, mode: object) -> object:
        if mode not in (Mode.ACTUAL, Mode.EXERCISE):
            raise ValueError(f"is {mode!r} and should be 'actual' or 'exercise'; a test is marked by the button itself")
        return mode

    @field_validator("outputs")
    @classmethod
    def _unique(cls, outputs: list[OutputSettings]) -> list[OutputSettings]:
        names = [output.name for output in outputs]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two outputs are named {name!r}: their messages could not be told apart")
        return outputs

    @model_validator(mode="after")
    def _asks_a_server(self) -> Settings:
        if self.broker.table and not self.store.shared:
            raise ValueError("broker.table needs a [store] on PostgreSQL: no broker asks SQLite's file")
        return self


def load(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings. Relative paths in the file count from the file's folder.

    Raises SettingsError with one line for each wrong setting: its name, its value and what would be right.
    """
    raw = _read(path)
    _override(raw, os.environ if environment is None else environment)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError("\n".join(f"{path}: {line}" for line in _lines(error))) from None
    return _absolute(settings, path.resolve().parent)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; `siaga gateway init` writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None


def _override(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Lay SIAGA_GATEWAY__A__B=value over raw["a"]["b"]. Lists (outputs) are addressed by their output's name."""
    for variable, value in sorted(environment.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        *sections, last = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        place: Any = raw
        for section in sections:
            if isinstance(place, list):
                place = next((o for o in place if _variable_name(o.get("name", "")) == section), None)
            else:
                place = place.setdefault(section, {})
            if not isinstance(place, dict | list):
                raise SettingsError(f"environment {variable}: there is no setting {'.'.join((*sections, last))}")
        if isinstance(place, list):
            raise SettingsError(f"environment {variable}: name the output and its setting, as ..__OUTPUTS__CAD__SECRET")
        place[last] = value


def _variable_name(output: str) -> str:
    return output.replace("-", "_").replace(".", "_")


def _lines(error: ValidationError) -> Iterator[str]:
    for fault in error.errors():
        location = [str(part) for part in fault["loc"]]
        name = ".".join(location) or "the settings"
        hidden = any(part in _SECRETS for part in location) or location == ["store", "url"]
        value = fault.get("input")
        shown = "" if hidden or isinstance(value, dict | list) else f" = {value!r}"
        match fault["type"]:
            case "missing":
                yield f"{name}: is missing; {_right(fault['loc']) or 'it must be set'}"
            case "extra_forbidden":
                yield f"{name}: there is no such setting; `siaga gateway settings` lists all"
            case "value_error":
                yield f"{name}: {fault['msg'].removeprefix('Value error, ')}"
            case "string_pattern_mismatch":
                yield f"{name}{shown}: is not written as it must be; {_right(fault['loc'])}"
            case _:
                right = _right(fault["loc"])
                yield f"{name}{shown}: {_sentence(fault['msg'])}{'; ' + right if right else ''}"


def _sentence(message: str) -> str:
    return message[:1].lower() + message[1:]


def _right(location: tuple[int | str, ...]) -> str:
    """What the documentation says of the setting at this place."""
    model: Any = Settings
    field: FieldInfo | None = None
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        if field is None:
            return ""
        model = OutputSettings if part == "outputs" else field.annotation
    return (field.description or "") if field else ""


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _absolute(settings: Settings, base: Path) -> Settings:
    """The same settings with paths that do not depend on where the gateway is started."""
    mqtt = settings.mqtt.model_copy(update={"ca": settings.mqtt.ca and base / settings.mqtt.ca})
    lorawan = settings.lorawan.model_copy(update={"ca": settings.lorawan.ca and base / settings.lorawan.ca})
    outputs = [
        output.model_copy(
            update={"folder": output.folder and base / output.folder, "ca": output.ca and base / output.ca}
        )
        for output in settings.outputs
    ]
    return settings.model_copy(
        update={
            "data_dir": base / settings.data_dir,
            "personal_key": settings.personal_key and base / settings.personal_key,
            "store": settings.store.under(base),
            "mqtt": mqtt,
            "broker": settings.broker.under(base),
            "lorawan": lorawan,
            "sms": settings.sms.under(base),
            "outputs": outputs,
        }
    )

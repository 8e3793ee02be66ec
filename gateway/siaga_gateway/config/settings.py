"""All settings of the gateway, section by section."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.config.accounts import AccountSettings
from siaga_gateway.config.area import AreaSettings
from siaga_gateway.config.broker import BrokerFilesSettings
from siaga_gateway.config.certificates import CertificatesSettings
from siaga_gateway.config.clusters import ClusterSettings
from siaga_gateway.config.console import ConsoleSettings
from siaga_gateway.config.dispatch import DispatchSettings
from siaga_gateway.config.messages import MessageSettings
from siaga_gateway.config.mqtt import LorawanSettings, MqttSettings
from siaga_gateway.config.operations import MetricsSettings, SupervisionSettings
from siaga_gateway.config.outputs import OutputSettings
from siaga_gateway.config.owner_cases import OwnerCaseSettings
from siaga_gateway.config.owntracks import OwntracksSettings
from siaga_gateway.config.responder_page import ResponderPageSettings
from siaga_gateway.config.retention import RetentionSettings
from siaga_gateway.config.section import LogFormat, LogLevel, Name, Section
from siaga_gateway.config.site import Language, SiteSettings
from siaga_gateway.config.sms import SmsSettings
from siaga_gateway.config.store import StoreSettings
from siaga_gateway.config.watch import WatchSettings
from siaga_gateway.config.ways import TextSettings, WaySettings
from siaga_gateway.config.whatsapp_receipts import WhatsappReceiptsSettings
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.limits import MOST_WORKERS
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.operator_message import MessageOptions
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.site import Site, around


class Settings(Section):
    """All settings."""

    name: Name
    data_dir: Path
    personal_key: Path | None = None
    mode: Mode = Mode.ACTUAL
    language: Language = "id"
    delayed_after_s: int = Field(120, ge=1, le=86_400)
    clock_ahead_s: int = Field(120, ge=1, le=86_400)
    batch: int = Field(500, ge=1, le=5_000)
    queue: int = Field(20_000, ge=100)
    quarantine: int = Field(1_000, ge=1)
    workers: int = Field(
        1,
        ge=1,
        le=MOST_WORKERS,
    )
    machine: Name | None = None
    verify_process: bool = True
    log_format: LogFormat = "text"
    log_level: LogLevel = "info"
    site: SiteSettings = Field(default_factory=SiteSettings, description="Whose installation it is, and where.")
    store: StoreSettings = Field(default_factory=StoreSettings, description="Where everything is kept.")
    mqtt: MqttSettings = Field(default_factory=MqttSettings, description="The broker.")
    broker: BrokerFilesSettings = Field(
        default_factory=BrokerFilesSettings, description="Who may log in at the broker."
    )
    certificates: CertificatesSettings = Field(
        default_factory=CertificatesSettings, description="Certificates that are watched beside those of the sections."
    )
    lorawan: LorawanSettings = Field(default_factory=LorawanSettings, description="LoRaWAN, beside the broker.")
    sms: SmsSettings = Field(default_factory=SmsSettings, description="Text messages, beside the broker.")
    console: ConsoleSettings = Field(default_factory=ConsoleSettings, description="The console.")
    accounts: AccountSettings = Field(default_factory=AccountSettings, description="Accounts at the console.")
    supervision: SupervisionSettings = Field(
        default_factory=SupervisionSettings, description="When a button becomes a case for the installers."
    )
    area: AreaSettings = Field(default_factory=AreaSettings)
    dispatch: DispatchSettings = Field(default_factory=DispatchSettings, description="Who is called for a press.")
    clusters: ClusterSettings = Field(
        default_factory=ClusterSettings, description="When presses close together are one major incident."
    )
    owntracks: OwntracksSettings = Field(
        default_factory=OwntracksSettings, description="Positions of responders' phones, from the OwnTracks apps."
    )
    whatsapp_receipts: WhatsappReceiptsSettings = Field(
        default_factory=WhatsappReceiptsSettings, description="Where WhatsApp says what became of messages."
    )
    responder_page: ResponderPageSettings = Field(
        default_factory=ResponderPageSettings, description="The page on which officers and patrols answer."
    )
    owner_cases: OwnerCaseSettings = Field(
        default_factory=OwnerCaseSettings, description="When pranks and accidents ask for a person, and what follows."
    )
    messages: MessageSettings = Field(
        default_factory=MessageSettings, description="What operators write to those who were sent, and to the holder."
    )
    metrics: MetricsSettings = Field(default_factory=MetricsSettings, description="Figures and health.")
    watch: WatchSettings = Field(
        default_factory=WatchSettings, description="Who notices when the gateway itself is silent, and who watches."
    )
    retention: RetentionSettings = Field(
        default_factory=RetentionSettings, description="How long what is known of people is kept."
    )
    outputs: list[OutputSettings] = Field(default_factory=list, description="Where incidents are sent.")
    ways: list[WaySettings] = Field(default_factory=list, description="How people are told.")

    @model_validator(mode="before")
    @classmethod
    def _first_language(cls, given: Any) -> Any:
        """The site's first language is that of whatever has only one, unless another is set."""
        if isinstance(given, dict) and "language" not in given and isinstance(site := given.get("site"), dict):
            languages = site.get("languages")
            if isinstance(languages, list) and languages and languages[0] in LANGUAGES:
                return {**given, "language": languages[0]}
        return given

    @field_validator("mode", mode="before")
    @classmethod
    def _not_a_test(cls, mode: object) -> object:
        if mode not in (Mode.ACTUAL, Mode.EXERCISE):
            raise SettingError("settings.mode", mode=mode)
        return mode

    @field_validator("outputs")
    @classmethod
    def _unique(cls, outputs: list[OutputSettings]) -> list[OutputSettings]:
        names = [output.name for output in outputs]
        for name in names:
            if names.count(name) > 1:
                raise SettingError("settings.two_outputs", name=name)
        return outputs

    @field_validator("ways")
    @classmethod
    def _each_once(cls, ways: list[WaySettings]) -> list[WaySettings]:
        names = [way.name for way in ways]
        for name in names:
            if names.count(name) > 1:
                raise SettingError("settings.two_ways", name=name)
        return ways

    @model_validator(mode="after")
    def _texts_have_a_sender(self) -> Settings:
        able = {"spool": self.sms.spool != "off", "aggregator": self.sms.aggregator.url is not None}
        deaf = self.sms.webhook.port is None
        for way in self.ways:
            if not isinstance(way, TextSettings):
                continue
            if not able[way.via]:
                raise SettingError("settings.no_sms", name=way.name, via=way.via)
            if way.via == "aggregator" and way.read_back and deaf:
                raise SettingError("settings.no_sms_back", name=way.name)
        return self

    @model_validator(mode="after")
    def _administrators_have_ways(self) -> Settings:
        names = [way.name for way in self.ways]
        for way, address in self.watch.recipients:
            if way not in names:
                raise SettingError("settings.watch_way", way=way, address=address, names=", ".join(names) or "–")
        return self

    @model_validator(mode="after")
    def _asks_a_server(self) -> Settings:
        if self.broker.table and not self.store.shared:
            raise SettingError("settings.table")
        return self

    @property
    def local(self) -> LocalTime:
        """The time of day at the site."""
        return self.site.local

    def message_options(self) -> MessageOptions:
        """Return what operators may write, and by which ways."""
        return self.messages.options(frozenset(ContactWay(way.kind) for way in self.ways))

    def whole_site(self) -> Site:
        """Return the site, with what its section leaves to the rest of the settings."""
        order = dict.fromkeys([*self.site.languages, *LANGUAGES])
        area = self.area.area()
        return Site(
            name=self.site.name or self.name,
            local=self.site.local,
            bounds=self.site.map.bounds() or (None if area is None else around(area)),
            languages=tuple(order),
            emergency_number=self.site.emergency_number,
        )

"""Makes the ways to people from the settings: the only place that knows each kind's adapter."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from siaga_gateway.adapters.outputs.http_post import Poster, checked_token
from siaga_gateway.adapters.ways.apprise import AppriseWay
from siaga_gateway.adapters.ways.email import EmailWay, MailServer
from siaga_gateway.adapters.ways.http_way import HttpService, HttpWay
from siaga_gateway.adapters.ways.modem_identity import is_same_modem, ports_of_daemon
from siaga_gateway.adapters.ways.modem_port import ModemPort
from siaga_gateway.adapters.ways.modem_voice import ReadAloud, Recordings
from siaga_gateway.adapters.ways.sms import AggregatorSending, SmsWay, SpoolSending
from siaga_gateway.adapters.ways.voice import Credit, VoiceWay
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.ways import (
    AppriseSettings,
    EmailSettings,
    HttpWaySection,
    NtfySettings,
    PhoneSettings,
    PushSettings,
    TelegramSettings,
    TextSettings,
    WaySection,
    WhatsappSettings,
)
from siaga_gateway.domain.errors import SettingError, SiagaError
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.ntfy import NtfyFormat
from siaga_gateway.formats.service_message import MessageFormat, ServiceRequest
from siaga_gateway.formats.telegram import TelegramFormat
from siaga_gateway.formats.telegram_updates import TelegramUpdates
from siaga_gateway.formats.webpush import WebPushFormat, encoded, subscription
from siaga_gateway.formats.whatsapp import WhatsappFormat
from siaga_gateway.service.dispatch.ways import Budget, Way
from siaga_gateway.service.ports import Clock, ResponderRefused

# What each service takes, as far as its documentation says; a little less, for our clock is not theirs.
_NTFY: Final = Budget(interval_ms=5_000, burst=60)
_TELEGRAM: Final = Budget(interval_ms=40, burst=5, person_ms=3_000)  # a group takes 20 a minute
_WHATSAPP: Final = Budget(interval_ms=20, burst=30, person_ms=6_000)
_PUSH: Final = Budget(interval_ms=5, burst=200)
_EMAIL: Final = Budget(interval_ms=500, burst=30)
_AGGREGATOR: Final = Budget(interval_ms=200, burst=30)
_MODEM: Final = Budget(interval_ms=5_000, burst=10)  # it takes 3 to 6 s for each
# How to answer makes two messages of one; none may wait as long as one does for a daemon that is stuck (ways/sms.py).
_MODEM_ANSWERED: Final = Budget(interval_ms=10_000, burst=8)
_TELEPHONE: Final = Budget(person_ms=20_000)  # nobody is rung more than three times a minute; one line: one at a time

_ANY: Final = Budget(interval_ms=1_000, burst=10, person_ms=1_000)  # not known: what most would bear
_LONGEST_ENDPOINT: Final = 1_000  # characters


@dataclass(frozen=True, slots=True)
class WayContext:
    """What a way needs besides its own settings."""

    settings: Settings
    clock: Clock
    moved: Callable[[str, str], None]


def _ntfy(way: NtfySettings, near: WayContext) -> Way:
    token = None if way.token is None else checked_token(way.token.get_secret_value())
    return _http(way, near, ContactWay.NTFY, NtfyFormat(way.url, token), _NTFY)


def _telegram(way: TelegramSettings, near: WayContext) -> Way:
    spoken = TelegramFormat(way.url, checked_token(way.token.get_secret_value()))
    return _http(way, near, ContactWay.TELEGRAM, spoken, _TELEGRAM)


def telegram_service(way: TelegramSettings) -> tuple[HttpService, TelegramUpdates]:
    """Return what fetches what people write to a bot. Raises: SettingsError."""
    try:
        service = HttpService([way.url], ca_file=way.ca, proxy=_told(way.proxy), allow_plaintext=way.plaintext)
        return service, TelegramUpdates(way.url, checked_token(way.token.get_secret_value()))
    except ValueError as error:
        raise SettingsError("settings.way", name=way.name, why=error) from None


def _whatsapp(way: WhatsappSettings, near: WayContext) -> Way:
    spoken = WhatsappFormat(
        way.url,
        way.phone_number_id,
        checked_token(way.token.get_secret_value()),
        way.template,
        link_template=way.link_template,
        link_base=way.link_base,
        languages=way.template_languages,
    )
    return _http(way, near, ContactWay.WHATSAPP, spoken, _WHATSAPP)


def _push(way: PushSettings, near: WayContext) -> Way:
    service = HttpService(way.servers, ca_file=way.ca, proxy=_told(way.proxy))
    spoken = WebPushFormat(vapid_key(way.vapid_key), way.contact)
    return _made(way, near, ContactWay.PUSH, service, spoken, _PUSH, repeats_recognised=True)


def _email(way: EmailSettings, near: WayContext) -> Way:
    server = MailServer(
        way.host,
        way.port_or_usual,
        way.security,
        way.sender,
        near.settings.whole_site().name,
        way.user,
        _told(way.password),
        way.ca,
    )
    return EmailWay(
        way.name,
        server,
        budget=_budget(way, _EMAIL),
        clock=near.clock,
        language=near.settings.language,
        deadline_s=way.deadline_s,
        at_once=way.at_once,
    )


def _sms(way: TextSettings, near: WayContext) -> Way:
    sms, language = near.settings.sms, near.settings.language
    if way.via == "spool":
        assert sms.outbox is not None  # checked with the settings
        modem = SpoolSending(sms.spool, sms.outbox, clock=near.clock, language=language, deadline_s=way.deadline_s)
        usual = _MODEM_ANSWERED if way.read_back else _MODEM
        return SmsWay(way.name, modem, budget=_budget(way, usual), language=language, at_once=1)
    there = sms.aggregator
    poster = Poster(
        there.url or "",
        clock=near.clock,
        token=_told(there.token),
        ca_file=there.ca,
        allow_plaintext=there.plaintext,
        language=language,
        deadline_s=way.deadline_s,
        success=there.success,
    )
    sending = AggregatorSending(poster, there.number_field, there.text_field, there.extra)
    return SmsWay(way.name, sending, budget=_budget(way, _AGGREGATOR), language=language, at_once=way.at_once)


def _phone(way: PhoneSettings, near: WayContext) -> Way:
    sms = near.settings.sms

    def taken() -> list[tuple[str, str]]:
        """The ports of the daemon, and where each is named."""
        if sms.spool == "off":
            return []
        return list(ports_of_daemon(sms.spool)) + ([] if sms.device is None else [(sms.device, "sms.device")])

    def shared() -> str | None:
        return next((f"{where}: {port}" for port, where in taken() if is_same_modem(way.device, port)), None)

    if sms.spool != "off" and not taken():
        raise SettingError("settings.whose_modem", spool=sms.spool)
    if (other := shared()) is not None:
        raise SettingError("modem.same", name=way.name, port=way.device, other=other)
    credit = None if way.credit_code is None else Credit(way.credit_code, way.credit_least)
    return VoiceWay(
        way.name,
        ModemPort(way.device, way.baud),
        ReadAloud() if way.recordings is None else Recordings(way.recordings),
        budget=_budget(way, _TELEPHONE),
        language=near.settings.language,
        deadline_s=way.deadline_s,
        credit=credit,
        shared=shared,
    )


def _apprise(way: AppriseSettings, near: WayContext) -> Way:
    return AppriseWay(
        way.name,
        way.schemes,
        budget=_budget(way, _ANY),
        language=near.settings.language,
        deadline_s=way.deadline_s,
        at_once=way.at_once,
    )


# Every kind, once. Makers raise ValueError, which names the wrong setting and a right one.
MAKERS: Final[dict[type[WaySection], Callable[[Any, WayContext], Way]]] = {
    NtfySettings: _ntfy,
    TelegramSettings: _telegram,
    WhatsappSettings: _whatsapp,
    PushSettings: _push,
    EmailSettings: _email,
    TextSettings: _sms,
    PhoneSettings: _phone,
    AppriseSettings: _apprise,
}


def _stays(old: str, new: str) -> None:
    """Whoever sends a few messages learns nothing of chats that moved."""


def make_way(way: WaySection, settings: Settings, clock: Clock, moved: Callable[[str, str], None] = _stays) -> Way:
    """Make a way. moved: see HttpWay. Raises: SettingsError, which names the way and what is wrong with it."""
    try:
        return MAKERS[type(way)](way, WayContext(settings, clock, moved))
    except ValueError as error:
        raise SettingsError("settings.way", name=way.name, why=error) from None


def vapid_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """Read the key that push services know us by. Raises: SettingError."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise SettingError("way.vapid", file=file, why=error) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SettingError("way.vapid_kind", file=file)
    return key


def checked_subscription(way: PushSettings) -> Callable[[str], str]:
    """Return what checks a subscription that a browser made, and writes it in one form. It raises ResponderRefused."""
    service = HttpService(way.servers, ca_file=way.ca)

    def checked(given: str) -> str:
        try:
            found = subscription(given)
            service.place(ServiceRequest(found.endpoint, b"", {}))
        except (SiagaError, ValueError):
            raise ResponderRefused("duty_page.subscription") from None
        if len(found.endpoint) > _LONGEST_ENDPOINT:
            raise ResponderRefused("duty_page.subscription")
        keys = {"p256dh": encoded(found.key), "auth": encoded(found.secret)}
        return json.dumps({"endpoint": found.endpoint, "keys": keys}, separators=(",", ":"))

    return checked


def _http(way: HttpWaySection, near: WayContext, kind: ContactWay, spoken: MessageFormat, budget: Budget) -> HttpWay:
    service = HttpService([way.url], ca_file=way.ca, proxy=_told(way.proxy), allow_plaintext=way.plaintext)
    return _made(way, near, kind, service, spoken, budget)


def _made(
    way: WaySection,
    near: WayContext,
    kind: ContactWay,
    service: HttpService,
    spoken: MessageFormat,
    budget: Budget,
    *,
    repeats_recognised: bool = False,
) -> HttpWay:
    return HttpWay(
        way.name,
        kind,
        service,
        spoken,
        budget=_budget(way, budget),
        clock=near.clock,
        language=near.settings.language,
        deadline_s=way.deadline_s,
        at_once=way.at_once,
        repeats_recognised=repeats_recognised,
        moved=near.moved,
    )


def _budget(way: WaySection, usual: Budget) -> Budget:
    """Return what the settings say of the service's limits, and the usual for the rest."""
    interval_ms = usual.interval_ms if way.interval_s is None else round(way.interval_s * 1_000)
    return copied(usual, interval_ms=interval_ms, burst=way.burst or usual.burst)


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()

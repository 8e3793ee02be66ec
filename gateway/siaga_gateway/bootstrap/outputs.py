"""Makes the outputs from the settings: the only place that knows each kind's adapter."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import SecretStr

from siaga_gateway.adapters.files.gateway_trouble import TroubleFile
from siaga_gateway.adapters.outputs.cap_folder import CapFolderOutput
from siaga_gateway.adapters.outputs.dc09 import Dc09Output
from siaga_gateway.adapters.outputs.http import HttpOutput, HttpTroubleOutput
from siaga_gateway.adapters.outputs.http_post import Poster
from siaga_gateway.adapters.outputs.mqtt_publisher import MqttOutput
from siaga_gateway.adapters.outputs.mqtt_session import Login
from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.outputs import (
    CapFolderSettings,
    CapHttpSettings,
    CapOutputSettings,
    Dc09Settings,
    HttpOutputSettings,
    MqttOutputSettings,
    OutputSection,
    WebhookSettings,
)
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.incident import Notice, Position
from siaga_gateway.domain.site import Site
from siaga_gateway.formats import cap, cloudevent, dc09, dc09_events, gateway_event
from siaga_gateway.formats.cap_profile import Pair, Profile, check_code, check_event_code, check_web
from siaga_gateway.formats.mqtt_topics import Topics, check_prefix
from siaga_gateway.service.delivery.gateway_troubles import Troubles
from siaga_gateway.service.ports import Clock, Output, TroubleOutput
from siaga_gateway.service.store import DeliveryState, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutputContext:
    """What an output needs besides its own settings."""

    gateway: str  # its name
    clock: Clock
    language: str  # of its delivery reports
    site: Site
    console: str | None  # its address as operators type it


def _webhook(output: WebhookSettings, near: OutputContext) -> Output:
    binary = output.content_mode == "binary"
    usual = output.content_type == "application/cloudevents+json" and not binary
    return HttpTroubleOutput(
        output.name,
        _poster(output, near),
        partial(cloudevent.event, console=near.console),
        cloudevent.CONTENT_TYPE if usual else cloudevent.JSON_TYPE,
        output.tests,
        split=cloudevent.binary if binary else None,
        encode_trouble=partial(gateway_event.event, language=near.language),
        language=near.language,
        at_once=output.at_once,
    )


def _cap_http(output: CapHttpSettings, near: OutputContext) -> Output:
    return HttpOutput(
        output.name,
        _poster(output, near),
        _cap(output, near),
        cap.CONTENT_TYPE,
        output.tests,
        language=near.language,
        at_once=output.at_once,
    )


def _cap_folder(output: CapFolderSettings, near: OutputContext) -> Output:
    return CapFolderOutput(
        output.name,
        output.folder,
        output.tests,
        _cap(output, near),
        language=near.language,
    )


def _cap(output: CapOutputSettings, near: OutputContext) -> Callable[[Notice, str], bytes]:
    encode = cap.encoder(output.sender, near.site.local, near.site.languages, _profile(output))
    if output.signature is None:
        return encode
    from siaga_gateway.adapters.outputs.xml_signature import CapSigner

    signer = CapSigner(*output.signature)
    return lambda notice, key: signer.sign(encode(notice, key))


def _profile(output: CapOutputSettings) -> Profile:
    fixed = tuple((output.geocode_name, check_code(code, output.geocode_name)) for code in output.geocodes)
    geocodes: Callable[[Position | None], Sequence[Pair]] = lambda _position: fixed  # noqa: E731
    if output.areas is not None:
        from siaga_gateway.adapters.outputs.area_codes import AreaCodes

        geocodes = AreaCodes(output.areas, output.area_code, output.geocode_name, fixed).of
    return Profile(
        expires_s=None if output.expires_minutes is None else output.expires_minutes * 60,
        event_codes=tuple(check_event_code(written) for written in output.event_codes),
        web=None if output.web is None else check_web(output.web),
        contact=output.contact,
        circle=output.shape != "polygon",
        polygon=output.shape != "circle",
        geocodes=geocodes,
    )


def _dc09(output: Dc09Settings, near: OutputContext) -> Output:
    return Dc09Output(
        output.name,
        (output.host, output.port),
        dc09.Line(output.account.upper(), output.receiver.upper(), output.line.upper(), output.key_bytes),
        dc09_events.Format(
            output.protocol,
            output.has_extended_data,
            output.partition,
            output.zone,
            output.account_by_button,
            near.language,
        ),
        output.tests,
        clock=near.clock,
        datagrams=output.transport == "udp",
        supervision_s=output.supervision_s or None,
        language=near.language,
        deadline_s=output.deadline_s,
    )


def _mqtt(output: MqttOutputSettings, near: OutputContext) -> Output:
    # Another one for each process: a trial must not take the connection over.
    client_id = output.client_id or f"siaga-{output.name}-{secrets.token_hex(4)}"
    return MqttOutput(
        output.name,
        Login(output.broker, f"outputs.{output.name}", client_id),
        Topics(
            check_prefix(output.topic or f"siaga/out/{near.gateway}"),
            output.states,
            output.keep_closed_s,
            near.console,
            near.language,
        ),
        output.tests,
        supervision_s=output.supervision_s or None,
        language=near.language,
        at_once=output.at_once,
        deadline_s=output.deadline_s,
    )


# Every kind, once. Makers raise ValueError, which names the wrong setting and a right one.
MAKERS: Final[dict[type[OutputSection], Callable[[Any, OutputContext], Output]]] = {
    WebhookSettings: _webhook,
    CapHttpSettings: _cap_http,
    CapFolderSettings: _cap_folder,
    Dc09Settings: _dc09,
    MqttOutputSettings: _mqtt,
}


def make_output(output: OutputSection, settings: Settings, clock: Clock) -> Output:
    """Make an output. Raises: SettingsError, which names the output and what is wrong with it."""
    if output.unused:
        log.warning(Localized("log.outbox.unused", output=output.name, kind=output.kind, keys=", ".join(output.unused)))
    try:
        near = OutputContext(
            settings.name, clock, settings.language, settings.whole_site(), settings.console.public_url
        )
        return MAKERS[type(output)](output, near)
    except ValueError as error:
        raise SettingsError("settings.output", name=output.name, why=error) from None


def _poster(output: HttpOutputSettings, near: OutputContext) -> Poster:
    return Poster(
        output.url,
        clock=near.clock,
        secret=_told(output.secret),
        previous_secret=_told(output.previous_secret),
        token=_told(output.token),
        ca_file=output.ca,
        client_certificate=output.own_certificate,
        proxy=_told(output.proxy),
        deadline_s=output.deadline_s,
        allow_plaintext=output.plaintext,
        language=near.language,
    )


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def make_troubles(settings: Settings, outputs: Sequence[Output], clock: Clock, identity: WorkerIdentity) -> Troubles:
    """Return what reports the gateway's own trouble to outputs; of several workers on a machine the first one does."""
    wanted = {output.name for output in settings.outputs if output.tells_trouble and identity.first}
    able = [output for output in outputs if isinstance(output, TroubleOutput) and output.name in wanted]
    among = identity.among(settings)
    who = settings.name if among is None else f"{settings.name}.{among}"
    return Troubles(settings.name, who, able, clock, TroubleFile(settings.data_dir))


def warn_of_orphans(store: Store, outputs: Sequence[Output]) -> None:
    """Log the outputs that the settings no longer name: their messages would wait for ever unseen."""
    known = {output.name for output in outputs}
    waiting = {row.output for row in store.deliveries(states=[DeliveryState.PENDING], limit=10_000)} - known
    for name in sorted(waiting):
        log.warning(Localized("log.outbox.orphans", output=name))

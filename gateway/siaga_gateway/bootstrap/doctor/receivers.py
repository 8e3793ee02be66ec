"""Outputs and ways to people: can each be reached? Nothing is sent; `output test` and `way test` do that."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from siaga_gateway.adapters.outputs.web_address import read_web_address
from siaga_gateway.adapters.reachability import reach
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.outputs import OutputSection
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.ways import EmailSettings, HttpWaySection, PhoneSettings, TextSettings, WaySection
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.health_check import CheckResult, bad, doubtful, good, unseen


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int
    tls: bool = False
    ca: Path | None = None


def receiver_checks(settings: Settings) -> Iterator[CheckResult]:
    for output in settings.outputs:
        yield from _output(output)
    for way in settings.ways:
        yield from _way(settings, way)


def _output(output: OutputSection) -> Iterator[CheckResult]:
    at = output.reached_at
    if at.by_event_only:  # UDP
        yield doubtful("outputs", output.name, Localized("doctor.udp"), Localized("doctor.udp_mend"))
    elif at.url is not None:
        yield from _web("outputs", output.name, at.url, at.ca, at.proxy)
    elif at.folder is not None:
        yield _place("outputs", output.name, at.folder, os.W_OK | os.X_OK)
    elif at.host is not None:
        yield _reached("outputs", output.name, _Server(at.host, at.port, at.tls, at.ca))


def _way(settings: Settings, way: WaySection) -> Iterator[CheckResult]:
    match way:
        case HttpWaySection():
            yield from _web("ways", way.name, way.url, way.ca, way.proxy)
        case EmailSettings():
            yield _reached("ways", way.name, _Server(way.host, way.port_or_usual, way.security == "tls", way.ca))
        case PhoneSettings():
            yield _place("ways", way.name, Path(way.device), os.R_OK | os.W_OK)
        case TextSettings(via="spool") if settings.sms.outbox is not None:
            yield _place("ways", way.name, settings.sms.outbox, os.W_OK | os.X_OK)
        case TextSettings(via="aggregator") if settings.sms.aggregator.url is not None:
            yield from _web("ways", way.name, settings.sms.aggregator.url, settings.sms.aggregator.ca, None)


def _web(check: str, name: str, url: str, ca: Path | None, proxy: object) -> Iterator[CheckResult]:
    """proxy: a SecretStr; None: none. Behind a proxy only that is reached."""
    try:
        address = read_web_address(url if proxy is None else proxy.get_secret_value())  # type: ignore[attr-defined]
    except SettingError as error:
        yield bad(check, name, Localized("doctor.failed", why=error), Localized("doctor.receiver_mend"))
        return
    yield _reached(check, name, _Server(address.host, address.port, address.scheme == "https", ca))


def _reached(check: str, name: str, server: _Server) -> CheckResult:
    where = f"{server.host}:{server.port}"
    try:
        reach(server.host, server.port, tls=server.tls, ca=server.ca)
    except (OSError, ssl.SSLError, ValueError) as error:
        cause = Localized("doctor.unreached_at", where=where, why=error)
        return bad(check, name, cause, Localized("doctor.receiver_mend"))
    return good(check, name, Localized("doctor.reached", where=where))


def _place(check: str, name: str, path: Path, access: int) -> CheckResult:
    """Look whether a folder or a device is there and open to us: who runs the doctor as somebody else is told."""
    try:
        path.stat()
    except FileNotFoundError:
        return bad(check, name, Localized("doctor.no_place", path=path), Localized("doctor.receiver_mend"))
    except PermissionError as error:
        return unseen(check, name, Localized("doctor.closed", why=error), Localized("doctor.closed_mend"))
    if not os.access(path, access):
        return bad(check, name, Localized("doctor.place_closed", path=path), Localized("doctor.place_closed_mend"))
    return good(check, name, Localized("doctor.place", path=path))

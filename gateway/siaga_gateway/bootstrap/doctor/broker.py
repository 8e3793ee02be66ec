"""The broker: is it reached, does it let the gateway do what it must, and nobody else do anything?"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.mqtt.link import BrokerUnreachable
from siaga_gateway.adapters.mqtt.rights_probe import rights
from siaga_gateway.adapters.reachability import takes_anybody
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.health_check import CheckResult, bad, doubtful, good, unseen
from siaga_gateway.formats import mosquitto

_NOBODY: Final = "doctor"  # in a device's place in a topic: no button is called so


def broker_checks(settings: Settings) -> Iterator[CheckResult]:
    yield from _gateway(settings)
    if settings.lorawan.network != "off":
        yield from _lorawan(settings)
    if settings.broker.passwords is not None:
        yield from _files(settings, settings.broker.passwords.parent)


def _gateway(settings: Settings) -> Iterator[CheckResult]:
    mqtt = settings.mqtt
    where = f"{mqtt.host}:{mqtt.port}"
    down, own = f"siaga/v1/down/{_NOBODY}", f"siaga/v1/gateway/{settings.name}/{_NOBODY}"
    up, foreign = "siaga/v1/up/+", f"siaga/v1/{_NOBODY}/{settings.name}"
    try:
        found = rights(mqtt, "mqtt", f"{settings.name}-{_NOBODY}", (down, own, foreign), (up,))
    except BrokerUnreachable as shut:
        yield bad("broker", where, shut.values["why"], Localized("doctor.broker_mend"))
        return
    yield good("broker", where, Localized("doctor.broker"))
    barred = [topic for topic in (down, own, up) if found[topic] is False]
    if barred:
        cause = Localized("doctor.broker_barred", topics=", ".join(barred))
        yield bad("broker", where, cause, Localized("doctor.broker_rules_mend"))
    if silent := [topic for topic, allowed in found.items() if allowed is None]:
        cause = Localized("doctor.broker_silent", topics=", ".join(silent))
        yield unseen("broker", where, cause, Localized("doctor.broker_rules_mend"))
    if mqtt.user is not None and found[foreign]:
        yield doubtful("broker", where, Localized("doctor.broker_wide"), Localized("doctor.broker_rules_mend"))
    if mqtt.user is None:
        yield doubtful("broker", where, Localized("doctor.broker_no_login"), Localized("doctor.broker_rules_mend"))
    else:
        yield from _stranger(mqtt.host, mqtt.port, mqtt.tls)


def _stranger(host: str, port: int, tls: bool) -> Iterator[CheckResult]:
    where = f"{host}:{port}"
    try:
        admitted = takes_anybody(host, port, tls=tls)
    except (OSError, ssl.SSLError) as error:
        cause = Localized("doctor.unreached", why=error)
        yield bad("broker", where, cause, Localized("doctor.broker_mend"))
        return
    if admitted:
        yield bad("broker", where, Localized("doctor.broker_open"), Localized("doctor.broker_rules_mend"))
    else:
        yield good("broker", where, Localized("doctor.broker_shut"))


def _lorawan(settings: Settings) -> Iterator[CheckResult]:
    lorawan = settings.lorawan
    where = f"{lorawan.host}:{lorawan.port}"
    try:
        rights(lorawan, "lorawan", f"{settings.name}-{_NOBODY}")
    except BrokerUnreachable as shut:
        yield bad("lorawan", where, shut.values["why"], Localized("doctor.broker_mend"))
    else:
        yield good("lorawan", where, Localized("doctor.broker"))


def _files(settings: Settings, folder: Path) -> Iterator[CheckResult]:
    """Compare the rules with what `broker-config` writes, and knock at each of the buttons' doors."""
    try:
        text = (folder / "mosquitto.conf").read_text(encoding="utf-8")
        wanted = {"rules": mosquitto.rules(), "gateway-rules": mosquitto.gateway_rules(settings.name)}
        for name, right in wanted.items():
            path = folder / name
            if _rules(path.read_text(encoding="utf-8")) == _rules(right):
                yield good("broker", path, Localized("doctor.broker_rules"))
            else:
                yield bad("broker", path, Localized("doctor.broker_other"), Localized("doctor.broker_rules_mend"))
    except FileNotFoundError as error:
        cause = Localized("doctor.broker_no_file", path=error.filename)
        yield doubtful("broker", folder, cause, Localized("doctor.broker_rules_mend"))
        return
    except PermissionError as error:
        yield unseen("broker", folder, Localized("doctor.closed", why=error), Localized("doctor.closed_mend"))
        return
    listeners = list(_listeners(text))
    per_listener = "per_listener_settings true" in text.splitlines()
    if not per_listener or not listeners or not all(each.guarded for each in listeners):
        path = folder / "mosquitto.conf"
        yield bad("broker", path, Localized("doctor.broker_unguarded"), Localized("doctor.broker_rules_mend"))
    for each in listeners:
        if each.tls:
            yield from _stranger(each.address, each.port, tls=True)


def _rules(text: str) -> list[str]:
    """Return the lines that mean something."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@dataclass(slots=True)
class _Door:
    port: int
    address: str
    tls: bool = False
    anonymous: bool = True
    has_passwords: bool = False
    has_rules: bool = False

    @property
    def guarded(self) -> bool:
        return self.has_passwords and self.has_rules and not self.anonymous


def _listeners(text: str) -> Iterator[_Door]:
    """Yield the listeners of a mosquitto.conf. Settings before the first are everybody's and are passed over."""
    door: _Door | None = None
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "listener" and len(words) > 1 and words[1].isdecimal():
            if door is not None:
                yield door
            door = _Door(int(words[1]), words[2] if len(words) > 2 else "127.0.0.1")
        elif door is not None:
            match words:
                case ["certfile", *_]:
                    door.tls = True
                case ["allow_anonymous", "false"]:
                    door.anonymous = False
                case ["password_file", *_]:
                    door.has_passwords = True
                case ["acl_file", *_]:
                    door.has_rules = True
    if door is not None:
        yield door

"""The certificates of an installation, from its settings, and what the console is told about them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.tls_certificates import in_file, shown_by
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.section import https_server
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.certificate_expiry import Certificate, CertificateStanding, authority_of

log = logging.getLogger(__name__)

FILE_NAME: Final = "certificates.json"


@dataclass(frozen=True, slots=True)
class CertificateLocation:
    """Where to look for certificates: a server, a file of authorities, or both."""

    name: str
    server: tuple[str, int] | None = None
    file: Path | None = None
    for_buttons: bool = False


def places(settings: Settings) -> Iterator[CertificateLocation]:
    """Yield everything that the settings name."""
    if settings.mqtt.tls:
        yield CertificateLocation("mqtt", (settings.mqtt.host, settings.mqtt.port), settings.mqtt.ca)
    if settings.lorawan.network != "off" and settings.lorawan.tls:
        yield CertificateLocation("lorawan", (settings.lorawan.host, settings.lorawan.port), settings.lorawan.ca)
    phones = settings.owntracks.mqtt
    if phones.enabled and phones.tls:
        yield CertificateLocation("owntracks.mqtt", (phones.host, phones.port), phones.ca)
    for output in settings.outputs:
        if output.tls is not None:
            yield CertificateLocation(f"outputs.{output.name}", *output.tls)
        for setting, file in output.own_files.items():
            yield CertificateLocation(f"outputs.{output.name}.{setting}", None, file)
    for way in settings.ways:
        if way.tls is not None:
            yield CertificateLocation(f"ways.{way.name}", *way.tls)
    aggregator = settings.sms.aggregator
    if (server := https_server(aggregator.url)) is not None:
        yield CertificateLocation("sms.aggregator", server, aggregator.ca)
    if settings.store.ca is not None:
        yield CertificateLocation("store.ca", None, settings.store.ca)
    for name, server in zip(settings.certificates.servers, settings.certificates.addresses, strict=True):
        yield CertificateLocation(name, server)
    if settings.certificates.buttons is not None:
        yield CertificateLocation("certificates.buttons", None, settings.certificates.buttons, for_buttons=True)


class CertificateReader:
    """Reads all certificates. A place that cannot be read is reported once, until it can be again.

    A server that is down is reported elsewhere, and its authority is still read.
    """

    def __init__(self, settings: Settings, told: Callable[[Localized], None] = log.warning) -> None:
        """told: called with why a place, `name` among the text's values, could not be read."""
        self._places = tuple(places(settings))
        self._told = told
        self._unread: set[str] = set()

    @property
    def unread(self) -> bool:
        """Whether some place could not be read."""
        return bool(self._unread)

    def __call__(self) -> list[Certificate]:
        found: list[Certificate] = []
        for place in self._places:
            found.extend(self._at(place))
        return found

    def _at(self, place: CertificateLocation) -> Iterator[Certificate]:
        issuer = b""
        if place.server is not None:
            shown = shown_by(place.name, *place.server)
            self._tell(place.name, None if shown else Localized("log.certificate.not_shown", name=place.name))
            if shown is not None:
                issuer = shown[1]
                yield shown[0]
        if place.file is not None:
            name = place.name if place.server is None else f"{place.name}.ca"
            try:
                authority = authority_of(issuer, in_file(name, place.file, for_buttons=place.for_buttons))
            except (OSError, ValueError) as error:
                self._tell(name, Localized("log.certificate.unread", name=name, file=place.file, why=error))
                return
            self._tell(name, None)
            if authority is not None:
                yield authority

    def _tell(self, name: str, trouble: Localized | None) -> None:
        if trouble is None:
            self._unread.discard(name)
        elif name not in self._unread:
            self._unread.add(name)
            self._told(trouble)


class CertificateNotice:
    """What the console shows, in a file beside the store: the console may be another process."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME

    def write(self, standings: Sequence[CertificateStanding]) -> None:
        """Write the notice. A disk error costs no more than the notice."""
        told = [{"name": each.certificate.name, "state": each.state, "days": each.days} for each in standings]
        try:
            if not told:
                self._path.unlink(missing_ok=True)
                return
            draft = self._path.with_suffix(".draft")
            draft.write_text(json.dumps(told), encoding="utf-8")
            os.replace(draft, self._path)  # noqa: PTH105 - over what is there
        except OSError as error:
            log.warning(Localized("log.certificate.no_notice", file=self._path, why=error))

    def read(self) -> list[dict[str, Any]]:
        """Return entries with name, state and days. Never raises."""
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return [each for each in told if isinstance(each, dict) and {"name", "state", "days"} <= each.keys()]
        except (OSError, ValueError, TypeError):
            return []

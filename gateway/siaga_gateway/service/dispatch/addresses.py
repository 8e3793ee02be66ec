"""Where a recipient of a notification is told, at the moment of sending."""

from __future__ import annotations

from siaga_gateway.domain.notification import STATION, address_number, whose
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.notification_sender import Addressee
from siaga_gateway.service.dispatch.routing import Router


class StationAddresses:
    """Implements notification_sender.Addresses for stations."""

    def __init__(self, router: Router, language: str) -> None:
        """language: of the site, in which stations are told."""
        self._router = router
        self._language = language

    def find(self, recipient: str, way: ContactWay) -> Addressee | None:
        key = whose(recipient)
        if not key.startswith(STATION):
            return None
        station = self._router.station(key.removeprefix(STATION))
        if station is None:
            return None
        addresses = [contact.address for contact in station.contacts if contact.way is way]
        number = address_number(recipient)
        if number > len(addresses):
            return None
        return Addressee(addresses[number - 1], self._language, station.name)

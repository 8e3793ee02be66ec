"""Where a recipient of a notification is told, at the moment of sending."""

from __future__ import annotations

from collections.abc import Sequence

from siaga_gateway.domain.notification import RESPONDER, STATION, address_number, whose
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.notification_sender import Addressee
from siaga_gateway.service.dispatch.routing import Router


class ListedAddresses:
    """Implements notification_sender.Addresses from the lists of stations and responders."""

    def __init__(self, router: Router, duty: Duty, language: str) -> None:
        """language: of the site, in which stations are told."""
        self._router = router
        self._duty = duty
        self._language = language

    def find(self, recipient: str, way: ContactWay) -> Addressee | None:
        key, number = whose(recipient), address_number(recipient)
        if key.startswith(STATION):
            station = self._router.station(key.removeprefix(STATION))
            if station is not None and (address := _address(station.contacts, way, number)) is not None:
                return Addressee(address, self._language, station.name)
        elif key.startswith(RESPONDER):
            responder = self._duty.responder(key.removeprefix(RESPONDER))
            if responder is not None and (address := _address(responder.contacts, way, number)) is not None:
                return Addressee(address, responder.language, "")
        return None


def _address(contacts: Sequence[Contact], way: ContactWay, number: int) -> str | None:
    addresses = [contact.address for contact in contacts if contact.way is way]
    return addresses[number - 1] if number <= len(addresses) else None

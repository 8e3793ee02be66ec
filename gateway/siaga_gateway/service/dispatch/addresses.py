"""Where a recipient of a notification is told, at the moment of sending."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from siaga_gateway.domain.folding import FOLDED_STATIONS
from siaga_gateway.domain.notification import RESPONDER, STATION, address_number, whose
from siaga_gateway.domain.operator_message import HOLDER
from siaga_gateway.domain.places import Contact, ContactWay, Station
from siaga_gateway.domain.registry import Owner
from siaga_gateway.domain.responders import Responder
from siaga_gateway.service.dispatch.addressees import Addressee
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.people import CHIEF
from siaga_gateway.service.dispatch.routing import Router


class ListedAddresses:
    """Implements notification_sender.Addresses from the lists of stations and responders."""

    def __init__(
        self, router: Router, duty: Duty, language: str, owner: Callable[[int], Owner | None] = lambda number: None
    ) -> None:
        """language: of the site, in which stations are told. owner: by number, for what a desk writes to a holder; may
        raise StoreFailing."""
        self._router = router
        self._duty = duty
        self._language = language
        self._owner = owner

    def now(self) -> _AsListed:
        return _AsListed(self._router, self._duty, self._language, self._owner)


class _AsListed:
    """Implements notification_sender.AddressList. Each list is taken when somebody on it is first looked up."""

    def __init__(self, router: Router, duty: Duty, language: str, owner: Callable[[int], Owner | None]) -> None:
        self._router = router
        self._duty = duty
        self._language = language
        self._owner = owner
        self._stations: Mapping[str, Station] | None = None
        self._responders: Mapping[str, Responder] | None = None

    def find(self, recipient: str, way: ContactWay) -> Addressee | None:
        key, number = whose(recipient), address_number(recipient)
        if key.startswith(STATION):
            if self._stations is None:
                self._stations = self._router.stations()
            station = self._stations.get(key.removeprefix(STATION))
            if station is not None and (address := _address(station.contacts, way, number)) is not None:
                return Addressee(address, self._language, station.name, folds=station.kind in FOLDED_STATIONS)
        elif key.startswith(RESPONDER):
            if self._responders is None:
                self._responders = self._duty.responders()
            responder = self._responders.get(key.removeprefix(RESPONDER))
            if responder is not None and (address := _address(responder.contacts, way, number)) is not None:
                leads = not CHIEF.isdisjoint(skill.casefold() for skill in responder.skills)
                # Who may go is rung for each call: only then can he accept it.
                return Addressee(address, responder.language, "", leads, folds=leads or way is not ContactWay.PHONE)
        elif key.startswith(HOLDER) and way is ContactWay.SMS and (number_of := key.removeprefix(HOLDER)).isdecimal():
            holder = self._owner(int(number_of))
            if holder is not None and holder.phone:
                return Addressee(holder.phone, holder.language, "")
        return None


def _address(contacts: Sequence[Contact], way: ContactWay, number: int) -> str | None:
    addresses = [contact.address for contact in contacts if contact.way is way]
    return addresses[number - 1] if number <= len(addresses) else None

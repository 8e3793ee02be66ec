"""Where an incident's press is from, as far as anything is known."""

from __future__ import annotations

from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.dispatch.routing import PressOrigin
from siaga_gateway.service.store import Store


class Origins:
    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, incident: Incident) -> PressOrigin:
        """Return the best known position; without one, where the button is mounted and its owner registered.

        Raises: StoreFailing.
        """
        if incident.position is not None:
            return PressOrigin((incident.position.latitude, incident.position.longitude))
        enrolled = self._store.enrolled([incident.device_id]).get(incident.device_id)
        if enrolled is None:
            return PressOrigin()
        device = enrolled.device
        mounted = None
        if device.installed_latitude is not None and device.installed_longitude is not None:
            mounted = device.installed_latitude, device.installed_longitude
        return PressOrigin(None, mounted, self._store.home_station(device.owner_id))

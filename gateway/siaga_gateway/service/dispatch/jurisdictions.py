"""Which calls a dispatcher of one station sees: those that his station, or one below it, answers for.

In doubt he sees it: a call without any station, a call that cannot be routed now, and every call where his own station
is on the list no more. Nobody is to miss a call for help because a list was changed.
"""

from __future__ import annotations

from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.routing import Basis, Router
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import StoreFailing


class Jurisdictions:
    """Thread-safe; may read the store."""

    def __init__(self, router: Router, origins: Origins, clock: Clock) -> None:
        self._router = router
        self._origins = origins
        self._clock = clock

    def sees(self, station: str, incident: Incident) -> bool:
        """Whether a dispatcher of this station, by its key, sees the call. Never raises."""
        try:
            if station not in self._router.stations():
                return True
            route = self._router.route(self._origins.of(incident), self._clock.now_ms())
        except StoreFailing:
            return True
        if route.basis is Basis.TOP_LEVEL:
            return True
        return any(each.key == station for responsible in route.responsible for each in responsible.ladder)

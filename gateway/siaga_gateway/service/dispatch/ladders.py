"""Which ladder an incident climbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.dispatch.routing import PressOrigin, Router


class Ladders:
    """Of a station with a ladder of its own, and of those below it, the lowest such; else that of the site."""

    def __init__(
        self, usual: Ladder, own: Mapping[str, Ladder], router: Router, origin: Callable[[Incident], PressOrigin]
    ) -> None:
        """own: by the station's key."""
        self._usual = usual
        self._own = own
        self._router = router
        self._origin = origin

    def of(self, incident: Incident, now_ms: int) -> Ladder:
        """Raises: StoreFailing."""
        if not self._own:
            return self._usual
        for each in self._router.route(self._origin(incident), now_ms).responsible:
            for station in each.ladder:
                if station.key in self._own:
                    return self._own[station.key]
        return self._usual

"""Which station a call is of, by today's lists and what is still known of it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.dispatch.routing import PressOrigin, Router
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger(__name__)


class StationOfCall:
    def __init__(self, router: Router, origin: Callable[[Incident], PressOrigin]) -> None:
        self._router = router
        self._origin = origin

    def __call__(self, incident: Incident, at_ms: int) -> str | None:
        """Return its key; None: nobody knows. Raises: StoreFailing."""
        try:
            return self._router.route(self._origin(incident), at_ms).station
        except StoreFailing:
            raise
        except Exception:
            log.exception(Localized("log.figures.station", incident=incident.id))
            return None

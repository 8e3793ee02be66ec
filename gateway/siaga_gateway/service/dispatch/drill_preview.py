"""Whom a drill's button would call on each rung now: a dry run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from siaga_gateway.domain.drill import Drill
from siaga_gateway.domain.escalation_settings import Rung
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.position import best_known
from siaga_gateway.domain.registry import state_at
from siaga_gateway.service.dispatch.ladders import Ladders
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.recipients import People, Recipients
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.store import Store


class CallPreview:
    def __init__(self, store: Store, router: Router, origins: Origins, people: People, ladders: Ladders) -> None:
        self._store = store
        self._router = router
        self._origins = origins
        self._people = people
        self._ladders = ladders

    def __call__(self, drill: Drill, device_id: bytes, now_ms: int) -> Iterator[tuple[Rung, Sequence[str]]]:
        """Yield each rung and the keys of those whom it would call, for a press where the button was seen last.

        Raises: StoreFailing, KeyError for a button that is not enrolled.
        """
        recipients = Recipients(self._router, self._origins.of, self._people, lambda number: drill)
        incident = self._pressed(drill, device_id, now_ms)
        ladder = self._ladders.of(incident, now_ms)
        for rung, reach in recipients.each_rung(incident, ladder, now_ms):
            yield rung, [each.key for each in reach.recipients]

    def _pressed(self, drill: Drill, device_id: bytes, now_ms: int) -> Incident:
        enrolled = self._store.enrolled([device_id])[device_id]
        device, status = enrolled.device, self._store.status(device_id)
        mounted = None
        if device.installed_latitude is not None and device.installed_longitude is not None:
            mounted = device.installed_latitude, device.installed_longitude
        return Incident(
            id=0,
            identifier="",
            mode=Mode.EXERCISE,
            state=IncidentState.OPEN,
            device_id=device_id,
            device_label=device.label,
            registration=state_at(device, now_ms),
            owner=enrolled.owner,
            opening_counter=0,
            opened_at_ms=now_ms,
            pressed_at_ms=now_ms,
            delayed_s=None,
            position=best_known(None if status is None else status.position, mounted, now_ms),
            drill=drill.id,
        )

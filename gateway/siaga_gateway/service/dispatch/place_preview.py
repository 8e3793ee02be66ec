"""Who would be called for a press at a place and a time, rung by rung: a dry run, as the lists are now."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.escalation_settings import Rung
from siaga_gateway.domain.incident import Incident, IncidentState, Mode, Position
from siaga_gateway.domain.installation_area import Place
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import BY_HAND
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.shifts import minute_of_day, next_time
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.call_directory import CallDirectory
from siaga_gateway.service.dispatch.ladders import Ladders
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.recipients import People, Recipients
from siaga_gateway.service.dispatch.routing import Route, Router
from siaga_gateway.service.store import Store

_FARTHEST_MS: Final = 366 * 86_400_000


class PreviewRefused(Refused):
    """What was asked cannot be shown; the text says why."""


@record
class Called:
    name: str
    ways: tuple[tuple[ContactWay, bool], ...]  # in their order; true: a person has to call by hand
    metres: int | None  # from the place


@record
class RungCalled:
    """A rung, and whom it calls. With nobody, and no console that rings, the next rung comes at once."""

    rung: Rung
    called: tuple[Called, ...]
    by_console: bool

    @property
    def empty(self) -> bool:
        return not self.by_console and not any(not by_hand for each in self.called for _, by_hand in each.ways)


@record
class Preview:
    route: Route
    rungs: tuple[RungCalled, ...]


class PlacePreview:
    """Thread-safe."""

    def __init__(
        self,
        store: Store,
        router: Router,
        people: People,
        ladders: Ladders,
        sends: Callable[[], Collection[ContactWay]],
    ) -> None:
        """sends: on which kinds of ways a program sends; may raise StoreFailing."""
        self._router = router
        self._origin = Origins(store).of
        self._recipients = Recipients(router, self._origin, people, lambda number: None)
        self._ladders = ladders
        self._sends = sends
        self._directory = CallDirectory(store)

    def __call__(self, place: Place, at_ms: int) -> Preview:
        """Raises: StoreFailing."""
        incident = _pressed(place, at_ms)
        ladder, by_program = self._ladders.of(incident, at_ms), frozenset(self._sends()) - BY_HAND
        rungs = []
        for rung, reach in self._recipients.each_rung(incident, ladder, at_ms):
            called = tuple(
                Called(
                    self._directory.name(each.key),
                    tuple((way, way not in by_program) for way in each.ways),
                    each.metres,
                )
                for each in reach.recipients
            )
            rungs.append(RungCalled(rung, called, reach.by_console))
        return Preview(self._router.route(self._origin(incident), at_ms), tuple(rungs))


def time_of(text: str, local: LocalTime, now_ms: int) -> int:
    """Return the Unix ms of a local time as a person types it: `2026-12-01 02:00`, `02:00` (the next), empty (now).

    Raises: PreviewRefused.
    """
    if not text.strip():
        return now_ms
    if (minute := minute_of_day(text)) is not None:
        return next_time(minute, now_ms, local.zone)
    try:
        at = datetime.fromisoformat(text.strip()).replace(tzinfo=local.zone)
        at_ms = round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise PreviewRefused("places.no_time", text=text) from None
    if abs(at_ms - now_ms) > _FARTHEST_MS:
        raise PreviewRefused("places.far_time", text=text)
    return at_ms


def _pressed(place: Place, at_ms: int) -> Incident:
    """Return a call from there of a button that there is not."""
    return Incident(
        id=0,
        identifier="",
        mode=Mode.ACTUAL,
        state=IncidentState.OPEN,
        device_id=bytes(8),
        device_label="",
        registration=RegistrationState.ACTIVE,
        owner=None,
        opening_counter=0,
        opened_at_ms=at_ms,
        pressed_at_ms=at_ms,
        delayed_s=None,
        position=Position(*place, None, None, "installed", at_ms),
    )

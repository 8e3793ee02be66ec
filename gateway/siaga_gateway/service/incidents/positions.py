"""Where an incident's button has been, from the frames that are kept as evidence."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.event import Event, Timing, event_of
from siaga_gateway.domain.frame import decode_uplink
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.track import TrackPoint, track
from siaga_gateway.service.store import PlacedFrame

log = logging.getLogger(__name__)

MOST: Final = 200  # frames; a button that moves reports once a minute at the most


class FrameReader(Protocol):
    def placed_frames(self, incident_id: int, limit: int) -> Sequence[PlacedFrame]: ...


def track_of(reader: FrameReader, incident: Incident) -> list[TrackPoint]:
    """Return an incident's fixes, the oldest first. Raises: StoreFailing.

    None once its position was forgotten: the frames stay as evidence, and are not for the map then.
    """
    if incident.position is None:
        return []
    return track(_events(reader.placed_frames(incident.id, MOST)))


def _events(frames: Sequence[PlacedFrame]) -> Iterator[Event]:
    for each in frames:
        try:
            uplink = decode_uplink(each.frame)
        except SiagaError as error:
            log.warning(Localized("log.console.unreadable_frame", why=error))
            continue
        if uplink.report is not None:
            yield event_of(uplink, each.received_ms, Timing())

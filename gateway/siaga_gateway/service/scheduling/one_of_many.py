"""Work on one of many things: what fails for one keeps none of the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.store import StoreDamaged, StoreFailing

log = logging.getLogger(__name__)

_MOST_TOLD: Final = 10_000
_TOLD: set[tuple[str, int]] = set()  # each is logged once


@contextmanager
def one_of_many(work: str, incident_id: int) -> Iterator[None]:
    """Log what fails of this incident, once. work: by name, for the log.

    Raises: StoreFailing, of a store that fails as a whole.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, StoreFailing) and not isinstance(error, StoreDamaged):
            raise
        if (work, incident_id) not in _TOLD and len(_TOLD) < _MOST_TOLD:
            _TOLD.add((work, incident_id))
            log.exception(Localized("log.rounds.incident", job=work, incident=incident_id))

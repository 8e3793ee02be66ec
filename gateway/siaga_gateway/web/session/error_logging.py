"""How the console logs failures."""

from __future__ import annotations

import logging

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger("siaga.console")


def log_failure(what: Localized, error: Exception) -> None:
    """Log a failure: a failing store is expected, and takes one line, folded if repeated; a bug comes with its
    traceback."""
    if isinstance(error, StoreFailing):
        key = f"{what.key}_store"  # a separate key, so that it is folded separately
        log.error(Localized(key, **what.values, why=error))
    else:
        log.error(what, exc_info=error)

"""Operators of the settings become accounts of the store."""

from __future__ import annotations

import logging

from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.accounts.account_book import AccountBook
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger(__name__)


def take_over_accounts(base: Foundation) -> None:
    """Take `[console.operators]` into the store, those who are no accounts yet; from then on the store is what counts.

    A store that fails now takes them at the next start: no press waits for it.
    """
    console = base.settings.console
    try:
        taken = AccountBook(base.store, base.clock).take_over(console.operators, console.supervisors)
    except StoreFailing as error:
        log.error(Localized("log.console.accounts_untaken", why=error))
        return
    if taken:
        log.info(Localized("log.console.accounts_taken", count=len(taken), names=", ".join(taken)))

"""How far the waves have followed the journal, as the store remembers it, and what they have not taken yet."""

from __future__ import annotations

import json
from typing import Final

from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import Store

CURSOR: Final = "waves.journal"  # the last journal entry that was followed
OWED: Final = "waves.owed"  # JSON: {incident: [journal entries, ...], ...}
_LONGEST_MS: Final = 60_000


def is_backup_untaken(store: Store, incident_id: int, now_ms: int) -> bool:
    """Whether an officer has asked for back-up within the last minute, and the waves have not taken it: no wave tells
    of it yet. Older ones count no more: where no waves run, a person decides. Raises: StoreFailing.
    """
    followed = store.remembered(CURSOR)
    if followed is None:
        return False
    owed = json.loads(store.remembered(OWED) or "{}").get(str(incident_id), ())
    return any(
        each.kind == journal.RESPONDER_SAID
        and each.facts.get("said") == FactKind.BACKUP
        and abs(now_ms - each.at_ms) < _LONGEST_MS  # another machine's clock may be ahead
        and (each.id > int(followed) or each.id in owed)
        for each in store.journal_of_incident(incident_id)
    )

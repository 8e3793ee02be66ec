"""The links by which responders see an incident and answer to it: one for a person and an incident.

A link holds a random token, of which the store has only a hash: whoever reads the store, or a backup, can open none. It
is worth something until the incident is closed, and shows for an hour after that that it is over.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from siaga_gateway.domain.escalation_state import Assignment, ContactKind
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.response import Response, ResponseState
from siaga_gateway.domain.value import record
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, Transaction
from siaga_gateway.service.store.owner_profiles import StoredProfile
from siaga_gateway.service.store.responses import FoundLink, LastTold, ResponderLink

PATH: Final = "/r/"
OVER_MS: Final = 3_600_000  # so long a link says that its incident is closed
_BYTES: Final = 16
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_REMEMBERED: Final = 20_000


def hash_of(secret: str) -> str:
    """Return what the store keeps of a token, or of a browser's cookie: SHA-256, hex. They are random: no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_token(text: str) -> bool:
    """Whether it can be one: nobody is asked about anything else."""
    return _TOKEN.fullmatch(text) is not None


class ResponderLinks:
    """Makes links. Thread-safe."""

    def __init__(self, store: Store, public_url: str, clock: Clock) -> None:
        """public_url: under which responders reach their pages, without a slash at the end."""
        self._store = store
        self._base = public_url.rstrip("/") + PATH
        self._clock = clock
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[int, str], str] = OrderedDict()

    def link_for(self, transaction: Transaction, incident_id: int, responder: str) -> str:
        """Make another link for this person, worth something once the transaction is committed."""
        token = secrets.token_urlsafe(_BYTES)
        transaction.add_responder_link(ResponderLink(hash_of(token), incident_id, responder, self._clock.now_ms()))
        return self._base + token

    def url(self, incident_id: int, responder: str) -> str:
        """Return this person's link to the incident; the same one as long as this process lives. Raises:
        StoreFailing."""
        self.prepare([(incident_id, responder)])
        with self._lock:
            return self._made[incident_id, responder]

    def prepare(self, wanted: Collection[tuple[int, str]]) -> None:
        """Make the links of these people to these incidents that are not made yet, in one transaction. Raises:
        StoreFailing."""
        with self._lock:
            missing = [key for key in dict.fromkeys(wanted) if key not in self._made]
        if not missing:
            return
        with self._store.transaction() as transaction:
            made = {key: self.link_for(transaction, *key) for key in missing}
        with self._lock:
            for key, url in made.items():
                self._made.setdefault(key, url)
            while len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)


@record
class OpenedLink:
    """What a link leads to."""

    found: FoundLink
    incident: Incident
    mine: Response
    others: int  # who come as well
    asked: bool  # whether he is well, and has not answered
    thanked: bool  # enough are coming, he has been told, and not called again since
    again: bool  # had finished, and was called by a later wave
    profile: StoredProfile | None = None  # what the owner told for helpers; None: nothing

    @property
    def over(self) -> bool:
        return self.incident.state is IncidentState.CLOSED

    @property
    def may_photograph(self) -> bool:
        """Whether he has accepted, and comes or was there."""
        return self.mine.comes or self.mine.state is ResponseState.FINISHED

    @property
    def who(self) -> str:
        return f"{RESPONDER}{self.found.link.responder}"

    def is_bound_to(self, browser: str | None) -> bool:
        """Whether this browser has answered, or was the last to go on."""
        return browser is not None and self.mine.browser_hash == hash_of(browser)

    def may_share_from(self, browser: str | None) -> bool:
        """Whether this browser may tell where he is: whoever the link was forwarded to moves nobody on the map."""
        return not self.over and self.mine.comes and self.is_bound_to(browser)


def open_link(store: Store, token: str, now_ms: int) -> OpenedLink | None:
    """Return what a token leads to; None: nothing, or nothing any more. Raises: StoreFailing."""
    found = store.responder_link_of(hash_of(token)) if is_token(token) else None
    incident = None if found is None else store.incident(found.link.incident_id)
    if found is None or incident is None:
        return None
    if incident.state is IncidentState.CLOSED and now_ms - (incident.closed_at_ms or 0) > OVER_MS:
        return None
    key = found.link.responder
    responses = store.responses_of(incident.id)
    mine = next((each for each in responses if each.responder == key), Response(incident.id, key))
    others = sum(each.comes for each in responses if each.responder != key)
    escalation = store.escalation_of(incident.id)
    assigned = None if escalation is None else escalation.assignment(f"{RESPONDER}{key}")
    told = store.last_told(incident.id, key)
    return OpenedLink(
        found,
        incident,
        mine,
        others,
        asked=assigned is not None and assigned.asked and mine.state is ResponseState.ARRIVED,
        thanked=not mine.comes and told is not None and told.kind is ContactKind.NOT_NEEDED,
        again=_called_again(mine, assigned, told),
        profile=None if incident.holder is None else store.profile_of(incident.holder.id),
    )


def _called_again(mine: Response, assigned: Assignment | None, told: LastTold | None) -> bool:
    """Whether who has finished is wanted once more: within one wave his acceptance would be no news."""
    if mine.state is not ResponseState.FINISHED or told is None or told.kind is not ContactKind.CALL:
        return False
    return told.made_at_ms >= mine.since_ms and (assigned is None or told.wave > assigned.wave)

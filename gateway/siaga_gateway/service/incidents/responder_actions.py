"""What a responder does about an incident, by his link or on another way: committed first, then told to the button, the
outputs and, by the journal, to the escalation.

A responder's acceptance is never a desk's acknowledgement: the incident stays unseen until a desk has seen it. Several
may accept; the device's lock puts what happens at once into an order. A closed incident stays as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from typing import Final

from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.escalation_state import ContactKind, FactKind, Why
from siaga_gateway.domain.frame import LONGEST_ETA
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.invisible_characters import visible
from siaga_gateway.domain.limits import LARGEST_PHOTOGRAPH, LONGEST_NOTE, MOST_PHOTOGRAPHS
from siaga_gateway.domain.local_time import IN_UTC, LocalTime
from siaga_gateway.domain.notification import RESPONDER, NotificationState, whose
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.response import SAYABLE, Response, ResponseState, after, incident_after, meant
from siaga_gateway.domain.value import copied
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.dispatch.drills import make_real, unanswered
from siaga_gateway.service.dispatch.responder_links import hash_of, is_token
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.incident_notes import LONGEST_NOTES, unreadable, with_line
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import (
    AcknowledgementSender,
    Clock,
    Notifier,
    ResponderActions,
    ResponderRefused,
    StepResult,
)
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import Store, Transaction
from siaga_gateway.service.store.photographs import Photograph

_JPEG: Final = b"\xff\xd8\xff"
_SHORTEST_BROWSER: Final = 22  # characters of its cookie: nobody guesses it

_UNCLEAR_MS: Final = 60_000  # from one ring for what somebody wrote to the next

_SECONDS_MS: Final = 2_000  # some services tell in whole seconds when something was written
_WRITTEN: Final = frozenset(
    {ContactWay.SMS, ContactWay.TELEGRAM}
)  # on which people answer messages that they were sent


class ResponderSteps(ResponderActions):
    """Takes responders' steps on the store. Thread-safe."""

    def __init__(
        self,
        store: Store,
        keyring: KeyRing,
        sender: AcknowledgementSender,
        notifier: Notifier,
        clock: Clock,
        *,
        outputs: Collection[str],
        committed: Callable[[], None] = lambda: None,
        local: LocalTime = IN_UTC,
    ) -> None:
        """outputs: names of those that hear of incidents. committed: called when the outbox may have grown. local: in
        which notes are dated."""
        self._store = store
        self._clock = clock
        self._outputs = tuple(outputs)
        self._local = local
        self._after = AfterStep(keyring, sender, notifier, committed)

    def enter(self, token: str, browser: str) -> StepResult:
        with self._store.transaction() as transaction:
            step = self._by_link(transaction, token, browser)
            step.keep()
        self._finish(step)
        return step.result

    def say(self, token: str, browser: str, said: str, minutes: int | None = None, drill: bool = False) -> StepResult:
        word = _word(said)
        _check_minutes(minutes)
        with self._store.transaction() as transaction:
            step = self._by_link(transaction, token, browser)
            if drill:
                step.check_in_earnest(None, None, exercise=True)
            step.say(word, minutes)
            step.keep()
        self._finish(step)
        return step.result

    def make_real(self, token: str, browser: str) -> StepResult:
        with self._store.transaction() as transaction:
            step = self._by_link(transaction, token, browser)
            step.make_real()
            step.keep()
        self._finish(step)
        return step.result

    def add_note(self, token: str, browser: str, note: str) -> StepResult:
        note = visible(note.strip(), lines=True)
        if not 0 < len(note) <= LONGEST_NOTE:
            raise ResponderRefused("responder.note_length", longest=LONGEST_NOTE)
        try:
            with self._store.transaction() as transaction:
                step = self._by_link(transaction, token, browser)
                step.add_note(note, self._local)
                step.keep()
        except PersonalKeyError as error:
            raise ResponderRefused("responder.note_not_kept", why=error) from None
        self._finish(step)
        return step.result

    def add_photograph(self, token: str, browser: str, image: str) -> StepResult:
        try:
            jpeg = base64.b64decode(image, validate=True)
        except ValueError:
            jpeg = b""
        if not jpeg.startswith(_JPEG) or len(jpeg) > LARGEST_PHOTOGRAPH:
            raise ResponderRefused("responder.photo_unreadable")
        try:
            with self._store.transaction() as transaction:
                step = self._by_link(transaction, token, browser)
                step.add_photograph(jpeg)
                step.keep()
        except PersonalKeyError as error:
            raise ResponderRefused("responder.note_not_kept", why=error) from None
        self._finish(step)
        return step.result

    def answer(
        self,
        incident_id: int,
        responder: str,
        said: FactKind,
        minutes: int | None = None,
        *,
        way: ContactWay | None = None,
        said_ms: int | None = None,
        exercise: bool = False,
    ) -> StepResult:
        """Take a word that came on another way, a text or a key: who he is has been checked as far as that way can.

        said_ms: when it was written; None: now. exercise: it answers a message that said that it is one.
        """
        _check_minutes(minutes)
        with self._store.transaction() as transaction:
            step = self._step(transaction, incident_id, responder)
            if exercise or said is not FactKind.WITHDREW:  # which is said also when a shift ends
                step.check_in_earnest(way, said_ms, exercise=exercise)
            step.say(said, minutes, way)
            step.keep()
        self._finish(step)
        return step.result

    def unclear(self, incident_id: int, responder: str, *, way: ContactWay) -> None:
        """Keep that somebody who is assigned wrote what is not understood, once in a while: it rings the desk."""
        who, now_ms = f"{RESPONDER}{responder}", self._clock.now_ms()
        before = [
            each.at_ms
            for each in self._store.journal_of_incident(incident_id)
            if each.kind == journal.TEXT_UNCLEAR and each.facts.get("who") == who
        ]
        if before and 0 <= now_ms - before[-1] < _UNCLEAR_MS:
            return
        with self._store.transaction() as transaction:
            step = self._step(transaction, incident_id, responder)
            step.unclear(way)
        self._finish(step)

    def opened(self, token: str) -> None:
        """Keep that the page of a link was opened in a browser. It answers nothing, and no call waits for it."""
        if is_token(token):
            with self._store.transaction() as transaction:
                transaction.mark_link_opened(hash_of(token), self._clock.now_ms())

    def leave(self, incident_id: int, responder: str) -> StepResult:
        """Take it that somebody comes no more who is on no list any more: nothing is kept of him."""
        with self._store.transaction() as transaction:
            step = self._step(transaction, incident_id, responder)
            step.leave()
        self._finish(step)
        return step.result

    def _by_link(self, transaction: Transaction, token: str, browser: str) -> _ResponderStep:
        found = transaction.responder_link(hash_of(token)) if is_token(token) else None
        if found is None or 0 < len(browser) < _SHORTEST_BROWSER:
            raise ResponderRefused("responder.no_link")
        step = self._step(transaction, found.link.incident_id, found.link.responder)
        if browser:
            step.bind(hash_of(browser))
        return step

    def _step(self, transaction: Transaction, incident_id: int, responder: str) -> _ResponderStep:
        incident = transaction.incident(incident_id)
        if incident is not None:
            transaction.lock([incident.device_id])
            incident = transaction.incident(incident_id)
        if incident is None:
            raise ResponderRefused("responder.no_link")
        return _ResponderStep(transaction, incident, responder, self._clock.now_ms(), self._outputs)

    def _finish(self, step: _ResponderStep) -> None:
        if step.told:
            self._after.tell(step.incident, step.named, step.now_ms)
        elif step.noted:
            self._after.wake()


class _ResponderStep:
    """One step within a transaction, with the device locked."""

    def __init__(
        self, transaction: Transaction, incident: Incident, responder: str, now_ms: int, outputs: Collection[str]
    ) -> None:
        self.incident = incident
        self.now_ms = now_ms
        self.result = StepResult.OVER if incident.state is IncidentState.CLOSED else StepResult.ALREADY
        self.told = False  # whether the button has to hear of it
        self.noted = False  # whether the journal grew
        self.named: Collection[tuple[int, bytes]] = ()
        self._transaction = transaction
        self._outputs = outputs
        self._all = {each.responder: each for each in transaction.responses(incident.id)}
        self._who = f"{RESPONDER}{responder}"
        self._before = self._all.get(responder)
        self._mine = self._before or Response(incident.id, responder, since_ms=now_ms)

    def bind(self, browser_hash: str) -> None:
        """Let this browser go on. Taking over from another one is told to the desk."""
        before = self._mine.browser_hash
        if self.result is StepResult.OVER or before == browser_hash:
            return
        if before is not None:
            self._note(journal.LINK_TAKEN_OVER, {"who": self._who})
        self._mine = copied(self._mine, browser_hash=browser_hash)
        self.result = StepResult.TAKEN

    def say(self, said: FactKind, minutes: int | None, way: ContactWay | None = None) -> None:
        """way: by which it came; None: the page."""
        if self.result is StepResult.OVER:
            return
        if self.incident.held:
            raise ResponderRefused("responder.held")
        said = meant(self._mine, said)
        response = after(self._mine, said, minutes, self.now_ms)
        if response is None:
            return
        self.result = StepResult.TAKEN
        self._mine = response
        self._all[response.responder] = response
        promised = minutes if said is FactKind.ACCEPTED else None
        by_way = {} if way is None else {"way": way.value}
        self._note(journal.RESPONDER_SAID, {"who": self._who, "said": str(said), "minutes": promised, **by_way})
        self._follow()

    def make_real(self) -> None:
        if self.result is StepResult.OVER:
            return
        if self.incident.drill is None:
            raise ResponderRefused("responder.no_exercise")
        if not is_exercise(self.incident):
            return
        self.incident = make_real(self._transaction, self.incident, self.now_ms, self._outputs, self._who)
        self.result, self.told = StepResult.TAKEN, True
        self._mine = unanswered(self._mine, self.now_ms)
        self.named = self._transaction.named_calls(self.incident.id, self.incident.key_copied)

    def check_in_earnest(self, way: ContactWay | None, said_ms: int | None, *, exercise: bool) -> None:
        """Raises: ResponderRefused for an answer to the exercise that this call was, from who knows of nothing else."""
        if self.incident.drill is None or is_exercise(self.incident):
            return
        sent = self._transaction.notifications(self.incident.id)
        real = min((each.number for each in sent if each.why is Why.MADE_REAL), default=None)
        mine = [
            each
            for each in sent
            if real is not None
            and each.number >= real
            and whose(each.recipient) == self._who
            and each.kind is not ContactKind.MESSAGE  # of calls alone: a desk's words say nothing of an exercise
        ]
        # A call by voice is answered before it is handed over.
        known = [each for each in mine if way not in _WRITTEN or each.state is NotificationState.HANDED_OVER]
        if said_ms is not None:
            known = [each for each in known if (each.attempted_ms or 0) <= said_ms + _SECONDS_MS]
        if exercise or not known:
            raise ResponderRefused("responder.made_real")

    def unclear(self, way: ContactWay) -> None:
        if self.result is not StepResult.OVER:
            self._note(journal.TEXT_UNCLEAR, {"who": self._who, "way": way.value})

    def leave(self) -> None:
        if self.result is StepResult.OVER:
            return
        self.result = StepResult.TAKEN
        self._all.pop(self._mine.responder, None)
        self._note(journal.RESPONDER_SAID, {"who": self._who, "said": str(FactKind.WITHDREW), "minutes": None})
        self._follow()

    def _follow(self) -> None:
        """Let the incident follow from all responses."""
        before = self.incident
        self.incident, changes = incident_after(before, tuple(self._all.values()), self.now_ms)
        for change in changes:
            self.incident = tell(self._transaction, self.incident, change, self.now_ms, self._outputs)
        if self.incident != before:
            self.told = True
            self._transaction.put_incident(self.incident)
            self.named = self._transaction.named_calls(self.incident.id, self.incident.key_copied)

    def add_note(self, note: str, local: LocalTime) -> None:
        """Raises: ResponderRefused, PersonalKeyError."""
        if self.result is StepResult.OVER:
            return
        if unreadable(self.incident.note):
            raise ResponderRefused("responder.note_unreadable")
        notes = with_line(self.incident.note, self._who, local.moment(self.now_ms), note)
        if notes is None:
            return
        if len(notes) > LONGEST_NOTES:
            raise ResponderRefused("responder.notes_full", longest=LONGEST_NOTES)
        self.incident = copied(self.incident, note=notes)
        self._transaction.put_incident(self.incident)
        self._note(journal.NOTE_ADDED, {})
        self.result = StepResult.TAKEN
        if self._mine.state is ResponseState.ARRIVED:
            self.say(FactKind.ALIVE, None)  # whoever writes is well enough to write

    def add_photograph(self, jpeg: bytes) -> None:
        """Raises: ResponderRefused, PersonalKeyError."""
        if self.incident.state is IncidentState.CLOSED:
            return
        if not self._mine.comes and self._mine.state is not ResponseState.FINISHED:
            raise ResponderRefused("responder.photo_first")
        there = self._transaction.photographs(self.incident.id)
        mine = self._mine.responder
        if sum(each.responder == mine for each in there) >= MOST_PHOTOGRAPHS:
            raise ResponderRefused("responder.photos_full", most=MOST_PHOTOGRAPHS)
        number = there[-1].number + 1 if there else 1
        self._transaction.add_photograph(Photograph(self.incident.id, number, mine, self.now_ms), jpeg)
        self._note(journal.PHOTOGRAPHED, {"who": self._who, "number": number})
        self.result = StepResult.TAKEN
        if self._mine.state is ResponseState.ARRIVED:
            self.say(FactKind.ALIVE, None)

    def keep(self) -> None:
        if self._mine != self._before and self.result is not StepResult.OVER:
            self._transaction.put_response(self._mine)

    def _note(self, kind: str, facts: dict[str, object]) -> None:
        incident = self.incident
        self.noted = True
        self._transaction.note(
            kind, self.now_ms, facts, incident_id=incident.id, device_id=incident.device_id, actor=self._who
        )


def _word(said: str) -> FactKind:
    known = [word for word in SAYABLE if word == said]
    if not known:
        raise ResponderRefused("responder.said", known=", ".join(sorted(SAYABLE)))
    return known[0]


def _check_minutes(minutes: int | None) -> None:
    if minutes is not None and not 0 <= minutes <= LONGEST_ETA:
        raise ResponderRefused("responder.minutes", longest=LONGEST_ETA)

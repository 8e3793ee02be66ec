"""A desk's message to those who were sent, or to the holder: written down with what is to bring it, in one transaction.

The senders of calls bring it, by each reader's own ways; it waits behind first calls for help.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.domain.escalation_state import Contact, ContactKind, Why
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.invisible_characters import tidied, visible
from siaga_gateway.domain.notification import Notification, made, whose
from siaga_gateway.domain.operator_message import (
    FIRST_NUMBER,
    LONGEST_KEY,
    LONGEST_MESSAGE,
    MOST,
    MOST_A_MINUTE,
    DeskMessage,
    MessageOptions,
)
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.call_directory import CallDirectory
from siaga_gateway.service.dispatch.message_recipients import Writable, writable
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.locked_incidents import locked_open, note_step
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import OperateError, SendMessage
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, Transaction

_MINUTE_MS: Final = 60_000


class DeskMessages:
    """Thread-safe."""

    def __init__(self, store: Store, after: AfterStep, clock: Clock, options: MessageOptions) -> None:
        self._store = store
        self._after = after
        self._clock = clock
        self._options = options
        self._directory = CallDirectory(store)

    def send(self, action: SendMessage) -> Incident:
        """Raises: OperateError."""
        if not 8 <= len(action.key) <= LONGEST_KEY or not action.key.isascii():
            raise OperateError("operate.message_key", longest=LONGEST_KEY)
        texts = self._texts(action)
        # Before the transaction: whoever holds a lock waits for no second connection.
        if (sent := self._sent(action, texts)) is not None:
            return sent
        chosen = self._chosen(action)
        try:
            with self._store.transaction() as transaction:
                incident = locked_open(transaction, action.incident_id)
                before = transaction.desk_messages(incident.id)
                again = any(each.form_key == action.key for each in before)
                if not again:
                    self._check_often(incident.id, before)
                    self._write(transaction, incident, action, texts, chosen)
        except PersonalKeyError as error:
            raise OperateError("operate.message_not_kept", why=error) from None
        if again:  # the same form a moment ago
            return self._sent(action, texts) or incident
        self._after.wake()
        return incident

    def _texts(self, action: SendMessage) -> dict[str, str]:
        """Return what is said, by language."""
        template = self._options.template(action.template) if action.template else None
        if action.template and template is None:
            raise OperateError("operate.message_template", name=action.template[:LONGEST_KEY])
        typed = visible(tidied(action.text))
        texts = {
            each: " ".join(part for part in ("" if template is None else template.text(each), typed) if part)
            for each in LANGUAGES
        }
        if not all(texts.values()):
            raise OperateError("operate.message_empty")
        if (size := max(map(len, texts.values()))) > LONGEST_MESSAGE:
            raise OperateError("operate.message_long", size=size, longest=LONGEST_MESSAGE)
        return texts

    def _sent(self, action: SendMessage, texts: dict[str, str]) -> Incident | None:
        """Return the incident if this very message was sent before, to the same: a form sent twice. Whoever has
        finished meanwhile counts as well. Raises: OperateError for another message under its key."""
        messages = self._store.desk_messages_of(action.incident_id)
        same = next((each for each in messages if each.form_key == action.key), None)
        if same is None:
            return None
        told = self._store.notifications_of(action.incident_id)
        to = {whose(each.recipient) for each in told if each.kind is ContactKind.MESSAGE and each.number == same.number}
        if to != set(action.to) or {each: same.text(each) for each in LANGUAGES} != texts:
            raise OperateError("operate.message_other", id=action.incident_id)
        return self._store.incident(action.incident_id)

    def _check_often(self, incident_id: int, before: Sequence[DeskMessage]) -> None:
        """Raises: OperateError for too many."""
        now_ms = self._clock.now_ms()
        lately = [each for each in before if 0 <= now_ms - each.made_ms < _MINUTE_MS]
        if len(lately) >= MOST_A_MINUTE:
            wait_s = (_MINUTE_MS - (now_ms - lately[-MOST_A_MINUTE].made_ms)) // 1000 + 1
            raise OperateError("operate.message_often", most=MOST_A_MINUTE, seconds=wait_s)
        if len(before) >= MOST:
            raise OperateError("operate.message_many", id=incident_id, most=MOST)

    def _chosen(self, action: SendMessage) -> list[Writable]:
        """Return who is to read it. Raises: OperateError."""
        incident = self._store.incident(action.incident_id)
        if incident is None:
            raise OperateError("operate.none", incident_id=action.incident_id)
        told, known = self._store.notifications_of(incident.id), self._store.escalation_of(incident.id)
        chosen = [
            each for each in writable(incident, known, told, self._directory, self._options) if each.key in action.to
        ]
        if not action.to or len(chosen) != len(set(action.to)):
            raise OperateError("operate.message_nobody", id=incident.id)
        return chosen

    def _write(
        self,
        transaction: Transaction,
        incident: Incident,
        action: SendMessage,
        texts: dict[str, str],
        chosen: list[Writable],
    ) -> None:
        to_holder = any(each.is_holder for each in chosen)
        if to_holder and (incident.silent or incident.duress) and not action.sure:
            raise OperateError("operate.message_betrays", id=incident.id)
        if to_holder and len(chosen) > 1:
            raise OperateError("operate.message_both", id=incident.id)  # what units are told is not for the holder
        now_ms = self._clock.now_ms()
        number = max((each.number + 1 for each in transaction.desk_messages(incident.id)), default=FIRST_NUMBER)
        message = DeskMessage(incident.id, number, action.key, texts["id"], texts["en"], now_ms, action.operator)
        transaction.add_desk_message(message)
        rows = [row for each in chosen for row in _rows(incident.id, number, each, now_ms)]
        transaction.add_notifications(rows)
        by_hand = sum(not each.ways for each in chosen)
        facts = {"message": number, "to": ", ".join(_public(each) for each in chosen), "by_hand": by_hand}
        note_step(transaction, journal.MESSAGE_SENT, incident, now_ms, action.operator, facts)


def _public(each: Writable) -> str:
    """Return who it is for the journal, which names no person."""
    return "holder" if each.is_holder else each.key


def _rows(incident_id: int, number: int, to: Writable, now_ms: int) -> list[Notification]:
    contact = Contact(number, ContactKind.MESSAGE, Why.OPENED, 0)
    if not to.ways:
        return [made(incident_id, contact, to.key, ContactWay.RADIO, 0, None, now_ms)]
    return [made(incident_id, contact, to.key, way, rank, None, now_ms) for rank, way in enumerate(to.ways)]

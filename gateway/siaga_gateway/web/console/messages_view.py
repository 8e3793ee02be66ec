"""A desk's messages in one incident: to whom, what came of each, and what can be sent. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from siaga_gateway.catalogue import text
from siaga_gateway.domain.escalation_state import ContactKind, Escalation
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.notification import Notification, whose
from siaga_gateway.domain.operator_message import HOLDER, DeskMessage, MessageOptions, MessageTemplate
from siaga_gateway.service.dispatch.call_directory import CallDirectory, Listed, key_alone
from siaga_gateway.service.dispatch.message_recipients import Writable, writable
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.web.console.call_views import WayView, way_view


@dataclass(frozen=True, slots=True)
class ReceivedView:
    """One of those whom a message is for, and what came of it."""

    name: str
    ways: tuple[WayView, ...]


@dataclass(frozen=True, slots=True)
class MessageView:
    number: int
    text: str  # in the reader's language; empty: it cannot be read now
    at_ms: int
    by: str
    to: tuple[ReceivedView, ...]


@dataclass(frozen=True, slots=True)
class MessagesView:
    sent: tuple[MessageView, ...] = ()  # the newest first
    people: tuple[Writable, ...] = ()  # who may be written to
    holder: Writable | None = None
    templates: tuple[MessageTemplate, ...] = ()
    for_holder: tuple[MessageTemplate, ...] = ()
    key: str = ""  # of the forms
    open: bool = False  # something can be sent

    @property
    def known(self) -> bool:
        return bool(self.sent or (self.open and (self.people or self.holder)))


def messages_view(
    incident: Incident,
    messages: Sequence[DeskMessage],
    told: Sequence[Notification],
    known: Escalation | None,
    directory: CallDirectory,
    options: MessageOptions,
    operator: str,
    language: str,
) -> MessagesView:
    """Return it, worded. told: the incident's notifications. operator: who looks, whose forms have a key of their
    own."""
    people = writable(incident, known, told, directory, options)
    rows = [each for each in told if each.kind is ContactKind.MESSAGE]
    return MessagesView(
        sent=tuple(_message(each, rows, directory.find, language) for each in reversed(messages)),
        people=tuple(each for each in people if not each.is_holder),
        holder=next((each for each in people if each.is_holder), None),
        templates=tuple(each for each in options.templates if not each.for_holder),
        for_holder=tuple(each for each in options.templates if each.for_holder),
        key=form_key(incident.id, operator, len(messages)),
        open=incident.state is not IncidentState.CLOSED,
    )


def form_key(incident_id: int, operator: str, sent: int) -> str:
    """Return the key of an operator's next message: the same until one is sent, so that a form which is sent twice is
    one message, and one that stands open is not drawn anew."""
    return sha256(f"{incident_id}/{operator}/{sent}".encode()).hexdigest()[:24]


def _message(
    message: DeskMessage, rows: Sequence[Notification], find: Callable[[str], Listed | None], language: str
) -> MessageView:
    mine: dict[str, list[Notification]] = {}
    for each in rows:
        if each.number == message.number:
            mine.setdefault(whose(each.recipient), []).append(each)
    return MessageView(
        number=message.number,
        text=message.text(language),
        at_ms=message.made_ms,
        by=message.made_by,
        to=tuple(
            ReceivedView(_name(key, find, language), tuple(way_view([each], language) for each in own))
            for key, own in mine.items()
        ),
    )


def _name(key: str, find: Callable[[str], Listed | None], language: str) -> str:
    if key.startswith(HOLDER):
        return text("console.message.holder", language)
    found = find(key)
    return key_alone(key) if found is None else found.name


def with_messages(entries: Iterable[JournalEntry], sent: Sequence[MessageView]) -> list[JournalEntry]:
    """Return the entries, those of messages with whom they were for and what they said."""
    of_number = {each.number: each for each in sent}
    found = []
    for entry in entries:
        view = of_number.get(entry.facts.get("message", 0)) if entry.kind == journal.MESSAGE_SENT else None
        if view is not None:
            names = ", ".join(each.name for each in view.to)
            entry = replace(entry, facts={**entry.facts, "to": f"{names}: {view.text}" if view.text else names})
        found.append(entry)
    return found

"""To whom a desk may write about an incident: those who were sent, those who were called, and the holder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siaga_gateway.domain.escalation_state import ContactKind, Escalation, Progress
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.notification import RESPONDER, Notification, NotificationState, whose
from siaga_gateway.domain.operator_message import HOLDER, UNWRITTEN, MessageOptions
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.sent_units import under_way
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.call_directory import CallDirectory, Listed, key_alone
from siaga_gateway.service.dispatch.incident_facts import UNIT

MOST: Final = 20  # who may be written to at once
_WAYS_EACH: Final = 2  # the best of those that somebody has
_REACHED: Final = frozenset({NotificationState.HANDED_OVER, NotificationState.PENDING, NotificationState.BY_HAND})


@record
class Writable:
    """Somebody who may be written to."""

    key: str  # responder:<key>, station:<key>, unit:<name>, holder:<owner>
    name: str
    ways: tuple[ContactWay, ...]  # by which it goes; empty: a person has to tell it
    sent: bool  # he is on the way, or there

    @property
    def is_holder(self) -> bool:
        return self.key.startswith(HOLDER)


def writable(
    incident: Incident,
    known: Escalation | None,
    told: Sequence[Notification],
    directory: CallDirectory,
    options: MessageOptions,
) -> list[Writable]:
    """Return them, those who were sent first, the holder last. known: the incident's escalation. told: its
    notifications. directory: who a recipient is; may raise StoreFailing."""

    def reader(who: str) -> str:
        """Return an officer whom a desk sent by name as he is on the lists: he is written to by his own ways."""
        meant = directory.people(who.removeprefix(UNIT)) if who.startswith(UNIT) else ()
        return f"{RESPONDER}{meant[0]}" if len(meant) == 1 else who

    keys: dict[str, bool] = {}
    for each in () if known is None else known.assignments:
        if each.progress is not Progress.FINISHED:
            keys[reader(each.who)] = True
    for unit in under_way(incident):
        by_himself = directory.find(f"{RESPONDER}{unit.name}") is not None
        keys.setdefault(f"{RESPONDER}{unit.name}" if by_himself else reader(f"{UNIT}{unit.name}"), True)
    for row in told:
        if row.kind is ContactKind.CALL and row.state in _REACHED:
            keys.setdefault(whose(row.recipient), False)
    found = [_writable(key, sent, directory.find(key), options) for key, sent in list(keys.items())[:MOST]]
    holder = incident.holder
    if holder is not None and options.to_holder:
        found.append(Writable(f"{HOLDER}{holder.id}", holder.name, (ContactWay.SMS,), sent=False))
    return found


def _writable(key: str, sent: bool, listed: Listed | None, options: MessageOptions) -> Writable:
    contacts = () if listed is None else listed.contacts
    ways = dict.fromkeys(each.way for each in contacts if each.way in options.ways - UNWRITTEN)
    return Writable(key, key_alone(key) if listed is None else listed.name, tuple(ways)[:_WAYS_EACH], sent)

"""Who called, beyond name and number: what was told for helpers, a photograph, and how earlier calls ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.web.owners.profile_view import NO_PROFILE, ProfileView, profile_view
from siaga_gateway.web.session.context import ConsoleContext

_LOOKED_AT: Final = 20  # calls before this one
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class EarlierCall:
    at_ms: int
    outcome: str


@dataclass(frozen=True, slots=True)
class PersonView:
    profile: ProfileView = NO_PROFILE
    hidden: bool = False  # who asks may not see it
    photographed_ms: int | None = None  # None: there is no photograph
    earlier: tuple[EarlierCall, ...] = ()  # the newest first
    earlier_all: str = ""  # how those looked at ended, counted; empty: there was none
    earlier_more: bool = False  # than were looked at

    @property
    def warns(self) -> bool:
        return self.profile.warns


def person_view(context: ConsoleContext, incident: Incident, language: str) -> PersonView:
    """Return it, worded, for who asks. Raises: StoreFailing."""
    if incident.holder is None:
        return PersonView()
    reader, owner_id = context.reader, incident.holder.id
    calls = [each for each in reader.calls_of(owner_id, _LOOKED_AT + 1) if each.id != incident.id]
    looked_at = calls[:_LOOKED_AT]
    ended = Counter(_outcome(each, language) for each in looked_at)
    hidden = not context.may(Permission.IDENTITY_READ)
    return PersonView(
        profile=NO_PROFILE if hidden else profile_view(reader.profile_of(owner_id), language),
        hidden=hidden,
        photographed_ms=None if hidden else reader.owner_photograph_ms(owner_id),
        earlier=tuple(EarlierCall(each.opened_at_ms, _outcome(each, language)) for each in looked_at[:_SHOWN]),
        earlier_all=", ".join(f"{outcome} {count}×" for outcome, count in ended.most_common()),
        earlier_more=len(calls) > _LOOKED_AT,
    )


def _outcome(incident: Incident, language: str) -> str:
    if incident.state is not IncidentState.CLOSED:
        return text(f"console.state.{incident.state}", language)
    if incident.disposition is None:
        return text("console.detail.unknown", language)
    return text(f"console.disposition.{incident.disposition}", language)

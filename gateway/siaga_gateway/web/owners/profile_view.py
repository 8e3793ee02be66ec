"""What an owner has told, in words: in the registry's form, and for whoever helps. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from siaga_gateway.catalogue import UnknownText, text
from siaga_gateway.domain.owner_profile import CONDITIONS, HAZARDS, MOST_CONTACTS, NOTHING_TOLD, fingerprint_of, told
from siaga_gateway.service.store.owner_profiles import StoredProfile
from siaga_gateway.web.console.incident_views import spoken_phone

_COUNTS: Final = ("people", "children", "cannot_walk")
_LINES: Final = 3  # of the form, for contacts


@dataclass(frozen=True, slots=True)
class ContactView:
    name: str
    relation: str
    phone: str
    spoken: str


@dataclass(frozen=True, slots=True)
class ProfileView:
    """What was told, worded; an empty text: nothing was."""

    hazards: tuple[str, ...] = ()
    hazard_note: str = ""
    conditions: tuple[str, ...] = ()
    medical_note: str = ""
    household: str = ""
    household_note: str = ""
    languages: str = ""
    contacts: tuple[ContactView, ...] = ()
    unreadable: bool = False

    @property
    def is_empty(self) -> bool:
        return self == NO_PROFILE

    @property
    def warns(self) -> bool:
        """Whether those who come must be told before they are there."""
        return bool(self.hazards or self.hazard_note)

    @property
    def heals(self) -> bool:
        return bool(self.conditions or self.medical_note)


NO_PROFILE: Final = ProfileView()


def profile_view(stored: StoredProfile | None, language: str) -> ProfileView:
    """Return it, worded. What a later version knows is shown by its own word."""
    if stored is None:
        return NO_PROFILE
    profile = stored.profile
    counts = [
        text(f"console.profile.n_{name}", language, n=count)
        for name in _COUNTS
        if (count := getattr(profile, name)) is not None
    ]
    return ProfileView(
        hazards=tuple(_word("hazard", each, language) for each in profile.hazards),
        hazard_note=profile.hazard_note,
        conditions=tuple(_word("condition", each, language) for each in profile.conditions),
        medical_note=profile.medical_note,
        household=", ".join(counts),
        household_note=profile.household_note,
        languages=profile.languages,
        contacts=tuple(
            ContactView(each.name, each.relation, each.phone, spoken_phone(each.phone)) for each in profile.contacts
        ),
        unreadable=stored.unreadable,
    )


def _word(group: str, name: str, language: str) -> str:
    try:
        return text(f"console.{group}.{name}", language)
    except UnknownText:
        return name


@dataclass(frozen=True, slots=True)
class ProfileForm:
    """The form as it stands: from the store, or as it was typed and not taken."""

    typed: dict[str, Any]  # the fields of OwnerProfile; numbers as text, contacts as objects
    seen: str  # the fingerprint of what was changed
    unreadable: bool = False
    hazards: Sequence[str] = HAZARDS  # that can be chosen
    conditions: Sequence[str] = CONDITIONS

    @property
    def contacts(self) -> list[dict[str, str]]:
        """Those there are, and room for more; never more than may be."""
        found: list[dict[str, str]] = list(self.typed["contacts"])
        empty = {"name": "", "relation": "", "phone": ""}
        return [*found, *[empty] * max(1, _LINES - len(found))][:MOST_CONTACTS]


def profile_form(stored: StoredProfile | None) -> ProfileForm:
    profile = NOTHING_TOLD if stored is None else stored.profile
    return ProfileForm(told(profile), fingerprint_of(profile), stored is not None and stored.unreadable)

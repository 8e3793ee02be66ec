"""What an owner has told for those who come to help: hazards, health, who lives there, whom to call. Pure.

All of it is given freely and stands beside the registration, which does without it. It is sealed as one text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from siaga_gateway.domain.value import record

# What endangers those who come. The order in which they are offered and told.
HAZARDS: Final = ("threat", "weapons", "gas", "chemicals", "dog", "access")
# What helpers must know of people's health; hearing and speech also say how to call them.
CONDITIONS: Final = ("heart", "breathing", "epilepsy", "diabetes", "pregnant", "hearing", "speech", "sight")
LONGEST_TEXT: Final = 500  # characters of each free text
LONGEST_WORDS: Final = 80  # of a contact's name and relation, and of the languages
MOST_CONTACTS: Final = 5
MOST_PEOPLE: Final = 99


@record
class EmergencyContact:
    """Somebody to call for the owner."""

    name: str
    relation: str
    phone: str  # E.164


@record
class OwnerProfile:
    """What is told beside the registration. A new field goes to the end, with a default."""

    hazards: tuple[str, ...] = ()  # of HAZARDS; a later version may have stored others
    hazard_note: str = ""
    conditions: tuple[str, ...] = ()  # of CONDITIONS, likewise
    medical_note: str = ""
    people: int | None = None  # who live there; None: not told
    children: int | None = None
    cannot_walk: int | None = None
    household_note: str = ""
    languages: str = ""  # that are spoken there, as people name them
    contacts: tuple[EmergencyContact, ...] = ()  # the first to be called first

    @property
    def is_dangerous(self) -> bool:
        """Whether those who come must be warned."""
        return bool(self.hazards or self.hazard_note)


NOTHING_TOLD: Final = OwnerProfile()


def told(profile: OwnerProfile) -> dict[str, Any]:
    """Return it in JSON's types, with all fields."""
    contacts = [{"name": each.name, "relation": each.relation, "phone": each.phone} for each in profile.contacts]
    return {
        "hazards": list(profile.hazards),
        "hazard_note": profile.hazard_note,
        "conditions": list(profile.conditions),
        "medical_note": profile.medical_note,
        "people": profile.people,
        "children": profile.children,
        "cannot_walk": profile.cannot_walk,
        "household_note": profile.household_note,
        "languages": profile.languages,
        "contacts": contacts,
    }


def to_text(profile: OwnerProfile) -> str:
    """Return the text that is sealed."""
    return json.dumps(told(profile), ensure_ascii=False, separators=(",", ":"))


def of_text(text: str) -> OwnerProfile:
    """Return what `to_text` wrote; what a later version wrote beside it is left out. Raises: ValueError."""
    raw = json.loads(text)
    if not isinstance(raw, dict):
        raise ValueError("no profile")
    return OwnerProfile(
        hazards=_words(raw, "hazards"),
        hazard_note=_text(raw, "hazard_note"),
        conditions=_words(raw, "conditions"),
        medical_note=_text(raw, "medical_note"),
        people=_count(raw, "people"),
        children=_count(raw, "children"),
        cannot_walk=_count(raw, "cannot_walk"),
        household_note=_text(raw, "household_note"),
        languages=_text(raw, "languages"),
        contacts=tuple(
            EmergencyContact(_text(each, "name"), _text(each, "relation"), _text(each, "phone"))
            for each in raw.get("contacts", ())
        ),
    )


def fingerprint_of(profile: OwnerProfile) -> str:
    """Return what tells this profile from what it was before a change."""
    return sha256(to_text(profile).encode()).hexdigest()[:16]


def _words(raw: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(str(each) for each in raw.get(name, ()))


def _text(raw: Mapping[str, Any], name: str) -> str:
    return str(raw.get(name, ""))


def _count(raw: Mapping[str, Any], name: str) -> int | None:
    value = raw.get(name)
    return None if value is None else int(value)

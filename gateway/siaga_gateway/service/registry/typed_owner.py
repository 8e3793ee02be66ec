"""An owner as somebody types one, and what of it is probably a slip."""

from __future__ import annotations

from datetime import date

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain import nik as nik_rules
from siaga_gateway.domain.phone_number import doubtful, e164
from siaga_gateway.service.registry.enrol import NewOwner


def person(name: str, nik: str, phone: str, address: str, language: str) -> NewOwner:
    """Return an owner as somebody typed it. Raises: EnrolError."""
    digits = nik.replace(" ", "").replace(".", "")
    return NewOwner(name, digits, e164(phone) or phone.strip(), address, language or "id")


def doubts_of(new: NewOwner, today: date) -> tuple[Localized, ...]:
    """Return what of an owner is probably a slip."""
    found = [Localized(f"errors.nik_doubt.{each}") for each in nik_rules.doubts(new.nik, today)]
    if doubtful(new.phone):
        found.append(Localized("errors.nik_doubt.phone", phone=new.phone))
    return tuple(found)

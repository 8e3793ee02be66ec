"""What a registrar can change at the console; `registry_book.py` does it on the store.

It is called from the console's process too: device ids come as hexadecimal digits. Each call commits before it returns,
and is an entry of the journal with who did it. Raises: EnrolError, with nothing changed; OwnerDoubted and PlaceDoubted
for what may be intended all the same, unless `sure`; StoreFailing.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol

from siaga_gateway.domain.registry import Owner
from siaga_gateway.service.registry.enrol import EnrolError


class OwnerDoubted(EnrolError):
    """What is said of an owner is probably a slip; it may be intended all the same."""


def fingerprint(owner: Owner) -> str:
    """Return what tells this owner's data from what they were before a change."""
    parts = (owner.name, owner.nik, owner.phone, owner.address, owner.language)
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


class RegistryChanges(Protocol):
    """actor: who does it."""

    def add_owner(self, name: str, nik: str, phone: str, address: str, language: str, sure: bool, actor: str) -> int:
        """Register a person. Returns the number."""
        ...

    def change_owner(
        self,
        owner_id: int,
        seen: str,
        name: str,
        nik: str,
        phone: str,
        address: str,
        language: str,
        sure: bool,
        actor: str,
    ) -> None:
        """seen: the fingerprint of what was changed; if somebody changed it since, nothing is."""
        ...

    def record_consent(self, owner_id: int, version: str, signed_on: str, actor: str) -> None:
        """signed_on: a day, `2026-12-31`, not in the future."""
        ...

    def confirm(self, device: str, actor: str) -> None:
        """Let a pending enrolment serve."""
        ...

    def refuse(self, device: str, reason: str, actor: str) -> None:
        """End a pending enrolment: the button is removed."""
        ...

    def enrol_stranger(self, device: str, owner_id: int, label: str, installed: str, sure: bool, actor: str) -> None:
        """Enrol a button from the quarantine. installed: degrees, `-5.4292, 105.2610`; empty: it is carried."""
        ...

    def request_enrolment(self, told: Mapping[str, Any], actor: str) -> tuple[str, bool]:
        """Take what an installer's tool asks for: `frame`, `owner` (or null), `label`, `latitude`, `longitude`, `sim`
        (or null), `sure`. Returns the device_id, and whether anything is new."""
        ...

    def release_stranger(self, device: str, reason: str, actor: str) -> None:
        """Take a button out of the quarantine; it comes back when it calls again."""
        ...

    def place(self, device: str, label: str, installed: str, sure: bool, actor: str) -> None:
        """Change label and mounting place; installed empty: unchanged."""
        ...

    def change_profile(self, owner_id: int, seen: str, typed: Mapping[str, Any], sure: bool, actor: str) -> None:
        """Change what the owner has told for helpers; he must have agreed to a text that names it.

        typed: the fields of OwnerProfile, numbers also as text; what is left out is not told. seen: the fingerprint of
        what was changed; if somebody changed it since, nothing is.
        """
        ...

    def set_photograph(self, owner_id: int, image: str, actor: str) -> None:
        """Replace the owner's photograph, on the same condition. image: a JPEG of at most 300,000 bytes as base64,
        without anything beside the pixels."""
        ...

    def remove_photograph(self, owner_id: int, actor: str) -> None:
        """Remove it; where there is none: nothing."""
        ...

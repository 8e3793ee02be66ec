"""What owners have told for those who come to help, and their photographs."""

from __future__ import annotations

from typing import Protocol

from siaga_gateway.domain.owner_profile import OwnerProfile
from siaga_gateway.domain.value import record


@record
class StoredProfile:
    """What is stored of an owner beside the registration."""

    profile: OwnerProfile
    changed_ms: int  # Unix ms
    unreadable: bool = False  # its key is not here, or it was changed: the profile is empty


class OwnerProfileWriting(Protocol):
    """Writes them, of an owner who is locked: else an erasure in between would leave them behind."""

    def put_profile(self, owner_id: int, profile: OwnerProfile | None, at_ms: int) -> None:
        """Replace an owner's; None: nothing is told any more. It is kept sealed. Raises: PersonalKeyError."""
        ...

    def put_owner_photograph(self, owner_id: int, jpeg: bytes | None, at_ms: int) -> None:
        """Replace an owner's photograph; None: there is none any more. It is kept sealed. Raises: PersonalKeyError."""
        ...


class OwnerProfileReading(Protocol):
    """Reads them."""

    def profile_of(self, owner_id: int) -> StoredProfile | None: ...
    def owner_photograph_ms(self, owner_id: int) -> int | None:
        """Return when the photograph was stored; None: there is none."""
        ...

    def owner_photograph(self, owner_id: int) -> bytes | None:
        """Return a JPEG; None: there is none, or it cannot be decrypted now."""
        ...

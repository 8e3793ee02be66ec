"""Who may press: owners, their devices, and what a device's registration state means for its frames."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RegistrationState(StrEnum):
    """A device's registration, from enrolment to its end."""

    PENDING = "pending"  # enrolled, the owner's papers not checked yet
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    STOLEN = "stolen"
    REMOVED = "removed"  # returned, destroyed, or its key copied: it must not press any more


# Whom the broker admits. A press of a suspended, expired or stolen button must still be held and shown, and its holder
# told; so only a removed button is locked out.
ADMITTED = frozenset(RegistrationState) - {RegistrationState.REMOVED}
LONGEST_SUSPENSION_MS: Final = 367 * 86_400_000  # a year, to the end of its last day


@dataclass(frozen=True, slots=True)
class Owner:
    """The person who answers for a device. Personal data (UU 27/2022): never in a log line."""

    id: int
    name: str
    nik: str  # 16 digits, the national identity number
    phone: str  # E.164, as +62...
    address: str
    language: str = "id"
    unreadable: bool = False  # its key is not here: everything but id and language is empty


@dataclass(frozen=True, slots=True)
class Device:
    """One enrolled button."""

    device_id: bytes  # 8 bytes
    public_xy: bytes  # 64 bytes, X || Y
    owner_id: int
    state: RegistrationState
    label: str  # what the installer wrote: "Toko Makmur, kasir"
    enrolled_at_ms: int
    valid_until_ms: int | None = None  # from then on the registration counts as expired
    installed_latitude: int | None = None  # degrees x 10^7
    installed_longitude: int | None = None
    checkin_s: int | None = None  # check-in interval; None: the settings' default
    suspended_until_ms: int | None = None  # of one that is suspended; None: until somebody lifts it
    registrar_until_ms: int | None = None  # a registrar suspended it until then, whatever becomes of its owner's cases
    sim_until_ms: int | None = None  # when its SIM card lapses; None: it does not, or nothing is known of it
    sim_quota_mb: int | None = None  # what was left of the card's data when it was last looked up


def state_at(device: Device, now_ms: int) -> RegistrationState:
    """Return the effective state: a suspension ends by itself at its date, and an active registration past its date is
    expired."""
    state = device.state
    if state is RegistrationState.SUSPENDED and suspension_over(device.suspended_until_ms, now_ms):
        state = RegistrationState.ACTIVE
    if state is RegistrationState.ACTIVE and device.valid_until_ms is not None and now_ms >= device.valid_until_ms:
        return RegistrationState.EXPIRED
    return state


def suspension_over(until_ms: int | None, now_ms: int) -> bool:
    """Whether a suspension until then has ended. One that seems to last for longer than any may was given by another
    clock than the present one, and has: a wrong clock must cost no help."""
    return until_ms is not None and not 0 < until_ms - now_ms <= LONGEST_SUSPENSION_MS

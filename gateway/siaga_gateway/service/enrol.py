"""The registrar's work: who owns which button, and whether its presses count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from siaga_gateway.domain.frame import FrameError, Kind, decode_uplink
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.verify import verify_enrol
from siaga_gateway.service import journal
from siaga_gateway.service.ports import Bell, Clock
from siaga_gateway.service.store import Store

_PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
_LANGUAGES: Final = ("id", "en")
_LONGEST: Final = 200
_E7: Final = 10**7


class EnrolError(Exception):
    """What was asked for cannot be registered; the text says what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class NewOwner:
    """An owner as a registrar writes them down. Raises EnrolError for what cannot be right."""

    name: str
    nik: str
    phone: str
    address: str
    language: str = "id"

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("address", self.address)):
            _text(what, value)
        if not re.fullmatch(r"\d{16}", self.nik):
            raise EnrolError(f"a NIK has 16 digits and nothing else; this has {len(self.nik)} characters")
        if not _PHONE.fullmatch(self.phone):
            raise EnrolError(f"phone {self.phone!r}: write it with the country's code and no spaces, as +6281234567890")
        if self.language not in _LANGUAGES:
            raise EnrolError(f"language {self.language!r} is not one of {', '.join(_LANGUAGES)}")

    def draft(self) -> Owner:
        """The owner, who has no number yet."""
        return Owner(0, self.name.strip(), self.nik, self.phone, self.address.strip(), self.language)


class Registrar:
    """Adds owners and devices and changes what a device's registration is worth. Every step is journalled."""

    def __init__(self, store: Store, clock: Clock, bell: Bell | None = None) -> None:
        self._store = store
        self._clock = clock
        self._bell = bell

    def add_owner(self, new: NewOwner, *, actor: str) -> Owner:
        """Register a person. Raises EnrolError where the NIK is registered already."""
        same = self._store.owner_by_nik(new.nik)
        if same is not None:
            raise EnrolError(f"this NIK is registered already, as owner {same}; enrol the device for that owner")
        draft = new.draft()
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            owner_id = transaction.add_owner(draft, now_ms)
            transaction.note(journal.OWNER_ADDED, now_ms, {"owner_id": owner_id}, actor=actor)
        self._ring()
        return Owner(owner_id, draft.name, draft.nik, draft.phone, draft.address, draft.language)

    def enrol(
        self,
        owner_id: int,
        *,
        actor: str,
        label: str,
        device_id: bytes | None = None,
        frame: bytes | None = None,
        state: RegistrationState = RegistrationState.ACTIVE,
        valid_until_ms: int | None = None,
        installed: tuple[int, int] | None = None,
        checkin_s: int | None = None,
    ) -> Device:
        """Enrol a device by its ENROL frame, given or waiting in the quarantine under its device_id.

        installed: latitude and longitude in degrees x 10^7. checkin_s: how often it checks in, where that is not what
        the settings expect. Raises EnrolError.
        """
        if self._store.owner(owner_id) is None:
            raise EnrolError(
                f"there is no owner {owner_id}; `siaga gateway owner list` shows them, `owner add` adds one"
            )
        now_ms = self._clock.now_ms()
        check_registration(label, valid_until_ms, installed, now_ms)
        public_xy, found_id = self._proven_key(device_id, frame)
        if self._store.enrolled([found_id]):
            raise EnrolError(
                f"device {found_id.hex()} is enrolled already; `siaga gateway state` changes its registration"
            )
        device = Device(
            device_id=found_id,
            public_xy=public_xy,
            owner_id=owner_id,
            state=state,
            label=label.strip(),
            enrolled_at_ms=now_ms,
            valid_until_ms=valid_until_ms,
            installed_latitude=None if installed is None else installed[0],
            installed_longitude=None if installed is None else installed[1],
            checkin_s=checkin_s,
        )
        with self._store.transaction() as transaction:
            transaction.add_device(device)
            transaction.release(found_id)
            transaction.note(
                journal.ENROLLED,
                now_ms,
                {"owner_id": owner_id, "state": str(state)},
                device_id=found_id,
                actor=actor,
            )
        self._ring()
        return device

    def _proven_key(self, device_id: bytes | None, frame: bytes | None) -> tuple[bytes, bytes]:
        """The public key and device_id, once the ENROL frame has proved who holds the private half."""
        if frame is None:
            if device_id is None:
                raise EnrolError("name the device: its device_id, or its ENROL frame")
            stranger = self._store.stranger(device_id)
            if stranger is None:
                raise EnrolError(
                    f"device {device_id.hex()} has not called yet; switch it on where it has network, or give its "
                    "ENROL frame, which it prints at its start"
                )
            if stranger.enrol_frame is None:
                raise EnrolError(
                    f"device {device_id.hex()} has called but not shown its key; restart it, or give its ENROL frame"
                )
            frame = stranger.enrol_frame
        return proven_key(frame, device_id)

    def set_checkin(self, device_id: bytes, checkin_s: int | None, *, actor: str) -> None:
        """How often the device is expected to check in; None: as the settings expect of any."""
        if not self._store.enrolled([device_id]):
            raise EnrolError(f"device {device_id.hex()} is not enrolled; `siaga gateway devices` shows those that are")
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.set_checkin(device_id, checkin_s)
            transaction.note(
                journal.CHECKIN_CHANGED, now_ms, {"checkin_s": checkin_s}, device_id=device_id, actor=actor
            )
        self._ring()

    def set_state(self, device_id: bytes, state: RegistrationState, *, actor: str, reason: str) -> RegistrationState:
        """Change what the device's registration is worth, from its next frame on. Returns what it was before."""
        _text("reason", reason)
        found = self._store.enrolled([device_id]).get(device_id)
        if found is None:
            raise EnrolError(f"device {device_id.hex()} is not enrolled; `siaga gateway devices` shows those that are")
        before = found.device.state
        if before is state:
            return before
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.set_registration(device_id, state, now_ms)
            transaction.note(
                journal.REGISTRATION_CHANGED,
                now_ms,
                {"before": str(before), "after": str(state), "reason": reason},
                device_id=device_id,
                actor=actor,
            )
        self._ring()
        return before

    def _ring(self) -> None:
        if self._bell is not None:
            self._bell.ring()


def _text(what: str, value: str) -> None:
    if not value.strip():
        raise EnrolError(f"the {what} is empty")
    if len(value) > _LONGEST:
        raise EnrolError(f"the {what} has {len(value)} characters: at most {_LONGEST}")


def check_registration(label: str, valid_until_ms: int | None, installed: tuple[int, int] | None, now_ms: int) -> None:
    """Raises EnrolError where a registration cannot be meant so."""
    _text("label", label)
    if valid_until_ms is not None and valid_until_ms <= now_ms:
        raise EnrolError("the registration would end in the past")
    if installed is not None and not (abs(installed[0]) <= 90 * _E7 and abs(installed[1]) <= 180 * _E7):
        raise EnrolError("the installed position is not on the Earth: latitude -90 to 90, longitude -180 to 180")


def proven_key(frame: bytes, device_id: bytes | None = None) -> tuple[bytes, bytes]:
    """Public key and device_id of an ENROL frame that its own key signs. Raises EnrolError, also where it is not of the
    device that is named."""
    try:
        uplink = decode_uplink(frame)
    except FrameError as error:
        raise EnrolError(f"this is no frame of a button: {error.detail}") from None
    if uplink.kind is not Kind.ENROL or uplink.public_key is None:
        raise EnrolError(f"this is a {uplink.kind.name}, not an ENROL: it does not carry the device's key")
    if not verify_enrol(uplink):
        raise EnrolError("this ENROL is not signed by the key that it carries: copied wrongly, or forged")
    if device_id is not None and device_id != uplink.device_id:
        raise EnrolError(f"this ENROL is of device {uplink.device_id.hex()}, not {device_id.hex()}")
    return uplink.public_key, uplink.device_id

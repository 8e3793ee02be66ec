"""The registrar's work: who owns which button, and whether its presses count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.frame import FrameError, Kind, decode_uplink
from siaga_gateway.domain.frame_authentication import verify_enrol
from siaga_gateway.domain.installation_area import Area, Place, learnt, on_globe
from siaga_gateway.domain.invisible_characters import refuse_hidden, tidied
from siaga_gateway.domain.limits import LONGEST_LABEL
from siaga_gateway.domain.local_time import IN_UTC, LocalTime
from siaga_gateway.domain.nik import NIK
from siaga_gateway.domain.owner_cases import as_its_owner, suspended_until
from siaga_gateway.domain.phone_number import E164
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.registry.place_plausibility import OnLand, PlaceRules, anywhere
from siaga_gateway.service.store import Store

_LANGUAGES: Final = ("id", "en")
_LONGEST_YEARS: Final = 100  # limit of a registration
_LONGEST_MS: Final = _LONGEST_YEARS * 366 * 86_400_000


class EnrolError(Refused):
    """The request cannot be registered; the text says what is wrong and how to correct it."""


class PlaceDoubted(EnrolError):
    """A place that a person should check again; it may be intended all the same."""


@dataclass(frozen=True, slots=True)
class NewOwner:
    """An owner as a registrar enters them. Raises: EnrolError for values that cannot be right."""

    name: str
    nik: str
    phone: str
    address: str
    language: str = "id"

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("address", self.address)):
            _text(what, value)
        if not NIK.fullmatch(self.nik):
            raise EnrolError("enrol.nik", nik=len(self.nik))
        if len(set(self.nik)) == 1:
            raise EnrolError("registration.nik_one_digit")
        if not E164.fullmatch(self.phone):
            raise EnrolError("enrol.phone", phone=self.phone)
        if self.language not in _LANGUAGES:
            raise EnrolError("enrol.language", written=self.language, known=", ".join(_LANGUAGES))

    def draft(self) -> Owner:
        """Return the owner, without an id yet."""
        name, address = (tidied(each) for each in (self.name, self.address))
        return Owner(0, name, self.nik, self.phone, address, self.language)


class Registrar:
    """Adds owners and devices, and changes registrations. Every step is journalled."""

    def __init__(self, store: Store, clock: Clock, notifier: Notifier | None = None, local: LocalTime = IN_UTC) -> None:
        """local: in which errors name times."""
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._local = local

    def add_owner(self, new: NewOwner, *, actor: str) -> Owner:
        """Register a person. Raises: EnrolError if the NIK is already registered."""
        same = self._store.owner_by_nik(new.nik)
        if same is not None:
            raise EnrolError("enrol.nik_taken", same=same)
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
        area: Area | None = None,
        on_land: OnLand = anywhere,
        sure: bool = False,
    ) -> Device:
        """Enrol a device by its ENROL frame, passed in or waiting in quarantine under its device_id. While its owner is
        suspended it is too.

        installed: latitude and longitude in degrees x 10^7. checkin_s: its check-in interval, if not the default. area:
        the buttons' area from the settings; None: it is learnt. sure: a doubtful place is intended.

        Raises: EnrolError; PlaceDoubted if the place is doubtful.
        """
        if self._store.owner(owner_id) is None:
            raise EnrolError("enrol.no_owner", owner_id=owner_id)
        now_ms = self._clock.now_ms()
        check_registration(label, valid_until_ms, installed, now_ms)
        public_xy, found_id = self._proven_key(device_id, frame)
        if self._store.enrolled([found_id]):
            raise EnrolError("enrol.enrolled", found_id=found_id.hex())
        if installed is not None and not sure:
            rules = PlaceRules(self._store, area or learnt(self._store.installed_places()), on_land)
            check_place(rules, installed, self._store.home_station(owner_id))
        device = Device(
            device_id=found_id,
            public_xy=public_xy,
            owner_id=owner_id,
            state=state,
            label=tidied(label),
            enrolled_at_ms=now_ms,
            valid_until_ms=valid_until_ms,
            installed_latitude=None if installed is None else installed[0],
            installed_longitude=None if installed is None else installed[1],
            checkin_s=checkin_s,
        )
        device = as_its_owner(device, self._store.owner_cases_of(owner_id), now_ms)
        with self._store.transaction() as transaction:
            transaction.add_device(device)
            transaction.release(found_id)
            transaction.note(
                journal.ENROLLED,
                now_ms,
                {"owner_id": owner_id, "state": str(device.state)},
                device_id=found_id,
                actor=actor,
            )
        self._ring()
        return device

    def _proven_key(self, device_id: bytes | None, frame: bytes | None) -> tuple[bytes, bytes]:
        """Return the public key and device_id, once the ENROL frame has proved possession of the private key."""
        if frame is None:
            if device_id is None:
                raise EnrolError("enrol.which")
            stranger = self._store.stranger(device_id)
            if stranger is None:
                raise EnrolError("enrol.not_called", device_id=device_id.hex())
            if stranger.enrol_frame is None:
                raise EnrolError("enrol.key_not_shown", device_id=device_id.hex())
            frame = stranger.enrol_frame
        return proven_key(frame, device_id)

    def set_checkin(self, device_id: bytes, checkin_s: int | None, *, actor: str) -> None:
        """Set the expected check-in interval; None: the default."""
        if not self._store.enrolled([device_id]):
            raise EnrolError("registry.not_enrolled", device_id=device_id.hex())
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.set_checkin(device_id, checkin_s)
            transaction.note(
                journal.CHECKIN_CHANGED, now_ms, {"checkin_s": checkin_s}, device_id=device_id, actor=actor
            )
        self._ring()

    def set_state(
        self,
        device_id: bytes,
        state: RegistrationState,
        *,
        actor: str,
        reason: str,
        shown: RegistrationState | None = None,
        until_ms: int | None = None,
    ) -> RegistrationState:
        """Change a device's registration state, from its next frame on. Returns the state before.

        shown: the state that the registrar saw; if somebody changed it since, nothing is changed. until_ms: when a
        suspension ends by itself; while a case suspends its owner for longer, the button stays suspended until then. A
        pending button of a suspended owner is suspended with him, not active. Raises: EnrolError.
        """
        check_change(state, reason, until_ms)
        if not self._store.enrolled([device_id]):
            raise EnrolError("registry.not_enrolled", device_id=device_id.hex())
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.lock([device_id])
            found = self._store.enrolled([device_id])[device_id]
            before, own_ms = transaction.registration(device_id), until_ms
            cases = self._store.owner_cases_of(found.device.owner_id)
            if own_ms is not None:
                until_ms = suspended_until(cases, now_ms, own_ms) or own_ms
            if before is state and (until_ms, own_ms) == (
                found.device.suspended_until_ms,
                found.device.registrar_until_ms,
            ):
                return before
            if shown is not None and before is not shown:
                raise self._changed(device_id, before, shown)
            if before is RegistrationState.PENDING:
                serving = replace(found.device, state=state, suspended_until_ms=until_ms)
                owned = as_its_owner(serving, cases, now_ms)
                state, until_ms = owned.state, owned.suspended_until_ms
            transaction.set_registration(device_id, state, now_ms, until_ms, own_ms)
            until = {} if until_ms is None else {"until": self._local.moment(until_ms)}
            transaction.note(
                journal.REGISTRATION_CHANGED,
                now_ms,
                {"before": str(before), "after": str(state), "reason": reason, **until},
                device_id=device_id,
                actor=actor,
            )
        self._ring()
        return before

    def _changed(self, device_id: bytes, state: RegistrationState, shown: RegistrationState) -> EnrolError:
        change = self._store.last_change(device_id)
        return EnrolError(
            "registration.changed",
            device=device_id.hex(),
            state=Localized(f"errors.registration_state.{state}"),
            shown=Localized(f"errors.registration_state.{shown}"),
            who="-" if change is None or change.actor is None else change.actor,
            time="-" if change is None else self._local.moment(change.at_ms),
            reason="-" if change is None else change.facts.get("reason"),
        )

    def _ring(self) -> None:
        if self._notifier is not None:
            self._notifier.ring()


def _text(what: str, value: str) -> None:
    refuse_hidden(value, Localized(f"errors.what.{what}"))
    if not value.strip():
        raise EnrolError("enrol.empty", what=Localized(f"errors.what.{what}"))
    if len(value) > LONGEST_LABEL:
        named = Localized(f"errors.what.{what}")
        raise EnrolError("enrol.long", what=named, size=len(value), longest=LONGEST_LABEL)


def check_reason(reason: str) -> None:
    """Raises: EnrolError for what is no reason."""
    _text("reason", reason)


def check_change(state: RegistrationState, reason: str, until_ms: int | None) -> None:
    """Raises: EnrolError if a registration's state cannot be changed this way, whatever button it is."""
    check_reason(reason)
    if until_ms is not None and state is not RegistrationState.SUSPENDED:
        raise EnrolError("registration.until")


def check_registration(label: str, valid_until_ms: int | None, installed: tuple[int, int] | None, now_ms: int) -> None:
    """Raises: EnrolError if a registration cannot be intended this way."""
    _text("label", label)
    if valid_until_ms is not None and valid_until_ms <= now_ms:
        raise EnrolError("enrol.in_the_past")
    if valid_until_ms is not None and valid_until_ms - now_ms > _LONGEST_MS:
        raise EnrolError("registration.too_long", years=_LONGEST_YEARS)
    if installed is not None and not on_globe(installed):
        raise EnrolError("enrol.off_the_earth")


def check_address(address: str) -> None:
    """Raises: EnrolError for what is no address."""
    _text("address", address)


def check_place(rules: PlaceRules, installed: Place, home: str | None = None) -> None:
    """Raises: PlaceDoubted if a place is probably a mistake."""
    found = rules.doubt(installed, home)
    if found is not None:
        key, values = found
        raise PlaceDoubted(key, **values)


def proven_key(frame: bytes, device_id: bytes | None = None) -> tuple[bytes, bytes]:
    """Return public key and device_id of an ENROL frame signed by its own key.

    Raises: EnrolError, also if it is not the named device's.
    """
    try:
        uplink = decode_uplink(frame)
    except FrameError as error:
        raise EnrolError("enrol.no_frame", detail=error.detail) from None
    if uplink.kind is not Kind.ENROL or uplink.public_key is None:
        raise EnrolError("enrol.no_enrol", name=uplink.kind.name)
    if not verify_enrol(uplink):
        raise EnrolError("enrol.not_signed")
    if device_id is not None and device_id != uplink.device_id:
        raise EnrolError("enrol.other_device", device_id=uplink.device_id.hex(), device_id_2=device_id.hex())
    return uplink.public_key, uplink.device_id

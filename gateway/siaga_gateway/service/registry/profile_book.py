"""What an owner tells beside the registration, as somebody typed it; and the changes of it on the store."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain import owner_profile as rules
from siaga_gateway.domain.consent import PROFILE_SINCE, covers_profile
from siaga_gateway.domain.invisible_characters import refuse_hidden, tidied
from siaga_gateway.domain.limits import LARGEST_PHOTOGRAPH
from siaga_gateway.domain.owner_profile import NOTHING_TOLD, EmergencyContact, OwnerProfile, fingerprint_of, told
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.domain.phone_number import E164, doubtful, e164
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.registry.enrol import EnrolError
from siaga_gateway.service.registry.registry_changes import OwnerDoubted
from siaga_gateway.service.store import Store, Transaction

_JPEG: Final = b"\xff\xd8\xff"


def profile_of(typed: Mapping[str, Any]) -> OwnerProfile:
    """Return a profile as somebody typed it: the fields of OwnerProfile, each may be left out. Raises:
    EnrolError, which names the field."""
    return OwnerProfile(
        hazards=_chosen(typed, "hazards", rules.HAZARDS),
        hazard_note=_text(typed, "hazard_note", rules.LONGEST_TEXT, lines=True),
        conditions=_chosen(typed, "conditions", rules.CONDITIONS),
        medical_note=_text(typed, "medical_note", rules.LONGEST_TEXT, lines=True),
        people=_count(typed, "people"),
        children=_count(typed, "children"),
        cannot_walk=_count(typed, "cannot_walk"),
        household_note=_text(typed, "household_note", rules.LONGEST_TEXT, lines=True),
        languages=_text(typed, "languages", rules.LONGEST_WORDS),
        contacts=_contacts(typed.get("contacts") or ()),
    )


def _contacts(typed: Sequence[Mapping[str, Any]]) -> tuple[EmergencyContact, ...]:
    found = []
    for number, each in enumerate(typed, 1):
        name, relation, phone = (str(each.get(part) or "").strip() for part in ("name", "relation", "phone"))
        if not (name or relation or phone):
            continue
        written = e164(phone) or phone
        if not E164.fullmatch(written):
            raise EnrolError("profile.phone", number=number, phone=phone)
        if not name:
            raise EnrolError("profile.contact_name", number=number)
        found.append(
            EmergencyContact(
                _text(each, "name", rules.LONGEST_WORDS), _text(each, "relation", rules.LONGEST_WORDS), written
            )
        )
    if len(found) > rules.MOST_CONTACTS:
        raise EnrolError("profile.contacts", most=rules.MOST_CONTACTS)
    return tuple(found)


def _named(what: str) -> Localized:
    return Localized(f"errors.profile_field.{what}")


def _text(typed: Mapping[str, Any], name: str, longest: int, *, lines: bool = False) -> str:
    written = str(typed.get(name) or "")
    text = refuse_hidden(written.replace("\r\n", "\n").strip(), _named(name))
    text = text if lines else tidied(text)
    if len(text) > longest:
        raise EnrolError("enrol.long", what=_named(name), size=len(text), longest=longest)
    return text


def _chosen(typed: Mapping[str, Any], name: str, known: Sequence[str]) -> tuple[str, ...]:
    wanted = {str(each) for each in typed.get(name) or ()}
    if unknown := sorted(wanted - set(known)):
        raise EnrolError("profile.unknown", what=_named(name), word=unknown[0][:40], known=", ".join(known))
    return tuple(each for each in known if each in wanted)


def _count(typed: Mapping[str, Any], name: str) -> int | None:
    written = str("" if typed.get(name) is None else typed[name]).strip()
    if not written:
        return None
    if not (written.isascii() and written.isdigit() and len(written) < 4 and int(written) <= rules.MOST_PEOPLE):
        raise EnrolError("profile.count", what=_named(name), most=rules.MOST_PEOPLE)
    return int(written)


class ProfileBook:
    """Thread-safe. Raises: EnrolError, with nothing changed; StoreFailing."""

    def __init__(self, store: Store, clock: Clock, notifier: Notifier) -> None:
        self._store = store
        self._clock = clock
        self._notifier = notifier

    def change_profile(self, owner_id: int, seen: str, typed: Mapping[str, Any], sure: bool, actor: str) -> None:
        """See RegistryChanges."""
        profile = profile_of(typed)
        if not sure and (lines := [_doubt(each) for each in profile.contacts if doubtful(each.phone)]):
            raise OwnerDoubted("registration.owner_doubted", lines=lines)
        with self._store.transaction() as transaction:
            self._check(transaction, owner_id, clears=profile == NOTHING_TOLD)
            stored = self._store.profile_of(owner_id)
            if stored is not None and stored.unreadable:
                raise EnrolError("profile.sealed", owner_id=owner_id)
            before = NOTHING_TOLD if stored is None else stored.profile
            if fingerprint_of(before) != seen:
                raise EnrolError("profile.changed", owner_id=owner_id)
            was, now = told(before), told(profile)
            fields = [name for name in now if was[name] != now[name]]
            if not fields:
                return
            now_ms = self._clock.now_ms()
            _kept(lambda: transaction.put_profile(owner_id, None if profile == NOTHING_TOLD else profile, now_ms))
            self._note(transaction, owner_id, fields, actor)
        self._notifier.ring()

    def set_photograph(self, owner_id: int, image: str, actor: str) -> None:
        """See RegistryChanges."""
        try:
            jpeg = base64.b64decode(image, validate=True)
        except (binascii.Error, ValueError):
            jpeg = b""
        if not (jpeg.startswith(_JPEG) and len(jpeg) <= LARGEST_PHOTOGRAPH):
            raise EnrolError("profile.no_jpeg")
        with self._store.transaction() as transaction:
            self._check(transaction, owner_id)
            _kept(lambda: transaction.put_owner_photograph(owner_id, jpeg, self._clock.now_ms()))
            self._note(transaction, owner_id, ["photograph"], actor)
        self._notifier.ring()

    def remove_photograph(self, owner_id: int, actor: str) -> None:
        """See RegistryChanges."""
        with self._store.transaction() as transaction:
            transaction.lock_owner(owner_id)
            if self._store.owner_photograph_ms(owner_id) is None:
                return
            transaction.put_owner_photograph(owner_id, None, self._clock.now_ms())
            self._note(transaction, owner_id, ["photograph"], actor)
        self._notifier.ring()

    def _check(self, transaction: Transaction, owner_id: int, *, clears: bool = False) -> None:
        """Lock the owner: else an erasure in between would leave what is written behind. clears: nothing of it stays,
        which needs no consent."""
        transaction.lock_owner(owner_id)
        if self._store.owner_registered(owner_id) is None:
            raise EnrolError("registry.owner_gone", owner_id=owner_id)
        if not clears and not covers_profile(self._store.consents_of(owner_id)):
            raise EnrolError("profile.no_consent", version=PROFILE_SINCE)

    def _note(self, transaction: Transaction, owner_id: int, fields: Sequence[str], actor: str) -> None:
        facts = {"owner_id": owner_id, "fields": list(fields)}
        transaction.note(journal.OWNER_CHANGED, self._clock.now_ms(), facts, actor=actor)


def _kept(write: Callable[[], None]) -> None:
    try:
        write()
    except PersonalKeyError as error:
        raise EnrolError("passed_on", why=error) from None


def _doubt(contact: EmergencyContact) -> Localized:
    return Localized("errors.nik_doubt.phone", phone=contact.phone)

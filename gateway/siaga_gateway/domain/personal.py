"""Personal data at rest: sealed under a key that lies outside the store, each field bound to where it belongs.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; both working keys are derived from the one that is kept
(HKDF, RFC 5869). What binds a field is whose it is and which: sealed text that is moved elsewhere does not open.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ID_BYTES: Final = 4
_MARK: Final = "siaga-personal-key-1"


class PersonalKeyError(Exception):
    """The keys for personal data cannot be used; the text says why and how to mend it."""


class Unreadable(Exception):
    """Sealed text does not open: its key is not here, or it was changed or moved."""


@dataclass(frozen=True, slots=True)
class PersonalKey:
    """One key. Its id is made of it, so that a wrong file is noticed before anything is opened."""

    secret: bytes  # 32 bytes

    @property
    def id(self) -> str:
        return sha256(b"siaga personal key id" + self.secret).digest()[:_ID_BYTES].hex()

    @classmethod
    def generate(cls) -> PersonalKey:
        return cls(secrets.token_bytes(KEY_BYTES))


class PersonalKeys:
    """The keys that are there: new text is sealed by the first, older text opened by whichever it names."""

    def __init__(self, keys: Sequence[PersonalKey]) -> None:
        """Without any: nothing can be opened or sealed, and all else works."""
        self.keys = tuple(keys)
        self._sealing = {key.id: AESGCM(_derived(key, b"seal")) for key in self.keys}
        self._indexing = {key.id: _derived(key, b"index") for key in self.keys}

    @property
    def current(self) -> str:
        """The id of the key that seals. Raises PersonalKeyError where there is none."""
        if not self.keys:
            raise PersonalKeyError(
                "the key for personal data is not there: nothing personal can be read or written; "
                "put your copy of it back where the setting `personal_key` says"
            )
        return self.keys[0].id

    def has(self, key_id: str) -> bool:
        return key_id in self._sealing

    def seal(self, text: str, *place: object) -> str:
        """Text that only opens at the same place, such as ("owner", 7, "phone"), under the current key; base64."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._sealing[self.current].encrypt(nonce, text.encode(), _place(place))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, key_id: str, *place: object) -> str:
        """What was sealed there. Raises Unreadable."""
        key = self._sealing.get(key_id)
        if key is None:
            raise Unreadable(f"sealed by the key {key_id}, which is not here")
        try:
            raw = base64.b64decode(sealed, validate=True)
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _place(place)).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise Unreadable("sealed text was changed or moved") from None

    def seal_note(self, text: str, *place: object) -> str:
        """The same in one piece, with the id of its key."""
        return f"{self.current}.{self.seal(text, *place)}"

    def open_note(self, sealed: str, *place: object) -> str:
        """Raises Unreadable."""
        key_id, _, rest = sealed.partition(".")
        return self.open(rest, key_id, *place)

    def index(self, nik: str) -> str:
        """What tells whether two NIKs are the same, to nobody without the key: HMAC-SHA-256, hex."""
        return _index(self._indexing[self.current], nik)

    def indexes(self, nik: str) -> tuple[str, ...]:
        """The same under each key that is here."""
        return tuple(_index(key, nik) for key in self._indexing.values())


def _index(key: bytes, nik: str) -> str:
    return hmac_digest(key, nik.encode(), "sha256").hex()


def _derived(key: PersonalKey, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"siaga personal " + use).derive(key.secret)


def _place(parts: tuple[object, ...]) -> bytes:
    """No two places look the same: no part has a slash in it."""
    return "/".join(map(str, parts)).encode()


# The file


def written(keys: Sequence[PersonalKey]) -> str:
    """The key file's text: a line a key, the sealing one first."""
    return "".join(f"{_MARK} {key.id} {key.secret.hex()}\n" for key in keys)


def parsed(text: str) -> tuple[PersonalKey, ...]:
    """The keys of a file. Raises PersonalKeyError and repeats nothing of them."""
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split()
        try:
            mark, key_id, secret = parts
            key = PersonalKey(bytes.fromhex(secret))
        except ValueError:
            raise PersonalKeyError(f"line {number} is no key: `{_MARK}`, its id, 64 hex digits") from None
        if mark != _MARK or len(key.secret) != KEY_BYTES or key.id != key_id:
            raise PersonalKeyError(f"line {number} is damaged: the key does not fit its id; restore it from your copy")
        keys.append(key)
    if not keys:
        raise PersonalKeyError("there is no key in it; restore it from your copy")
    return tuple(keys)

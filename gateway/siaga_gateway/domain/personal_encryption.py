"""Encrypts personal data at rest, under a key kept outside the store; each field is bound to its place.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; both working keys are derived from the stored one (HKDF, RFC
5869). The associated data say whose field it is and which: ciphertext moved elsewhere does not decrypt.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from siaga_gateway.domain.errors import Malformed, Unusable

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ID_BYTES: Final = 4
_MARK: Final = "siaga-personal-key-1"
# Several parts of names share each number, so that how often a number is there says less about which part it is.
SEARCH_NUMBERS: Final = 4096


class PersonalKeyError(Unusable):
    """The keys for personal data cannot be used; the text says why and what to do."""


class Unreadable(Malformed):
    """Ciphertext does not decrypt: its key is missing, or it was changed or moved."""


@dataclass(frozen=True, slots=True)
class PersonalKey:
    """One key. Its id is derived from it, so that a wrong file is noticed before anything is decrypted."""

    secret: bytes  # 32 bytes

    @property
    def id(self) -> str:
        return sha256(b"siaga personal key id" + self.secret).digest()[:_ID_BYTES].hex()

    @classmethod
    def generate(cls) -> PersonalKey:
        return cls(secrets.token_bytes(KEY_BYTES))


class PersonalKeys:
    """The available keys: the first encrypts; older text is decrypted by the key it names."""

    def __init__(self, keys: Sequence[PersonalKey]) -> None:
        """Without keys nothing can be decrypted or encrypted; everything else works."""
        self.keys = tuple(keys)
        self._sealing = {key.id: AESGCM(_derived(key, b"seal")) for key in self.keys}
        self._indexing = {key.id: _derived(key, b"index") for key in self.keys}
        self._searching = {key.id: _derived(key, b"search") for key in self.keys}

    @property
    def current(self) -> str:
        """The id of the encrypting key. Raises: PersonalKeyError if there is none."""
        if not self.keys:
            raise PersonalKeyError("personal.no_key")
        return self.keys[0].id

    def has(self, key_id: str) -> bool:
        return key_id in self._sealing

    def seal(self, text: str, *place: object) -> str:
        """Encrypt under the current key, bound to a place such as ("owner", 7, "phone"); base64.

        Raises: PersonalKeyError if there is no key.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._sealing[self.current].encrypt(nonce, text.encode(), _place(place))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, key_id: str, *place: object) -> str:
        """Decrypt what was sealed at that place. Raises: Unreadable."""
        key = self._sealing.get(key_id)
        if key is None:
            raise Unreadable("personal.other_key", key_id=key_id)
        try:
            raw = base64.b64decode(sealed, validate=True)
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _place(place)).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise Unreadable("personal.changed") from None

    def seal_note(self, text: str, *place: object) -> str:
        """Like `seal`, in one string with the id of its key. Raises: PersonalKeyError."""
        return f"{self.current}.{self.seal(text, *place)}"

    def open_note(self, sealed: str, *place: object) -> str:
        """Decrypt what `seal_note` made. Raises: Unreadable."""
        key_id, _, rest = sealed.partition(".")
        return self.open(rest, key_id, *place)

    def index(self, nik: str) -> str:
        """Return a blind index, which shows only a holder of the key whether two NIKs are equal: HMAC-SHA-256, hex."""
        return _index(self._indexing[self.current], nik)

    def indexes(self, nik: str) -> tuple[str, ...]:
        """Return the index under each available key."""
        return tuple(_index(key, nik) for key in self._indexing.values())

    def phone_index(self, phone: str) -> str:
        """Return a blind index of a whole telephone number, like `index`."""
        return _index(self._searching[self.current], f"phone/{phone}")

    def phone_indexes(self, phone: str) -> tuple[str, ...]:
        """Return the index under each available key."""
        return tuple(_index(key, f"phone/{phone}") for key in self._searching.values())

    def search_numbers(self, field: str, grams: Iterable[str]) -> frozenset[int]:
        """Return the numbers, below SEARCH_NUMBERS, that stand for these parts of a field under the current key."""
        return _numbers(self._searching[self.current], field, grams)

    def searches(self, field: str, grams: Iterable[str]) -> Mapping[str, frozenset[int]]:
        """Return the numbers under each available key, by its id."""
        parts = tuple(grams)
        return {key_id: _numbers(key, field, parts) for key_id, key in self._searching.items()}


def _index(key: bytes, nik: str) -> str:
    return hmac_digest(key, nik.encode(), "sha256").hex()


def _numbers(key: bytes, field: str, grams: Iterable[str]) -> frozenset[int]:
    digests = (hmac_digest(key, f"{field}/{gram}".encode(), "sha256") for gram in grams)
    return frozenset(int.from_bytes(digest[:4], "big") % SEARCH_NUMBERS for digest in digests)


def _derived(key: PersonalKey, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"siaga personal " + use).derive(key.secret)


def _place(parts: tuple[object, ...]) -> bytes:
    """Encode a place. Unambiguous: no part contains a slash."""
    return "/".join(map(str, parts)).encode()


# The key file


def written(keys: Sequence[PersonalKey]) -> str:
    """Return the key file's text: one key a line, the encrypting one first."""
    return "".join(f"{_MARK} {key.id} {key.secret.hex()}\n" for key in keys)


def parsed(text: str) -> tuple[PersonalKey, ...]:
    """Parse a key file. Raises: PersonalKeyError, which repeats nothing of the keys."""
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split()
        try:
            mark, key_id, secret = parts
            key = PersonalKey(bytes.fromhex(secret))
        except ValueError:
            raise PersonalKeyError("personal.line", number=number, mark=_MARK) from None
        if mark != _MARK or len(key.secret) != KEY_BYTES or key.id != key_id:
            raise PersonalKeyError("personal.line_damaged", number=number)
        keys.append(key)
    if not keys:
        raise PersonalKeyError("personal.empty")
    return tuple(keys)

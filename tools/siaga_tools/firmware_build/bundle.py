"""Firmware bundles: one signed file with a whole firmware (format: firmware/UPDATE.md).

The button's own reader is firmware/siaga/core/bundle.py; this is the writer, and a second reader for release engineers.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from siaga_gateway.domain.errors import SiagaError

MAGIC: Final = b"SIAB"
FORMAT: Final = 1
CONTEXT: Final = b"siaga/1 bundle"
HEAD: Final = 16
BOARD: Final = 24
PATH: Final = 48
ENTRY: Final = 88
SIGNATURE: Final = 64
MAX_BOARDS: Final = 8
MAX_FILES: Final = 200
MAX_LENGTH: Final = 1 << 20
_FILE: Final = re.compile(r"siaga(/[a-z0-9_]+)+\.(m?py|txt)")
_VERSION: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})")

Version = tuple[int, int, int]


class BundleError(SiagaError):
    """A bundle, version or key is invalid; the text says why."""

    GROUP = "bundle.fault"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle's content.

    boards: empty = any
    battery: percent below which a button does not take it
    """

    version: Version
    boards: tuple[str, ...]
    battery: int
    files: Mapping[str, bytes]


def parse_version(text: str) -> Version:
    """Parse "1.2.3" with numbers up to 255. Raises BundleError."""
    found = _VERSION.fullmatch(text)
    if found is None or any(int(part) > 255 for part in found.groups()):
        raise BundleError("version", text=text)
    major, minor, patch = (int(part) for part in found.groups())
    return major, minor, patch


def write_bundle(bundle: Bundle, key: ec.EllipticCurvePrivateKey | None) -> bytes:
    """Return the bytes of a bundle, signed; without a key the signature is zeros, and a button takes it only by cable.
    Raises BundleError for what does not fit the format."""
    if len(bundle.boards) > MAX_BOARDS or not 0 <= bundle.battery <= 100 or not 0 < len(bundle.files) <= MAX_FILES:
        raise BundleError("limits")
    contents_at = HEAD + BOARD * len(bundle.boards) + ENTRY * len(bundle.files)
    length = contents_at + sum(len(content) for content in bundle.files.values()) + SIGNATURE
    if length > MAX_LENGTH:
        raise BundleError("long", length=length, max_length=MAX_LENGTH)
    written = struct.pack(
        ">4sB3BBBHI", MAGIC, FORMAT, *bundle.version, bundle.battery, len(bundle.boards), len(bundle.files), length
    )
    for board in bundle.boards:
        if not re.fullmatch(r"[a-z0-9_]{1,24}", board):
            raise BundleError("board", board=board)
        written += board.encode().ljust(BOARD, b"\0")
    offset = contents_at
    for path in sorted(bundle.files, key=str.encode):
        if not _FILE.fullmatch(path) or len(path) > PATH:
            raise BundleError("path", path=path, path_2=PATH)
        content = bundle.files[path]
        written += path.encode().ljust(PATH, b"\0") + struct.pack(">II", offset, len(content))
        written += hashlib.sha256(content).digest()
        offset += len(content)
    written += b"".join(bundle.files[path] for path in sorted(bundle.files, key=str.encode))
    return written + (bytes(SIGNATURE) if key is None else _sign(written, key))


def _sign(written: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    message = CONTEXT + hashlib.sha256(written).digest()
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def read_bundle(content: bytes, public: bytes | None = None) -> Bundle:
    """Parse a bundle, and verify its signature if public (X || Y) is given. Raises BundleError."""
    if len(content) < HEAD + SIGNATURE or content[:4] != MAGIC:
        raise BundleError("no_bundle")
    _, form, major, minor, patch, battery, board_count, file_count, length = struct.unpack(">4sB3BBBHI", content[:HEAD])
    if form != FORMAT:
        raise BundleError("format", form=form, format=FORMAT)
    if length != len(content):
        raise BundleError("length", length=length, size=len(content))
    table = HEAD + BOARD * board_count
    if table + ENTRY * file_count + SIGNATURE > length:
        raise BundleError("table")
    boards = tuple(
        content[at : at + BOARD].rstrip(b"\0").decode("ascii", "replace") for at in range(HEAD, table, BOARD)
    )
    files: dict[str, bytes] = {}
    for at in range(table, table + ENTRY * file_count, ENTRY):
        path = content[at : at + PATH].rstrip(b"\0").decode("ascii", "replace")
        offset, size = struct.unpack(">II", content[at + PATH : at + PATH + 8])
        body = content[offset : offset + size]
        if not _FILE.fullmatch(path) or hashlib.sha256(body).digest() != content[at + PATH + 8 : at + ENTRY]:
            raise BundleError("file", path=path)
        files[path] = body
    if public is not None and not _holds(content, public):
        raise BundleError("signature")
    return Bundle((major, minor, patch), boards, battery, files)


def _holds(content: bytes, public: bytes) -> bool:
    signature = content[-SIGNATURE:]
    encoded = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    message = CONTEXT + hashlib.sha256(content[:-SIGNATURE]).digest()
    try:
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big"), ec.SECP256R1()
        )
        numbers.public_key().verify(encoded, message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def parse_public(text: str) -> bytes:
    """Parse a release key's public half, 128 hexadecimal digits. Raises BundleError."""
    try:
        public = bytes.fromhex(text.strip())
    except ValueError:
        public = b""
    if len(public) != 64:
        raise BundleError("public_key")
    return public


def public_hex(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public half as the setting release_key has it."""
    numbers = key.public_key().public_numbers()
    return (numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")).hex()


def make_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """Write a new release key to a new file that only its owner can read. Raises BundleError if the file exists."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise BundleError("there", file=file) from None
    file.write_bytes(pem)
    return key


def read_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """Read a release key. Raises BundleError if the file has no P-256 key."""
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise BundleError("no_key", file=file, why=error) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BundleError("curve", file=file)
    return key


def stamped(source: str, version: Version, built: int) -> str:
    """Return the firmware's version.py with this version and release time (Unix seconds). Raises BundleError."""
    source, versions = re.subn(r"^VERSION = .*$", f"VERSION = {version}", source, flags=re.MULTILINE)
    source, builds = re.subn(r"^BUILT = .*$", f"BUILT = {built}", source, flags=re.MULTILINE)
    if (versions, builds) != (1, 1):
        raise BundleError("stamp")
    return source

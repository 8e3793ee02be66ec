"""The button's key, its counters and its MAC keys.

Key and counter are one record in one file: neither can be restored, lost or reset without the other. If the record is
missing or altered, the button makes a new key and reports it: it has to be enrolled again.
"""

import hashlib
import os

from siaga.app import flash_records
from siaga.app.counter import Counter
from siaga.core import frame, hmac, p256
from siaga.core.errors import SiagaError

_MAGIC = b"SGI1"
_MAC_MAGIC = b"SGM1"
_ENROL_MAGIC = b"SGE1"
_LENGTH = 32 + 64 + 4 + 1
# An ENROL always has counter 1, so that the same frame can be made again at any time.
ENROL_COUNTER = 1
_FIRST = 2
FIRST_START = "first"
_BEFORE_IDENTITY = ("identity.new", "settings.json", "settings.json.new")


def _is_empty(folder: str) -> bool:
    """Return whether no earlier start got far enough to have an identity."""
    return all(item[0] in _BEFORE_IDENTITY for item in os.ilistdir(folder))


class Identity:
    """The button's identity.

    private: the key as an integer; it never leaves the button
    public: X || Y
    device_id: 8 bytes
    fresh: why a new key was made at this start, "" = it was read
    enrolled: whether the gateway acknowledged the ENROL
    met_anew: whether this start agreed on new MAC keys
    """

    def __init__(self, folder: str, noise: "Callable[[], bytes]") -> None:
        self._path = folder + "/identity"
        self._mac_path = folder + "/mac"
        self._enrol_path = folder + "/enrol"
        self.fresh = ""
        try:
            record = flash_records.read_record(self._path, _MAGIC)
            if record is None:
                self.fresh = FIRST_START if _is_empty(folder) else "key and counter are gone"
            elif len(record) != _LENGTH:
                raise flash_records.CorruptRecord("identity of %d bytes" % len(record))
        except flash_records.CorruptRecord as error:
            record = None
            self.fresh = "key and counter cannot be read: %s" % error
        if record is None:
            self._make(noise())
        else:
            self.private = int.from_bytes(record[:32], "big")
            self.public = record[32:96]
            self._reserved = int.from_bytes(record[96:100], "big")
            self.enrolled = record[100] == 1
        self.device_id = frame.device_id(self.public)
        self.counter = Counter(self._reserved, self._reserve)
        self.mac_up = b""
        self.mac_down = b""
        self.met_anew = False

    def _make(self, extra: bytes) -> None:
        from siaga.app.new_key import made

        self.private, self.public = made(extra)
        self._reserved = _FIRST
        self.enrolled = False
        self._write()

    def _write(self) -> None:
        payload = self.private.to_bytes(32, "big") + self.public + self._reserved.to_bytes(4, "big")
        flash_records.write_record(self._path, _MAGIC, payload + bytes([self.enrolled]))

    def _reserve(self, end: int) -> None:
        before, self._reserved = self._reserved, end
        try:
            self._write()
        except OSError:
            self._reserved = before
            raise

    def note_enrolled(self) -> None:
        """Note that the gateway acknowledged the ENROL. Raises OSError; it is then sent again after the next start."""
        self.enrolled = True
        self._write()

    def meet(self, gateway_key: bytes) -> None:
        """Agree on the MAC keys with a gateway (X || Y). The result is cached on flash, for this device and gateway
        only. Raises SiagaError if the key is not a point on the curve."""
        bound_to = hashlib.sha256(self.device_id + gateway_key).digest()
        try:
            kept = flash_records.read_record(self._mac_path, _MAC_MAGIC)
        except flash_records.CorruptRecord:
            kept = None
        if kept is None or len(kept) != 96 or kept[:32] != bound_to:
            from siaga.core import p256_verify

            self.met_anew = True
            self.mac_up, self.mac_down = p256_verify.mac_keys(
                p256_verify.ecdh(self.private, gateway_key), self.device_id
            )
            try:
                flash_records.write_record(self._mac_path, _MAC_MAGIC, bound_to + self.mac_up + self.mac_down)
            except OSError:
                pass  # computed again at the next start
        else:
            self.mac_up = kept[32:64]
            self.mac_down = kept[64:]

    def signed(self, suite: int, kind: int, counter: int, body: bytes) -> bytes:
        """Return a whole frame. ES256 takes some 200 ms on an ESP32 and always gives the same bytes (RFC 6979)."""
        bare = frame.unsigned(suite, kind, self.device_id, counter, body)
        if suite == frame.ES256:
            return bare + p256.sign(self.private, frame.UP_CONTEXT + bare)
        if not self.mac_up:
            raise SiagaError("without gateway_key in the settings there is no MAC key")
        return bare + hmac.hmac_sha256(self.mac_up, frame.UP_CONTEXT + bare)[: frame.tag_length(suite)]

    def enrol_frame(self) -> bytes:
        """Return the ENROL, always the same bytes: what an installer hands to the registrar. It is signed once and
        cached on flash: a start has no time for a signature."""
        bare = frame.unsigned(frame.ES256, frame.ENROL, self.device_id, ENROL_COUNTER, self.public)
        try:
            kept = flash_records.read_record(self._enrol_path, _ENROL_MAGIC)
        except flash_records.CorruptRecord:
            kept = None
        if kept is not None and len(kept) == len(bare) + 64 and kept[: len(bare)] == bare:
            return kept
        signed = self.signed(frame.ES256, frame.ENROL, ENROL_COUNTER, self.public)
        try:
            flash_records.write_record(self._enrol_path, _ENROL_MAGIC, signed)
        except OSError:
            pass  # signed again at the next start
        return signed

    def verified(self, received: bytes, digest_of: "Callable[[int], bytes | None]") -> frame.Down:
        """Decode and verify a downlink. digest_of: gives the event_digest of this button's message by counter, None =
        not held. Raises FrameError ("addressee", "message" for an ACK of one not held, "tag", those of decode_down)."""
        down = frame.decode_down(received)
        if down.device_id != self.device_id:
            raise frame.FrameError("addressee", "a frame for another device")
        covered = frame.DOWN_CONTEXT + down.signed
        if down.kind == frame.ACK:
            digest = digest_of(down.counter)
            if digest is None:
                raise frame.FrameError("message", "an acknowledgement of frame %d, which is not held" % down.counter)
            covered += digest
        expected = hmac.hmac_sha256(self.mac_down, covered)[:16]
        if not self.mac_down or not hmac.equal(expected, down.tag):
            raise frame.FrameError("tag", "a frame whose tag does not verify")
        return down


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

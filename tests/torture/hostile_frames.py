"""Frames that nobody should believe: made of genuine ones by whoever has a broker, a stolen button or only a radio."""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pressing_button import PressingButton, at, report_body
from siaga_gateway.domain.frame import DOWN_CONTEXT, UP_CONTEXT, Kind, Stage, Suite, encode_ack

_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_TAG = {Suite.ES256: 64, Suite.HS256_64: 8}


@dataclass(frozen=True, slots=True)
class Attack:
    """One frame, whom the bearer says it came from, and what it tries."""

    what: str
    frame: bytes
    sender: str


class Hostile:
    """Attacks on `victims`, whose `genuine` frames (some stored by the gateway already, by button) were overheard.

    None of them may become an event: each is malformed, forged, unknown or a repetition. But for those by a victim's
    own key (`cloned`): each is a contradiction, kept once, and keeps nothing of the victim's out.
    """

    def __init__(self, seed: int, victims: list[PressingButton], genuine: dict[bytes, list[bytes]]) -> None:
        self._chance = random.Random(seed)
        self._victims = victims
        self._genuine = genuine
        self._strangers = [PressingButton() for _ in range(20)]
        # Signatures cost more than all else, so those of strangers and of cloned keys are made once.
        self._enrols = [one.enrol() for one in self._strangers]
        self._signed_by_strangers = [self._posing(one) for one in self._strangers for _ in range(10)]
        self.clones = [self._cloned() for _ in range(200)]
        self._signed_ahead = [self._ahead(suite=Suite.ES256) for _ in range(400)]
        self._ways: list[Callable[[], bytes]] = [
            self.noise,
            self.flipped,
            self.truncated,
            self.prolonged,
            self.replayed,
            self.twin,
            self.across_devices,
            self.wrong_key,
            self.wrong_mac,
            self.new_word_signed_falsely,
            self.new_word_with_a_false_mac,
            self.counter_moved,
            self.suite_confused,
            self.downgraded,
            self.version_changed,
            self.kind_swapped,
            self.body_swapped,
            self.signature_of_nothing,
            self.cloned,
            self.stranger,
            self.stranger_s_enrol,
            self.enrol_of_another,
            self.reflected,
        ]

    def attacks(self, count: int) -> Iterator[Attack]:
        for _ in range(count):
            way = self._chance.choice(self._ways)
            frame = way()
            claimed = frame[2:10].hex()
            sender = self._chance.choice((claimed, claimed, self._victim().device_id.hex(), "anything"))
            yield Attack(way.__name__, frame, sender)

    def _victim(self) -> PressingButton:
        return self._chance.choice(self._victims)

    def _one(self) -> bytes:
        return self._chance.choice(self._genuine[self._victim().device_id])

    def _posing(self, stranger: PressingButton) -> bytes:
        """Signed by another key, under a victim's name."""
        victim = self._victim()
        head = victim.frame(Kind.PRESS, self._chance.randrange(1, 2**32), report_body(1, **at()))[:-64]
        return head + stranger.tag(head, Suite.ES256)

    def _cloned(self) -> bytes:
        """By the victim's own key, copied off its flash: a counter that was used, and something else said."""
        victim = self._victim()
        counter = self._chance.choice(self._genuine[victim.device_id])[10:14]
        body = report_body(self._chance.randrange(1, 2**32), **at(accuracy=self._chance.randrange(100, 60_000)))
        return victim.frame(Kind.PRESS, int.from_bytes(counter, "big"), body)

    def _ahead(self, suite: Suite) -> bytes:
        """A call that its victim has not made yet, under the next counters, by the key of a stranger."""
        victim, stranger = self._victim(), self._chance.choice(self._strangers)
        used = int.from_bytes(self._genuine[victim.device_id][-1][10:14], "big")
        kind = self._chance.choice((Kind.PRESS, Kind.CANCEL, Kind.UPDATE, Kind.CHECKIN, Kind.TAMPER))
        body = report_body(self._chance.randrange(2**32), flags=self._chance.randrange(16), **at())
        head = victim.frame(kind, used + self._chance.randrange(1, 100), body, suite)[: -_TAG[suite]]
        return head + stranger.tag(head, suite)

    # What is tried

    def new_word_signed_falsely(self) -> bytes:
        """Of a counter that the gateway has not met, so that it has nothing to compare with but the signature."""
        frame = self._chance.choice(self._signed_ahead)
        odd = self._chance.randrange(4)
        if odd == 0:
            return frame[:-64] + self._chance.randbytes(64)
        if odd == 1:  # another's signature, of another message
            return frame[:-64] + self._one()[-64:]
        if odd == 2:
            s = _N - int.from_bytes(frame[-32:], "big")
            return frame[:-32] + s.to_bytes(32, "big")
        return frame

    def new_word_with_a_false_mac(self) -> bytes:
        """The same in the short form: by another's MAC key, by the victim's other one, without the context."""
        victim = self._victim()
        other = next(one for one in self._victims if one.device_id != victim.device_id)
        used = int.from_bytes(self._genuine[victim.device_id][-1][10:14], "big")
        body = report_body(self._chance.randrange(2**32), flags=self._chance.randrange(16))
        head = victim.frame(Kind.PRESS, used + self._chance.randrange(1, 100), body, Suite.HS256_64)[:-8]
        said, key = self._chance.choice(
            (
                (UP_CONTEXT + head, other.mac_up),
                (UP_CONTEXT + head, victim.mac_down),
                (DOWN_CONTEXT + head, victim.mac_up),
                (head, victim.mac_up),
                (UP_CONTEXT + head, bytes(32)),
            )
        )
        return head + hmac.digest(key, said, "sha256")[:8]

    def noise(self) -> bytes:
        return self._chance.randbytes(self._chance.randrange(0, 160))

    def flipped(self) -> bytes:
        frame = bytearray(self._one())
        for bit in self._chance.sample(range(8 * len(frame)), self._chance.randrange(1, 5)):
            frame[bit // 8] ^= 1 << bit % 8
        return bytes(frame)

    def truncated(self) -> bytes:
        frame = self._one()
        return frame[: self._chance.randrange(len(frame))]

    def prolonged(self) -> bytes:
        return self._one() + self._chance.randbytes(self._chance.randrange(1, 900))

    def replayed(self) -> bytes:
        return self._one()

    def twin(self) -> bytes:
        """(r, N - s) verifies wherever (r, s) does: it must be the same event."""
        frame = self._one()
        return frame[:-32] + (_N - int.from_bytes(frame[-32:], "big")).to_bytes(32, "big")

    def across_devices(self) -> bytes:
        frame = self._one()
        other = next(one for one in self._victims if one.device_id != frame[2:10])
        return frame[:2] + other.device_id + frame[10:]

    def wrong_key(self) -> bytes:
        return self._chance.choice(self._signed_by_strangers)

    def wrong_mac(self) -> bytes:
        frame = self._one()
        return b"\x12" + frame[1:-64] + self._chance.randbytes(8)

    def counter_moved(self) -> bytes:
        frame = self._one()
        number = int.from_bytes(frame[10:14], "big")
        moved = self._chance.choice((0, number + 1, max(number - 1, 0), 2**32 - 1, 2**31, number ^ 0x80000000))
        if moved == number:
            moved += 1
        return frame[:10] + (moved & 0xFFFFFFFF).to_bytes(4, "big") + frame[14:]

    def suite_confused(self) -> bytes:
        """The signature's first bytes as a MAC, a MAC where a signature belongs, a downlink's suite."""
        frame = self._one()
        return self._chance.choice(
            (
                b"\x12" + frame[1:-56],
                b"\x12" + frame[1:],
                b"\x13" + frame[1:-48],
                b"\x11" + frame[1:-64] + self._chance.randbytes(8) * 8,
            )
        )

    def downgraded(self) -> bytes:
        """The short form, whose tag is eight bytes, by guessing."""
        frame = self._one()
        return b"\x12" + frame[1:-64] + self._chance.choice((bytes(8), b"\xff" * 8, self._chance.randbytes(8)))

    def version_changed(self) -> bytes:
        frame = self._one()
        version = self._chance.choice([number for number in range(16) if number != 1])
        return bytes([version << 4 | frame[0] & 15]) + frame[1:]

    def kind_swapped(self) -> bytes:
        frame = self._one()
        kind = self._chance.choice([number for number in range(256) if number != frame[1]])
        return frame[:1] + bytes([kind]) + frame[2:]

    def body_swapped(self) -> bytes:
        """Another place, the test flag taken away or set, another time."""
        frame = self._one()
        body = report_body(self._chance.randrange(2**32), flags=self._chance.randrange(256))
        return frame[:14] + body + frame[35:]

    def signature_of_nothing(self) -> bytes:
        r, s = (self._chance.choice((0, 1, _N - 1, _N, _N + 1, 2**256 - 1)) for _ in range(2))
        return self._one()[:-64] + r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def cloned(self) -> bytes:
        return self._chance.choice(self.clones)

    def stranger(self) -> bytes:
        """A device that nobody enrolled; most of them never existed."""
        frame = self._one()
        return frame[:2] + self._chance.randbytes(8) + frame[10:]

    def stranger_s_enrol(self) -> bytes:
        return self._chance.choice(self._enrols)

    def enrol_of_another(self) -> bytes:
        """A victim's key, or none at all, brought by somebody who does not have it."""
        head = b"\x11\x06" + self._victim().device_id + b"\x00\x00\x00\x01"
        key = self._chance.choice((self._victim().public_xy, self._chance.choice(self._strangers).public_xy, bytes(64)))
        return head + key + self._chance.randbytes(64)

    def reflected(self) -> bytes:
        """The gateway's own answer, sent back to it."""
        victim, counter, digest = self._victim(), self._chance.randrange(2**32), self._chance.randbytes(32)
        return encode_ack(victim.mac_down, victim.device_id, counter, digest, 1, Stage.CLOSED)

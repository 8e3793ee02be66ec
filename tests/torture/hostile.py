"""A million hostile frames beside a stream of honest presses, through the gateway's real ingest and store.

`python tests/torture/hostile.py [--frames N] [--rate N]` prints its counts as JSON, and exits with 1 where a frame that
nobody made became an event, a stored one changed, an exception escaped, an honest press was lost, or honest presses
took more than twice as long as without the flood. They come at 2,000 a second, or at the rate given.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

TESTS: Final = Path(__file__).resolve().parents[1]
for folder in (TESTS, TESTS / "torture"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

from hostile_frames import Attack, Hostile  # noqa: E402

from gateway.ingest_harness import DEFAULTS, IngestHarness  # noqa: E402
from pressing_button import PressingButton, at  # noqa: E402
from siaga_gateway.adapters.clock import WallClock  # noqa: E402
from siaga_gateway.service.inbound import InboundFrame  # noqa: E402
from siaga_gateway.service.ingest.worker import Ingest, Limits  # noqa: E402
from siaga_gateway.service.journal import kinds as journal  # noqa: E402
from siaga_gateway.service.journal.notifier import JournalNotifier  # noqa: E402
from siaga_gateway.service.registry.keyring import KeyRing  # noqa: E402
from waiting import RUNS_S, eventually  # noqa: E402

VICTIMS: Final = 40
HONEST: Final = 50
RATE_PER_S: Final = 50
TURNS: Final = 10
SLOWER_AT_MOST: Final = 2.0
DEADLINE_S: Final = RUNS_S
Key = tuple[bytes, int]


class Breach(AssertionError):
    """What must never happen, did."""


class _Complaints(logging.Handler):
    """What the gateway logs as an error, or with an exception."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


class Course:
    """The gateway's ingest on a store in a folder, honest buttons and victims, and when each was answered."""

    def __init__(self, folder: Path) -> None:
        self.desk = IngestHarness(folder)
        self.clock = WallClock()
        self.answered: dict[Key, float] = {}
        self.sent: dict[Key, float] = {}
        self.frames: dict[Key, bytes] = {}
        self.clones: frozenset[bytes] = (
            frozenset()
        )  # by a victim's own key: kept, each once, beside what the victim said
        self.complaints = _Complaints()
        logging.getLogger().addHandler(self.complaints)
        self.victims = [self.desk.button() for _ in range(VICTIMS)]
        self.honest = [self.desk.button() for _ in range(HONEST)]
        self.ingest = Ingest(
            store=self.desk.store,
            keyring=KeyRing(self.desk.store, self.desk.gateway_key),
            sender=self,
            notifier=JournalNotifier(),
            clock=self.clock,
            defaults=DEFAULTS,
            limits=Limits(),
        )
        self.ingest.start()

    def send(self, device_id: bytes, frame: bytes) -> None:
        self.answered.setdefault((device_id, int.from_bytes(frame[10:14], "big")), time.monotonic())

    def offer(self, frame: bytes, sender: str, acknowledge: Any = lambda: None) -> None:
        inbound = InboundFrame(
            frame, self.clock.now_ms(), "mqtt", acknowledge, sender=sender, posed=sender != frame[2:10].hex()
        )
        while not self.ingest.offer(inbound, 5):
            pass  # as the broker brings it again

    def press(self, button: PressingButton, frame: bytes) -> Key:
        key = (button.device_id, int.from_bytes(frame[10:14], "big"))
        self.frames[key] = frame
        self.sent[key] = time.monotonic()
        self.offer(frame, button.device_id.hex())
        return key

    def overheard(self) -> dict[bytes, list[bytes]]:
        """What the victims said before, all of it stored."""
        said: dict[bytes, list[bytes]] = {}
        for victim in self.victims:
            said[victim.device_id] = [victim.press(1_790_000_000, again=n > 0, **at()) for n in range(5)]
            for frame in said[victim.device_id]:
                self.press(victim, frame)
        self.settle()
        return said

    def settle(self) -> None:
        """Every honest press is answered. Raises Breach."""

        def missing() -> list[Key]:
            return [key for key in self.sent if key not in self.answered]

        try:
            eventually(lambda: not missing(), timeout_s=DEADLINE_S)
        except AssertionError:
            raise Breach(f"{len(missing())} honest presses were never answered") from None

    def stream(self, frames: Sequence[tuple[PressingButton, bytes]], stop: threading.Event) -> list[Key]:
        """Honest presses at their pace until they are used up or `stop`; keys of those that went out."""
        gone: list[Key] = []
        began = time.monotonic()
        for number, (button, frame) in enumerate(frames):
            if stop.wait(max(0.0, began + number / RATE_PER_S - time.monotonic())):
                break
            gone.append(self.press(button, frame))
        return gone

    def took_ms(self, keys: Sequence[Key]) -> list[float]:
        return [1000 * (self.answered[key] - self.sent[key]) for key in keys]

    def judge(self) -> None:
        """Raises Breach."""
        rows = self.desk.store.fetch("SELECT device_id, counter, frame FROM event")
        frames = [(bytes(row[0]), row[1], bytes(row[2])) for row in rows]
        cloned = [frame for _, _, frame in frames if frame in self.clones]
        stored = {(device_id, counter): frame for device_id, counter, frame in frames if frame not in self.clones}
        if len(stored) + len(set(cloned)) != len(rows):
            raise Breach("an event is stored twice")
        if extra := stored.keys() - self.frames.keys():
            raise Breach(f"{len(extra)} events that no button made")
        if lost := self.frames.keys() - stored.keys():
            raise Breach(f"{len(lost)} honest presses are not stored")
        if changed := [key for key, frame in self.frames.items() if stored[key] != frame]:
            raise Breach(f"{len(changed)} stored events are not what their button sent")
        if faults := self.desk.journal(journal.UNPROCESSED):
            raise Breach(f"{len(faults)} frames brought out a fault of the gateway: {faults[0].facts}")
        if self.complaints.said:
            raise Breach(f"the gateway logged {len(self.complaints.said)} errors: {self.complaints.said[0]}")
        enrolled = {one.device_id for one in (*self.victims, *self.honest)}
        if self.desk.store.registrations().keys() != enrolled:
            raise Breach("a device was enrolled that nobody enrolled")

    def close(self) -> None:
        self.ingest.stop()
        self.desk.close()
        logging.getLogger().removeHandler(self.complaints)


def presses(buttons: Sequence[PressingButton], count: int) -> list[tuple[PressingButton, bytes]]:
    """In turn."""
    now_s = int(time.time())
    return [(one := buttons[number % len(buttons)], one.press(now_s, again=True)) for number in range(count)]


def _flood(
    course: Course,
    attacks: Sequence[Attack],
    acknowledged: list[None],
    beside: list[Key],
    most_honest: int,
    rate_per_s: float,
) -> float:
    """Attacks beside honest presses, until all are dealt with; seconds. Raises Breach."""
    during, over = presses(course.honest, most_honest), threading.Event()
    thread = threading.Thread(target=lambda: beside.extend(course.stream(during, over)))
    wanted = len(acknowledged) + len(attacks)
    began = time.monotonic()
    thread.start()
    for number, attack in enumerate(attacks):
        ahead_s = began + number / rate_per_s - time.monotonic()
        if ahead_s > 0.005:
            time.sleep(ahead_s)
        course.offer(attack.frame, attack.sender, lambda: acknowledged.append(None))
    try:
        eventually(lambda: len(acknowledged) >= wanted, timeout_s=DEADLINE_S)
    except AssertionError:
        raise Breach(f"{wanted - len(acknowledged)} hostile frames were never dealt with") from None
    took_s = time.monotonic() - began
    over.set()
    thread.join(DEADLINE_S)
    return took_s


def run(
    folder: Path, frames: int, seed: int, alone_s: float, most_honest: int, rate_per_s: float = float("inf")
) -> dict[str, Any]:
    """The counts. Raises Breach for all but slowness, which is told as `slower`."""
    course = Course(folder)
    try:
        hostile = Hostile(seed, course.victims, course.overheard())
        course.clones = frozenset(hostile.clones)
        attacks: list[Attack] = list(hostile.attacks(frames))
        alone: list[Key] = []
        beside: list[Key] = []
        acknowledged: list[None] = []
        dealt_before = course.ingest.counts.frames + max(1, int(alone_s / TURNS * RATE_PER_S)) * TURNS
        flooded_s = 0.0
        # By turns, so that whatever else this machine does falls on both.
        for turn in range(TURNS):
            alone += course.stream(presses(course.honest, max(1, int(alone_s / TURNS * RATE_PER_S))), threading.Event())
            course.settle()
            flooded_s += _flood(course, attacks[turn::TURNS], acknowledged, beside, most_honest // TURNS, rate_per_s)
            course.settle()
        course.ingest.stop()
        course.judge()
        calm, flooded = course.took_ms(alone), course.took_ms(beside)
        counts = course.ingest.counts
        return {
            "hostile": frames,
            "by_attack": dict(sorted(Counter(attack.what for attack in attacks).items())),
            "seconds": round(flooded_s, 1),
            "hostile_per_s": round(frames / flooded_s),
            "let_go_unlooked": dealt_before + frames + len(flooded) - counts.frames,
            "malformed": counts.malformed,
            "unknown": counts.unknown,
            "forged": counts.forged,
            "repeated": counts.duplicates,
            "contradictions": counts.contradictions,
            "became_events": 0,
            "honest_alone": len(calm),
            "honest_beside": len(flooded),
            "median_ms_alone": round(statistics.median(calm), 2),
            "median_ms_beside": round(statistics.median(flooded), 2),
            "p99_ms_alone": round(sorted(calm)[int(0.99 * (len(calm) - 1))], 2),
            "p99_ms_beside": round(sorted(flooded)[int(0.99 * (len(flooded) - 1))], 2),
            "slower": round(statistics.median(flooded) / statistics.median(calm), 2),
            "slower_mean": round(statistics.fmean(flooded) / statistics.fmean(calm), 2),
        }
    finally:
        course.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="A million hostile frames beside honest presses.")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--alone", type=float, default=20, help="seconds of honest presses before the flood")
    parser.add_argument(
        "--rate", type=float, default=2_000, help="hostile frames a second; inf: as fast as they are taken"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = run(Path(folder), given.frames, given.seed, given.alone, 60_000, given.rate)
        except Breach as breach:
            print(json.dumps({"breach": str(breach)}))
            return 1
    print(json.dumps(found))
    return 1 if found["slower"] > SLOWER_AT_MOST else 0


if __name__ == "__main__":
    sys.exit(main())

"""Years of buttons in compressed time: real frames through the real ingest, and retention month by month.

Each button tests once a month and calls once a year, with ten frames; its check-ins leave what they leave: a state, a
last position, and a value of battery and signal an hour. Every fifth is installed and checks in each minute, the others
every six hours.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS, IngestHarness
from pressing_button import PressingButton, at, report_body
from siaga_gateway.adapters.sql import store_path
from siaga_gateway.domain.event import Timing
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.domain.incident import Mode
from siaga_gateway.service.ingest.recording import FrameRecorder, IncidentDefaults
from siaga_gateway.service.registry.retention import Retention, RetentionPolicy

DAY_MS: Final = 86_400_000
MONTH_DAYS: Final = 30
MONTHS: Final = 12  # of a year, of 360 days
POLICY: Final = RetentionPolicy(365, 365, 90, 90, 3_650)
HOUSE: Final = IncidentDefaults("siaga.test", Mode.ACTUAL, Timing(), ("cad",), ())
AT_ONCE: Final = 200  # frames in a batch
INSTALLED: Final = 5  # one in so many
HOURS: Final = {True: bytes((90, 0xA9)) * 24, False: (bytes((90, 0xA9)) + bytes((255, 128)) * 5) * 4}


@dataclass
class Years:
    """A store while its years pass."""

    folder: Path
    buttons: int
    frames: int = 0
    _chance: random.Random = field(default_factory=lambda: random.Random(5))

    def __post_init__(self) -> None:
        self.desk = IngestHarness(self.folder, HOUSE)
        self.clock = ManualClock(NOW_MS)
        self.retention = Retention(self.desk.store, self.clock, POLICY)
        self.all: list[tuple[PressingButton, bool]] = []
        for number in range(self.buttons):
            installed = number % INSTALLED == 0
            self.all.append(
                (self.desk.button(installed=(-54_000_000, 1_052_600_000) if installed else None), installed)
            )

    def pass_months(self, count: int) -> None:
        for _ in range(count):
            self._month()

    def _month(self) -> None:
        desk = self.desk
        self.clock.at_ms += MONTH_DAYS * DAY_MS
        desk.now_ms = self.clock.at_ms
        self._take(self._tests())
        self._take(self._calls())
        with desk.store.engine.transaction() as session:  # the operators' part, and the receivers'
            session.run(
                "UPDATE incident SET state = 'closed', closed_at_ms = ?, closed_by = 'holder', "
                "disposition = 'unfounded' WHERE state <> 'closed'",
                (desk.now_ms,),
            )
            session.run("UPDATE outbox SET state = 'delivered' WHERE state = 'pending'")
        desk.keeper = FrameRecorder(HOUSE, desk.store.name, desk.sampler)  # it remembers nothing of that
        self._check_in()
        self.retention.run()

    def _take(self, frames: Iterator[bytes]) -> None:
        batch: list[bytes] = []
        for frame in frames:
            batch.append(frame)
            if len(batch) == AT_ONCE:
                self._store(batch)
                batch = []
        self._store(batch)

    def _store(self, batch: Sequence[bytes]) -> None:
        if batch:
            self.desk.take(*batch)
            self.frames += len(batch)

    def _tests(self) -> Iterator[bytes]:
        for button, _ in self.all:
            yield button.press(self.desk.now_ms // 1000, test=True, **self._place())

    def _calls(self) -> Iterator[bytes]:
        now_s = self.desk.now_ms // 1000
        for button, _ in self.all:
            if self._chance.randrange(MONTHS) == 0:
                yield button.press(now_s, **self._place())
                yield button.press(now_s, again=True, **self._place())
                for _ in range(7):
                    yield button.follow(Kind.UPDATE, now_s, **self._place())
                yield button.follow(Kind.CANCEL, now_s)

    def _check_in(self) -> None:
        """The month's last check-in of each, and the days behind it."""
        today = self.desk.now_ms // DAY_MS
        for number in range(0, len(self.all), AT_ONCE):
            part = self.all[number : number + AT_ONCE]
            with self.desk.store.transaction() as transaction:
                for button, installed in part:
                    for day in range(today - MONTH_DAYS, today):
                        transaction.add_day(button.device_id, day, HOURS[installed])
            frames = []
            for button, _ in part:
                button.counter += 1
                body = report_body(self.desk.now_ms // 1000, battery=90, **self._place())
                frames.append(button.frame(Kind.CHECKIN, button.counter, body, Suite.HS256_64))
            self.desk.take(*frames)

    def _place(self) -> dict[str, int]:
        return at(-54_000_000 + self._chance.randrange(10**6), 1_052_600_000 + self._chance.randrange(10**6))

    @property
    def bytes_on_disk(self) -> int:
        self.desk.store.scrub()
        return os.stat(store_path(self.folder)).st_size

    def press_cost_s(self, count: int) -> float:
        """Processor seconds of a press, here and now."""
        chosen = [self._chance.choice(self.all)[0] for _ in range(count)]
        frames = [button.press(self.desk.now_ms // 1000, test=True, **self._place()) for button in chosen]
        begun = time.process_time()
        for number in range(0, count, AT_ONCE):
            self.desk.take(*frames[number : number + AT_ONCE])
        return (time.process_time() - begun) / count

    def close(self) -> None:
        self.desk.close()

"""The crowd of virtual devices that presses through all of it, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time

from siaga_gateway.domain.frame import Kind
from siaga_tools.load.connection import Broker
from siaga_tools.load.fleet import Fleet
from siaga_tools.load.plan import LoadRequest, plan
from siaga_tools.load.presign import PreparedLoad, make
from siaga_tools.load.run import ConnectionMode, LoadRun

MIX = {Kind.PRESS: 5.0, Kind.UPDATE: 3.0, Kind.CANCEL: 0.5, Kind.CHECKIN: 1.5}


class PressingCrowd:
    """Sends for `seconds`, then insists on what is not answered for `wait_s` at most."""

    def __init__(
        self,
        fleet: Fleet,
        broker: Broker,
        *,
        rate_per_s: float,
        seconds: float,
        wait_s: float,
        longest_wait_s: float,
        seed: int,
    ) -> None:
        planned = plan(LoadRequest(rate_per_s, seconds, mix=MIX), fleet.devices, fleet.next_counter, seed)
        *_, made = make(fleet, planned, time.time())
        assert isinstance(made, PreparedLoad)
        waits = {kind: (min(3.0, longest_wait_s), longest_wait_s) for kind in MIX}
        self.made = made
        self._wait_s = wait_s
        self._drive = LoadRun(made, ConnectionMode(broker, connections=8), name="torture", waits=waits, seed=seed)
        self.tally = self._drive.tally
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def acknowledged(self) -> int:
        return sum(one.acknowledged for one in list(self.tally.classes.values()))

    @property
    def losses(self) -> int:
        return sum(link.losses for link in self._drive.links)

    def start(self) -> None:
        self._thread.start()

    def finish(self, timeout_s: float) -> None:
        """Wait until it has its answers, or has given up. Raises what it died of."""
        self._thread.join(timeout_s)
        if self.fault is not None:
            raise self.fault
        assert not self.alive, "the crowd does not end"

    def sent(self) -> dict[tuple[bytes, int], bytes]:
        """Every frame that a device made and sent, by device and counter."""
        faces = self.made.faces
        return {(faces[one.device].device_id, one.counter): one.frame for one in self._drive.sent()}

    def unanswered(self) -> list[tuple[str, int, str]]:
        faces = self.made.faces
        return [(faces[one.device].device_id.hex(), one.counter, one.kind.name) for one in self._drive.unanswered()]

    def _run(self) -> None:
        try:
            asyncio.run(self._drive.run(self._wait_s))
        except BaseException as error:
            self.fault = error

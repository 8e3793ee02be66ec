"""What whoever keeps the gateway running sees of it, put together: figures, health, the signs of life for systemd."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence

from siaga_gateway.adapters.metrics import Sources, exposition
from siaga_gateway.adapters.mqtt import MqttLink
from siaga_gateway.adapters.operations_http import OperationsServer
from siaga_gateway.bearers import OtherBearers
from siaga_gateway.config import Settings
from siaga_gateway.premises import bound_socket
from siaga_gateway.service.health import CENSUS_S, PROBE_S, Health, StoreProbe, Tallies, stuck_outbox
from siaga_gateway.service.ingest import Ingest
from siaga_gateway.service.outbox import OutboxWorker
from siaga_gateway.service.ports import Bell, Clock
from siaga_gateway.service.rounds import Job, Leases, Rounds
from siaga_gateway.service.store import Store
from siaga_gateway.service.supervise import EVERY_S as SUPERVISE_S
from siaga_gateway.service.supervise import MAIN_WAY, Supervisor
from siaga_gateway.service_manager import ServiceManager

log = logging.getLogger(__name__)


class Operations:
    """`start`, `ready` once presses are taken, `stopping` when the end begins, `stop`."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        bell: Bell,
        clock: Clock,
        link: MqttLink,
        others: OtherBearers,
        ingest: Ingest,
        workers: Sequence[OutboxWorker],
        holder: str,
    ) -> None:
        """holder: this worker's name among all on the store. Raises StartError where the port for figures is taken."""
        probe = StoreProbe(store, clock)
        tallies = Tallies(store)

        def ways() -> dict[str, bool]:
            return {MAIN_WAY: link.up, **others.up()}

        supervision = settings.supervision
        supervisor = Supervisor(store, bell, clock, supervision.wanted, ways=ways, mass=supervision.mass)
        jobs = [
            Job("store probe", PROBE_S, probe.work),
            Job("listening", SUPERVISE_S, supervisor.listen),
            Job("supervision", SUPERVISE_S, supervisor.work, shared=True),
        ]
        if settings.metrics.port is not None:
            jobs.append(Job("census", CENSUS_S, tallies.count_all))
        self._rounds = Rounds(jobs, Leases(store, holder))
        self.health = Health(
            parts={
                "ingest": ingest.silent_s,
                "rounds": self._rounds.silent_s,
                **{f"output {worker.name}": worker.silent_s for worker in workers},
            },
            needs={
                "broker": lambda: "" if link.up else "not connected, or not subscribed",
                "store": lambda: ingest.store_fails or probe.problem(),
                "outbox": stuck_outbox(tallies, {worker.name: worker.untried_s for worker in workers}, clock),
            },
        )
        self._manager = ServiceManager()
        self._server: OperationsServer | None = None
        self._bound: socket.socket | None = None
        if settings.metrics.port is not None:
            self._bound = bound_socket("metrics", settings.metrics.host, settings.metrics.port)
            sources = Sources(
                ingest=ingest,
                outputs=workers,
                bearers=ways,
                health=self.health,
                tallies=tallies,
                clock=clock,
            )
            self._server = OperationsServer(self._bound, exposition(sources), self.health)

    @property
    def address(self) -> str | None:
        return None if self._server is None else self._server.address

    def start(self) -> None:
        if self._server is not None:
            self._server.start()
            log.info("figures are at %s/metrics", self._server.address)

    def ready(self) -> None:
        """The links are up, as far as they are: what is looked at from now on can be told."""
        self._rounds.start()
        self._manager.ready("takes presses")
        self._manager.watch(self.health.hangs)

    def stopping(self) -> None:
        self._manager.stopping()

    def stop(self) -> None:
        self._rounds.stop()
        if self._server is not None:
            self._server.stop()
        elif self._bound is not None:
            self._bound.close()

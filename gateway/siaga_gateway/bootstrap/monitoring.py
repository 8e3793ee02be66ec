"""What operators of the gateway see of it: metrics, health, signs of life for systemd."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from siaga_gateway.adapters.operations import remote_metrics
from siaga_gateway.bootstrap.broker_logins import BrokerLogins
from siaga_gateway.bootstrap.dispatch import Dispatch, way_faults
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.inbound import Bearers
from siaga_gateway.bootstrap.installation_checks import InstallationChecks
from siaga_gateway.bootstrap.log_setup import language_of
from siaga_gateway.bootstrap.pings import ping_pieces
from siaga_gateway.bootstrap.standby_watches import make_standby_watch
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.bootstrap.store_repair import LOOK_S as STORE_FILE_S
from siaga_gateway.bootstrap.systemd import ServiceManager
from siaga_gateway.catalogue import text
from siaga_gateway.domain.gateway_trouble import TroubleKind
from siaga_gateway.service.delivery.worker import OutboxWorker
from siaga_gateway.service.dispatch.auditor import EVERY_S as ESCALATIONS_S
from siaga_gateway.service.fleet.supervision import EVERY_S as SUPERVISE_S
from siaga_gateway.service.fleet.supervision import MAIN_WAY, Supervisor
from siaga_gateway.service.ingest.worker import Ingest
from siaga_gateway.service.installation.key_health import EVERY_S as KEYS_S
from siaga_gateway.service.installation.standby_watch import EVERY_S as STANDBY_S
from siaga_gateway.service.scheduling.gateway_health import (
    CENSUS_S,
    PROBE_S,
    CachedTally,
    Health,
    StoreProbe,
    outputs_lost,
    stuck_outbox,
)
from siaga_gateway.service.scheduling.periodic_jobs import Job, Leases, PeriodicJobs
from siaga_gateway.service.store import StoreFailing


class Operations:
    """Runs the periodic checks, and reports to systemd and to the front."""

    def __init__(
        self,
        base: Foundation,
        bearers: Bearers,
        ingest: Ingest,
        workers: Sequence[OutboxWorker],
        dispatch: Dispatch,
        logins: BrokerLogins,
        checks: InstallationChecks,
        more_ways: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
        starts: Mapping[str, Callable[[], int]] = MappingProxyType({}),
    ) -> None:
        """more_ways: inbound ways that are not among the bearers. starts: of the fronts, by name."""
        settings, store, notifier, clock, guard = base.settings, base.store, base.notifier, base.clock, base.guard
        link, others, keys = bearers.link, bearers.others, checks.keys
        probe = StoreProbe(store, clock)
        tallies = CachedTally(store)

        def ways() -> dict[str, bool]:
            return {MAIN_WAY: link.up, **others.up(), **{name: up() for name, up in more_ways.items()}}

        supervision = settings.supervision
        supervisor = Supervisor(store, notifier, clock, supervision.wanted, ways=ways, mass=supervision.mass)
        jobs = [
            Job("store file", STORE_FILE_S, guard.look),
            Job("store probe", PROBE_S, probe.work),
            Job("keys", KEYS_S, keys.work),
            Job("escalations", ESCALATIONS_S, dispatch.auditor.work),
            Job("listening", SUPERVISE_S, supervisor.listen),
            Job("supervision", SUPERVISE_S, supervisor.work, shared=True),
        ]
        standby = make_standby_watch(settings, store, notifier, clock)
        # Where none is expected any more, an absence of before ends.
        jobs.append(Job("standby", STANDBY_S if standby.expected else PROBE_S, standby.work, shared=True))
        if settings.metrics.port is not None:
            jobs.append(Job("census", CENSUS_S, tallies.count_all))
        self._guard = guard
        self._rounds = PeriodicJobs(jobs, Leases(store, base.worker))
        self._store_needs: tuple[Callable[[], str], ...] = (lambda: ingest.store_fails, probe.problem, guard.problem)
        self.health = Health(
            parts={
                "ingest": ingest.silent_s,
                "rounds": self._rounds.silent_s,
                **{f"output {worker.name}": worker.silent_s for worker in workers},
                **dispatch.parts(),
            },
            needs={
                "broker": lambda: "" if link.up else "deaf" if link.deaf else "not connected, or not subscribed",
                "store": self.store_trouble,
                "dispatch": dispatch.fault,
                "outbox": stuck_outbox(tallies, {worker.name: worker.untried_s for worker in workers}, clock),
            },
            warnings=self._warnings,
        )
        self._keys = keys
        self.machine = checks.machine
        self._standby = standby
        self._way_faults = way_faults(settings, store)
        self._ways_failing = dispatch.ways_failing
        self._outputs_lost = outputs_lost(tallies, [output.name for output in settings.outputs], clock)
        # One worker of a machine pings, for its dead man's switch to miss it.
        self._pings = ping_pieces(settings, self.silent_because) if base.identity.first else []
        self._manager = ServiceManager()
        self._status = text("log.gateway.status", language_of(settings.language))
        # Requested by the front, see adapters.operations.remote_metrics.
        self.figures: dict[str, Callable[[], Any]] = {remote_metrics.ALIVE: lambda: True}
        if settings.metrics.port is not None:
            from siaga_gateway.adapters.operations.prometheus import MetricsSources, exposition

            sources = MetricsSources(
                ingest=ingest,
                outputs=workers,
                bearers=ways,
                health=self.health,
                tallies=tallies,
                damage=guard.problem,
                clock=clock,
                flooding=lambda: link.floods.let_go + others.flooding(),
                texts=lambda: others.texts,
                shut_out=lambda: logins.suspensions.out,
                starts=starts,
                certificates=lambda: checks.certificates.found,
                standby=(lambda: not standby.warnings()) if standby.expected else None,
            )
            self.figures[remote_metrics.METRICS] = exposition(sources)
            self.figures[remote_metrics.HANGS] = self.health.hangs
            self.figures[remote_metrics.PROBLEMS] = self.health.problems
            self.figures[remote_metrics.WARNINGS] = self.health.warnings

    def farewell(self) -> Piece:
        """Tells systemd of the shutdown before anything else stops. An early piece, as any later start may fail."""
        return Piece("word of the end to systemd", stop=self._stopping, stops_first=True)

    def pieces(self) -> list[Piece]:
        """The links are up as far as possible: whatever the checks find from now on can be reported."""
        rounds = Piece("rounds", self._rounds.start, self._rounds.stop)
        return [rounds, Piece("signs of life", self._ready), *self._pings]

    def _warnings(self) -> dict[str, str]:
        lost = self._outputs_lost()
        try:
            faults = self._way_faults()
        except StoreFailing:
            faults = {}  # reported by itself
        ways = {**self._ways_failing(), **{name: each.why for name, each in faults.items()}}
        told = {"outputs": lost, "ways": "; ".join(f"{name}: {why}" for name, why in ways.items())}
        told = {name: why for name, why in told.items() if why}
        return {**self._keys.warnings(), **self._standby.warnings(), **self.machine.warnings(), **told}

    def silent_because(self) -> str:
        """Return why nobody outside is to hear that all is well; empty: it is."""
        found = self.health.problems()
        if lost := self._outputs_lost():
            found["outputs"] = lost
        return "; ".join(f"{name}: {why}" for name, why in found.items())

    def _ready(self) -> None:
        self._manager.ready(self._status)
        self._manager.watch(self.health.hangs)

    def store_trouble(self) -> str:
        """Why presses cannot be stored, or not all, or only just; empty: they can. Never blocks."""
        return next((why for need in self._store_needs if (why := need())), "")

    def trouble(self) -> TroubleKind | None:
        """What to report to the outputs now. Never blocks."""
        return self._guard.trouble() or (TroubleKind.STORE_FAILING if self.store_trouble() else None)

    def _stopping(self) -> None:
        if self._guard.wanted:  # to restart in the same process
            self._manager.restarting()
        else:
            self._manager.stopping()

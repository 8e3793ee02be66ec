"""Opens what every part of the gateway is built on: sockets, outputs, the store, and what may end the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.gateway_key import read_key
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.listening_sockets import ListeningSockets
from siaga_gateway.bootstrap.outputs import make_output, make_troubles
from siaga_gateway.bootstrap.preflight import allow_descriptors, check_name
from siaga_gateway.bootstrap.shutdown_signals import ShutdownSignals
from siaga_gateway.bootstrap.start_and_stop import Piece, Running
from siaga_gateway.bootstrap.store_repair import StoreGuard, open_mended
from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.service.delivery.gateway_troubles import Troubles
from siaga_gateway.service.fleet.coverage_survey import CoverageSurvey
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Clock, Output
from siaga_gateway.service.registry.keyring import KeyRing


@dataclass(frozen=True, slots=True)
class OpenResources:
    """What is opened before anything runs."""

    settings: Settings
    identity: WorkerIdentity
    clock: Clock
    sockets: ListeningSockets
    outputs: Sequence[Output]
    troubles: Troubles
    store: SqlStore


@dataclass(frozen=True, slots=True)
class Foundation(OpenResources):
    """The open resources, and what is made from them."""

    notifier: JournalNotifier
    gateway_key: GatewayKey
    keyring: KeyRing
    shutdown: ShutdownSignals
    guard: StoreGuard
    survey: CoverageSurvey

    @property
    def worker(self) -> str:
        """This worker's name, unique among all workers on the store."""
        return self.identity.name(self.settings)

    def anew(self) -> bool:
        """Whether to restart to repair the store. If the gateway was told to stop, its next start repairs it."""
        return self.guard.wanted and not self.shutdown.asked


def open_all(running: Running, settings: Settings, identity: WorkerIdentity) -> OpenResources:
    """Open everything; `running` closes it. Raises: StartError, SettingsError, StoreUnusable, StoreDamaged."""
    clock = WallClock()
    allow_descriptors()
    sockets = ListeningSockets(settings, identity)
    running.start(Piece("listening sockets", stop=sockets.close))
    outputs = [make_output(output, settings, clock) for output in settings.outputs]
    for output in outputs:
        running.start(Piece(f"connections of output {output.name}", stop=output.close))
    troubles = make_troubles(settings, outputs, clock, identity)
    running.start(Piece("troubles of a store that does not open", stop=troubles.stop))
    store = open_mended(settings, clock, troubles.met)
    running.start(Piece("store", stop=store.close))
    check_name(store, settings.name)
    return OpenResources(settings, identity, clock, sockets, outputs, troubles, store)


def foundation_on(opened: OpenResources) -> Foundation:
    """Build on open resources. Raises: StoreFailing; SettingsError if the gateway key is unusable."""
    store, settings = opened.store, opened.settings
    gateway_key = read_key(settings.data_dir)
    shutdown = ShutdownSignals()
    guard = StoreGuard(settings, store, opened.clock, shutdown.anew, opened.troubles.met)
    store.on_damage = partial(guard.met, call=True)
    return Foundation(
        settings=settings,
        identity=opened.identity,
        clock=opened.clock,
        sockets=opened.sockets,
        outputs=opened.outputs,
        troubles=opened.troubles,
        store=store,
        notifier=JournalNotifier(),
        gateway_key=gateway_key,
        keyring=KeyRing(store, gateway_key),
        shutdown=shutdown,
        guard=guard,
        survey=CoverageSurvey(store, opened.clock),
    )

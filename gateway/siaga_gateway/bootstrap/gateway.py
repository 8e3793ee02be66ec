"""The composition root: the only place that knows every adapter."""

from __future__ import annotations

import json
import logging
import os
from functools import partial
from pathlib import Path

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import open_store
from siaga_gateway.bootstrap import log_setup
from siaga_gateway.bootstrap.accounts import take_over_accounts
from siaga_gateway.bootstrap.broker_logins import make_broker_logins
from siaga_gateway.bootstrap.daily_jobs import say_head
from siaga_gateway.bootstrap.delivery import make_delivery
from siaga_gateway.bootstrap.dispatch import drill_ends, keyed_answers, major_incidents, make_dispatch, under_way
from siaga_gateway.bootstrap.downlink import make_downlink
from siaga_gateway.bootstrap.foundation import Foundation, OpenResources, foundation_on, open_all
from siaga_gateway.bootstrap.http_front.composition import make_front
from siaga_gateway.bootstrap.inbound import make_bearers, make_inbound
from siaga_gateway.bootstrap.installation_checks import make_checks
from siaga_gateway.bootstrap.lifecycle_journal import LifecycleJournal
from siaga_gateway.bootstrap.listening_sockets import WEBHOOK, ListeningSockets
from siaga_gateway.bootstrap.monitoring import Operations
from siaga_gateway.bootstrap.positions import make_positions
from siaga_gateway.bootstrap.preflight import StartError, check_folder, lock_folder, question_site
from siaga_gateway.bootstrap.responder_front import make_page
from siaga_gateway.bootstrap.start_and_stop import Piece, Running, starts_of, stops_of
from siaga_gateway.bootstrap.store_repair import began_anew, mend_at_next_start, start_anew, sure_to_start_anew
from siaga_gateway.bootstrap.text_answers import make_text_answers, telegram_answers
from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.bootstrap.worker_processes import Workers, end_with_parent
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.loading import load
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.service.journal.watcher import JournalWatcher
from siaga_gateway.service.store import StoreDamaged

__all__ = ["StartError", "serve", "serve_as"]

log = logging.getLogger(__name__)


def serve(config: Path, workers: int | None = None) -> None:
    """Run the gateway until SIGTERM or Ctrl-C.

    workers: overrides the setting. Raises: StartError, SettingsError, StoreUnusable if it cannot start.
    """
    settings = load(config)
    count = workers or settings.workers
    log_setup.set_up(settings.log_format, settings.log_level, language=log_setup.language_of(settings.language))
    check_folder(settings.data_dir)
    with lock_folder(settings.data_dir):
        question_site(settings)
        if count == 1:
            anew = _serve(settings, WorkerIdentity(), began_anew())
        else:
            _serve_several(config, settings, count)
            anew = False
    if anew:
        start_anew()


def _serve_several(config: Path, settings: Settings, count: int) -> None:
    if not settings.store.shared:
        raise StartError("start.workers", count=count)
    # Created or migrated once, and wrong settings reported once, before there are several processes to do so.
    open_store(settings, WallClock().now_ms()).close()
    Workers(config, count).run()


def serve_as(config: Path, number: int, of: int) -> None:
    """Run worker `number` of `of` until the parent stops it, or is gone; the parent locks the data folder."""
    settings = load(config)
    log_setup.set_up(settings.log_format, settings.log_level, language=log_setup.language_of(settings.language))
    end_with_parent()
    identity = WorkerIdentity(number, of)
    _serve(identity.settings(settings), identity)


def _serve(settings: Settings, identity: WorkerIdentity, again: bool = False) -> bool:
    """Run one process. again: it has just restarted to repair its store. Returns whether to restart for that."""
    anew = False
    with Running(lambda: sure_to_start_anew(lambda: anew)) as running:
        opened = open_all(running, settings, identity)
        try:
            anew = _run(opened, again)
        except StoreDamaged as error:
            if not mend_at_next_start(settings, error):
                raise
            anew = True
    return anew


def _run(opened: OpenResources, again: bool) -> bool:
    base = foundation_on(opened)
    pieces = _in_order(base, again)
    base.shutdown.in_order()
    with Running(lambda: sure_to_start_anew(base.anew)) as running:
        try:
            for piece in pieces:
                if base.shutdown.told():
                    break
                running.start(piece)
            base.shutdown.wait()
        except SiagaError:
            base.guard.ending()  # a store that is gone may be why
            if not base.guard.wanted:
                raise
    return base.anew()


def _in_order(base: Foundation, again: bool) -> list[Piece]:
    """Everything that runs, in the order in which it starts; it stops in reverse. So first nothing more comes in, then
    what is in progress is finished, committed and acknowledged, and then the links close."""
    store, clock = base.store, base.clock
    logins = make_broker_logins(base)
    bearers = make_bearers(base, logins.suspensions)
    delivery = make_delivery(base)

    def grown() -> None:
        delivery.wake()
        dispatch.wake()
        downlink.wake()

    dispatch = make_dispatch(base, lambda: keyed_answers(base, bearers.link, grown))
    downlink = make_downlink(base, bearers.link, bearers.others)

    def committed() -> None:
        delivery.wake()
        dispatch.wake()

    inbound = make_inbound(base, bearers, committed, downlink)
    checks = make_checks(base, logins.access)

    def front_up() -> bool:
        return front.process.up

    watcher = JournalWatcher(store, base.notifier, grown)
    operations = Operations(
        base,
        bearers,
        inbound.ingest,
        delivery.workers,
        dispatch,
        logins,
        checks,
        {"sms_webhook": front_up} if WEBHOOK in base.sockets.sockets else {},
        {"front": lambda: front.process.starts, "responder_page": lambda: page.process.starts},
    )
    positions = make_positions(base)
    page = make_page(base, bearers.link, grown, dispatch, positions.intake)
    bearers.texts.reader = make_text_answers(base, bearers.others, page.steps, dispatch.duty)
    front = make_front(base, bearers.link, inbound.ingest, operations, positions.intake, bearers.texts, grown)
    life = LifecycleJournal(store, clock, base.identity.among(base.settings) and base.worker)
    # Presses are finished before these stop: they may wait for a store that is slow.
    commanding, guarding, checking = downlink.commanding(), logins.pieces(), checks.pieces()
    watching = operations.pieces()
    return [
        Piece("store's file", stop=base.guard.ending),
        Piece("end in the journal", stop=life.stopped),
        Piece("troubles", stop=partial(base.troubles.stop, within_s=3)),
        *bearers.connections(),
        Piece("accounts of the settings", partial(take_over_accounts, base)),
        page.piece(),
        front.piece(),  # loading its web framework takes longest; presses are taken meanwhile
        operations.farewell(),
        Piece("journal watcher", watcher.start, watcher.stop),
        *delivery.pieces(),
        *dispatch.pieces(),
        *front.logs(),
        page.log(),
        *page.sending(),
        under_way(base, dispatch, page.steps, bearers.link, grown),
        drill_ends(base),
        major_incidents(base),
        *downlink.stages(),
        *stops_of([*commanding, *guarding, *checking, *watching]),
        Piece("survey of the signal", stop=base.survey.end),
        *inbound.pieces(),
        *bearers.intake(base, again),
        *positions.pieces(),
        *telegram_answers(base, page.steps, dispatch.duty),
        *starts_of(commanding),
        *starts_of(guarding),
        Piece("head of the audit chain", partial(say_head, store)),
        *starts_of(checking),
        Piece("start in the journal", life.started),
        front.listeners(base.shutdown.told, again),
        Piece("ready line", lambda: _say_ready(base.sockets, front_up())),
        *starts_of(watching),
        Piece("watch for troubles", partial(base.troubles.watch, operations.trouble)),
    ]


def _say_ready(listeners: ListeningSockets, front_up: bool) -> None:
    addresses = listeners.addresses()
    behind = bool(addresses) and not front_up  # bound, and nobody answers there yet
    told = {"ev": "ready", "pid": os.getpid(), **addresses, **({"front": False} if behind else {})}
    print(json.dumps(told), flush=True)
    if behind:
        log.error(Localized("log.gateway.ready_alone"))
        return
    if (figures := addresses.get("operations")) is not None:
        log.info(Localized("log.gateway.figures", address=figures))
    console = addresses.get("console")
    log.info(Localized("log.gateway.ready") if console is None else Localized("log.gateway.ready_at", console=console))

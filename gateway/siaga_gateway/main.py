"""The composition root: the only place that knows every adapter."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from siaga_gateway import logs
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.mosquitto_passwords import PasswordFile
from siaga_gateway.adapters.mqtt import BrokerUnreachable, MqttLink
from siaga_gateway.adapters.sms import BEARER as SMS
from siaga_gateway.adapters.sql import SqlStore, open_store
from siaga_gateway.adapters.verify_process import VerifyProcess, room_beside
from siaga_gateway.bearers import OtherBearers
from siaga_gateway.config import Settings, load
from siaga_gateway.domain.event import Timing
from siaga_gateway.domain.verify import GatewayKey
from siaga_gateway.housekeeping import housekeeping, say_head
from siaga_gateway.keyfile import read_key
from siaga_gateway.operations import Operations
from siaga_gateway.outputs import make_output, warn_of_orphans
from siaga_gateway.own_journal import journalled, note
from siaga_gateway.premises import StartError, check_folder, console_socket, lock_folder
from siaga_gateway.seat import Seat
from siaga_gateway.service import journal
from siaga_gateway.service.broker_access import BrokerAccess, BrokerPasswords, Change
from siaga_gateway.service.commands import CommandWorker
from siaga_gateway.service.disclosures import DisclosureLog
from siaga_gateway.service.downlinks import Downlinks
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest import Ingest, Limits
from siaga_gateway.service.keep import House
from siaga_gateway.service.keyring import KeyRing
from siaga_gateway.service.lease import Lease
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.operate import Operator
from siaga_gateway.service.outbox import OutboxWorker, wake_all
from siaga_gateway.service.ports import Clock, Output
from siaga_gateway.service.sign_in_log import SignInLog
from siaga_gateway.service.stage_relay import StageRelay
from siaga_gateway.service.watch import JournalWatch
from siaga_gateway.workers import Workers, end_with_parent

__all__ = ["StartError", "serve", "serve_as"]

log = logging.getLogger(__name__)
_LOOK_S: Final = 0.5


def serve(config: Path, workers: int | None = None) -> None:
    """Run the gateway until SIGTERM or Ctrl-C. Raises StartError, SettingsError or StoreUnusable if it cannot start.

    workers: in place of the setting."""
    settings = load(config)
    count = workers or settings.workers
    logs.set_up(settings.log_format, settings.log_level)
    check_folder(settings.data_dir)
    with lock_folder(settings.data_dir):
        if count == 1:
            _serve(settings, Seat())
            return
        if not settings.store.shared:
            raise StartError(
                f"{count} workers need a store that they can share: name a PostgreSQL database by [store], or run one "
                "worker on SQLite"
            )
        # Made or changed once, and wrong settings said once, before there are several to say it.
        open_store(settings, WallClock().now_ms()).close()
        Workers(config, count).run()


def serve_as(config: Path, number: int, of: int) -> None:
    """Run worker `number` of `of` until the parent tells it to end, or is gone; the parent holds the data folder."""
    settings = load(config)
    logs.set_up(settings.log_format, settings.log_level)
    end_with_parent()
    seat = Seat(number, of)
    _serve(seat.settings(settings), seat)


def _serve(settings: Settings, seat: Seat) -> None:
    clock = WallClock()
    with contextlib.ExitStack() as stack:
        bound = stack.enter_context(console_socket(settings.console)) if seat.first else None
        outputs = [make_output(output, settings, clock) for output in settings.outputs]
        store = open_store(settings, clock.now_ms())
        stack.callback(store.close)
        _run(settings, store, outputs, clock, bound, seat)


def _run(
    settings: Settings, store: SqlStore, outputs: list[Output], clock: Clock, bound: socket.socket | None, seat: Seat
) -> None:
    bell = JournalBell()
    gateway_key = read_key(settings.data_dir)
    keyring = KeyRing(store, gateway_key)
    name = seat.name(settings)
    which: dict[str, object] = {} if seat.among(settings) is None else {"worker": name}
    workers = [
        OutboxWorker(store, output, bell, clock, Lease(store, f"outbox {output.name}", name)) for output in outputs
    ]
    warn_of_orphans(store, outputs)
    wake = wake_all(workers)
    entry_point = _EntryPoint()
    link = MqttLink(
        settings.mqtt,
        gateway=settings.name,
        clock=clock,
        sink=entry_point,
        mode=str(settings.mode),
        worker=seat.among(settings),
        share=gateway_key.share_name,
        on_change=journalled(store, bell, clock),
    )

    def bearer_journalled(**facts: object) -> Callable[[bool, str], None]:
        return journalled(store, bell, clock, lost=journal.BEARER_LOST, back=journal.BEARER_BACK, facts=facts)

    access = _broker_access(settings, store, gateway_key, clock)
    others = OtherBearers(settings, clock=clock, sink=entry_point, journalled=bearer_journalled)
    downlinks = Downlinks(link, others.replies, paid=(SMS,))
    relay = StageRelay(store, keyring, downlinks, clock) if others.replies else None
    commands = CommandWorker(store, keyring, downlinks, bell, clock)

    def grown() -> None:
        wake()
        if relay is not None:
            relay.wake()

    watch = JournalWatch(store, bell, grown)
    names = tuple(output.name for output in outputs)
    verifier = VerifyProcess() if settings.verify_process and room_beside(seat.of) else None
    ingest = Ingest(
        store=store,
        keyring=keyring,
        sender=downlinks,
        bell=bell,
        clock=clock,
        house=House(
            gateway=settings.name,
            mode=settings.mode,
            timing=Timing(settings.delayed_after_s, settings.clock_ahead_s),
            outputs=names,
            test_outputs=tuple(output.name for output in outputs if output.receives_tests),
        ),
        limits=Limits(settings.batch, settings.queue, settings.quarantine),
        verifier=verifier,
        committed=wake,
        came_by=downlinks.came_by,
        answered=commands.heard,
        on_health=lambda well, _why: link.announce(well),
    )
    entry_point.ingest = ingest
    operations = Operations(settings, store, bell, clock, link, others, ingest, workers, name)
    # By other ways than MQTT its steps are told by the process that has them, see StageRelay.
    operator = Operator(store, keyring, link, bell, clock, outputs=names, committed=grown)
    disclosures = DisclosureLog(store, clock)
    daily = housekeeping(settings, store, bell, clock, name)
    sign_ins = SignInLog(store, clock)

    # Until the console's server takes over, SIGTERM ends in the same orderly way.
    signal.signal(signal.SIGTERM, _end)
    started = False
    try:
        for worker in workers:
            worker.start()
        ingest.start()
        watch.start()
        operations.start()
        try:
            link.start()
        except BrokerUnreachable as error:
            raise StartError(str(error)) from None
        others.start()
        if relay is not None:
            relay.start()
        commands.start()
        for each in access:
            each.start()
        disclosures.start()
        say_head(store)
        if store.key_fault is not None:
            log.error("%s; presses go on without their holders' names", store.key_fault)
            note(store, clock, journal.PERSONAL_KEY_MISSING, {"why": store.key_fault})
        daily.start()
        from importlib.metadata import version

        note(store, clock, journal.GATEWAY_STARTED, {"version": version("siaga"), "pid": os.getpid(), **which})
        started = True

        def ready() -> None:
            _say_ready(bound, others.webhook, operations.address)
            operations.ready()

        if bound is None:
            ready()
            _wait_for_the_end()
        else:
            # Loading the web framework is half of the start; presses are taken meanwhile.
            from siaga_gateway.console_server import ConsoleServer, console_app

            app = console_app(settings, store, operator, disclosures, sign_ins, bell, clock)
            ConsoleServer(app, ready).run_on(bound)
    finally:
        operations.stopping()
        # Nothing more comes in; what is under way is finished, committed and acknowledged; then the link goes.
        link.hold_back()
        others.hold_back()
        ingest.stop()
        if verifier is not None:
            verifier.close()
        commands.stop()
        if relay is not None:
            relay.stop()
        daily.stop()
        disclosures.stop()
        sign_ins.stop()
        for worker in workers:
            worker.end()
        for worker in workers:
            worker.stop()
        watch.stop()
        for each in access:
            each.stop()
        operations.stop()
        link.stop()
        others.stop()
        for output in outputs:
            getattr(output, "close", lambda: None)()
        if started:
            note(store, clock, journal.GATEWAY_STOPPED, which)


def _wait_for_the_end() -> None:
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: told.set())
    # In looks: the kernel may give the signal to any thread, and does not wake this one then, where Python handles it.
    while not told.wait(_LOOK_S):
        pass


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


class _EntryPoint:
    """Breaks the ring of link and ingest: each needs the other to be made."""

    ingest: Ingest | None = None

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        return self.ingest is not None and self.ingest.offer(frame, timeout_s)


def _broker_access(settings: Settings, store: SqlStore, key: GatewayKey, clock: Clock) -> list[BrokerAccess]:
    def changed(change: Change) -> None:
        note(store, clock, journal.BROKER_ACCESS, {"given": change.given, "withdrawn": change.withdrawn})

    kept: list[BrokerPasswords] = []
    if settings.broker.passwords is not None:
        kept.append(PasswordFile(settings.broker.passwords, settings.broker.pid_file))
    if settings.broker.table:
        from siaga_gateway.adapters.broker_table import PasswordTable

        kept.append(PasswordTable(store))
    return [BrokerAccess(store, key, passwords, changed) for passwords in kept]


def _say_ready(bound: socket.socket | None, webhook: str | None, operations: str | None) -> None:
    ready: dict[str, object] = {"ev": "ready", "pid": os.getpid()}
    console = ""
    if bound is not None:
        host, port = bound.getsockname()[:2]
        ready["console"] = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        console = f"; the console is at {ready['console']}"
    if webhook is not None:
        ready["sms_webhook"] = webhook
    if operations is not None:
        ready["operations"] = operations
    print(json.dumps(ready), flush=True)
    log.info("ready%s", console)

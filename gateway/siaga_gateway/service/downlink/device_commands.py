"""Commands to devices: issued and withdrawn by a person, sent until answered, closed by the device's receipt.

A device takes commands in the order of their down-counters and ignores a lower one for ever. So each device has one in
progress, and gets the next once that one is answered, expired or withdrawn. Carried buttons sleep and hear nothing
meanwhile: an unanswered command is sent again at every check-in, and at growing intervals.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.device_command import (
    ANSWERED,
    EXPIRES_MS,
    OPEN,
    Command,
    CommandError,
    CommandState,
    allowed,
    arguments_of,
    next_counter,
    pause_ms,
)
from siaga_gateway.domain.frame import CommandCode, Kind, Receipt, Result, encode_command, kind_of
from siaga_gateway.domain.registry import state_at
from siaga_gateway.domain.supervision import checkin_of
from siaga_gateway.service.downlink.routes import CommandSender
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.registry.keyring import KeyRing, KnownDevice
from siaga_gateway.service.store import RowUnreadable, Store, StoreDamaged, StoreFailing, Transaction

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_HELD_MS: Final = 60_000  # how long to hold back a command that its device may not have just now
_AT_ONCE: Final = 200  # in one commit
_AGAIN_MS: Final = 5_000  # minimum interval of repeating a command to a device that is heard often
# After these a device listens, and has nothing better to do.
_LISTENS: Final = frozenset({int(Kind.CHECKIN), int(Kind.RECEIPT)})


class CommandIssuer:
    """Issues and withdraws commands, for `siaga gateway command`; works while the gateway runs."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def ask(
        self,
        device_id: bytes,
        code: CommandCode,
        written: str | None,
        *,
        actor: str,
        expires_ms: int = EXPIRES_MS,
        once: bool = False,
        reason: str | None = None,
    ) -> Command:
        """Issue a command; it is durable.

        written: its arguments as typed. once: refuse one that waits already. reason: why, without a name. Raises:
        CommandError.
        """
        arguments = arguments_of(code, written)
        found = self._store.enrolled([device_id]).get(device_id)
        if found is None:
            raise CommandError("registry.not_enrolled", device_id=device_id.hex())
        now_ms = self._clock.now_ms()
        state = state_at(found.device, now_ms)
        if not allowed(state, code):
            named, told = Localized(f"errors.registration_state.{state}"), code.name.lower()
            raise CommandError("command.not_allowed", device_id=device_id.hex(), state=named, command=told)
        with self._store.transaction() as transaction:
            transaction.lock([device_id])
            for each in transaction.open_commands(device_id) if once else ():
                if (each.code, each.arguments) == (code, arguments):
                    raise CommandError("command.waits_already", number=each.down_counter, who=each.asked_by)
            command = Command(
                device_id=device_id,
                down_counter=next_counter(transaction.last_down_counter(device_id), now_ms),
                code=code,
                arguments=arguments,
                state=CommandState.WAITING,
                asked_by=actor,
                asked_ms=now_ms,
                expires_ms=now_ms + expires_ms,
                next_ms=now_ms,
            )
            transaction.add_command(command)
            why = {} if reason is None else {"reason": reason}
            _note(transaction, journal.COMMAND_ASKED, now_ms, command, actor, expires_s=expires_ms // 1000, **why)
        return command

    def withdraw(self, device_id: bytes, down_counter: int, *, actor: str) -> Command:
        """Stop sending a command; a device that has it may still execute it. Raises: CommandError."""
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.lock([device_id])
            command = transaction.command(device_id, down_counter)
            if command is None:
                raise CommandError("command.none", device_id=device_id.hex(), down_counter=down_counter)
            if command.state not in OPEN:
                named = Localized(f"errors.command_state.{command.state}")
                raise CommandError("command.not_open", number=down_counter, state=named)
            return _close(transaction, command, CommandState.WITHDRAWN, journal.COMMAND_WITHDRAWN, now_ms, actor)


class CommandWorker:
    """Sends what is due. Call `start`, `heard` for each authentic frame, `stop`."""

    def __init__(self, store: Store, keyring: KeyRing, sender: CommandSender, notifier: Notifier, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._sender = sender
        self._notifier = notifier
        self._clock = clock
        self._version = -1
        self._devices: frozenset[bytes] = frozenset()  # with an open command
        self._listening: set[bytes] = set()  # heard since the last pass
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commands", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def heard(self, device_id: bytes, frame: InboundFrame) -> None:
        """Note that an authentic frame of this device was committed and answered: acknowledgements go before commands.

        Thread-safe; cheap for a device without commands.
        """
        if device_id in self._devices and kind_of(frame.raw) in _LISTENS:
            with self._lock:
                self._listening.add(device_id)
            self._wake.set()

    def _run(self) -> None:
        store_down = False
        while not self._stop.is_set():
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            try:
                self.work()
                store_down = False
            except StoreFailing as error:
                if not store_down:
                    log.error(Localized("log.commands.again", why=error))
                store_down = True
                self._stop.wait(_LOOK_S)
            except Exception:
                log.exception(Localized("log.commands.fault"))
                self._stop.wait(_LOOK_S)

    def work(self) -> None:
        """Close expired commands and send what is due. Raises: StoreFailing."""
        version = self._store.command_version()
        if version != self._version:
            self._devices = frozenset(self._store.devices_with_commands())
            self._version = version
        with self._lock:
            listening, self._listening = self._listening, set()
        if not self._devices:
            return
        now_ms = self._clock.now_ms()
        self._expire(now_ms)
        due = {command.device_id: command for command in self._store.commands_due(now_ms, _AT_ONCE)}
        if len(due) == _AT_ONCE:
            self._wake.set()  # there are more
        for device_id in listening:
            command = self._first(device_id)
            if command is not None and (command.sent_ms is None or abs(now_ms - command.sent_ms) >= _AGAIN_MS):
                due[device_id] = command
        if due:
            known = self._keyring.look_up(list(due))
            self._send_all([(command, known.get(command.device_id)) for command in due.values()], now_ms)

    def _first(self, device_id: bytes) -> Command | None:
        with suppress(StoreDamaged):  # the others' go out
            return self._store.first_command(device_id)
        return None

    def _expire(self, now_ms: int) -> None:
        over = self._store.commands_expired(now_ms)
        if not over:
            return
        with self._store.transaction() as transaction:
            transaction.lock([command.device_id for command in over])
            for command in over:
                there = transaction.command(command.device_id, command.down_counter)
                if there is not None and there.state in OPEN:
                    _close(transaction, there, CommandState.EXPIRED, journal.COMMAND_EXPIRED, now_ms, None)
        self._notifier.ring()

    def _send_all(self, due: list[tuple[Command, KnownDevice | None]], now_ms: int) -> None:
        """Record as sent, then send: otherwise a command could be withdrawn and go out all the same."""
        to_send: list[Callable[[], None]] = []
        with self._store.transaction() as transaction:
            transaction.lock([command.device_id for command, _ in due])
            for before, known in due:
                command = transaction.command(before.device_id, before.down_counter)
                if command is None or command.state not in OPEN or command.attempts != before.attempts:
                    continue  # answered or withdrawn meanwhile, or another worker was faster
                if known is None or not allowed(state_at(known.device, now_ms), command.code):
                    transaction.put_command(replace(command, next_ms=now_ms + _HELD_MS))
                    continue
                attempts = command.attempts + 1
                sent = replace(
                    command,
                    state=CommandState.SENT,
                    attempts=attempts,
                    sent_ms=now_ms,
                    next_ms=now_ms + pause_ms(attempts),
                )
                transaction.put_command(sent)
                if attempts & (attempts - 1) == 0:
                    _note(transaction, journal.COMMAND_SENT, now_ms, sent, None, attempts=attempts)
                to_send.append(self._frame(sent, known, now_ms))
        for send in to_send:
            send()
        if to_send:
            self._notifier.ring()

    def _frame(self, command: Command, known: KnownDevice, now_ms: int) -> Callable[[], None]:
        device_id, now_s = command.device_id, min(max(now_ms // 1000, 0), 2**32 - 1)
        frame = encode_command(
            known.key.mac_down, device_id, command.down_counter, now_s, command.code, command.arguments
        )
        return lambda: self._sender.send_command(device_id, frame)


def take_receipt(transaction: Transaction, device_id: bytes, counter: int, receipt: Receipt, received_ms: int) -> None:
    """Process a device's answer: close its command, even one already given up, as the device knows best.

    counter: of the RECEIPT.
    """
    result = receipt.result.name.lower()
    try:
        command = transaction.command(device_id, receipt.down_counter)
    except RowUnreadable:  # the check-in that brings the answer is kept all the same
        command = None
    if command is None:
        facts = {"counter": counter, "down_counter": receipt.down_counter, "result": result}
        transaction.note(journal.RECEIPT_UNKNOWN, received_ms, facts, device_id=device_id)
        return
    if command.state not in ANSWERED.values():
        transaction.put_command(replace(command, state=ANSWERED[receipt.result], closed_ms=received_ms))
        if command.code is CommandCode.SETTINGS and receipt.result is Result.DONE:
            _note_checkin(transaction, device_id, command.arguments)
    _note(
        transaction,
        journal.COMMAND_ANSWERED,
        received_ms,
        command,
        None,
        result=result,
        answered_s=max(0, received_ms - command.asked_ms) // 1000,
        counter=counter,
        was=None if command.state in OPEN else str(command.state),
    )


def _note_checkin(transaction: Transaction, device_id: bytes, arguments: bytes) -> None:
    """The device has other settings now: supervision expects its check-ins accordingly."""
    settings = json.loads(arguments)
    if isinstance(settings, dict) and (found := checkin_of(settings)) is not None:
        transaction.set_checkin(device_id, *found)


def _close(
    transaction: Transaction, command: Command, state: CommandState, kind: str, now_ms: int, actor: str | None
) -> Command:
    closed = replace(command, state=state, closed_ms=now_ms)
    transaction.put_command(closed)
    _note(transaction, kind, now_ms, closed, actor, attempts=command.attempts)
    return closed


def _note(
    transaction: Transaction, kind: str, at_ms: int, command: Command, actor: str | None, **facts: object
) -> None:
    told = {"command": command.name, "down_counter": command.down_counter, **facts}
    transaction.note(kind, at_ms, told, device_id=command.device_id, actor=actor)

"""The link between the process that takes presses and the front, the process that strangers reach.

A pair of connected sockets. The front sends requests in JSON, and only for calls that are exposed to it by name: a
process that faces strangers is not trusted. The process that started it answers in pickles, so that an incident or a
refusal arrives as the same object. Nothing waits without a deadline, and the press process never waits for the front.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import pickle
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

from siaga_gateway.adapters.daemon_pool import DaemonPool
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger(__name__)

_LARGEST: Final = 1 << 20  # bytes of a request
_WAITING: Final = 2_000  # messages to be sent
_AT_ONCE: Final = 4  # threads for operators' steps and notes
_QUESTIONS: Final = 200  # requests accepted and not answered
ANSWER_S: Final = 8.0  # less than the 10 s after which the browser gives up
_RING: Final = pickle.dumps((None, None))  # the journal grew; anything else is a request's number and its answer


class PressesSilent(StoreFailing):
    """The process that takes presses does not answer, or is gone."""


def hang_up(line: Connection) -> None:
    """Shut down both directions: whoever reads or writes sees the end.

    The descriptor stays open until they have: closed under them, its number soon belongs to another file, which they
    would read from or write to.
    """
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(line.fileno())) as both:
        both.shutdown(socket.SHUT_RDWR)


class _Sender:
    """Sends in its own thread, so that nobody waits for the other side to read."""

    def __init__(self, line: Connection, name: str) -> None:
        self._line = line
        self._queue: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._rung = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Send a notification; several not sent yet are merged."""
        if not self._rung.is_set():
            self._rung.set()
            if not self.send(_RING):
                self._rung.clear()

    def send(self, message: bytes) -> bool:
        """Queue a message. False: the queue is full."""
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            return False
        return True

    def end(self, wait_s: float = 0.0) -> bool:
        """Stop once the queue is sent, or cannot be. Returns whether it has ended."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (message := self._queue.get()) is not None:
            if message is _RING:
                self._rung.clear()
            try:
                self._line.send_bytes(message)
            except OSError:
                return


class PressSide:
    """The press process's end, for one life of the front: call `start`, and `close` when the front has ended."""

    def __init__(
        self,
        line: Connection,
        calls: Mapping[str, Callable[..., Any]],
        figures: Mapping[str, Callable[..., Any]],
        offer: Callable[[dict[str, Any], Callable[[bool], None]], bool],
        said: Callable[[str, dict[str, Any]], None],
    ) -> None:
        """calls: what the front may call, by name. figures: what it may ask for even while all else hangs. offer: takes
        a frame if there is room; its callback says, once the frame is dealt with, whether it is stored. said: called
        for messages that expect no answer, by name."""
        self._line = line
        self._calls = calls
        self._figures = figures
        self._offer = offer
        self._said = said
        self._sender = _Sender(line, "front-answers")
        self._steps = DaemonPool(_AT_ONCE, "front-steps")
        self._looks = DaemonPool(1, "front-figures")
        self._room = threading.BoundedSemaphore(_QUESTIONS)
        self._reader = threading.Thread(target=self._serve, name="front-line", daemon=True)

    def start(self) -> None:
        """Raises: RuntimeError if the machine has no thread left."""
        self._steps.start()
        self._looks.start()
        self._reader.start()

    def close(self, wait_s: float) -> bool:
        """Let received messages be processed and queued ones be sent or dropped. Returns whether it is closed: it never
        closes under a thread that has not ended within wait_s."""
        until = time.monotonic() + wait_s
        if self._reader.ident is not None:
            self._reader.join(wait_s / 2)  # the other side's end is read
        hang_up(self._line)
        if self._reader.ident is None:
            self._end_calls()
        else:
            self._reader.join(max(0.0, until - time.monotonic()))
        ended = self._sender.end(max(0.0, until - time.monotonic())) and not self._reader.is_alive()
        if ended:
            self._line.close()
        return ended

    def ring(self) -> None:
        """Notify that the journal grew. Never blocks."""
        self._sender.ring()

    def _serve(self) -> None:
        try:
            while True:
                said = self._line.recv_bytes(_LARGEST)
                try:
                    self._take(json.loads(said))
                except (ValueError, KeyError, TypeError):
                    log.exception(Localized("log.front.strange", said=""))
        except (EOFError, OSError):
            return
        finally:
            self._sender.end()
            self._end_calls()

    def _end_calls(self) -> None:
        self._steps.end()
        self._looks.end()

    def _take(self, asked: dict[str, Any]) -> None:
        name, number = str(asked["name"]), asked.get("number")
        if name == "offer":
            if not self._offer(asked, lambda stored: self._send(number, stored)):
                self._send(number, None)
        elif name in self._figures:
            self._looks.submit(partial(self._answer, number, self._figures[name], asked))
        elif name in self._calls:
            if not self._room.acquire(blocking=False):
                self._send(number, PressesSilent("front.busy"))
                return
            self._steps.submit(partial(self._in_room, number, self._calls[name], asked))
        else:
            self._said(name, asked)

    def _in_room(self, number: object, call: Callable[..., Any], asked: dict[str, Any]) -> None:
        try:
            self._answer(number, call, asked)
        finally:
            self._room.release()

    def _answer(self, number: object, call: Callable[..., Any], asked: dict[str, Any]) -> None:
        found: object
        try:
            found = call(*asked.get("args", ()), **asked.get("more", {}))
        except Exception as error:
            if number is None or not isinstance(error, SiagaError):
                log.exception(Localized("log.front.untold", what=asked.get("name")))
            found = error
        if number is not None:
            self._send(number, found)

    def _send(self, number: object, found: object) -> None:
        try:
            answer = pickle.dumps(found)
        except Exception:
            log.exception(Localized("log.front.unanswered"))
            answer = pickle.dumps(PressesSilent("front.unanswered"))
        if not self._sender.send(pickle.dumps((number, answer))):
            log.error(Localized("log.front.deaf"))


class FrontSide:
    """The front's end. Call `start`, then `ask` and `tell` from any thread."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._asked: dict[int, Callable[[object], None]] = {}
        self._rung: Callable[[], None] = lambda: None
        self._sender = _Sender(line, "press-questions")

    def start(self, rung: Callable[[], None]) -> None:
        """rung: called whenever the journal grew."""
        self._rung = rung
        threading.Thread(target=self._read, name="press-answers", daemon=True).start()

    def end(self) -> None:
        """Send what is queued, for a second at most."""
        self._sender.end(1.0)

    def tell(self, name: str, *args: object, **more: object) -> None:
        """Send a call without an answer."""
        if not self._sender.send(_packed(name, None, args=args, more=more)):
            log.error(Localized("log.front.not_told", what=name))

    def say(self, name: str, **facts: object) -> None:
        """Send something about the front itself."""
        self._sender.send(_packed(name, None, **facts))

    def ask(self, name: str, *args: object, deadline_s: float = ANSWER_S, **more: object) -> Any:
        """Call the press process and return its answer.

        Raises: what was raised there; PressesSilent after deadline_s.
        """
        answer: Future[object] = Future()
        number = self._expect(answer.set_result)
        try:
            if not self._sender.send(_packed(name, number, args=args, more=more)):
                raise PressesSilent("front.silent", seconds=0)
            found = answer.result(deadline_s)
        except Late:
            raise PressesSilent("front.silent", seconds=round(deadline_s)) from None
        finally:
            with self._lock:
                self._asked.pop(number, None)
        if isinstance(found, Exception):
            raise found
        return found

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        """Implements service.inbound.FrameSink: acknowledged once the press process has committed it; `no_room` is
        called if it did not take it."""

        def dealt_with(stored: object) -> None:
            if not isinstance(stored, bool):
                if frame.no_room is not None:
                    frame.no_room()
                return
            if stored and frame.stored is not None:
                frame.stored()
            frame.acknowledge()

        number = self._expect(dealt_with)
        from_number = getattr(frame.origin, "number", None)
        facts = {"raw": frame.raw.hex(), "received_ms": frame.received_ms, "number_from": from_number}
        if self._sender.send(_packed("offer", number, **facts)):
            return True
        with self._lock:
            self._asked.pop(number, None)
        return False

    def _expect(self, answered: Callable[[object], None]) -> int:
        with self._lock:
            number = next(self._numbers)
            self._asked[number] = answered
            while len(self._asked) > _WAITING:  # frames that were never committed: their senders repeat them
                del self._asked[next(iter(self._asked))]
        return number

    def _read(self) -> None:
        try:
            while True:
                number, found = pickle.loads(self._line.recv_bytes())  # noqa: S301 - from whoever started this
                if number is None:
                    self._rung()
                    continue
                with self._lock:
                    answered = self._asked.pop(number, None)
                if answered is not None:
                    answered(_unpacked(found))
        except (EOFError, OSError):
            return


class RemotePort:
    """A port whose calls run in the press process: `cast` it to that port. asked: names of calls that return an answer;
    the others are only sent."""

    def __init__(self, line: FrontSide, port: str, asked: bool) -> None:
        self._line = line
        self._port = port
        self._asked = asked

    def __getattr__(self, name: str) -> Callable[..., Any]:
        far = f"{self._port}.{name}"
        how = self._line.ask if self._asked else self._line.tell
        return lambda *args, **more: how(far, *args, **more)


def _unpacked(answer: bytes) -> object:
    try:
        return pickle.loads(answer)  # noqa: S301 - from whoever started this
    except Exception:  # another version's, during an upgrade of the gateway
        log.exception(Localized("log.front.unanswered"))
        return PressesSilent("front.unanswered")


def _packed(name: str, number: int | None, **facts: object) -> bytes:
    return json.dumps({"name": name, "number": number, **facts}).encode()

"""An output to an alarm receiving centre by SIA DC-09, over TCP or UDP: one message outstanding at a time."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from siaga_gateway.adapters.outputs.common import checked_deadline, made
from siaga_gateway.adapters.outputs.deadline_call import DeadlineCall
from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import in_words, reason
from siaga_gateway.domain.incident import Notice
from siaga_gateway.domain.limits import DELIVERY_DEADLINE_S
from siaga_gateway.formats import dc09, dc09_events
from siaga_gateway.formats.text_rules import one_line
from siaga_gateway.service.ports import Clock, Delivered, NotDelivered

_LONGEST_ANSWER: Final = 4096  # bytes
_LOOK_AGAIN_S: Final = 1.0
_REMEMBERED: Final = 1_000  # keys whose sequence numbers are kept
_DATAGRAM_AGAIN_S: Final = 3.0  # UDP: the same bytes again, while no answer comes
# A supervision message gives way: no call waits for its answer for longer.
_SUPERVISION_S: Final = 5.0
# A clock that differs by less was not why a message was refused.
_AGREES_MS: Final = 15_000
# An acknowledgement that is older than the one before, and whose time differs from ours by more, is played back.
_NOT_OLD_MS: Final = 600_000
_OUT_OF_ORDER_MS: Final = 60_000
_WORTH_TELLING_MS: Final = 20_000


class Dc09Output:
    """Each message has its own connection and sequence number; a repetition under the same key has the same number.

    A receiver that refuses our time says what its own is: it is followed from then on, for this receiver alone, and
    that is told with each delivery. Thread-safe, one exchange after the other.
    """

    def __init__(
        self,
        name: str,
        server: tuple[str, int],
        line: dc09.Line,
        wanted: dc09_events.Format,
        receives_tests: bool = False,
        *,
        clock: Clock,
        datagrams: bool = False,
        supervision_s: float | None = None,
        language: str = "id",
        deadline_s: float = DELIVERY_DEADLINE_S,
    ) -> None:
        """datagrams: UDP. supervision_s: interval of supervision messages; None: none are sent."""
        self.name = name
        self.receives_tests = receives_tests
        self.at_once = 1
        self._server = server
        self._where = f"{server[0]}:{server[1]}"
        self._line = line
        self._wanted = wanted
        self._clock = clock
        self._datagrams = datagrams
        self._supervision_s = supervision_s
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self._names = DeadlineCall(f"name of {name}")
        self._one = threading.Lock()
        self._ahead_ms = 0  # the receiver's clock, of ours
        self._numbers: OrderedDict[str, int] = OrderedDict()  # by key
        # Not 1 at each start: a receiver may take a number that it had last for a repetition.
        self._number = clock.now_ms() // 1000 % dc09.LAST_SEQUENCE
        self._heard_at: float | None = None  # monotonic
        self._acknowledged_ms = 0  # by the receiver's clock

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        account = dc09_events.account(notice, self._wanted)
        content = made(lambda: self._content(notice, account or self._line.account), self._language)
        if isinstance(content, NotDelivered):
            return content
        if not content:
            return Delivered(self._say("nothing"))

        def write(number: int, at_ms: int) -> bytes:
            return dc09.message(
                self._line, self._wanted.protocol, number, content.decode("ascii"), at_ms, _noise(), account
            )

        return self._exchange(write, key, self._deadline_s)

    def _content(self, notice: Notice, account: str) -> bytes:
        return (dc09_events.content(notice, account, self._wanted) or "").encode("ascii")

    def supervision_due_s(self) -> float | None:
        """Implements service.ports.SupervisedOutput."""
        if self._supervision_s is None:
            return None
        if self._one.locked():
            return _LOOK_AGAIN_S  # a message is under way, and says as much
        heard_at = self._heard_at
        return 0.0 if heard_at is None else max(0.0, heard_at + self._supervision_s - time.monotonic())

    def supervise(self) -> Delivered | NotDelivered:
        """Implements service.ports.SupervisedOutput."""
        deadline_s = min(_SUPERVISION_S, self._deadline_s)
        return self._exchange(lambda number, at_ms: dc09.null(self._line, number, at_ms, _noise()), None, deadline_s)

    def close(self) -> None:
        """Nothing to close."""

    def _exchange(
        self, write: Callable[[int, int], bytes], key: str | None, deadline_s: float
    ) -> Delivered | NotDelivered:
        """Send a message, twice where the receiver's clock turns out to be another, and judge the answer."""
        until = time.monotonic() + deadline_s
        if not self._one.acquire(timeout=deadline_s):
            return self._failed("dc09_silent", seconds=f"{deadline_s:g}")
        try:
            number = self._sequence(key)
            ahead_ms = self._ahead_ms
            answer = self._ask(write(number, self._now_ms()), number, until)
            if self._follow(answer):
                answer = self._ask(write(number, self._now_ms()), number, until)
                if answer.reply == "NAK":
                    self._ahead_ms = ahead_ms  # that was not why
            return self._judge(answer, number)
        except TimeoutError:
            return self._failed("dc09_silent", seconds=f"{deadline_s:g}")
        except dc09.NotDc09 as error:
            return self._failed("dc09_unreadable", why=in_words(error, self._language))
        except socket.gaierror as error:
            return NotDelivered(self._tell("no_name", host=self._server[0], why=reason(error, self._language)))
        except OSError as error:
            return self._failed("dc09_no_connection", why=reason(error, self._language))
        except Exception as error:
            return NotDelivered(self._tell("unexpected", why=type(error).__name__))
        finally:
            self._one.release()

    def _judge(self, answer: dc09.Answer, number: int) -> Delivered | NotDelivered:
        match answer.reply:
            case "DUH":
                self._heard_at = time.monotonic()
                return self._failed("dc09_duh", permanent=True, protocol=self._wanted.protocol)
            case "NAK" if answer.at_ms is None:
                return self._failed("dc09_nak_bare", account=self._line.account)
            case "NAK":
                return self._failed("dc09_nak_key" if self._line.key else "dc09_nak_plain", account=self._line.account)
        if self._line.key is not None and not answer.encrypted:
            return self._failed("dc09_plain_answer")
        if answer.encrypted and answer.at_ms is not None:
            late = answer.at_ms < self._acknowledged_ms - _OUT_OF_ORDER_MS
            if late and abs(answer.at_ms - self._now_ms()) > _NOT_OLD_MS:
                return self._failed("dc09_old_answer")
            self._acknowledged_ms = answer.at_ms
        self._heard_at = time.monotonic()
        return Delivered(". ".join((self._say("dc09_taken", number=f"{number:04d}"), *self._clocks_differ())))

    def _clocks_differ(self) -> Iterator[str]:
        if abs(self._ahead_ms) > _WORTH_TELLING_MS:
            which = "dc09_clock_ahead" if self._ahead_ms > 0 else "dc09_clock_behind"
            yield self._say(which, seconds=round(abs(self._ahead_ms) / 1000))

    def _now_ms(self) -> int:
        """By the receiver's clock, as far as known."""
        return self._clock.now_ms() + self._ahead_ms

    def _follow(self, answer: dc09.Answer) -> bool:
        """Whether it refuses our time: then its own is followed."""
        if answer.reply != "NAK" or answer.at_ms is None:
            return False
        ahead_ms = answer.at_ms - self._clock.now_ms()
        if abs(ahead_ms - self._ahead_ms) <= _AGREES_MS:
            return False
        self._ahead_ms = ahead_ms
        return True

    def _sequence(self, key: str | None) -> int:
        """Return the number of the message under this key; None: of a new one. No two keys that are remembered share
        one."""
        if key is not None and key in self._numbers:
            self._numbers.move_to_end(key)
            return self._numbers[key]
        taken = set(self._numbers.values())
        self._number = self._number % dc09.LAST_SEQUENCE + 1
        while self._number in taken:
            self._number = self._number % dc09.LAST_SEQUENCE + 1
        if key is not None:
            self._numbers[key] = self._number
            if len(self._numbers) > _REMEMBERED:
                self._numbers.popitem(last=False)
        return self._number

    def _ask(self, request: bytes, number: int, until: float) -> dc09.Answer:
        """Return the answer to this message. Raises: TimeoutError, OSError, NotDc09."""
        with self._connected(until) as link:
            _wait(link, until)
            link.sendall(request)
            received = b""
            while True:
                while not dc09.is_whole(received):
                    more = self._receive(link, request, until)
                    if not more:
                        if not received.strip():
                            raise ConnectionResetError
                        received += b"\r"  # it closes without an end: judged as it is
                        break
                    received = (received + more)[-_LONGEST_ANSWER:]
                first, _, received = received.lstrip(b"\r\n").partition(b"\r")
                answer = dc09.read_answer(first, self._line.key)
                # A late answer to an earlier message says nothing about this one. A NAK may carry no number.
                if (answer.reply in {"NAK", "DUH"} and not answer.sequence) or answer.sequence == number:
                    return answer

    def _receive(self, link: socket.socket, request: bytes, until: float) -> bytes:
        if not self._datagrams:
            _wait(link, until)
            return link.recv(_LONGEST_ANSWER)
        while True:
            _wait(link, min(until, time.monotonic() + _DATAGRAM_AGAIN_S))
            try:
                return link.recv(_LONGEST_ANSWER) + b"\r"
            except TimeoutError:
                _wait(link, until)
                link.sendall(request)  # lost, or its answer: the same number, so it is no second event

    @contextmanager
    def _connected(self, until: float) -> Iterator[socket.socket]:
        kind = socket.SOCK_DGRAM if self._datagrams else socket.SOCK_STREAM
        found = self._names.call(lambda: socket.getaddrinfo(*self._server, type=kind), until)
        failed: OSError = ConnectionRefusedError()
        for left, (family, of_type, protocol, _, address) in zip(range(len(found), 0, -1), found, strict=True):
            now = time.monotonic()
            with socket.socket(family, of_type, protocol) as link:
                try:
                    _wait(link, now + (until - now) / left)  # one that is dead leaves time for the others
                    link.connect(address)
                except OSError as error:
                    failed = error
                    continue
                yield link
                return
        raise failed

    def _failed(self, name: str, *, permanent: bool = False, **values: object) -> NotDelivered:
        return NotDelivered(self._say(name, **values), permanent=permanent)

    def _say(self, name: str, **values: object) -> str:
        return self._tell(name, where=self._where, **values)

    def _tell(self, name: str, **values: object) -> str:
        return one_line(text(f"formats.delivery.{name}", self._language, **values))


def _noise() -> bytes:
    return secrets.token_bytes(dc09.NOISE_BYTES)


def _wait(link: socket.socket, until: float) -> None:
    """Let the next call on it end then. Raises: TimeoutError if it is over."""
    left_s = until - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    link.settimeout(left_s)

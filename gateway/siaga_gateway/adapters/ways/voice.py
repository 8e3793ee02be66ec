"""Telephone calls through a modem on a serial port, one at a time, each answered by a key.

The port is open only for a call, and for a look once a minute. Between them nothing is taken for granted: the modem may
be unplugged, start anew or be tried by `siaga gateway way test`.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

from siaga_gateway.adapters.outputs.common import checked_deadline
from siaga_gateway.adapters.ways.modem_port import ModemFault, ModemPort, ModemRefused
from siaga_gateway.adapters.ways.modem_voice import ModemVoice
from siaga_gateway.adapters.ways.voice_call import CallEnd, CallTimes, End, VoiceCall
from siaga_gateway.catalogue import text
from siaga_gateway.domain.keyed_answer import YES_KEYS, Question, Said, Standing, Taken
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.value import record
from siaga_gateway.formats.modem_words import (
    Heard,
    has_call,
    is_registered,
    refusal_in,
    rupiah_in,
    signal_of,
    sim_state,
    ussd_text,
)
from siaga_gateway.formats.service_message import AddressUnusable
from siaga_gateway.formats.sms_number import number_of
from siaga_gateway.formats.text_rules import one_line
from siaga_gateway.service.dispatch.ways import Budget, HandedOver, Talk
from siaga_gateway.service.ports import NotDelivered

_LEAST_SIGNAL: Final = 3  # -107 dBm: below that calls break off
_CREDIT_EVERY_S: Final = 6 * 3600.0
_USSD_S: Final = 30.0
_SLICE_S: Final = 0.5
_REFUSED_IN_A_ROW: Final = 3
_BETWEEN_S: Final = 3.0  # for a call that is still there to end
_TRIED_S: Final = 90.0
_STUCK_S: Final = 150.0  # nothing takes so long
_CLOSED_S: Final = 5.0
_TURN_S: Final = 60.0  # that a call waits for the line


@record
class Credit:
    """How a prepaid card's credit is asked for."""

    code: str  # *888#
    least: int  # rupiah


class _NobodyAsks:
    """Implements Talk where no more is wanted than that a person presses the key."""

    def standing(self) -> Standing:
        return Standing.WANTED

    def take(self, said: Said) -> Taken:
        return Taken.TAKEN


class VoiceWay:
    """Implements service.dispatch.ways.TalkingWay and WatchedWay."""

    kind = ContactWay.PHONE
    at_once = 1  # a modem has one line
    repeats_recognised = False

    def __init__(
        self,
        name: str,
        port: ModemPort,
        voice: ModemVoice,
        *,
        budget: Budget,
        language: str,
        deadline_s: float,
        credit: Credit | None = None,
        shared: Callable[[], str | None] = lambda: None,
        times: CallTimes = CallTimes(),  # noqa: B008 - a value
    ) -> None:
        """deadline_s: for the modem to be ready to dial. language: of the results' texts. shared: what else has this
        modem, by another port; asked each time, as a modem may be plugged in at any. Raises: ValueError."""
        self.name = name
        self.budget = budget
        self._port = port
        self._voice = voice
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self._credit = credit
        self._shared = shared
        self._times = times
        self._line = threading.Lock()
        self._ending = threading.Event()
        self._closing = threading.Event()
        self._urgent = 0  # calls for help that wait for the line
        self._counting = threading.Lock()
        self._met_fault: Callable[[], None] = lambda: None
        self._refused = 0  # calls in a row that were not put through
        self._refused_why = ""  # in the network's words
        self._credit_at = -_CREDIT_EVERY_S
        self._low: ModemFault | None = None
        self._seen: ModemFault | None = None  # by the last look
        self._begun = 0.0  # whoever has the line now
        self._taken_at: float | None = None  # since when another program has the port

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        """Handed over: a person has pressed the key."""
        return self.call(address, message, key, _NobodyAsks())

    def call(self, address: str, message: PersonalMessage, key: str, talk: Talk) -> HandedOver | NotDelivered:
        number = number_of(address)
        if number is None or not Contact(ContactWay.PHONE, number).for_programs:
            why = AddressUnusable("way.number" if number is None else "way.short_number").say(self._language)
            return NotDelivered(text("formats.way.address", self._language, why=why), permanent=True)
        if not self._line_for(message):
            return NotDelivered(self._say(End.NO_LINE))
        self._begun = time.monotonic()
        try:
            if self._ending.is_set():
                return NotDelivered(self._say(End.ENDING))
            return self._judged(self._made(number, message, talk), message)
        except ModemFault as fault:
            self._met_fault()
            return NotDelivered(self._say("fault", why=fault.say(self._language)))
        except Exception as error:
            return NotDelivered(text("formats.delivery.unexpected", self._language, why=type(error).__name__))
        finally:
            self._line.release()

    def look(self) -> ModemFault | None:
        """Return what is wrong with modem, SIM, network or credit; None: nothing. During a call as it was before."""
        if not self._line.acquire(blocking=False):
            stuck = time.monotonic() - self._begun > _STUCK_S
            return ModemFault("modem.stuck", port=self._port.path) if stuck else self._seen
        self._begun = time.monotonic()
        try:
            found = self._looked()
            if found is not None and found.key == "modem.in_use":
                # Somebody tries it by the command, for as long as one call lasts.
                self._taken_at = time.monotonic() if self._taken_at is None else self._taken_at
                if time.monotonic() - self._taken_at < _TRIED_S:
                    return self._seen
            else:
                self._taken_at = None
            self._seen = found
            return found
        finally:
            self._line.release()

    def _looked(self) -> ModemFault | None:
        try:
            self._check_own()
            with self._port as port:
                signal = self._readied(port)
                self._voice.prepare(port)
                if signal is not None and signal < _LEAST_SIGNAL:
                    return ModemFault("modem.weak", port=port.path, signal=signal)
                self._look_at_credit(port)
            if self._refused >= _REFUSED_IN_A_ROW:
                return ModemFault("modem.not_put_through", count=self._refused, said=self._refused_why or "–")
            return self._low
        except ModemFault as fault:
            return fault

    def on_fault(self, told: Callable[[], None]) -> None:
        self._met_fault = told

    def hang_up(self) -> None:
        """At the end: break off the call under way, and begin no other. Thread-safe; returns at once."""
        self._ending.set()

    def close(self) -> None:
        """Nothing is kept open but a call: hang it up."""
        self._closing.set()
        if self._line.acquire(timeout=_CLOSED_S):
            self._line.release()
        self._closing.clear()

    # The line

    def _line_for(self, message: PersonalMessage) -> bool:
        """Wait for the line. A call for help takes it from whatever is none."""
        if not message.urgent:
            return self._line.acquire(timeout=1.0)
        with self._counting:
            self._urgent += 1
        try:
            return self._line.acquire(timeout=_TURN_S)
        finally:
            with self._counting:
                self._urgent -= 1

    def _made(self, number: str, message: PersonalMessage, talk: Talk) -> CallEnd:
        def cut() -> End | None:
            if self._ending.is_set() or self._closing.is_set():
                return End.ENDING
            return End.GAVE_WAY if self._urgent and not message.urgent else None

        self._check_own()
        with self._port as port:
            self._readied(port)
            self._freed(port)
            port.attempt("AT+CLCC=1")
            port.attempt("AT+DDET=1")  # some firmwares tell keys without being asked, and do not know it
            self._voice.prepare(port)
            end = VoiceCall(port, self._voice, message, secrets.choice(YES_KEYS), talk, cut, self._times).make(number)
            if end.end is End.REFUSED:
                self._refused_why = refusal_in(port.attempt("AT+CEER"))
        if end.end is End.REFUSED:
            self._refused += 1
        elif end.end not in (End.ENDING, End.GAVE_WAY, End.OVER, End.ANSWERED):
            self._refused = 0
        return end

    def _check_own(self) -> None:
        """Raises: ModemFault if texts come in by this modem: a call would keep a press out."""
        if (other := self._shared()) is not None:
            raise ModemFault("modem.same", name=self.name, port=self._port.path, other=other)

    def _readied(self, port: ModemPort) -> int | None:
        """Return the signal of a modem that can call. Raises: ModemFault."""
        port.wake(time.monotonic() + self._deadline_s)
        try:
            state = sim_state(port.command("AT+CPIN?"))
        except ModemRefused as refused:
            raise ModemFault("modem.no_sim", port=port.path) from refused
        if state != "READY":
            raise ModemFault("modem.sim_locked", state=state or "?")
        signal = signal_of(port.attempt("AT+CSQ"))
        if not is_registered([*port.attempt("AT+CREG?"), *port.attempt("AT+CEREG?")]):
            raise ModemFault("modem.no_network", signal="–" if signal is None else signal)
        return signal

    def _freed(self, port: ModemPort) -> None:
        """End what is on the line: a call that a killed gateway has left behind, somebody who calls the modem back.

        Raises: ModemFault."""
        until = time.monotonic() + _BETWEEN_S
        while has_call(port.attempt("AT+CLCC")):
            if time.monotonic() >= until:
                raise ModemFault("modem.line_taken", port=port.path)
            port.attempt("AT+CHUP")
        port.forget_all()

    def _look_at_credit(self, port: ModemPort) -> None:
        if self._credit is None or time.monotonic() - self._credit_at < _CREDIT_EVERY_S:
            return
        self._credit_at = time.monotonic()
        said = self._asked_for_credit(port, self._credit.code)
        if said is None and (self._urgent or self._ending.is_set()):
            self._credit_at = -_CREDIT_EVERY_S  # it gave way: later
            return
        rupiah = None if said is None else rupiah_in(said)
        if rupiah is None:
            self._low = ModemFault("modem.credit_unknown", code=self._credit.code, said=one_line(said or "–", 120))
        elif rupiah < self._credit.least:
            self._low = ModemFault("modem.credit_low", rupiah=rupiah, least=self._credit.least)
        else:
            self._low = None

    def _asked_for_credit(self, port: ModemPort, code: str) -> str | None:
        port.forget_all()
        try:
            port.command(f'AT+CUSD=1,"{code}",15')
        except ModemRefused as refused:
            return str(refused.values["said"])
        until = time.monotonic() + _USSD_S
        while (now := time.monotonic()) < until and not self._urgent and not self._ending.is_set():
            word = port.word(min(until, now + _SLICE_S))
            if word is not None and word.heard is Heard.CREDIT:
                return ussd_text(word.value)
        return None

    # What came of it

    def _judged(self, call: CallEnd, message: PersonalMessage) -> HandedOver | NotDelivered:
        if call.end is End.YES or call.end is End.NO:
            said = self._say(f"{call.end}_{call.taken}")
            if call.taken is Taken.UNSTORED:
                return NotDelivered(said)
            if call.end is End.NO and message.spoken.question is Question.DESK and call.taken is Taken.TAKEN:
                return NotDelivered(said, permanent=True)  # this desk has nobody: whoever else is on the rung may
            return HandedOver(said)
        said = self._say(call.end, **({"said": self._refused_why or "–"} if call.end is End.REFUSED else {}))
        return HandedOver(said) if call.end is End.ANSWERED else NotDelivered(said)

    def _say(self, name: str, **values: object) -> str:
        return text(f"formats.voice.{name}", self._language, **values)

"""One call: ring, ask again and again until a key comes, store the answer, and only then say that it is stored.

What networks tell of a call is not to be relied on: some say that it is taken when it only rings there, some say NO
CARRIER and go on, some say nothing at its end. So nothing follows from 'taken' but that the voice speaks; the end is
asked for (AT+CLCC) as well as heard, and everything has a deadline.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from siaga_gateway.adapters.ways.modem_port import ModemFault, ModemPort, ModemRefused
from siaga_gateway.adapters.ways.modem_voice import ModemVoice
from siaga_gateway.domain.keyed_answer import ALONE_S, KeyReader, Press, Said, Standing, Taken
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.value import record
from siaga_gateway.formats.modem_words import Heard, ModemWord, word_of
from siaga_gateway.formats.voice_script import Phrase, answer_phrase, gone_phrase, question_phrases, wrong_phrase
from siaga_gateway.service.dispatch.ways import Talk

_DIAL_S: Final = 10.0
_STEP_S: Final = 0.1
_CONFIRM_S: Final = 8.0
_ACTIVE, _RINGING, _OVER = "0", "3", "6"  # +CLCC


class End(StrEnum):
    """How a call ended."""

    YES = "yes"
    NO = "no"
    NO_KEY = "no_key"  # taken, by whomever or whatever
    MACHINE = "machine"  # wrong keys only
    RANG = "rang"
    BUSY = "busy"
    REFUSED = "refused"  # not put through
    OVER = "over"  # nobody had to come any more
    ANSWERED = "answered"  # on another way
    GAVE_WAY = "gave_way"  # to a call for help
    NO_LINE = "no_line"  # another call did not end
    ENDING = "ending"  # the gateway stops


@record
class CallEnd:
    end: End
    taken: Taken | None = None  # with a key: what became of it


@record
class CallTimes:
    """Seconds."""

    ring: float = 25.0
    call: float = 50.0  # ringing included
    again: float = 3.0  # from the end of the question to its repetition
    alone: float = ALONE_S
    why: float = 0.5  # from the end of a call to its reason
    look: float = 2.0  # from one look to the next: is it still wanted, is it still up


_ENDS: Final = frozenset({Heard.ENDED, Heard.NO_CARRIER, Heard.BUSY, Heard.NO_ANSWER})
_REASON_GONE: Final = {End.OVER: Standing.OVER, End.ANSWERED: Standing.ANSWERED}


class _Ended(Exception):  # Not a SiagaError: it ends a call and is caught there.
    """Raised inside of a call."""

    def __init__(self, end: End) -> None:
        super().__init__(end)
        self.end = end


class VoiceCall:
    """One call by an open, prepared port."""

    def __init__(
        self,
        port: ModemPort,
        voice: ModemVoice,
        message: PersonalMessage,
        key: str,
        talk: Talk,
        cut: Callable[[], End | None],
        times: CallTimes,
    ) -> None:
        """key: that means yes. cut: why the call has to end now, if it has to."""
        self._port = port
        self._voice = voice
        self._message = message
        self._question = message.spoken.question
        self._phrases = question_phrases(message, key)
        self._keys = KeyReader(key, self._question, times.alone)
        self._talk = talk
        self._cut = cut
        self._times = times
        self._listed = False  # the modem has told of this call: what is over is no other
        self._up = False
        self._rang = False  # at the far end
        self._gone = False  # nothing is left to be hung up
        self._settled = False
        self._until = self._look_at = 0.0

    def make(self, number: str) -> CallEnd:
        """Call, and return how it ended. Raises: ModemFault, unless a key had been pressed before."""
        begun = time.monotonic()
        self._until = begun + self._times.call
        self._look_at = begun + self._times.look
        self._port.forget_all()  # the end of the call before this one
        try:
            self._ask_whether_wanted()
        except _Ended as ended:
            return CallEnd(ended.end)
        try:
            if (refused := self._dial(number)) is not None:
                return CallEnd(refused)
            self._ring(begun + self._times.ring)
            return self._ask()
        except _Ended as ended:
            return self._late_answer() or self._ended(ended.end)
        except ModemFault:
            if (late := self._late_answer()) is not None:
                return late
            raise
        finally:
            self._hang_up()

    # The call

    def _dial(self, number: str) -> End | None:
        """Return why it is not put through; None: it is. Raises: ModemFault: perhaps it is, and has to be hung up."""
        try:
            self._port.command(f"ATD{number};", _DIAL_S)
        except ModemRefused as refused:
            self._gone = True
            word = word_of(refused.values["said"])
            return End.BUSY if word is not None and word.heard is Heard.BUSY else End.REFUSED
        return None

    def _ring(self, until: float) -> None:
        while not self._up:
            if time.monotonic() >= until:
                raise _Ended(End.RANG)
            self._step(until)

    def _ask(self) -> CallEnd:
        waits: Press | None = None  # pressed while the key before was answered
        while True:
            press = waits or self._say_all() or self._listen(time.monotonic() + self._times.again)
            waits = None
            match press:
                case Press.YES | Press.NO:
                    end, said = (End.YES, Said.YES) if press is Press.YES else (End.NO, Said.NO)
                    taken = self._talk.take(said)
                    self._settled = taken is not Taken.UNSTORED
                    waits = self._confirm(answer_phrase(self._question, said, taken, self._message.language))
                    if self._settled:
                        return CallEnd(end, taken)
                case Press.WRONG:
                    waits = self._play(wrong_phrase(self._message.language))
                case Press.MACHINE:
                    return CallEnd(End.MACHINE)

    def _late_answer(self) -> CallEnd | None:
        """Return what the last key answers, where the call is over already."""
        press = self._keys.read(time.monotonic(), ended=True)
        if press is Press.YES:
            return CallEnd(End.YES, self._talk.take(Said.YES))
        if press is Press.NO:
            return CallEnd(End.NO, self._talk.take(Said.NO))
        return None

    def _ended(self, end: End) -> CallEnd:
        if end in _REASON_GONE and self._up and not self._gone:
            self._settled = True
            with contextlib.suppress(ModemFault):
                self._voice.quiet(self._port)  # it was in the middle of a phrase
            self._confirm(gone_phrase(_REASON_GONE[end], self._message.language))
        return CallEnd(end)

    def _ask_whether_wanted(self) -> None:
        match self._talk.standing():
            case Standing.OVER:
                raise _Ended(End.OVER)
            case Standing.ANSWERED:
                raise _Ended(End.ANSWERED)

    def _confirm(self, phrase: Phrase) -> Press | None:
        """Say it. Nothing depends on whether anybody still listens. Returns the key that was pressed meanwhile, unless
        an answer is stored."""
        if self._settled:
            self._until = time.monotonic() + _CONFIRM_S
        with contextlib.suppress(_Ended, ModemFault):
            return self._play(phrase)
        return None

    def _hang_up(self) -> None:
        if not self._gone:
            with contextlib.suppress(ModemFault):
                self._port.attempt("AT+CHUP")

    # Speaking and listening

    def _say_all(self) -> Press | None:
        for phrase in self._phrases:
            if phrase.names_key:
                self._keys.name()
            if (press := self._play(phrase)) is not None:
                return press
        return None

    def _play(self, phrase: Phrase) -> Press | None:
        """Say it; a key breaks it off, and is returned."""
        seconds = self._voice.say(self._port, phrase, self._message.language)
        if not seconds:
            return None
        press = self._listen(time.monotonic() + seconds, to_its_end=True)
        if press is not None:
            self._voice.quiet(self._port)
        return press

    def _listen(self, until: float, *, to_its_end: bool = False) -> Press | None:
        """Return the key that was pressed; None at `until`, or once the phrase is at its end and no key waits to be
        read."""
        spoken = False
        while time.monotonic() < until:
            if not self._settled and (press := self._keys.read(time.monotonic())) is not None:
                return press
            word = self._step(until)
            spoken = spoken or (word is not None and word.heard is Heard.SPOKEN)
            if spoken and to_its_end:
                return None
        return None

    def _step(self, until: float) -> ModemWord | None:
        """Take in the next word, and see whether the call goes on. Raises: _Ended, ModemFault."""
        now = time.monotonic()
        if not self._settled and (cut := self._cut()) is not None:
            raise _Ended(cut)
        if now >= self._until:
            raise _Ended(End.NO_KEY if self._up else End.RANG)
        if now >= self._look_at:
            self._look_at = now + self._times.look
            if not self._settled:
                self._ask_whether_wanted()
            if self._is_listed() is False:
                self._over(self._said_why(told=False))
        word = self._port.word(min(until, self._until, now + _STEP_S))
        if word is not None:
            self._take(word)
        return word

    def _take(self, word: ModemWord) -> None:
        match word.heard:
            case Heard.KEY if self._up:
                self._keys.press(word.value, time.monotonic())
            case Heard.BEGAN:
                self._up = True
            case Heard.STATE if word.value != _OVER:
                self._listed = True
                self._up = self._up or word.value == _ACTIVE
                self._rang = self._rang or word.value == _RINGING
            case Heard.STATE if self._listed:
                self._over(self._said_why())
            case Heard.ENDED:
                self._over(self._said_why())
            case Heard.BUSY:
                self._over(End.BUSY)
            case Heard.NO_ANSWER:
                self._over(End.RANG)
            case Heard.NO_CARRIER:
                # It may change the network, and go on.
                if not self._is_listed():
                    self._over(self._said_why())
            case Heard.STARTED | Heard.SIM_GONE:
                raise self._failed(word)

    def _said_why(self, *, told: bool = True) -> End:
        """Return why the call is over: the modem says that after it says so. told: it has; a key before that counts."""
        until = time.monotonic() + self._times.why
        while (word := self._port.word(until)) is not None:
            if word.heard is Heard.KEY and self._up and not told:
                self._keys.press(word.value, time.monotonic())
            told = told or word.heard in _ENDS
            if word.heard is Heard.BUSY:
                return End.BUSY
            if word.heard is Heard.NO_ANSWER:
                return End.RANG
            if word.heard in (Heard.STARTED, Heard.SIM_GONE):
                raise self._failed(word)
        return End.NO_KEY if self._up else End.RANG if self._rang else End.REFUSED

    def _failed(self, word: ModemWord) -> ModemFault:
        self._gone = True
        return ModemFault("modem.restarted" if word.heard is Heard.STARTED else "modem.no_sim", port=self._port.path)

    def _over(self, end: End) -> None:
        self._gone = True
        raise _Ended(end)

    def _is_listed(self) -> bool | None:
        """Whether the modem lists our call; None: it does not say."""
        try:
            lines = self._port.command("AT+CLCC")
        except ModemRefused:
            return None
        self._port.forget(Heard.STATE)  # of the calls before this one too
        words = [word for word in map(word_of, lines) if word is not None and word.heard is Heard.STATE]
        self._up = self._up or any(word.value == _ACTIVE for word in words)
        return any(word.value != _OVER for word in words)

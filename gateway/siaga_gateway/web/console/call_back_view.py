"""What came of ringing the holder back, in words, and what the operator says now. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.call_back import TRIES, CallBack
from siaga_gateway.domain.incident import Incident

_TONES: Final = {CallBack.CALLED_OFF: "done", CallBack.DURESS_WORD: "duress", CallBack.NOT_TRIED: "plain"}


@dataclass(frozen=True, slots=True)
class CallBackView:
    heading: str  # empty: nobody has rung yet
    say: str  # what to say and do now
    tone: str  # plain | done | alarm | duress
    has_words: bool  # the holder has agreed on a code word
    takes_word: bool  # and one is still taken
    is_quiet: bool  # a telephone that rings may betray the holder


def call_back_view(incident: Incident, has_words: bool, language: str) -> CallBackView:
    """Return it, worded."""
    result = incident.call_back
    key = str(result)
    if result is CallBack.NO_WORD:
        key = "no_words" if not has_words else "no_word" if incident.wrong_words < TRIES else "no_word_left"
    if result is CallBack.UNANSWERED and incident.silent:
        key = "unanswered_quietly"
    tried = result is not CallBack.NOT_TRIED
    one_advice = incident.duress and result is not CallBack.DURESS_WORD  # which stands at the head already
    return CallBackView(
        heading=text(f"console.call_back.{result}", language) if tried else "",
        say=text(f"console.call_back_say.{key}", language) if tried and not one_advice else "",
        tone=_TONES.get(result, "alarm"),
        has_words=has_words,
        takes_word=has_words and incident.wrong_words < TRIES,
        is_quiet=incident.silent or incident.duress,
    )

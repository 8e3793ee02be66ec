"""What a person is told of a call: title and text, in his language. Pure.

Both may stand on a locked screen and pass through the servers of others. So the title has what it is and whose area;
the text the time of day, the distance and the coordinates, which somebody needs who has no internet on the way. Never
the holder, nor the name of a place: a button's label is often a home's. Who it is stands behind the link.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.escalation_state import ContactKind, Why
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.places import Point
from siaga_gateway.domain.value import record

_DANGER: Final = 3  # alarm level
_OLD_S: Final = 120  # a position that is older says so
_DECIMAL_COMMA: Final = frozenset({"id"})
# Calls of these waves have no title of their own.
_PLAIN: Final = frozenset({Why.OPENED, Why.UNREACHED})


@record
class CallFacts:
    """What is told of a call. Times are Unix ms."""

    kind: ContactKind
    why: Why
    pressed_ms: int
    area: str | None = None  # the name of the station whose area it is
    place: Point | None = None  # leave out for whoever need not go there
    place_age_s: int | None = None
    metres: int | None = None  # from the recipient, in a straight line
    level: int = 2
    round: int = 0  # how often this rung was called before
    identifier: str = ""  # of the incident, for talking about it by radio
    exercise: bool = False
    repeated: bool = False  # the same message again, as it is not known whether the first one arrived


@record
class CallText:
    title: str  # one line
    text: str  # lines, the most important first: a text message leaves out the last ones


def call_text(facts: CallFacts, language: str, local: LocalTime, now_ms: int) -> CallText:
    """Return what is told. local: the site's time. now_ms: a press of another day is shown with its day."""

    def say(name: str, **values: object) -> str:
        return text(f"calls.{name}", language, **values)

    title = say(f"title.{_title(facts)}")
    if facts.area:
        title = say("title.place", title=title, area=facts.area)
    if facts.repeated:
        title = say("title.repeated", title=title)
    if facts.exercise:
        title = say("title.exercise", title=title)
    lines = [say("text.pressed", time=_clock(local, facts.pressed_ms, now_ms // 60_000))]
    if facts.kind is ContactKind.ASK:
        lines.append(say("text.ask"))
    elif facts.kind is not ContactKind.NOT_NEEDED:
        if facts.why is Why.HELD:
            lines.append(say("text.held"))
        if facts.metres is not None:
            lines.append(say("text.distance", kilometres=_kilometres(facts.metres, language)))
        lines.append(_position(facts, language))
        if facts.round > 0:
            lines.append(say("text.round", number=facts.round + 1))
    if facts.identifier:
        lines.append(say("text.number", identifier=facts.identifier))
    return CallText(title, "\n".join(line for line in lines if line))


def spoken_sentences(facts: CallFacts, language: str, local: LocalTime, now_ms: int) -> tuple[str, ...]:
    """Return what a voice says of a call, the most important first. Coordinates nobody could write down."""

    def say(name: str, **values: object) -> str:
        return text(f"calls.spoken.{name}", language, **values)

    pressed = say("pressed", time=local.clock(facts.pressed_ms, now_ms))
    if facts.kind is ContactKind.ASK:
        return (pressed,)
    title = text(f"calls.title.{_title(facts)}", language).capitalize()
    found = [say("title", title=title, area=facts.area) if facts.area else say("alone", title=title), pressed]
    if facts.metres is not None:
        found.append(say("distance", kilometres=_kilometres(facts.metres, language)))
    if facts.round > 0:
        found.append(say("round", number=facts.round + 1))
    return tuple(found)


def trial_text(language: str, local: LocalTime, now_ms: int) -> CallText:
    """Return what a person reads who tries a way."""
    return CallText(text("calls.title.test", language), text("calls.text.test", language, time=local.moment(now_ms)))


@lru_cache(maxsize=1_000)
def _clock(local: LocalTime, pressed_ms: int, minute: int) -> str:
    """Return the time of a press as it reads in this minute: the same for all who are told of it."""
    return local.clock(pressed_ms, minute * 60_000)


def _title(facts: CallFacts) -> str:
    if facts.kind is ContactKind.NOT_NEEDED:
        return "not_needed"
    if facts.kind is ContactKind.ASK:
        return "ask"
    if facts.why in _PLAIN:
        return "danger" if facts.level >= _DANGER else "call"
    return facts.why.value


def _position(facts: CallFacts, language: str) -> str:
    if facts.place is None:
        return text("calls.text.no_position", language)
    latitude, longitude = (_degrees(part) for part in facts.place)
    if facts.place_age_s is None or facts.place_age_s < _OLD_S:
        return text("calls.text.position", language, latitude=latitude, longitude=longitude)
    minutes = facts.place_age_s // 60
    return text("calls.text.position_old", language, latitude=latitude, longitude=longitude, minutes=minutes)


def _degrees(degrees_e7: int) -> str:
    """Format as map programs read it, to the metre."""
    rounded = (abs(degrees_e7) + 50) // 100
    sign = "-" if degrees_e7 <= -50 else ""
    return f"{sign}{rounded // 100_000}.{rounded % 100_000:05d}"


def _kilometres(metres: int, language: str) -> str:
    tenths = (metres + 50) // 100
    return f"{tenths // 10}{',' if language in _DECIMAL_COMMA else '.'}{tenths % 10}"

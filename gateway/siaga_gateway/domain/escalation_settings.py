"""Whom the ladder of a jurisdiction calls, and when; and what is wrong with such a ladder. Pure.

The usual ladder: the stations, the desk and responders nearby at once; after 10 s the Polres's chief; after 20 s the
Polda; after 40 s everyone, again and again. A call of a button whose registration is not active has a ladder of its
own: the operator, then the supervisor.

No two contacts are more than a minute apart. That is no setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Final

from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.value import record

LONGEST_INTERVAL_S: Final = 60
_LONGEST_CHECK_S: Final = 3_600
_LONGEST_MINUTES: Final = 240


class CallList(StrEnum):
    """Lists of people and desks; who is on them is looked up at each contact."""

    STATIONS = "stations"  # those whose area it is, and the three nearest
    DESK = "desk"  # the Polres's
    RESPONDERS = "responders"  # within a radius, on duty or available
    CHIEF = "chief"  # the Polres's
    REGION = "region"  # the Polda
    EVERYONE = "everyone"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"


@record
class Rung:
    """One rung of a ladder."""

    name: str
    after_s: int  # from the beginning of the wave
    lists: tuple[CallList, ...]


USUAL_RUNGS: Final = (
    Rung("stations", 0, (CallList.STATIONS, CallList.DESK, CallList.RESPONDERS)),
    Rung("chief", 10, (CallList.CHIEF,)),
    Rung("region", 20, (CallList.REGION,)),
    Rung("everyone", 40, (CallList.EVERYONE,)),
)
USUAL_HELD: Final = (Rung("operator", 0, (CallList.OPERATOR,)), Rung("supervisor", 20, (CallList.SUPERVISOR,)))


@record
class Ladder:
    """The ladder of a jurisdiction, and its times."""

    jurisdiction: str
    rungs: tuple[Rung, ...] = USUAL_RUNGS
    held: tuple[Rung, ...] = USUAL_HELD
    again_s: tuple[int, ...] = (20, 40, 60)  # pauses before the last rung is called again; the last one stays
    empty_s: int = 10  # the same where nobody on the last rung could be reached
    desk_s: int = 20  # a desk rings at these intervals until one acknowledges
    pause_s: int = 60  # how much later the climb goes on because a responder accepted
    assign_s: int = 60  # from the acknowledgement until somebody is assigned
    minutes: int = 10  # until the arrival, where none were promised
    grace_percent: int = 50  # of the promised time, on top of it
    check_s: int = 600  # an officer on scene is asked at these intervals
    answer_s: int = 60  # and has so long to answer; after that the desk rings, at these intervals
    enough: int = 2  # responders who accepted


def faults(ladder: Ladder) -> tuple[SettingError, ...]:
    """Return what is wrong with a ladder's settings, by name."""
    wrong = [*_rungs_faults(ladder, ladder.rungs), *_rungs_faults(ladder, ladder.held)]
    intervals = [("again_s", each, LONGEST_INTERVAL_S) for each in ladder.again_s or (0,)]
    intervals += [
        ("empty_s", ladder.empty_s, LONGEST_INTERVAL_S),
        ("desk_s", ladder.desk_s, LONGEST_INTERVAL_S),
        ("pause_s", ladder.pause_s, LONGEST_INTERVAL_S),
        ("assign_s", ladder.assign_s, LONGEST_INTERVAL_S),
        ("minutes", ladder.minutes, _LONGEST_MINUTES),
        ("grace_percent", ladder.grace_percent, 100),
        ("check_s", ladder.check_s, _LONGEST_CHECK_S),
        ("answer_s", ladder.answer_s, LONGEST_INTERVAL_S),
        ("enough", ladder.enough, 100),
    ]
    for name, value, most in intervals:
        if not 1 <= value <= most:
            wrong.append(
                SettingError(
                    "ladder.out_of_range", jurisdiction=ladder.jurisdiction, name=name, value=value, least=1, most=most
                )
            )
    return tuple(wrong)


def _rungs_faults(ladder: Ladder, rungs: tuple[Rung, ...]) -> Iterator[SettingError]:
    where = ladder.jurisdiction
    if not rungs or not rungs[-1].lists:
        yield SettingError("ladder.ends_with_nobody", jurisdiction=where)
    if rungs and rungs[0].after_s != 0:
        yield SettingError("ladder.begins_late", jurisdiction=where, rung=rungs[0].name, after_s=rungs[0].after_s)
    for rung in rungs[:-1]:
        if not rung.lists:
            yield SettingError("ladder.calls_nobody", jurisdiction=where, rung=rung.name)
    for below, rung in pairwise(rungs):
        if not 0 < rung.after_s - below.after_s <= LONGEST_INTERVAL_S:
            yield SettingError(
                "ladder.interval",
                jurisdiction=where,
                rung=rung.name,
                after_s=rung.after_s,
                below=below.name,
                below_s=below.after_s,
                most=LONGEST_INTERVAL_S,
            )
    names = [rung.name for rung in rungs]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield SettingError("ladder.twice", jurisdiction=where, rung=name)


def checked(ladder: Ladder) -> Ladder:
    """Return the ladder. Raises: SettingError, the first of its faults."""
    for fault in faults(ladder):
        raise fault
    return ladder


def unmanned(ladder: Ladder, people: Mapping[CallList, int]) -> tuple[SettingError, ...]:
    """Return the rungs that would reach nobody now; the last one is a ladder that ends with nobody.

    people: how many, reachable by at least one proven way, are on each list. To be shown before the first press.
    """
    wrong = []
    for rungs in (ladder.rungs, ladder.held):
        for rung in rungs:
            if not any(people.get(each, 0) for each in rung.lists):
                if rung is rungs[-1]:
                    wrong.append(SettingError("ladder.ends_with_nobody", jurisdiction=ladder.jurisdiction))
                else:
                    wrong.append(SettingError("ladder.unmanned", jurisdiction=ladder.jurisdiction, rung=rung.name))
    return tuple(wrong)

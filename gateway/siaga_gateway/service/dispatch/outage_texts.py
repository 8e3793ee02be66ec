"""What administrators read when a watcher calls them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from siaga_gateway.catalogue import UnknownText, text
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.outage import NOT_WATCHED, Call, Over
from siaga_gateway.domain.personal_message import PersonalMessage

_WORTH_MS: Final = 3_600_000


def fault_in_words(name: str, language: str) -> str:
    """Return a fault's sentence; one that a newer gateway reports is named."""
    try:
        return text(f"watch.fault.{name}", language)
    except UnknownText:
        return text("watch.fault.other", language, name=name)


def outage_message(
    said: Call | Over,
    *,
    gateway: str,
    watcher: str,
    language: str,
    local: LocalTime,
    now_ms: int,
    wall: Callable[[int], int],
) -> PersonalMessage:
    """Return the message. gateway: its host. wall: Unix ms for a time of the clock that does not jump."""

    def told(name: str, **values: object) -> str:
        return text(f"watch.{name}", language, **values)

    if isinstance(said, Over):
        what = "; ".join(fault_in_words(name, language) for name in said.faults)
        title = "over_watched" if NOT_WATCHED.issuperset(said.faults) else "over"
        since, until = (local.clock(wall(each), now_ms) for each in (said.began_ms, said.ended_ms))
        lines = [told("text.over", since=since, until=until, what=what), told("text.by", watcher=watcher)]
    else:
        title = "call" if said.urgent else "note"
        lines = []
        for name, each in sorted(said.faults.items(), key=lambda item: item[1].since_ms):
            what = told(
                "text.since", what=fault_in_words(name, language), since=local.clock(wall(each.since_ms), now_ms)
            )
            lines.append(told("text.detail", what=what, detail=each.detail) if each.detail else what)
        if said.urgent:
            lines.append(told("text.presses"))
        at = local.clock(wall(said.next_ms), now_ms)
        lines.append(told("text.number", number=said.number, watcher=watcher, next=at))
    return PersonalMessage(
        title=told(f"title.{title}", gateway=gateway),
        text="\n".join(lines),
        url=None,
        urgent=said.urgent,
        expires_ms=now_ms + _WORTH_MS,
        language=language,
    )

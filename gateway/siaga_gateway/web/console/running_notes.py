"""The notes of an incident as their lines are kept, told apart by who wrote them and when. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.service.dispatch.call_directory import key_alone
from siaga_gateway.service.incidents.incident_notes import BEGINNING, INDENT


@dataclass(frozen=True, slots=True)
class RunningNote:
    author: str  # empty: it was said at the closing, or by an older version
    moment: str
    text: str


def running_notes(notes: str | None, name: Callable[[str], str] = key_alone) -> list[RunningNote]:
    """Return them, oldest first. name: of a responder, by his key."""
    found: list[RunningNote] = []
    for line in (notes or "").split("\n"):
        begins = BEGINNING.fullmatch(line)
        if begins is not None:
            author = begins["author"]
            shown = name(author) if author.startswith(RESPONDER) else author
            found.append(RunningNote(shown, begins["moment"], begins["text"]))
        elif found:
            last = found[-1]
            found[-1] = RunningNote(last.author, last.moment, f"{last.text}\n{line.removeprefix(INDENT)}")
        elif line:
            found.append(RunningNote("", "", line))
    return found

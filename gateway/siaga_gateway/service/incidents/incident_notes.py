"""The note of an incident: lines of several people, each with author and time, and what was said at the closing."""

from __future__ import annotations

import re
from typing import Final

from siaga_gateway.domain.limits import LONGEST_NOTE

# How a note begins; the moment is LocalTime.moment's.
BEGINNING: Final = re.compile(r"(?P<author>\S.*?), (?P<moment>\d\d-\d\d-\d{4} \d\d:\d\d:\d\d \S+): (?P<text>.*)")
INDENT: Final = "  "  # before a further line of a note that looks like the beginning of another one
LONGEST_NOTES: Final = 10 * LONGEST_NOTE  # characters, of all of one incident


def with_line(notes: str | None, author: str, moment: str, note: str) -> str | None:
    """Return the notes with another line; None: the last line says the same already."""
    first, *further = note.split("\n")
    note = "\n".join([first, *map(_no_beginning, further)])
    if _said_last(notes or "", author, note):
        return None
    line = f"{author}, {moment}: {note}"
    return f"{notes}\n{line}" if notes else line


def closed_with(notes: str | None, note: str) -> str | None:
    """Return the notes with what was said at the closing, which comes first."""
    return f"{note}\n{notes}" if note and notes else note or notes


def unreadable(notes: str | None) -> bool:
    """Whether there are notes whose key is not available."""
    return notes == ""


def _no_beginning(line: str) -> str:
    """Return a further line so that nobody takes it for what somebody else wrote."""
    return INDENT + line if BEGINNING.fullmatch(line) or line.startswith(INDENT) else line


def _said_last(notes: str, author: str, note: str) -> bool:
    before = notes.removesuffix(f": {note}")
    return before != notes and before.rpartition("\n")[2].startswith(f"{author}, ")

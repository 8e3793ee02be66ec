"""The note of an incident: lines of several people, each with author and time, and what was said at the closing."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.limits import LONGEST_NOTE

LONGEST_NOTES: Final = 10 * LONGEST_NOTE  # characters, of all of one incident


def with_line(notes: str | None, author: str, moment: str, note: str) -> str | None:
    """Return the notes with another line; None: the last line says the same already."""
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


def _said_last(notes: str, author: str, note: str) -> bool:
    before = notes.removesuffix(f": {note}")
    return before != notes and before.rpartition("\n")[2].startswith(f"{author}, ")

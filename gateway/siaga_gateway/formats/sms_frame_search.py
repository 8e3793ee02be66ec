"""Finds the frames in a text, whatever stands before, between and after them. Pure.

A signature and a length prove a frame, the text around it proves nothing. So from every place where a frame may begin
(its first three characters give version, suite and kind), the characters of that kind's length are a frame if they
decode as one. Line breaks and blanks are skipped. A blank may also have been a plus sign, in a form decoded once too
often: of two readings that decode, the one that ends where the base64 ends counts.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from itertools import islice
from typing import Final

from siaga_gateway.domain.frame import FrameError, decode_uplink, lengths_after

MOST_FRAMES: Final = 8  # of one text
_MOST_STARTS: Final = 64
_ENDS, _STARTS = 4, 2  # score of a frame that ends or starts at an edge
_FRAMES_LONGER: Final = 1_024
_START: Final = re.compile(r"(?=E[Qg][E-Za-f])")  # 0x11 or 0x12, and a kind from 1 to 7
_SHORTEST: Final = 35  # characters of the shortest frame, less one
_SEGMENT: Final = re.compile(r"[A-Za-z0-9+/_\s-]{4,}")
_URL_SAFE: Final = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class _Letters:
    """A run of base64 without its blanks."""

    letters: str
    edges: frozenset[int]  # where blanks stood: before these characters
    last: bool  # only blanks follow it
    plus_lost: bool  # it has no plus sign: some blanks may have been one
    plus: frozenset[int] = frozenset()  # characters that were blanks


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    frame: bytes
    score: int


def frames_in(text: str) -> tuple[list[bytes], int]:
    """Return the frames in the text, in order, at most MOST_FRAMES, and a score of how well they fit; 0 for none."""
    best, most = _best(text)
    return [one.frame for one in best[:MOST_FRAMES]], most


def whole_in(text: str) -> list[bytes]:
    """Return the same if each of them ends where its base64 ends; else none."""
    best, _ = _best(text)
    return [one.frame for one in best[:MOST_FRAMES]] if all(one.score > _ENDS for one in best) else []


def _best(text: str) -> tuple[list[_Found], int]:
    best: list[_Found] = []
    most = 0
    for mode in _modes(text):
        found = [one for stretch in _stretches(text, mode) for one in _in_stretch(stretch)]
        # Of two equally good the longer: a check-in's beginning is a valid check-in too.
        score = sum(one.score * _FRAMES_LONGER + len(one.frame) for one in found)
        if score > most:
            best, most = found, score
    return best, most


def begins_in(text: str) -> bool:
    """Whether a frame begins in the text and does not end in it.

    Within a whole frame nothing begins: one in 120 has characters in it that look like a beginning.
    """
    for stretch in _stretches(text, "none", 4):
        whole = _in_stretch(stretch)
        for match in islice(_START.finditer(stretch.letters), _MOST_STARTS):
            if any(one.start < match.start() < one.end for one in whole):
                continue
            lengths = lengths_after(_decoded(stretch.letters[match.start() : match.start() + 4]))
            if stretch.last and lengths and len(stretch.letters) - match.start() < _letters_of(max(lengths)):
                return True
    return False


def _modes(text: str) -> list[str]:
    """Return which blanks to read as plus signs: also those at line ends, only those within lines, none. On a tie the
    first wins."""
    return ["all", "line", "none"] if re.search(r" \s*\n|\n\s* ", text.strip()) else ["line", "none"]


def _stretches(text: str, mode: str, shortest: int = _SHORTEST) -> list[_Letters]:
    found = []
    end = len(text.rstrip())
    # Join lines broken with '=' (quoted-printable).
    for match in _SEGMENT.finditer(re.sub(r"=\r?\n", "\n\n", text)):
        if len(match[0]) < shortest:
            continue
        letters: list[str] = []
        edges: set[int] = set()
        plusses: set[int] = set()
        count = 0
        for gap, run in re.findall(r"(\s*)(\S*)", match[0]):
            if gap:
                edges.add(count)
                plus = gap.count(" ") if mode == "all" or (mode == "line" and "\n" not in gap) else 0
                if count and plus:
                    letters.append("+" * plus)
                    edges.update(range(count, count + plus + 1))
                    plusses.update(range(count, count + plus))
                    count += plus
            letters.append(run.translate(_URL_SAFE))
            count += len(run)
        found.append(
            _Letters("".join(letters), frozenset(edges), match.end() >= end, mode != "none" and "+" not in match[0])
        )
    return found


def _in_stretch(stretch: _Letters) -> list[_Found]:
    candidates: list[_Found] = []
    for match in islice(_START.finditer(stretch.letters), _MOST_STARTS):
        candidates += _at(stretch, match.start())
    taken: list[_Found] = []
    for one in sorted(candidates, key=lambda each: (-each.score, each.start)):
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
    return sorted(taken, key=lambda each: each.start)


def _at(stretch: _Letters, start: int) -> list[_Found]:
    letters, found = stretch.letters, []
    for length in sorted(lengths_after(_decoded(letters[start : start + 4])), reverse=True):
        end = start + _letters_of(length)
        short = end - len(letters)
        text = letters[start:end]
        if short > 0:
            # A plus sign at the very end became a blank, and was trimmed.
            if not (stretch.last and stretch.plus_lost and short == 1):
                continue
            text += "+"
        frame = _decoded(text)[:length]
        try:
            decode_uplink(frame)
        except FrameError:
            continue
        edge = end >= len(letters) or end in stretch.edges
        score = 1 + _ENDS * edge + _STARTS * (start == 0 or start in stretch.edges)
        score += edge and short <= 0 and stretch.plus_lost and any(start < one < end for one in stretch.plus)
        found.append(_Found(start, min(end, len(letters)), frame, score - (short > 0)))
    return found


def _letters_of(length: int) -> int:
    """Return the number of base64 characters for so many bytes, without padding."""
    return -(-length * 4 // 3)


def _decoded(letters: str) -> bytes:
    """Decode; bits of the last character beyond whole bytes are ignored."""
    whole = letters[: len(letters) - (len(letters) % 4 == 1)]
    return base64.b64decode(whole + "=" * (-len(whole) % 4))

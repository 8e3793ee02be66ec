"""Finds characters in people's texts that cannot be seen and could make one text look like another.

Hidden are control characters, bidirectional controls (UAX 9), zero-width characters, surrogates and noncharacters.
Letters of any script stay, with their combining marks, and so does what a newer Unicode has and this Python does not
know. The two joiners stay where a script or an emoji needs them: between letters or marks (Arabic, Persian, Javanese,
the Indic scripts), ZWJ also between the parts of an emoji; variation selectors stay after a visible character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from siaga_gateway.domain.errors import Refused

_ZWNJ: Final = "\u200c"
_ZWJ: Final = "\u200d"
# Blank, though Unicode classes them as letters, marks or symbols: grapheme joiner; Hangul, Khmer and Braille fillers.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SELECTORS: Final = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_SUSPECT: Final = re.compile(f"[{''.join(sorted(_BLANK))}{_SELECTORS.pattern[1:-1]}]")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_TO_BLANKS: Final = str.maketrans("\t\n\r", "   ")
_SPACES: Final = frozenset("\t\n\r")  # what pasted text brings with it


class HiddenMark(Refused):
    """A text contains a character that nobody sees."""


def hidden(text: str) -> Iterator[tuple[int, str]]:
    """Yield (index, character) for each hidden character; tabs and line ends are not hidden."""
    if _is_plain(text):
        return
    before = ""  # the preceding character, if visible
    for at, mark in enumerate(text):
        if mark not in _SPACES and _is_hidden(before, mark, text[at + 1 : at + 2]):
            yield at, mark
            before = ""  # its replacement joins nothing
        else:
            before = mark


def refuse_hidden(text: str, what: object) -> str:
    """Return the text in NFC.

    what: the field's name, for the message. Raises: HiddenMark.
    """
    for at, mark in hidden(text):
        raise HiddenMark("text.hidden", what=what, place=at + 1, mark=code_point(mark))
    return unicodedata.normalize("NFC", text)


def visible(text: str, *, lines: bool = False) -> str:
    """Return the text with hidden characters spelled out: `<U+202E>`.

    lines: the text may have several lines; otherwise line ends are spelled out too.
    """
    if _is_plain(text) and (lines or text.isprintable()):
        return text
    found = {at for at, _ in hidden(text)}
    if not lines:
        found |= {at for at, mark in enumerate(text) if mark in _SPACES}
    return "".join(f"<{code_point(mark)}>" if at in found else mark for at, mark in enumerate(text))


def without_hidden(text: str) -> str:
    """Return the text without hidden characters; tabs and line ends stay."""
    found = {at for at, _ in hidden(text)}
    return "".join(mark for at, mark in enumerate(text) if at not in found) if found else text


def tidied(text: str) -> str:
    """Return the text on one line, in NFC, with runs of blanks as one."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def code_point(mark: str) -> str:
    return f"U+{ord(mark):04X}"


def _is_plain(text: str) -> bool:
    """The fast path for nearly every text: no check per character needed."""
    return (text.isprintable() or text.translate(_TO_BLANKS).isprintable()) and not _SUSPECT.search(text)


def _is_hidden(before: str, mark: str, after: str) -> bool:
    if mark in _BLANK:
        return True
    if _SELECTORS.match(mark):
        return before == "" or unicodedata.category(before)[0] not in "SLN"
    if mark in (_ZWJ, _ZWNJ):
        return not _joins(before, mark, after)
    category = unicodedata.category(mark)
    return category in _UNSEEN or (category == "Cn" and _is_none(ord(mark)))


def _is_none(code: int) -> bool:
    """Whether it is one of Unicode's noncharacters (23.7), or reserved for default-ignorable characters."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF or 0xE0000 <= code <= 0xE0FFF or code == 0x2065


def _joins(before: str, mark: str, after: str) -> bool:
    if not before or not after or after in _BLANK or _SELECTORS.match(after):
        return False
    left, right = unicodedata.category(before)[0], unicodedata.category(after)[0]
    if left in "LM" and right in "LM" and not before.isascii() and not after.isascii():
        return True
    return mark == _ZWJ and left in "SM" and right == "S"

"""The settings file as text: strict JSON (RFC 8259).

MicroPython's own parser accepts a missing comma, a surplus comma and a duplicate name, and reports everything else as
a syntax error; people write these files by hand.
"""

from siaga.core.errors import SiagaError

MAX_BYTES = 8192
_SPACE = b" \t\r\n"
_ENDS = b" \t\r\n,:]}"
_WORDS = (b"true", b"false", b"null")
_DEEPEST = 4


class SettingError(SiagaError):
    """An unusable setting; the text gives its name, its value and what would be right."""


def text_of(raw: bytes) -> str:
    """Return a settings file's text. Raises SettingError for the first error, with its line."""
    if len(raw) > MAX_BYTES:
        raise SettingError("settings of %d bytes are too long; at most %d" % (len(raw), MAX_BYTES))
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in raw[:2]:
        raise SettingError("the settings file is written as UTF-16; save it as UTF-8, without a byte order mark")
    if raw[:3] == b"\xef\xbb\xbf":
        raise SettingError("the settings file begins with a byte order mark (BOM); save it as UTF-8 without one")
    _Reader(raw).read()
    try:
        return raw.decode()
    except UnicodeError:
        raise SettingError("the settings file is not UTF-8; save it as UTF-8, without a byte order mark")


class _Reader:
    """Walks over the bytes once.

    at: index of the next one
    depth: open braces and brackets
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0
        self.depth = 0

    def read(self) -> None:
        """Check the whole file, which is one object. Raises SettingError."""
        if self.next() != b"{":
            self.quote(self.next())
            self.fail("the settings must be one JSON object: {...}")
        self.object()
        if self.next():
            self.fail("nothing may follow the closing brace")

    def fail(self, what: str) -> None:
        line = 1
        for byte in self.content[: self.at]:
            line += byte == 10
        raise SettingError("settings, line %d: %s" % (line, what))

    def fail_early(self) -> None:
        self.fail("the file ends too early: a closing brace or bracket is missing")

    def next(self) -> bytes:
        """Return the next byte that is not white space, b"" at the end."""
        while self.content[self.at : self.at + 1] and self.content[self.at] in _SPACE:
            self.at += 1
        return self.content[self.at : self.at + 1]

    def value(self) -> None:
        begins = self.next()
        if begins == b'"':
            self.quoted()
        elif begins == b"{":
            self.object()
        elif begins == b"[":
            self.list()
        else:
            self.word()

    def object(self) -> None:
        names = []  # type: list[bytes]
        while self.more(b"}", not names):
            if self.next() != b'"':
                self.quote(self.next())
                self.fail("the name of a setting must stand in double quotes here")
            name = self.quoted()
            if name in names:
                self.fail("setting %s stands here a second time; keep one of them" % name.decode())
            names.append(name)
            if self.next() != b":":
                self.fail("a colon is missing after the name of a setting")
            self.at += 1
            self.value()

    def list(self) -> None:
        first = True
        while self.more(b"]", first):
            first = False
            self.value()

    def more(self, end: bytes, first: bool) -> bool:
        """Skip the opening bracket or the comma before the next item; False at the end."""
        if first:
            self.at += 1
            self.depth += 1
            if self.depth > _DEEPEST:
                self.fail("brackets stand in brackets here, more than any setting has")
        here = self.next()
        if here == end:
            self.at += 1
            self.depth -= 1
            return False
        if not here:
            self.fail_early()
        if first:
            return True
        if here != b",":
            self.quote(here)
            self.fail("a comma is missing between two settings or items")
        comma = self.at
        self.at += 1
        if self.next() in (b"}", b"]"):
            self.at = comma
            self.fail("there is a comma after the last setting or item; take it away")
        if not self.next():
            self.fail_early()
        return True

    def quoted(self) -> bytes:
        """Return what is between the quotes, escapes included."""
        self.at += 1
        begin = self.at
        while True:
            byte = self.content[self.at : self.at + 1]
            if byte == b'"':
                self.at += 1
                return self.content[begin : self.at - 1]
            if byte == b"\\":
                self.backslash()
            elif not byte or byte < b" ":
                self.at = begin
                self.fail("a text in quotes does not end on its line; a line break within it is written \\n")
            self.at += 1

    def backslash(self) -> None:
        self.at += 1
        letter = self.content[self.at : self.at + 1]
        if letter == b"u":
            for digit in (self.content[self.at + 1 : self.at + 5] + b"----")[:4]:
                if digit not in b"0123456789abcdefABCDEF":
                    letter = b""
        if not letter or letter not in b'"\\/bfnrtu':
            self.fail("a single backslash stands in a text; it is written \\\\")

    def word(self) -> None:
        """Read true, false, null or a number."""
        begin = self.at
        while self.content[self.at : self.at + 1] and self.content[self.at] not in _ENDS:
            self.at += 1
        word = self.content[begin : self.at]
        self.at = begin
        if not word:
            self.fail("a value is missing")
        if word not in _WORDS and not _is_number(word):
            self.quote(word)
            self.fail("this is no value: text stands in double quotes, else true, false, null or a number")
        self.at += len(word)

    def quote(self, found: bytes) -> None:
        """Refuse anything here that stands in for a straight double quote, or a comment."""
        three = self.content[self.at : self.at + 3]
        if three[:2] == b"\xe2\x80" or three[:1] in (b"\x91", b"\x92", b"\x93", b"\x94"):
            self.fail("the quotes are curly, as a word processor makes them; type straight double ones")
        if found[:1] == b"'":
            self.fail("single quotes stand where JSON wants double ones")
        if found[:1] in (b"#", b"/"):
            self.fail("JSON has no comments; take it away")


def _is_number(word: bytes) -> bool:
    """Return whether it is an integer or a decimal fraction; no setting needs an exponent."""
    digits = word[1:] if word[:1] == b"-" else word
    whole, point, fraction = digits.partition(b".")
    if not whole.isdigit() or (point and not fraction.isdigit()):
        return False
    return whole == b"0" or whole[:1] != b"0"


def nearest(name: str, known: "list[str]") -> str:
    """Return the known name that was probably meant, "" if none is close."""
    name = name.lower()
    best, distance = "", len(name) // 3 + 1
    if not 2 <= len(name) <= 40:
        return ""
    for each in known:
        found = 1 if each.startswith(name) or name.startswith(each) else _distance(name, each)
        if found < distance:
            best, distance = each, found
    return best


def _distance(one: str, other: str) -> int:
    """Return the edit distance: letters inserted, removed or changed (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i in range(len(one)):
        corner = i
        row[0] = i + 1
        for j in range(len(other)):
            cheapest = min(row[j] + 1, row[j + 1] + 1, corner + (one[i] != other[j]))
            corner = row[j + 1]
            row[j + 1] = cheapest
    return row[-1]

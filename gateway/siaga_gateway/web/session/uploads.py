"""Files that browsers send: one way to read a form that has one, for every page that takes any.

| what | limit |
|---|---|
| the whole request | the guard's, by its Content-Length, see security_headers.py |
| one file | `largest`; it is held in memory alone, never on a disk |
| parts | one file, and so many fields as the form has |
| a part's head | 8 lines of 4 KiB |
| a field | 64 KiB |
| time | `deadline_s`; the server cuts a connection that does not go on, see adapters/http_server_limits.py |

The file's name is shown to whoever sent it, and never is a path. What a browser says of its type is compared with what
it is. A CSV file is text: in what encoding, formats/spreadsheet_csv.py finds out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.invisible_characters import visible

DEADLINE_S: Final = 100.0
_LARGEST_FIELD: Final = 64 * 1024
_MOST_LINES: Final = 8  # of a part's head
_LONGEST_LINE: Final = 4 * 1024
_LONGEST_NAME: Final = 80  # characters of a file's name, as it is shown
_FORM: Final = "multipart/form-data"
# How files begin that people take for a CSV file.
_BEGINNINGS: Final = (
    (b"PK\x03\x04", "workbook"),  # xlsx, ods
    (b"\xd0\xcf\x11\xe0", "workbook"),  # xls
    (b"%PDF-", "pdf"),
    (b"\xff\xd8\xff", "picture"),
    (b"\x89PNG", "picture"),
    (b"GIF8", "picture"),
    (b"\x1f\x8b", "packed"),
    (b"Rar!", "packed"),
    (b"7z\xbc\xaf", "packed"),
    (b"<!DOCTYPE", "page"),
    (b"<html", "page"),
)
# What browsers call a CSV file: with Excel installed, Windows says that it is Excel's.
_CSV_TYPES: Final = frozenset(
    {
        "",
        "text/csv",
        "text/plain",
        "text/tab-separated-values",
        "text/comma-separated-values",
        "application/csv",
        "application/vnd.ms-excel",
        "application/octet-stream",
    }
)


class UploadRefused(Refused):
    """A file, or the form that it came in, is not taken; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it came. name: for people only."""

    name: str
    type: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SentForm:
    files: Mapping[str, SentFile]  # by the field's name; only those that were chosen
    fields: Mapping[str, str]


class _Parser(MultiPartParser):
    """Spools nothing, and limits the heads of parts itself, whatever the library's version does."""

    max_file_size = 1 << 62
    too_large = False
    _lines = 0
    _kept = 0

    def on_part_begin(self) -> None:
        self._lines = self._kept = 0
        super().on_part_begin()

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        super().on_header_value(data, start, end)
        if len(self._current_partial_header_value) > _LONGEST_LINE:
            raise MultiPartException("a line of a part's head is too long")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        super().on_header_field(data, start, end)
        if len(self._current_partial_header_name) > _LONGEST_LINE:
            raise MultiPartException("a line of a part's head is too long")

    def on_header_end(self) -> None:
        self._lines += 1
        if self._lines > _MOST_LINES:
            raise MultiPartException("a part's head has too many lines")
        super().on_header_end()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is not None:
            self._kept += end - start
            if self._kept > self.max_file_size:
                self.too_large = True
                raise MultiPartException("the file is too large")
        super().on_part_data(data, start, end)


async def read_form(
    request: Request, *, largest: int, most_fields: int = 4, deadline_s: float = DEADLINE_S
) -> SentForm:
    """Read a form with one file at most. largest: bytes of the file. Raises: UploadRefused."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise UploadRefused("upload.no_form")
    parser = _Parser(
        request.headers, request.stream(), max_files=1, max_fields=most_fields, max_part_size=_LARGEST_FIELD
    )
    parser.spool_max_size, parser.max_file_size = largest + 1, largest
    try:
        async with asyncio.timeout(deadline_s):
            form = await parser.parse()
    except TimeoutError:
        raise UploadRefused("upload.late", seconds=round(deadline_s)) from None
    except (MultiPartException, KeyError, ValueError):
        if parser.too_large:
            raise UploadRefused("upload.size", most=largest >> 20) from None
        raise UploadRefused("upload.no_form") from None
    try:
        files, fields = dict[str, SentFile](), dict[str, str]()
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                fields[name] = value
            elif value.filename:  # a browser sends an empty one where none was chosen
                files[name] = SentFile(shown_name(value.filename), _type(value), await value.read())
        return SentForm(files, fields)
    finally:
        await form.close()


def csv_file(form: SentForm, name: str) -> SentFile:
    """Return a file that may be CSV. Raises: UploadRefused."""
    file = form.files.get(name)
    if file is None:
        raise UploadRefused("upload.none")
    if not file.raw.strip():
        raise UploadRefused("upload.empty", file=file.name)
    for beginning, what in _BEGINNINGS:
        if file.raw.lstrip(b"\xef\xbb\xbf \r\n\t")[: len(beginning)].lower() == beginning.lower():
            raise UploadRefused(f"upload.{what}", file=file.name)
    if file.type not in _CSV_TYPES:
        raise UploadRefused("upload.type", file=file.name, type=file.type)
    return file


def shown_name(name: str) -> str:
    """Return a file's name for people, without the folders that some browsers send, and shortened."""
    last = visible(name.replace("\\", "/").rpartition("/")[2]).strip()
    return last if len(last) <= _LONGEST_NAME else f"{last[:_LONGEST_NAME]}…"


def _type(file: UploadFile) -> str:
    return (file.content_type or "").partition(";")[0].strip().lower()[:_LONGEST_NAME]

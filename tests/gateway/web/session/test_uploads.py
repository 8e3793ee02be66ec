"""A form with a file that comes slowly, without an end, or larger than it may: read as the pages read it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from starlette.requests import Request
from starlette.types import Message

from siaga_gateway.web.session.uploads import SentForm, UploadRefused, read_form
from waiting import ENDS_S

LARGEST = 20_000
HEAD = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="C:\\\\daftar\\\\a.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\n"
)
END = b"\r\n--b--\r\n"


class Sender:
    """Sends what it has, and then nothing at all. sent: how many pieces were fetched."""

    def __init__(self, pieces: Iterator[bytes], ends: bool) -> None:
        self.pieces, self.ends, self.sent = pieces, ends, 0

    async def receive(self) -> Message:
        piece = next(self.pieces, None)
        if piece is None:
            if not self.ends:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": b"", "more_body": False}
        self.sent += 1
        return {"type": "http.request", "body": piece, "more_body": True}


def read(sender: Sender, deadline_s: float = ENDS_S) -> SentForm:
    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    request = Request({"type": "http", "method": "POST", "headers": headers}, sender.receive)

    async def whole() -> SentForm:
        async with asyncio.timeout(ENDS_S):  # so that a missing deadline fails here, and does not hang
            return await read_form(request, largest=LARGEST, deadline_s=deadline_s)

    return asyncio.run(whole())


@pytest.mark.parametrize("begun", [[], [HEAD], [HEAD, b"kunci;jenis\n"]], ids=["nothing", "its head", "some of it"])
def test_a_file_that_does_not_go_on_is_given_up_at_the_deadline(begun: list[bytes]) -> None:
    with pytest.raises(UploadRefused) as refused:
        read(Sender(iter(begun), ends=False), deadline_s=0)
    assert refused.value.key == "upload.late"


def test_of_a_file_that_is_too_large_nothing_is_read_past_the_limit() -> None:
    sender = Sender(chain([HEAD], repeat(b"a" * 1_000)), ends=False)
    with pytest.raises(UploadRefused) as refused:
        read(sender)
    assert refused.value.key == "upload.size" and sender.sent <= 1 + LARGEST // 1_000 + 1


def test_the_largest_file_comes_whole_and_its_name_is_no_path() -> None:
    form = read(Sender(iter([HEAD, b"a" * LARGEST, END]), ends=True))
    assert form.files["file"].raw == b"a" * LARGEST and form.files["file"].name == "a.csv"

"""The console's own files as a browser gets them: compressed, and fetched once."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gateway.web.conftest import Console
from siaga_gateway.web.app import STATIC
from siaga_gateway.web.static_files import PackedFiles

LIBRARY = "vendor/maplibre-gl/maplibre-gl.mjs"


@pytest.mark.parametrize("name", ["js/main.js", "css/console.css", "icon.svg", LIBRARY])
def test_a_file_goes_compressed_and_is_not_fetched_again(console: Console, name: str) -> None:
    whole = (STATIC / name).read_bytes()
    with console.browser.stream("GET", f"/static/{name}") as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == "no-cache" and answer.headers["x-content-type-options"] == "nosniff"
    assert len(sent) < len(whole) and gzip.decompress(sent) == whole
    again = console.browser.get(f"/static/{name}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = console.browser.get(f"/static/{name}", headers={"accept-encoding": "identity"})
    assert plain.content == whole and "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding", "a cache between must not give the one for the other"
    assert plain.headers["content-type"] == answer.headers["content-type"]
    refreshed = console.browser.get(f"/static/{name}", headers={"if-none-match": plain.headers["etag"]})
    assert refreshed.status_code == 304


def test_all_that_a_first_page_fetches_is_small(console: Console) -> None:
    """The map's library and its worker are most of it."""
    files = [*STATIC.glob("js/*.js"), *STATIC.glob("css/*.css"), *STATIC.glob("vendor/*/*.*s")]
    with_map = sum(_sent(console, file.relative_to(STATIC).as_posix()) for file in files)
    assert with_map < 600_000


def test_pages_are_not_compressed(console: Console) -> None:
    """What holds personal data tells nothing by its length (BREACH)."""
    console.book.press(1)
    for path in ("/", "/incidents", "/incidents/1"):
        answer = console.browser.get(path)
        assert answer.status_code == 200 and "content-encoding" not in answer.headers


def test_a_file_that_was_replaced_is_sent_anew(tmp_path: Path) -> None:
    file = tmp_path / "page.js"
    file.write_text("let one = 1;", encoding="utf-8")
    app = FastAPI()
    app.mount("/static", PackedFiles(directory=tmp_path))
    browser = TestClient(app)
    before = browser.get("/static/page.js")
    file.write_text("let two = 2;", encoding="utf-8")
    os.utime(file, (1, 1))
    after = browser.get("/static/page.js", headers={"if-none-match": before.headers["etag"]})
    assert (before.text, after.status_code, after.text) == ("let one = 1;", 200, "let two = 2;")


def _sent(console: Console, name: str) -> int:
    with console.browser.stream("GET", f"/static/{name}") as answer:
        return sum(map(len, answer.iter_raw()))

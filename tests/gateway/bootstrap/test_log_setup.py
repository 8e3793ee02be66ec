"""The log: two forms with the same content, the device and counter of a frame, nobody's numbers."""

from __future__ import annotations

import errno
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.bootstrap import log_setup
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.journal.log_fields import of_frame

NIK, PHONE = "9900000000000001", "+6281200000001"
DEVICE = bytes.fromhex("0123456789012345")  # digits only, as a NIK


@pytest.fixture
def kept() -> Iterator[None]:
    """What the test does to logging is undone."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore", "uvicorn", "asyncio")}
    yield
    root.handlers[:], sys.excepthook, threading.excepthook = handlers, *hooks
    root.setLevel(level)
    logging.captureWarnings(False)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


@pytest.mark.usefixtures("kept")
def test_nothing_hidden_in_a_value_steers_whoever_reads_the_log() -> None:
    for form in ("text", "json"):
        written = io.StringIO()
        log_setup.set_up("json" if form == "json" else "text", "info", written)
        logging.getLogger("siaga_gateway.x").warning("sender %s", "\x1b[2J\u202e\u200b1")
        assert "sender <U+001B>[2J<U+202E><U+200B>1" in written.getvalue()


@pytest.mark.usefixtures("kept")
def test_a_line_says_which_frame_it_is_about_in_both_forms() -> None:
    written = io.StringIO()
    log_setup.set_up("json", "info", written)
    logging.getLogger("siaga_gateway.x").warning("forged", extra=of_frame(DEVICE, 17))
    logging.getLogger("siaga_gateway.x").info("%d of %s", 3, "three")
    first, second = (json.loads(line) for line in written.getvalue().splitlines())
    assert first.pop("time").endswith("Z") and second["message"] == "3 of three"
    assert first == {
        "level": "warning",
        "logger": "siaga_gateway.x",
        "message": "forged",
        "device": "0123456789012345",
        "counter": 17,
    }

    written = io.StringIO()
    log_setup.set_up("text", "info", written)
    logging.getLogger("siaga_gateway.x").warning("forged", extra=of_frame(DEVICE, 17))
    logging.getLogger("siaga_gateway.x").warning("nobody's", extra=of_frame(None))
    told, nobodys = written.getvalue().splitlines()
    assert told.endswith(" WARNING siaga_gateway.x: forged device=0123456789012345 counter=17")
    assert nobodys.endswith("x: nobody's")


@pytest.mark.usefixtures("kept")
def test_lines_for_people_are_in_the_settings_language_and_json_keeps_key_and_values() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    line = Localized("log.ingest.store_failing", why=full, frames=3)

    def written(form: log_setup.LogFormat, language: str) -> str:
        stream = io.StringIO()
        log_setup.set_up(form, "info", stream, language=language)
        logging.getLogger("x").error(line, extra=of_frame(DEVICE, 17))
        return stream.getvalue().splitlines()[0]

    assert written("text", "id").endswith(
        " ERROR x: tidak ada yang dapat disimpan: disk penuh. 3 bingkai menunggu, belum satu pun dijawab; dicoba lagi"
        " device=0123456789012345 counter=17"
    )
    assert "nothing can be stored: no space left on the disk. 3 frames wait" in written("text", "en")
    for language in ("id", "en"):
        told = json.loads(written("json", language))
        assert told["event"] == "log.ingest.store_failing" and told["value_frames"] == 3
        assert told["message"].startswith("nothing can be stored: no space left on the disk.")


def test_the_log_s_language_is_the_settings_unless_the_variable_names_another() -> None:
    assert log_setup.language_of("id", {}) == "id"
    assert log_setup.language_of("id", {"SIAGA_LANGUAGE": "en"}) == "en"
    assert log_setup.language_of("id", {"SIAGA_LANGUAGE": "fr"}) == "id"


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("form", ["text", "json"])
def test_numbers_of_people_are_taken_out_of_whatever_a_library_says(form: log_setup.LogFormat) -> None:
    written = io.StringIO()
    log_setup.set_up(form, "debug", written)
    try:
        raise ValueError(f"Key (nik)=({NIK}) already exists")
    except ValueError:
        logging.getLogger("x").exception("not registered: %s of %s", NIK, PHONE)
    text = written.getvalue()
    assert NIK not in text and PHONE not in text and "81200000001" not in text
    assert "ValueError" in text and "Traceback" in text
    if form == "json":
        assert len(text.splitlines()) == 1, "a traceback is one line for a collector"


@pytest.mark.usefixtures("kept")
def test_libraries_that_tell_of_each_request_are_silent_even_at_debug() -> None:
    written = io.StringIO()
    log_setup.set_up("text", "debug", written)
    logging.getLogger("httpx").info("HTTP Request: POST https://cad.example/?token=secret")
    logging.getLogger("httpcore.http11").debug("send_request_headers.started Authorization: secret")
    assert written.getvalue() == ""


@pytest.mark.usefixtures("kept")
def test_what_nobody_caught_in_a_thread_is_a_line_of_the_log() -> None:
    written = io.StringIO()
    log_setup.set_up("json", "info", written)
    threading.excepthook(threading.ExceptHookArgs((ZeroDivisionError, ZeroDivisionError("by zero"), None, None)))
    line = json.loads(written.getvalue())
    assert line["level"] == "critical" and "ZeroDivisionError" in line["exc_info"]


@given(
    before=st.text(alphabet=" .:(='\n", max_size=5),
    nik=st.text(alphabet="0123456789", min_size=16, max_size=16),
    phone=st.integers(10**8, 10**12 - 1),
)
def test_no_nik_and_no_number_survives(before: str, nik: str, phone: int) -> None:
    cleaned = log_setup.without_numbers(f"{before}{nik} +62{phone}")
    assert nik not in cleaned and str(phone) not in cleaned


def test_what_is_no_number_of_a_person_stays() -> None:
    for text in (
        "down_counter 1795410000",
        "14:03:27.123",
        "12000 frames wait",
        "127.0.0.1:1883",
        "a1" * 16,
        "0" * 64,
        "0081" * 16,
    ):
        assert log_setup.without_numbers(text) == text

"""A flood of lines is counted, not written, in both forms of the log; what is said once or twice stays as it is."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from test_log_setup import kept

from siaga_gateway.bootstrap import log_deduplication, log_setup

__all__ = ["kept"]


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch, kept: None) -> Iterator[Seconds]:
    clock = Seconds()
    monkeypatch.setattr(log_deduplication.FoldingHandler.__init__, "__defaults__", (clock, 10.0))
    yield clock


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_line_that_repeats_is_written_three_times_and_then_counted(seconds: Seconds, log_format: str) -> None:
    written = io.StringIO()
    log_setup.set_up(log_format, "info", written)  # type: ignore[arg-type]
    for _ in range(1000):  # as asyncio says it of each connection that finds no file descriptor
        try:
            raise OSError(24, "Too many open files")
        except OSError:
            logging.getLogger("asyncio").exception("socket.accept() out of system resource")
    logging.getLogger("siaga").warning("another")
    before = written.getvalue()
    assert before.count("out of system resource") == 3
    assert before.count("another") == 1, "others are not silenced by it"
    seconds.now = 10
    logging.getLogger("siaga").warning("after")
    told = written.getvalue().removeprefix(before)
    assert "997 lines more like this" in told and "out of system resource" in told
    if log_format == "json":
        first = json.loads(told.splitlines()[0])
        assert (first["level"], first["logger"], first["folded"]) == ("error", "asyncio", 997)


def test_a_wording_with_ever_new_values_and_a_logger_with_ever_new_words_are_folded_too(seconds: Seconds) -> None:
    written = io.StringIO()
    log_setup.set_up("text", "info", written)
    for number in range(500):
        logging.getLogger("one").warning("refused %d", number)
        logging.getLogger("two").warning(f"refused {number}")  # as libraries do
    assert written.getvalue().count(" one: ") == log_deduplication.ALIKE
    assert written.getvalue().count(" two: ") == log_deduplication.ALL
    before = written.getvalue()
    seconds.now = 10
    logging.getLogger("siaga").warning("after")
    told = written.getvalue().removeprefix(before).splitlines()
    assert told[0].endswith(f"{500 - log_deduplication.ALIKE} lines more like this in 10 s: refused 20")
    counted = sum(int(line.split(": ")[1].split()[0]) for line in told[1:-1])
    assert counted == 500 - log_deduplication.ALL, "none is lost"


def test_frames_at_debug_are_not_folded_unless_a_line_is_the_same_to_the_letter(seconds: Seconds) -> None:
    written = io.StringIO()
    log_setup.set_up("text", "debug", written)
    for counter in range(300):
        logging.getLogger("siaga").debug("stored", extra={"device": "01", "counter": counter})
    assert written.getvalue().count("stored") == 300


def test_what_was_counted_is_told_though_nothing_is_logged_any_more(kept: None) -> None:
    written = io.StringIO()
    handler = log_deduplication.FoldingHandler(written)
    record = logging.LogRecord("siaga", logging.ERROR, "", 0, "again", (), None)
    for _ in range(5):
        handler.handle(record)
    handler.close()
    assert "2 lines more like this" in written.getvalue()


def test_a_line_that_a_library_words_wrongly_stops_nobody(kept: None, capsys: pytest.CaptureFixture[str]) -> None:
    written = io.StringIO()
    log_setup.set_up("text", "info", written)
    logging.getLogger("library").warning("refused %d", "seven")
    logging.getLogger("library").warning("refused %d", 7)
    assert "refused 7" in written.getvalue()
    assert "test_log_deduplication.py" in capsys.readouterr().err, "where it was said"

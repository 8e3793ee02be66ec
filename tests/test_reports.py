"""What a worker says of a test goes in one message, and says the same as in six."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import reports
from waiting import RUNS_S

HERE = Path(__file__).resolve().parent
HOOKS = "from reports import pytest_configure_node, pytest_sessionstart\n"
TESTS = """
import os
import warnings
import pytest

def test_passes(): print("said aloud")

def test_warns(): warnings.warn("as a test may")

def test_fails(): assert "this" == "that"

@pytest.mark.skip(reason="not today")
def test_is_skipped(): pass

@pytest.fixture
def spoilt():
    yield
    raise RuntimeError("on the way out")

def test_passes_and_is_spoilt(spoilt): pass

def test_has_properties(record_property): record_property("color", "red")
"""
CRASH = """
import os
import pytest

def test_before(): pass

@pytest.fixture
def fatal():
    yield
    os._exit(3)

def test_fails_and_dies(fatal): assert "seen" == "before the end"
"""


class Line:
    """Where messages go in place of a channel."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def answer(self) -> str:
        return "the channel's own"


def event(name: str, **more: object) -> tuple[str, dict[str, object]]:
    return name, {"nodeid": "test_a.py::test_b", **more}


def report(outcome: str = "passed", **more: object) -> tuple[str, dict[str, object]]:
    return "testreport", {"data": {"outcome": outcome, "location": ("test_a.py", 1, "test_b"), "took": 0.5, **more}}


DONE = ("runtest_protocol_complete", {"item_index": 7, "duration": 0.25})


def received(sent: list[Any]) -> list[Any]:
    got: list[Any] = []
    for message in sent:
        reports.unpacked(got.append, message)
    return got


def test_a_test_s_events_are_one_message_and_come_as_they_went() -> None:
    line = Line()
    together = reports.Together(line)
    events = [event("logstart"), report(), report(), report("skipped"), event("logfinish"), DONE]
    for each in events:
        together.send(each)
    assert len(line.sent) == 1
    assert received(line.sent) == events


def test_a_failure_waits_for_nothing() -> None:
    line = Line()
    together = reports.Together(line)
    events = [event("logstart"), report(), report("failed")]
    for each in events:
        together.send(each)
    assert received(line.sent) == events


@pytest.mark.parametrize("other", [("workerfinished", {"workeroutput": {}}), ("collectionfinish", {"ids": []})])
def test_what_is_of_no_test_goes_at_once_and_after_what_was_before(other: object) -> None:
    line = Line()
    together = reports.Together(line)
    together.send(other)
    assert line.sent == [other]
    together.send(event("logstart"))
    together.send(other)
    assert received(line.sent) == [other, event("logstart"), other]


def test_what_cannot_be_packed_goes_by_itself_in_order() -> None:
    line = Line()
    together = reports.Together(line)
    thing = object()
    events = [event("logstart"), report(thing=thing), DONE]
    for each in events:
        together.send(each)
    assert line.sent == events


def test_the_rest_of_the_channel_is_as_it_was() -> None:
    assert reports.Together(Line()).answer() == "the channel's own"


def ran(folder: Path, tests: str, hooks: str) -> str:
    """What pytest says of these tests with two workers."""
    folder.mkdir()
    (folder / "conftest.py").write_text(hooks)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {HERE}\n")
    (folder / "test_one.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-v", "-rA", "-p", "no:cacheprovider", "-n1", "--max-worker-restart=0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    done = subprocess.run(
        [*command, "--junitxml=told.xml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        check=False,
        env=environment,
    )
    told = done.stdout + (folder / "told.xml").read_text()
    told = re.sub(r"\d+\.\d+ ?s|\b(time|timestamp|hostname)=\"[^\"]*\"|=+|0x\w+", "", told)
    return told.replace(str(folder), "")


def test_a_run_says_the_same_with_and_without(tmp_path: Path) -> None:
    together = ran(tmp_path / "together", TESTS, HOOKS)
    assert "2 failed" not in together, "a failure and an error"
    for word in ("1 failed", "4 passed", "1 skipped", "1 warning", "1 error", "said aloud", "color", "on the way out"):
        assert word in together, word
    assert together == ran(tmp_path / "singly", TESTS, "")


def test_a_worker_s_end_leaves_what_it_had_said_of_a_failure(tmp_path: Path) -> None:
    told = ran(tmp_path / "dies", CRASH, HOOKS)
    assert "before the end" in told
    assert "crashed while running 'test_one.py::test_fails_and_dies'" in told

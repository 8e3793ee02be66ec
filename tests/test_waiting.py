"""The wait of tests, and that there is one: what polls by itself is found."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import pytest

from source_files import ROOT, source_files
from waiting import eventually, waits

HOME = Path("tests/waiting.py")
# With why, on its line or the one above.
ALLOWED = "# no wait of a test: "


def polls(source: str) -> list[int]:
    """Lines of a `time.sleep` in a `while`, or in a `for` that something ends early, and that say not why."""
    lines = ["", *source.splitlines()]
    found = []
    for loop in ast.walk(ast.parse(source)):
        if not isinstance(loop, ast.While | ast.For):
            continue
        inside = list(_inside(loop))
        if isinstance(loop, ast.For) and not any(isinstance(each, ast.Break | ast.Return) for each in inside):
            continue
        for each in inside:
            sleeps = isinstance(each, ast.Call) and ast.unparse(each.func) in ("time.sleep", "sleep")
            if sleeps and not any(ALLOWED in line for line in lines[each.lineno - 1 : each.lineno + 1]):
                found.append(each.lineno)
    return sorted(set(found))


def _inside(node: ast.AST) -> list[ast.AST]:
    """What it does itself: without the functions that it defines."""
    found: list[ast.AST] = []
    for each in ast.iter_child_nodes(node):
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            found += [each, *_inside(each)]
    return found


def test_no_test_polls_by_itself() -> None:
    """`eventually` of tests/waiting.py does, and says what did not come."""
    sources = [file for file in source_files("tests") if file.suffix == ".py" and file != HOME]
    assert len(sources) > 400
    found = [f"{file}:{line}" for file in sources for line in polls((ROOT / file).read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("while not holds():\n    time.sleep(0.1)\n", [2]),
        ("while True:\n    try:\n        ask()\n        break\n    except OSError:\n        time.sleep(1)\n", [6]),
        ("def until():\n    for _ in range(9):\n        if holds():\n            return\n        sleep(1)\n", [5]),
        ("while True:\n    for one in all:\n        time.sleep(1)\n", [3]),
        ("while on:\n    time.sleep(1)  # no wait of a test: its pace\n", []),
        ("for one in all:\n    press(one)\n    time.sleep(1)\n", []),
        ("while on:\n    take(lambda: time.sleep(1))\n", []),
        ("time.sleep(1)\n", []),
    ],
)
def test_one_that_polls_by_itself_is_found(source: str, lines: list[int]) -> None:
    assert polls(source) == lines


def test_it_gives_the_first_true_result() -> None:
    results = iter([None, [], "here", "too late"])
    assert eventually(lambda: next(results)) == "here"


def test_it_says_what_did_not_come_and_how_things_stood() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.01 s: the answer"):
        eventually(lambda: False, "the answer", timeout_s=0.01)
    looks: list[int] = []
    with pytest.raises(AssertionError, match=r"after [1-9]"):
        eventually(lambda: looks.append(1), lambda: f"after {len(looks)} looks", timeout_s=0.01)


def test_a_thread_that_waits_is_told_from_one_that_works() -> None:
    go, works, ends = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        go.wait(60)
        works.set()
        while not ends.is_set():
            pass

    thread = threading.Thread(target=work, daemon=True)
    assert not waits(thread), "it has not begun"
    thread.start()
    eventually(lambda: waits(thread))
    go.set()
    assert works.wait(60)
    eventually(lambda: not waits(thread))
    ends.set()
    thread.join(60)
    assert not waits(thread)

"""The wait of tests, and that there is one: what polls by itself is found."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import pytest

from source_files import ROOT, source_files
from waiting import ENDS_S, eventually, waits

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


# Where time is simulated, or a test of its own looks after it.
NO_MACHINES_TIME = ("tests/bench/", "tests/firmware/", "tests/gateway/domain/", "tests/protocol/", "tests/stubs/")
# With why, on its line or the one above: a deadline that is to pass, a pause between looks, a bound of the subject.
MEANT = "# no deadline of a machine: "
# Calls that wait, and which of their arguments says how long; beside those with a keyword of such a name.
WAITS = {"wait": 0, "join": 0, "result": 0, "wait_for_publish": 0, "settimeout": 0, "communicate": 1, "finish": 0}
NAMES = {"timeout", "timeout_s", "within", "within_s"}
LEAST_S = 180


def hurries(source: str) -> list[int]:
    """Lines of a wait for what has to come that gives up at a number of seconds under LEAST_S, and say not why.

    No such wait is one that is to come to nothing: `assert not`, `is False`, within `pytest.raises`.
    """
    lines, tree = ["", *source.splitlines()], ast.parse(source)
    numbers = {
        target.id: each.value
        for each in tree.body
        if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None
        for target in (each.targets if isinstance(each, ast.Assign) else [each.target])
        if isinstance(target, ast.Name)
    }
    found = []

    def look(node: ast.AST, wanted: bool) -> None:
        for given in _deadlines(node) if wanted else ():
            given = numbers.get(given.id, given) if isinstance(given, ast.Name) else given
            short = isinstance(given, ast.Constant) and isinstance(given.value, int | float) and given.value < LEAST_S
            if short and not any(MEANT in line for line in lines[node.lineno - 1 : node.end_lineno + 1]):  # type: ignore[attr-defined]
                found.append(node.lineno)  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(node):
            look(child, wanted and not _comes_to_nothing(node))

    look(tree, True)
    return sorted(set(found))


def _deadlines(node: ast.AST) -> list[ast.expr]:
    """How long it waits, as it is written."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and "monotonic()" in ast.unparse(node.left):
        return [node.right]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        places, named = node.args.posonlyargs + node.args.args, node.args.kwonlyargs
        defaults = [*zip(reversed(places), reversed(node.args.defaults), strict=False)]
        defaults += zip(named, node.args.kw_defaults, strict=True)  # type: ignore[arg-type]
        return [given for each, given in defaults if each.arg in NAMES and given is not None]
    if not isinstance(node, ast.Call):
        return []
    found = [each.value for each in node.keywords if each.arg in NAMES]
    if isinstance(node.func, ast.Attribute):
        place = WAITS.get(node.func.attr, len(node.args))
        if ast.unparse(node.func) in ("asyncio.timeout", "pytest.mark.timeout"):
            place = 0
        found += node.args[place : place + 1]
    return found


def _comes_to_nothing(node: ast.AST) -> bool:
    if isinstance(node, ast.With | ast.AsyncWith):
        return any("pytest.raises" in ast.unparse(each.context_expr) for each in node.items)
    if isinstance(node, ast.Compare):
        return any(isinstance(each, ast.Constant) and each.value is False for each in node.comparators)
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def test_no_test_gives_up_because_its_machine_is_slow() -> None:
    """What has to come is waited for as long as ENDS_S says, a program's end as long as RUNS_S."""
    sources = [file for file in source_files("tests") if file.suffix == ".py" and file != HOME]
    sources = [file for file in sources if not str(file).startswith(NO_MACHINES_TIME)]
    assert len(sources) > 300
    found = [f"{file}:{line}" for file in sources for line in hurries((ROOT / file).read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("assert come.wait(5)\n", [1]),
        ("frames.get(\n    timeout=5\n)\n", [1]),
        ("PATIENCE_S: Final = 20.0\nthread.join(PATIENCE_S)\n", [2]),
        ("until = time.monotonic() + 30\n", [1]),
        ("def until(what, timeout_s=15): ...\n", [1]),
        ("def until(what, *, within: float = 15): ...\n", [1]),
        ("process.communicate(typed, 60)\n", [1]),
        ("@pytest.mark.timeout(60)\ndef test_it(): ...\n", [1]),
        ("async def ask():\n    async with asyncio.timeout(10):\n        await it\n", [2]),
        ("assert come.wait(ENDS_S)\nprocess.wait(RUNS_S)\nframes.get(timeout=ENDS_S)\n", []),
        ("assert not come.wait(0.2)\n", []),
        ("assert bell.wait(0.01) is False\n", []),
        ("with pytest.raises(queue.Empty):\n    frames.get(timeout=0.5)\n", []),
        ("go_on.wait(1)  # no deadline of a machine: it must not get so far\n", []),
        ("', '.join(names)\nkept.get(key, 5)\n", []),
    ],
)
def test_one_that_gives_up_early_is_found(source: str, lines: list[int]) -> None:
    assert hurries(source) == lines


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
        go.wait(ENDS_S)
        works.set()
        while not ends.is_set():
            pass

    thread = threading.Thread(target=work, daemon=True)
    assert not waits(thread), "it has not begun"
    thread.start()
    eventually(lambda: waits(thread))
    go.set()
    assert works.wait(ENDS_S)
    eventually(lambda: not waits(thread))
    ends.set()
    thread.join(ENDS_S)
    assert not waits(thread)

"""Tests that are run side by side say each their own outcome, and their fixtures are undone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

import side_by_side
from waiting import ENDS_S, RUNS_S

HERE = Path(__file__).resolve().parent
HOOKS = """
import pytest
import side_by_side

def pytest_collection_modifyitems(items):
    side_by_side.prepare(items)

def pytest_pyfunc_call(pyfuncitem):
    return side_by_side.run(pyfuncitem) or None
"""
MODULE = """
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.side_by_side(3)
LOG = Path(__file__).with_name("log")


@pytest.fixture(scope="module")
def meeting():
    return threading.Barrier(3)


@pytest.fixture
def noted(tmp_path):
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").touch()
    yield tmp_path.name
    with LOG.open("a") as log:
        log.write("undone\\n")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each(number, noted, meeting):
    meeting.wait(30)
    assert number != 2


def test_another(noted):
    pytest.skip("says so")


def test_broken(missing_one):
    pass


@pytest.fixture
def missing_one():
    raise RuntimeError("no such part")
"""


def run(folder: Path, *arguments: str, module: str = MODULE, hooks: str = HOOKS) -> str:
    (folder / "conftest.py").write_text(hooks)
    (folder / "test_cases.py").write_text(module)
    ini = folder / "pytest.ini"
    ini.write_text(f"[pytest]\npythonpath = {HERE}\nmarkers = side_by_side\n")
    command = [sys.executable, "-m", "pytest", "-v", "-c", str(ini), "-p", "no:cacheprovider", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=RUNS_S, check=False, env=environment
    )
    return done.stdout + done.stderr


def test_each_says_its_own_outcome_and_its_fixtures_are_undone(tmp_path: Path) -> None:
    said = run(tmp_path)
    assert "2 failed, 2 passed, 1 skipped" in said
    assert "assert 2 != 2" in said and "no such part" in said
    assert (tmp_path / "log").read_text() == 4 * "undone\n"


def test_only_what_was_chosen_is_run(tmp_path: Path) -> None:
    assert "1 skipped, 4 deselected" in run(tmp_path, "-k", "another")
    assert (tmp_path / "log").read_text() == "undone\n"


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("@pytest.mark.skipif(True, reason='no')\ndef test_one():\n    pass\n", "not skipped by a mark"),
        (
            "@pytest.fixture(params=[1])\ndef one(request):\n    return 10\n\ndef test_one(one):\n    pass\n",
            "no fixture with parameters",
        ),
    ],
)
def test_what_a_thread_cannot_do_is_refused(tmp_path: Path, module: str, why: str) -> None:
    """It was run all the same, and told as skipped; or it was given the parameter in place of the fixture."""
    said = run(tmp_path, module=f"import pytest\npytestmark = pytest.mark.side_by_side\n{module}")
    assert why in said and "passed" not in said


def test_those_without_the_mark_are_run_once_and_by_pytest_itself(tmp_path: Path) -> None:
    module = (
        "import threading\nimport pytest\n\n"
        "@pytest.mark.side_by_side\ndef test_marked():\n"
        "    assert threading.current_thread() is not threading.main_thread()\n\n"
        "def test_other(tmp_path):\n    assert threading.current_thread() is threading.main_thread()\n"
        "    with open('log', 'a') as log:\n        log.write('run')\n"
    )
    assert "2 passed in" in run(tmp_path, module=module)
    assert (tmp_path / "log").read_text() == "run"


def test_one_that_hangs_fails_alone(tmp_path: Path) -> None:
    """The end of its module waited for it too, and faulted; then the end of the process did."""
    module = (
        "import threading\nimport pytest\npytestmark = pytest.mark.side_by_side\n\n"
        "def test_hangs():\n    threading.Event().wait()\n\ndef test_fine():\n    pass\n"
    )
    said = run(tmp_path, "--timeout=3", module=module, hooks=f"{HOOKS}\nside_by_side._END_S = 0.1\n")
    assert "1 failed, 1 passed in" in said


def test_no_more_run_than_there_are_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all processes of a run together: a place is a lock on a file."""
    looked, inside = threading.Semaphore(0), threading.Event()
    monkeypatch.setattr(side_by_side, "time", SimpleNamespace(sleep=lambda _: looked.release()))

    def one_more() -> None:
        with side_by_side._place(tmp_path / "places"):
            inside.set()

    with ExitStack() as taken:
        for _ in range(side_by_side._PLACES):
            taken.enter_context(side_by_side._place(tmp_path / "places"))
        thread = threading.Thread(target=one_more, daemon=True)
        thread.start()
        assert looked.acquire(timeout=ENDS_S) and looked.acquire(timeout=ENDS_S)
        assert not inside.is_set()
    assert inside.wait(ENDS_S)
    thread.join(ENDS_S)


def test_each_takes_a_place(tmp_path: Path) -> None:
    run(tmp_path, f"--basetemp={tmp_path / 'base'}", "-k", "each")
    assert sorted(file.name for file in (tmp_path / "base" / "places").iterdir()) == ["0", "1", "2"]

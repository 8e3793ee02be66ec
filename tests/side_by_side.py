"""Tests that wait rather than compute, side by side: `pytestmark = pytest.mark.side_by_side` in their module, or the
mark at some of its tests.

The first of them that is run starts all of its module that were chosen and have it, in threads of this one process;
each then says what became of it. A test is written as any other: its fixtures of function scope are made and undone in
its thread, those of wider scope are shared. Not for tests that change what a process has once (monkeypatch, capsys, the
working folder), nor beside a mark that skips.
"""

from __future__ import annotations

import fcntl
import inspect
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

MARK: Final = "side_by_side"
_AT_ONCE: Final = 6
# Of all processes of a run together: buttons that share a core with more are late, and their tests with them.
_PLACES: Final = 3 * (os.cpu_count() or 1)
_LOOK_S: Final = 0.05
_END_S: Final = 10.0
_STARTED: Final = pytest.StashKey["_Threads"]()


def prepare(items: Iterable[pytest.Item]) -> None:
    """Let pytest make no fixture for them: their threads do."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker(MARK):
            if any(item.get_closest_marker(each) for each in ("skip", "skipif", "xfail")):
                raise pytest.UsageError(f"{item.nodeid}: a test that runs side by side is not skipped by a mark")
            callspec = getattr(item, "callspec", None)
            if callspec and callspec.params.keys() & item._fixtureinfo.name2fixturedefs.keys() - _direct(item):
                raise pytest.UsageError(f"{item.nodeid}: a test that runs side by side has no fixture with parameters")
            item.fixturenames = []


def _direct(item: pytest.Function) -> set[str]:
    """The names that its own parametrize marks give values to, not to fixtures."""
    marks = list(item.iter_markers("parametrize"))
    names = (mark.args[0] for mark in marks if not mark.kwargs.get("indirect"))
    return {one.strip() for each in names for one in (each.split(",") if isinstance(each, str) else each)}


def run(item: pytest.Function) -> bool:
    """As the hook pytest_pyfunc_call: the outcome of a test that has the mark. False for any other."""
    mark = item.get_closest_marker(MARK)
    module = item.getparent(pytest.Module)
    if mark is None or module is None:
        return False
    if _STARTED not in module.stash:
        chosen = [one for one in item.session.items if one.getparent(pytest.Module) is module]
        tests = [
            _Test(one, item) for one in chosen if isinstance(one, pytest.Function) and one.get_closest_marker(MARK)
        ]
        threads = _Threads(tests, *mark.args or (_AT_ONCE,))
        module.addfinalizer(threads.end)
        module.stash[_STARTED] = threads
    module.stash[_STARTED].outcomes[item.nodeid].result()
    return True


class _Threads:
    """Daemons: a test that hangs has failed by its own limit, and faults no other, nor the end of its process."""

    def __init__(self, tests: Iterable[_Test], at_once: int) -> None:
        self._waiting = deque(tests)
        self.outcomes: dict[str, Future[None]] = {test.name: Future() for test in self._waiting}
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(at_once)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Begin none that is not wanted any more; what runs, and was not waited for, has a moment."""
        self._waiting.clear()
        until = time.monotonic() + _END_S  # no deadline of a machine: nobody wants them
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while True:
            try:
                test = self._waiting.popleft()
            except IndexError:
                return
            try:
                test.run()
            except BaseException as error:
                self.outcomes[test.name].set_exception(error)
            else:
                self.outcomes[test.name].set_result(None)


@contextmanager
def _place(folder: Path) -> Iterator[None]:
    """One of the places that the test processes of a run share."""
    folder.mkdir(exist_ok=True)
    while True:
        for number in range(_PLACES):
            with (folder / str(number)).open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield
                return
        time.sleep(_LOOK_S)  # no wait of a test: it has not begun, and its own limit has not either


class _Test:
    """One test and what it is given. Made in pytest's own thread, run in another. first: the one that runs now."""

    def __init__(self, item: pytest.Function, first: pytest.Function) -> None:
        self.name = item.nodeid
        self._test = item.obj
        self._info: Any = item._fixtureinfo
        self._values: dict[str, Any] = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        self._folders: pytest.TempPathFactory = first._request.getfixturevalue("tmp_path_factory")
        own = self._folders.getbasetemp()
        self._places = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "places"
        for name, definitions in self._info.name2fixturedefs.items():
            if name not in self._values and definitions[-1].scope != "function":
                self._values[name] = first._request.getfixturevalue(name)
        if "tmp_path" in self._info.names_closure:
            self._values["tmp_path"] = self._folder(item.name)

    def _folder(self, name: str) -> Path:
        """Short, because a socket's path may not be long."""
        return self._folders.mktemp("".join(letter if letter.isalnum() else "_" for letter in name)[:30])

    def run(self) -> None:
        with _place(self._places), ExitStack() as undoing:
            for name in self._info.initialnames:
                self._make(name, undoing)
            self._test(**{name: self._values[name] for name in self._info.argnames})

    def _make(self, name: str, undoing: ExitStack) -> Any:
        if name not in self._values:
            fixture = self._info.name2fixturedefs[name][-1]
            made = fixture.func(**{needed: self._make(needed, undoing) for needed in fixture.argnames})
            if inspect.isgenerator(made):
                undoing.callback(next, made, None)
                made = next(made)
            self._values[name] = made
        return self._values[name]

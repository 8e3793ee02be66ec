"""A pytest plugin that runs a module's own tests once for each mutant, without starting anew.

The tests are collected once. A child that is forked off runs them all and tells which lines each of them reaches. Then
each mutant gets a child: it puts the mutant's code into the functions that are there (so that whoever imported them has
it), runs the tests that reach its line, the quickest first, and ends at the first that fails. The parent runs no test,
so that nothing is left over from one to the next. What a test asks MicroPython is answered from a copy of the firmware.

    SIAGA_MUTATION=job.json python -m pytest -p mutation.session tests/gateway/ingest/test_lanes.py

job.json: {"module": file, "root": folder, "numbers": [...], "out": file, "cpu_s": seconds beside what the tests take};
out gets a line of JSON for each mutant.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings

from mutation.mutants import Mutant, mutants_of

_WALL_S = 30.0


class _Job:
    def __init__(self, config: dict[str, Any]) -> None:
        self.root = Path(config["root"])
        self.file = self.root / config["module"]
        self.source = self.file.read_text()
        mutants = mutants_of(self.source)
        self.mutants = [(number, mutants[number]) for number in config["numbers"]]
        self.out = Path(config["out"])
        self.cpu_s = int(config["cpu_s"])
        gc.unfreeze()  # conftest.py freezes what was collected, and what is frozen is not listed
        self.alive = [
            one
            for one in gc.get_objects()
            if isinstance(one, FunctionType) and one.__code__.co_filename == str(self.file)
        ]
        gc.freeze()  # a child that collects would copy what it shares

    def limit(self, seconds: float) -> tuple[float, int]:
        """Wall and processor time for tests that took so long."""
        return _WALL_S + 10 * seconds, self.cpu_s + int(6 * seconds)


def pytest_configure(config: pytest.Config) -> None:
    """One engine is enough for what does no I/O."""
    if "siaga_gateway" in _config()["module"]:
        import databases

        databases.ENGINES = ("sqlite",)  # type: ignore[misc]


def _config() -> dict[str, Any]:
    config: dict[str, Any] = json.loads(Path(os.environ["SIAGA_MUTATION"]).read_text())
    return config


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """A counterexample is a kill: no time is spent on making it small, and none is kept for the next."""
    settings.register_profile(
        "mutation",
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.explicit, Phase.generate],
        database=None,
        derandomize=True,
    )
    settings.load_profile("mutation")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    if session.testsfailed:
        raise session.Failed("the tests cannot be collected")
    job = _Job(_config())
    with job.out.open("w") as out:
        _run(session.items, job, lambda said: print(json.dumps(said), file=out, flush=True))
    return True


def _run(items: list[pytest.Item], job: _Job, tell: Any) -> None:
    reached, took = _reached(items, job)
    # What a fork does to a test must not be taken for what the mutant did to it.
    stable = _forked(lambda: _first_failure(items), job.limit(sum(took)))
    if stable[0] != "lived":
        raise pytest.UsageError(f"without any mutant: {stable}")
    chip = [item for item in items if _asks_micropython(item)]
    for number, mutant in job.mutants:
        if not mutant.function:
            swapped = _swappable_values(job, mutant)
            chosen = items
        else:
            swapped = True
            numbers = {index for line in range(mutant.lines[0], mutant.lines[1] + 1) for index in reached[line]}
            chosen = [items[index] for index in sorted(numbers, key=lambda index: took[index])]
            chosen += [item for item in chip if item not in chosen]
        if not swapped:
            tell({"number": number, "verdict": "cold", "by": ""})
            continue
        if not chosen:
            tell({"number": number, "verdict": "lived", "by": "no test reaches it"})
            continue

        def child(mutant: Mutant = mutant, chosen: list[pytest.Item] = chosen) -> str:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    _put(job, mutant, Path(folder), any(item in chip for item in chosen))
                except _NotSwappable as error:
                    return f"cold:{error}"
                return _first_failure(chosen)

        verdict, by = _forked(child, job.limit(sum(took[items.index(item)] for item in chosen)))
        tell({"number": number, "verdict": verdict, "by": by})


def _asks_micropython(item: pytest.Item) -> bool:
    module = getattr(item, "module", None)
    return any(name in vars(module) for name in ("run_micropython", "run_main")) if module is not None else False


# Children


def _forked(work: Any, limit: tuple[float, int]) -> tuple[str, str]:
    """Run it in a child; it returns "" or what failed."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (limit[1], limit[1] + 1))
            failed = work()
            os.write(writing, failed.encode()[:4000])
            code = 0 if not failed else 1
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode()[:4000])
        finally:
            os._exit(code)
    os.close(writing)
    over = threading.Event()
    timer = threading.Timer(limit[0], lambda: (over.set(), _kill(pid)))
    timer.start()
    _, status = os.waitpid(pid, 0)
    timer.cancel()
    _kill_group(pid)
    with os.fdopen(reading, "rb") as said:
        by = said.read().decode(errors="replace")
    if over.is_set() or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)):
        return "overtime", ""
    if os.WIFSIGNALED(status):
        return "killed", f"signal {os.WTERMSIG(status)}"
    if by.startswith("cold:"):
        return "cold", by[5:]
    return ("lived", "") if os.WEXITSTATUS(status) == 0 else ("killed", by)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _first_failure(items: list[pytest.Item]) -> str:
    for item, following in zip(items, [*items[1:], None], strict=True):
        for report in runtestprotocol(item, log=False, nextitem=following):
            if report.failed:
                return f"{item.nodeid}: {report.longreprtext[-600:]}"
    return ""


def _reached(items: list[pytest.Item], job: _Job) -> tuple[dict[int, set[int]], list[float]]:
    """Which tests reach each line, and how long each takes."""
    with tempfile.NamedTemporaryFile() as file:

        def work() -> str:
            lines: dict[int, set[int]] = defaultdict(set)
            took: list[float] = []
            here = str(job.file)
            current = 0

            def local(frame: FrameType, event: str, _: object) -> Any:
                lines[frame.f_lineno].add(current)
                return local

            def each(frame: FrameType, event: str, _: object) -> Any:
                if frame.f_code.co_filename != here:
                    return None
                lines[frame.f_lineno].add(current)
                return local

            for number, item in enumerate(items):
                current, begun = number, time.perf_counter()
                sys.settrace(each)
                threading.settrace(each)
                following = items[number + 1] if number + 1 < len(items) else None
                reports = runtestprotocol(item, log=False, nextitem=following)
                sys.settrace(None)
                threading.settrace(None)  # type: ignore[arg-type]
                took.append(time.perf_counter() - begun)
                for report in reports:
                    if report.failed:
                        return f"without any mutant {item.nodeid} fails: {report.longreprtext}"
            Path(file.name).write_bytes(pickle.dumps((dict(lines), took)))
            return ""

        verdict, by = _forked(work, (900.0, 900))
        if verdict != "lived":
            raise pytest.UsageError(f"{verdict}: {by}")
        lines, took = pickle.loads(Path(file.name).read_bytes())
    return defaultdict(set, lines), took


# The mutant in place of what is there


class _NotSwappable(Exception):
    pass


def _put(job: _Job, mutant: Mutant, folder: Path, with_chip: bool) -> None:
    source = mutant.apply(job.source)
    if mutant.function:
        _put_code(job, mutant, compile(source, str(job.file), "exec", dont_inherit=True))
    else:
        _put_values(job, source)
    if with_chip and "firmware" in job.file.parts:
        _put_firmware(job, source, folder)


def _put_code(job: _Job, mutant: Mutant, module: CodeType) -> None:
    new = _find(module, mutant.function.split("."))
    found = False
    for each in job.alive:
        if each.__code__.co_qualname == mutant.function and each.__code__.co_firstlineno == new.co_firstlineno:
            if each.__code__.co_freevars != new.co_freevars:
                raise _NotSwappable("its closure is another")
            each.__code__ = new
            found = True
    if not found and str(job.file) in {str(getattr(one, "__file__", "")) for one in list(sys.modules.values())}:
        raise _NotSwappable("no such function is alive")


def _find(code: CodeType, path: list[str]) -> CodeType:
    for name in path:
        code = next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)
    return code


_PLAIN = (bool, int, float, str, bytes, type(None))


def _plain(value: object) -> bool:
    if isinstance(value, tuple | list | set | frozenset):
        return all(_plain(one) for one in value)
    if isinstance(value, dict):
        return all(_plain(key) and _plain(one) for key, one in value.items())
    return type(value) in _PLAIN


def _module_of(job: _Job) -> ModuleType | None:
    for one in list(sys.modules.values()):
        if getattr(one, "__file__", None) == str(job.file):
            return one
    return None


def _fresh(job: _Job, source: str) -> dict[str, Any]:
    module = _module_of(job)
    if module is None:
        raise _NotSwappable("not imported")
    fresh = ModuleType(module.__name__)
    fresh.__file__ = module.__file__
    fresh.__package__ = module.__package__
    kept = sys.modules[module.__name__]
    sys.modules[module.__name__] = fresh
    try:
        exec(compile(source, str(job.file), "exec", dont_inherit=True), vars(fresh))
    finally:
        sys.modules[module.__name__] = kept
    return vars(fresh)


def _changed_values(job: _Job, source: str) -> dict[str, tuple[object, object]]:
    """Plain values of the module that are others in the mutant: name -> (old, new)."""
    module = _module_of(job)
    fresh = _fresh(job, source)
    assert module is not None
    return {
        name: (old, fresh[name])
        for name, old in vars(module).items()
        if not name.startswith("__") and name in fresh and _plain(old) and fresh[name] != old
    }


def _swappable_values(job: _Job, mutant: Mutant) -> bool:
    """Whether a fault outside of functions is one in plain values of the module, and nothing else was made of them."""
    if mutant.scope != "<module>":
        return False
    try:
        return bool(_changed_values(job, mutant.apply(job.source)))
    except Exception:
        return False


def _put_values(job: _Job, source: str) -> None:
    for name, (old, new) in _changed_values(job, source).items():
        for module in list(sys.modules.values()):
            if vars(module).get(name, _PLAIN) is old:
                setattr(module, name, new)


def _put_firmware(job: _Job, source: str, folder: Path) -> None:
    """A copy of the firmware with the mutant, in place of the one that tests give to MicroPython."""
    firmware = job.root / "firmware"
    copy = folder / "firmware"
    shutil.copytree(firmware, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / job.file.relative_to(firmware)).write_text(source)
    for module in list(sys.modules.values()):
        if vars(module).get("FIRMWARE") == firmware:
            module.FIRMWARE = copy  # type: ignore[attr-defined]

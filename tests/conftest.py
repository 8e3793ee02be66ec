"""The suite's own rules: in CI nothing is skipped, a property test that fails is repeatable, long files begin first."""

from __future__ import annotations

import gc
import os
import signal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import memory_folders
import preloaded
import side_by_side
from collected import fork_workers
from longest import first, longest
from reports import pytest_configure_node, pytest_sessionstart  # noqa: F401 (hooks)

# What is collected stays to the end: no search for garbage looks through it, now or while tests run.
gc.disable()

# A shell lets what it starts in the background ignore Ctrl-C, and asyncio's end does not put that back: what programs
# find is the same however the run was started.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What commands and errors say is compared in English; a test of another language names it.
os.environ["SIAGA_LANGUAGE"] = "en"

settings.register_profile("siaga", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("siaga")

preloaded.switch_on()
memory_folders.choose()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-longest", action="store_true", help="renew tests/longest.txt from this run of all tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of files that run beside each other one that is long must not be the last to begin."""
    items[:] = first(items)
    side_by_side.prepare(items)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run what is marked side_by_side in threads."""
    return side_by_side.run(pyfuncitem) or None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    if preloaded.possible() and all(spec.popen and not spec.python for spec in specs):
        fork_workers(config.args)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from sharing import Sharing  # imports pytest-xdist, which may be switched off

    return Sharing(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name no test by bytes: a random key's differ in each worker, and none of them would run."""
    return argname if isinstance(val, bytes) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say so where a skip has just failed the run, and which files were the longest."""
    if terminalreporter.config.getoption("numprocesses", 0):
        longest(terminalreporter)
    if _skips_fail(terminalreporter):
        terminalreporter.write_line("In CI a skipped test is a failed run: install what it needs.", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and session.exitstatus == 0 and _skips_fail(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skips_fail(reporter: pytest.TerminalReporter) -> bool:
    return os.environ.get("CI") == "true" and bool(reporter.stats.get("skipped"))

"""The suite's own rules: in CI nothing is skipped, and a property test that fails can be run again."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("siaga", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("siaga")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say so where a skip has just failed the run."""
    if _skips_fail(terminalreporter):
        terminalreporter.write_line("In CI a skipped test is a failed run: install what it needs.", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and session.exitstatus == 0 and _skips_fail(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skips_fail(reporter: pytest.TerminalReporter) -> bool:
    return os.environ.get("CI") == "true" and bool(reporter.stats.get("skipped"))

"""How long the files of tests take, and their order by it: `longest.txt` has those that are worth it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

LIST: Final = Path(__file__).with_name("longest.txt")
SHORT_S: Final = 5
_SHOWN: Final = 10
_ABOUT: Final = "# Seconds of each file that is not short, as a run of all tests found them: --write-longest"


def known() -> dict[str, int]:
    """Seconds by file, named as pytest names it."""
    lines = (line.split() for line in LIST.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {file: int(seconds) for seconds, file in lines}


def first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The longest files first; else in the order in which they were."""
    seconds = known()
    return sorted(items, key=lambda item: -seconds.get(_file(item.nodeid), 0))


def longest(reporter: pytest.TerminalReporter) -> None:
    """Print the longest files of a run; with --write-longest keep all that are not short."""
    took: Counter[str] = Counter()
    for reports in reporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                took[_file(report.nodeid)] += report.duration
    reporter.write_sep("=", f"longest {_SHOWN} files")
    for file, seconds in took.most_common(_SHOWN):
        reporter.write_line(f"{seconds:6.1f}s {file}")
    if reporter.config.getoption("write_longest"):
        kept = [f"{seconds:.0f} {file}" for file, seconds in took.most_common() if seconds >= SHORT_S]
        about = (
            "# Seconds that a file of tests took in the last run that was kept: make test PYTEST_ARGS=--write-longest"
        )
        LIST.write_text("\n".join([about, *kept]) + "\n", encoding="utf-8")


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]

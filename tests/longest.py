"""How long the files of tests take, and their order by it: `longest.txt` has those that are worth it."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, TypeVar

import pytest

LIST: Final = Path(__file__).with_name("longest.txt")
SHORT_S: Final = 5
_SHOWN: Final = 10
_Thing = TypeVar("_Thing")
# What a test of a file that is not in the list takes, about.
_SHORT_TEST_S: Final = 0.03


def known() -> dict[str, int]:
    """Seconds by file, named as pytest names it."""
    lines = (line.split() for line in LIST.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {file: int(seconds) for seconds, file in lines}


def first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Files in the order in which they should begin: of each kind the longest first, and the kinds mixed, so that files
    that wait (side_by_side, other long ones) run beside short ones, which compute, from the beginning to the end."""
    seconds = known()
    kinds: dict[str, list[tuple[float, list[pytest.Item]]]] = defaultdict(list)
    for file, group in groupby(sorted(items, key=_place), key=lambda item: _file(item.nodeid)):
        tests = list(group)
        long_s = seconds.get(file)
        waits = any(test.get_closest_marker("side_by_side") for test in tests)
        kind = "short" if long_s is None else "side_by_side" if waits else "long"
        kinds[kind].append((long_s or _SHORT_TEST_S * len(tests), tests))
    for files in kinds.values():
        files.sort(key=lambda one: -one[0])
    return [test for tests in mixed(list(kinds.values())) for test in tests]


def mixed(kinds: Sequence[Sequence[tuple[float, _Thing]]]) -> list[_Thing]:
    """Several queues of things that take so long made one: at each point about the same share of each is through."""
    totals = [sum(took for took, _ in kind) for kind in kinds]
    turns = [(0.0, number, 0) for number, kind in enumerate(kinds) if kind]
    heapq.heapify(turns)
    order = []
    while turns:
        through, number, at = heapq.heappop(turns)
        took, thing = kinds[number][at]
        order.append(thing)
        if at + 1 < len(kinds[number]):
            heapq.heappush(turns, (through + took / totals[number], number, at + 1))
    return order


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


def _place(item: pytest.Item) -> str:
    return _file(item.nodeid)


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]

"""Take one defence out at a time: do the tests that its row of SECURITY.md names notice it? Part of `make torture`.

`defences.toml` has the patches. Each is tried in a copy; the work tree is never written. Exit status 1 where one was
not noticed, or a test fails without any patch.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mutation.working_copy import ROOT, Change, Verdict, WorkingCopy

LISTED = Path(__file__).resolve().parent / "defences.toml"
_LIMIT_S = 180  # one patch's tests, a machine under load
_ALL_LIMIT_S = 1800  # all tests without a patch
# Of pytest's plugins only the one that the settings name: the others cost half of a start.
_OPTIONS = ("-p", "pytest_timeout")
_VARIABLES = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
_QUICKER = {"SIAGA_WAITS_S": "20"}  # a test that fails waits for what does not come, maybe several times


@dataclass(frozen=True)
class Row:
    """A row of SECURITY.md."""

    attack: str
    tests: frozenset[str]  # by name
    undefended: bool  # it says so; it may name tests all the same


@dataclass(frozen=True)
class Patch:
    row: str  # the attack, as the page has it
    tests: tuple[str, ...]  # by name: one of them has to fail
    change: Change

    @property
    def name(self) -> str:
        return f"{self.change.file}: {self.change.old.strip()} -> {self.change.new.strip() or 'nothing'}"


def rows(page: str) -> list[Row]:
    """The rows of SECURITY.md's tables."""
    found = []
    for line in page.splitlines():
        if line.startswith("| ") and not line.startswith("| attack |"):
            attack, defence, shown = (cell.strip() for cell in line.strip("|").split("|"))
            tests = frozenset(re.findall(r"`(test_\w+)`", shown))
            found.append(Row(attack, tests, "**not defended**" in defence.lower()))
    return found


def patches(listed: Path = LISTED) -> list[Patch]:
    """All that are listed: a table `[["attack"]]` of the row each."""
    return [
        Patch(row, tuple(patch["tests"]), Change(patch["file"], patch["old"], patch["new"]))
        for row, its in tomllib.loads(listed.read_text(encoding="utf-8")).items()
        for patch in its
    ]


def without_patch(page: Sequence[Row], listed: Sequence[Patch]) -> list[str]:
    """Attacks against which the page names tests, and nobody tries whether these notice."""
    tried = {patch.row for patch in listed}
    return [row.attack for row in page if row.tests and row.attack not in tried]


def complaints(page: Sequence[Row], listed: Sequence[Patch], root: Path = ROOT) -> list[str]:
    """Where page, list and code no longer fit each other."""
    by_attack = {row.attack: row for row in page}
    found: list[str] = []
    texts: dict[str, str] = {}
    for patch in listed:
        row = by_attack.get(patch.row)
        if row is None:
            found.append(f"a patch of a row that is not there: {patch.row}")
        elif not patch.tests or not row.tests.issuperset(patch.tests):
            found.append(f"tests that the row does not name: {patch.row}: {sorted({*patch.tests} - row.tests)}")
        file = root / patch.change.file
        if patch.change.file not in texts:
            texts[patch.change.file] = file.read_text(encoding="utf-8") if file.is_file() else ""
        try:
            changed = patch.change.apply(texts[patch.change.file])
        except ValueError as error:
            found.append(str(error))
        else:
            if changed == texts[patch.change.file]:
                found.append(f"a patch that changes nothing: {patch.name}")
    return found


def places(root: Path = ROOT) -> dict[str, str]:
    """Where each test is, as pytest is told: file::name."""
    return {
        name: f"{file.relative_to(root)}::{name}"
        for file in sorted((root / "tests").rglob("test_*.py"))
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }


@dataclass
class Tried:
    patch: Patch
    noticed: bool
    took_s: float
    said: str


class Run:
    """Patches of one house, several at a time, each in a copy of its own."""

    def __init__(self, root: Path = ROOT, limit_s: float = _LIMIT_S) -> None:
        self._root, self._limit_s = root, limit_s
        self._places = places(root)

    def fail_anyway(self, listed: Iterable[Patch], jobs: int = 1) -> str:
        """What pytest says of tests that fail without any patch; empty: none does."""
        tests = sorted({self._places[test] for patch in listed for test in patch.tests})

        def lane(number: int) -> str:
            with WorkingCopy(self._root) as copy:
                verdict, said = copy.judge(tests[number::jobs], _ALL_LIMIT_S, _OPTIONS, _VARIABLES)
            return "" if verdict is Verdict.LIVED else said

        jobs = min(jobs, len(tests))
        with ThreadPoolExecutor(jobs) as pool:
            return "".join(pool.map(lane, range(jobs)))

    def try_all(self, listed: Sequence[Patch], jobs: int) -> list[Tried]:
        def lane(number: int) -> list[Tried]:
            with WorkingCopy(self._root) as copy:
                copy.compile()
                return [self._try(copy, patch) for patch in listed[number::jobs]]

        with ThreadPoolExecutor(jobs) as pool:
            return [tried for its in pool.map(lane, range(jobs)) for tried in its]

    def _try(self, copy: WorkingCopy, patch: Patch) -> Tried:
        since = time.monotonic()
        with copy.changed(patch.change):
            verdict, said = copy.judge(
                [self._places[test] for test in patch.tests], self._limit_s, _OPTIONS, _VARIABLES | _QUICKER
            )
        # A house that cannot be imported any more has lost no defence: one of the tests has to have failed.
        failed = re.search(rf"^FAILED \S+::({'|'.join(patch.tests)})\b", said, re.MULTILINE)
        tried = Tried(patch, verdict is Verdict.KILLED and failed is not None, time.monotonic() - since, said)
        print(
            f"{'noticed' if tried.noticed else f'LIVED ({verdict})':<16} {tried.took_s:5.1f} s  {patch.name}",
            flush=True,
        )
        return tried


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="defences.py", description=__doc__)
    parser.add_argument("part", nargs="*", help="only rows, files or tests with one of these in their name")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="patches at a time (%(default)s)")
    parser.add_argument("--patched-only", action="store_true", help="do not run the tests without a patch before")
    options = parser.parse_args(arguments)
    listed = patches()
    page = rows((ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    wrong = [f"a row without a patch: {attack}" for attack in without_patch(page, listed)] + complaints(page, listed)
    chosen = [
        patch
        for patch in listed
        if not options.part
        or any(part in f"{patch.row} {patch.change.file} {' '.join(patch.tests)}" for part in options.part)
    ]
    for complaint in wrong:
        print(complaint)
    if wrong or not chosen:
        return 1
    run = Run()
    since = time.monotonic()
    if not options.patched_only and (said := run.fail_anyway(chosen, options.jobs)):
        print(f"a test fails without any patch\n{said[-6000:]}")
        return 1
    # Several rows may rest on one defence; it is tried once.
    tried = run.try_all(list({(patch.change, patch.tests): patch for patch in chosen}.values()), options.jobs)
    lived = [one for one in tried if not one.noticed]
    print(f"{len(tried)} patches, {len(tried) - len(lived)} noticed, {time.monotonic() - since:.0f} s")
    for one in lived:
        print(f"\nnobody noticed: {one.patch.row}\n{one.patch.name}\n{one.said[-1500:]}")
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main())

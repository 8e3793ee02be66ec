"""Do the tests hold what lives hang on? A fault at a time in each pure module: its own tests must fail.

    make mutate                                  a sample of all modules, drawn by the day's date
    make mutate ARGS="--seed 4711 --sample 300"
    make mutate ARGS="--all position lanes"      every mutant of the modules with these in their name

Mutants that change nothing, or that live for a reason, stand in survivors.toml with why, by their content.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from mutation.mutants import Mutant, mutants_of  # noqa: E402
from mutation.working_copy import ROOT, Verdict, WorkingCopy  # noqa: E402

MODULES = HERE / "modules.toml"
SURVIVORS = HERE / "survivors.toml"
_SAMPLE = 400
_WANTED = 0.97
_COLD_S = 120.0


@dataclass
class Module:
    """A module, what was drawn of it, and what came out."""

    file: str
    tests: list[str]
    root: Path = ROOT
    excused: dict[str, str] = field(default_factory=dict)  # by name: why it lives
    cpu_s: int = 6  # for what does not end
    drawn: list[int] = field(default_factory=list)
    killed: int = 0
    overtime: int = 0
    equivalent: list[str] = field(default_factory=list)
    lived: list[str] = field(default_factory=list)
    needless: list[str] = field(default_factory=list)  # excused, and killed

    def __post_init__(self) -> None:
        self.mutants: list[Mutant] = mutants_of((self.root / self.file).read_text())

    @property
    def gone(self) -> list[str]:
        """What the list excuses and the source no longer has."""
        names = {mutant.name for mutant in self.mutants}
        return [name for name in self.excused if name not in names]

    @property
    def tried(self) -> int:
        return self.killed + self.overtime + len(self.lived)

    def judge(self) -> None:
        """Try what was drawn of it. Raises RuntimeError where its tests fail without any fault."""
        with ExitStack() as stack:
            copy: WorkingCopy | None = None
            for number, verdict in self._warm():
                mutant = self.mutants[number]
                # What ran at import ran without the fault: before it counts as living it is tried in a copy.
                if verdict in ("cold", "lived") and mutant.name not in self.excused:
                    copy = copy or stack.enter_context(WorkingCopy(self.root))
                    verdict = self._cold(copy, mutant)
                self._count(mutant, verdict)

    def _count(self, mutant: Mutant, verdict: str) -> None:
        if verdict in ("killed", "overtime") and mutant.name in self.excused:
            self.needless.append(mutant.name)
        if verdict == "killed":
            self.killed += 1
        elif verdict == "overtime":
            self.overtime += 1
        elif mutant.name in self.excused:
            self.equivalent.append(mutant.name)
        else:
            self.lived.append(mutant.name)

    def _warm(self) -> Iterable[tuple[int, str]]:
        with tempfile.TemporaryDirectory() as folder:
            job, out = Path(folder) / "job.json", Path(folder) / "out"
            told = {"module": self.file, "root": str(self.root), "numbers": self.drawn, "out": str(out)}
            job.write_text(json.dumps({**told, "cpu_s": self.cpu_s}))
            command = [
                *(sys.executable, "-m", "pytest", "-q", "-p", "mutation.session", "-p", "no:xdist"),
                *(f"--basetemp={folder}/tmp", *self.tests),
            ]
            path = f"{HERE.parent}:{self.root}/gateway:{self.root}/tools"
            said = subprocess.run(
                command,
                cwd=self.root,
                env={**os.environ, "SIAGA_MUTATION": str(job), "SIAGA_WAITS_S": "3", "PYTHONPATH": path},
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
            if len(lines) != len(self.drawn):
                raise RuntimeError(
                    f"{self.file}: its tests could not be run\n{said.stdout[-6000:]}{said.stderr[-2000:]}"
                )
            return [(line["number"], line["verdict"]) for line in lines]

    def _cold(self, copy: WorkingCopy, mutant: Mutant) -> str:
        source = (self.root / self.file).read_text()
        with copy.with_texts({self.file: mutant.apply(source)}):
            verdict, said = copy.judge(self.tests, _COLD_S, ("-p", "no:cacheprovider"))
        if verdict is Verdict.BROKEN:
            raise RuntimeError(f"{self.file}: {said[-3000:]}")
        return str(verdict)


def modules(
    parts: Sequence[str] = (), listed: Path = MODULES, excuses: Path = SURVIVORS, root: Path = ROOT
) -> list[Module]:
    """All that are listed, or those with one of `parts` in their name."""
    why = tomllib.loads(excuses.read_text()) if excuses.exists() else {}
    return [
        Module(file, tests, root, why.get(file, {}))
        for file, tests in tomllib.loads(listed.read_text())["modules"].items()
        if not parts or any(part in file for part in parts)
    ]


def draw(chosen: Sequence[Module], sample: int | None, seed: int) -> None:
    """So many of all mutants, by chance; None: all."""
    whole = [(module, number) for module in chosen for number in range(len(module.mutants))]
    if sample is not None and sample < len(whole):
        whole = random.Random(seed).sample(whole, sample)
    for module, number in whole:
        module.drawn.append(number)
    for module in chosen:
        module.drawn.sort()


def report(chosen: Sequence[Module]) -> bool:
    """Tell what came out; whether it is good enough."""
    rows = [module for module in chosen if module.drawn]
    print(f"{'module':<55} {'drawn':>6} {'killed':>7} {'listed':>7} {'lived':>6}")
    for module in rows:
        killed = module.killed + module.overtime
        print(
            f"{module.file:<55} {len(module.drawn):>6} {killed:>7} {len(module.equivalent):>7} {len(module.lived):>6}"
        )
    tried, lived = sum(module.tried for module in rows), sum(len(module.lived) for module in rows)
    share = 1 - lived / tried if tried else 1.0
    print(f"\n{tried} that change something, {tried - lived} killed: {share:.1%}; wanted {_WANTED:.0%}")
    overtime = sum(module.overtime for module in rows)
    if overtime:
        print(f"{overtime} of them by not ending")
    for module in rows:
        for name in module.lived:
            print(f"lived: {module.file}: {name}")
        for name in module.needless:
            print(f"listed, and a test fails for it: take it out of survivors.toml: {module.file}: {name}")
    gone = [(module.file, name) for module in chosen for name in module.gone]
    for file, name in gone:
        print(f"no such mutant any more, take it out of survivors.toml: {file}: {name}")
    return share >= _WANTED and not gone


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="make mutate", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", nargs="*", help="only modules with one of these in their name")
    parser.add_argument("--seed", type=int, default=int(datetime.now(UTC).strftime("%Y%m%d")))
    parser.add_argument("--sample", type=int, default=_SAMPLE, help=f"how many mutants; {_SAMPLE}")
    parser.add_argument("--all", action="store_true", help="every mutant")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="modules at a time")
    options = parser.parse_args(arguments)
    chosen = modules(options.part)
    if not chosen:
        parser.error("no module has that in its name")
    draw(chosen, None if options.all else options.sample, options.seed)
    if not options.all:
        print(
            f"seed {options.seed}: {sum(len(module.drawn) for module in chosen)} of "
            f"{sum(len(module.mutants) for module in chosen)} mutants",
            flush=True,
        )

    def judge(module: Module) -> None:
        module.judge()
        print(
            f"{module.file}: {module.killed + module.overtime} of {len(module.drawn)} killed, "
            f"{len(module.equivalent)} listed, {len(module.lived)} lived",
            flush=True,
        )

    with ThreadPoolExecutor(options.jobs) as pool:
        for done in [pool.submit(judge, module) for module in chosen if module.drawn]:
            done.result()
    print()
    return 0 if report(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())

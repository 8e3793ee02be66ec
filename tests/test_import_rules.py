"""`lint-imports`, as `make check` runs it, refuses each import against the map in CONTRIBUTING.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Final

import grimp
import pytest

from contributing_map import PACKAGES, arrows
from source_files import ROOT
from waiting import RUNS_S

_FORMS: Final = (
    "import {module}\n",
    "from {parent} import {child}\n",
    "def later() -> None:\n    from {parent} import {child}\n",
    "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import {module}\n",
)
# Where purity or a neighbour is at stake, not a layer.
_ALSO_REFUSED: Final = (
    ("siaga_gateway.domain", "time"),
    ("siaga_gateway.formats", "socket"),
    ("siaga_gateway.service", "sqlite3"),
    ("siaga_gateway.domain", "siaga_tools.cli"),
    ("siaga_gateway.domain", "siaga.core.frame"),
    ("siaga.core", "siaga_gateway.domain.frame"),
    ("siaga.core", "time"),
    ("siaga.app", "machine"),
    ("siaga.drivers", "network"),
    ("siaga_tools.silicon", "siaga.core.frame"),
)
# Run on the simulated chip by MicroPython, not part of a package.
_ELSEWHERE: Final = "tools/siaga_tools/silicon/chip/"


class Copy:
    """The three packages and their rules in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(ROOT / "pyproject.toml", folder)
        for package, under in PACKAGES.items():
            shutil.copytree(
                ROOT / under / package,
                folder / under / package,
                ignore=lambda where, names: [
                    name for name in names if not name.endswith(".py") and not Path(where, name).is_dir()
                ],
            )

    def path(self, module: str) -> Path:
        return self.folder.joinpath(PACKAGES[module.partition(".")[0]], *module.split("."))

    def add(self, room: str, name: str, text: str) -> str:
        """Put text into a new module of a room, or into the room itself where that is a module or one in which each
        module has a place of its own. Returns the module's name."""
        path = self.path(room)
        if path.is_dir() and room not in arrows():
            (path / f"{name}.py").write_text(text, encoding="utf-8")
            return f"{room}.{name}"
        with (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).open("a", encoding="utf-8") as file:
            file.write(f"\n{text}")
        return room

    def lint(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(str(self.folder / under) for under in PACKAGES.values()),
                "COLUMNS": "500",  # nothing is wrapped
            },
            capture_output=True,
            text=True,
            timeout=RUNS_S,
            check=False,
        )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def pairs(*, along: bool) -> Iterator[tuple[str, str]]:
    """Each pair of rooms of which the first may (`along` the arrows) or may not import the second."""
    for package, layers in arrows().items():
        ranks = {room: rank for rank, layer in enumerate(layers) for room in layer}
        for one, other in product(ranks, ranks):
            if one != other and (ranks[one] < ranks[other]) == along:
                yield f"{package}.{one}", f"{package}.{other}"


def refused(said: str) -> set[tuple[str, str]]:
    """The imports that the report names as such, not as a step of a longer way."""
    return set(re.findall(r"^- +(\S+) -> (\S+) \(l\.\d+\)\n(?! )", said, re.MULTILINE))


def test_the_tree_as_it_is_keeps_the_rules(copy: Copy) -> None:
    done = copy.lint()
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_each_import_against_an_arrow_is_refused(copy: Copy) -> None:
    put = put_into(copy, [*pairs(along=False), *_ALSO_REFUSED])
    done = copy.lint()
    assert done.returncode == 1
    assert len(put) > 150
    assert put - refused(done.stdout) == set()


def test_each_import_along_an_arrow_is_accepted(copy: Copy) -> None:
    assert len(put_into(copy, pairs(along=True))) > 150
    done = copy.lint()
    assert done.returncode == 0, done.stdout


def put_into(copy: Copy, imports: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Put each import of (room, module) into the copy, one form after the other; returns what the report may name."""
    put = set()
    for number, (room, module) in enumerate(imports):
        parent, _, child = module.rpartition(".")
        form = _FORMS[number % len(_FORMS) if parent else 0]
        text = form.format(module=module, parent=parent, child=child)
        put.add((copy.add(room, f"new_{number}", text), module))
    return put


def test_each_form_of_one_import_is_refused_and_nothing_else(copy: Copy) -> None:
    put = put_into(copy, [("siaga_gateway.domain", "siaga_gateway.service.ports")] * len(_FORMS))
    assert len(put) == len(_FORMS)
    done = copy.lint()
    assert done.returncode == 1
    assert refused(done.stdout) == put


def test_a_module_without_a_place_is_refused_by_name(copy: Copy) -> None:
    for package in arrows():
        copy.path(f"{package}.stray_module").with_suffix(".py").touch()
        copy.path(f"{package}.stray_room").mkdir()
        copy.add(f"{package}.stray_room", "__init__", "")
    done = copy.lint()
    assert done.returncode == 1
    named = set(re.findall(r"^- (\S+)$", done.stdout, re.MULTILINE))
    assert named == {f"{package}.stray_{kind}" for package in arrows() for kind in ("module", "room")}


def test_the_rules_see_every_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without __init__.py would be no part of a package: what is in it might import anything."""
    monkeypatch.syspath_prepend(ROOT / "firmware")
    seen = grimp.build_graph(*PACKAGES, cache_dir=None).modules
    there = {
        path
        for package, under in PACKAGES.items()
        for path in (ROOT / under / package).rglob("*.py")
        if not path.relative_to(ROOT).as_posix().startswith(_ELSEWHERE)
    }
    assert {path for path in there if _module(path) not in seen} == set()


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

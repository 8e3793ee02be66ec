"""The map in CONTRIBUTING.md is true: each room and file is there, and a trip goes as it says."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import grimp
import pytest

from contributing_map import PACKAGES, section
from source_files import ROOT, source_files

TRIPS: Final = ("A press", "An acknowledgement", "An operator's step")
# Where parts are made and handed to each other.
_WIRING: Final = ("siaga_gateway.bootstrap", "siaga.app.device", "siaga.app.radios")
_PORTS: Final = ("siaga_gateway.service.store",)
_OPERATE: Final = Path("gateway/siaga_gateway/service/operator_port.py")


@dataclass(frozen=True)
class Stop:
    """path: from the root. function: the one that the trip goes through there."""

    path: Path
    function: str

    @property
    def module(self) -> str:
        return ".".join(self.path.with_suffix("").parts[1:])

    @property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    def defines(self) -> bool:
        if self.path.suffix == ".py":
            return self.function in _defined(self.path)
        return re.search(rf"\b(function|macro) {self.function}\(", self.text) is not None


@dataclass(frozen=True)
class Border:
    """Between two processes or machines. word: on both sides, what they meet by."""

    word: str


def trip(name: str) -> list[Stop | Border]:
    under, found = Path(), list[Stop | Border]()
    for line in section(name):
        if border := re.fullmatch(r'-- \w+: "(\S+)"', line):
            found.append(Border(border[1]))
        elif not line.startswith(" "):
            under = Path(line)
        else:
            stop = re.fullmatch(r"  (\S+) +(\w+)\(\) +\S.*", line)
            assert stop, line
            found.append(Stop(under / stop[1], stop[2]))
    return found


@pytest.mark.parametrize("name", TRIPS)
def test_each_stop_is_a_function_that_is_there(name: str) -> None:
    stops = [each for each in trip(name) if isinstance(each, Stop)]
    assert len(stops) > 9
    assert [str(stop) for stop in stops if not (ROOT / stop.path).is_file() or not stop.defines()] == []


@pytest.mark.parametrize("name", TRIPS)
def test_each_stop_is_called_by_one_above_it_or_calls_that(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stops are joined where one imports the other and one calls the other's function; where the upper calls a
    method of a port and bootstrap knows the lower; or where the lower is bootstrap's own and makes the upper."""
    monkeypatch.syspath_prepend(ROOT / "firmware")
    above: list[Stop] = []
    alone = []
    for each in trip(name):
        if isinstance(each, Border):
            above = []
            continue
        if above and not any(_joined(other, each) for other in above):
            alone.append(f"{each.path} {each.function}")
        above.append(each)
    assert alone == []


@pytest.mark.parametrize("name", TRIPS)
def test_both_sides_of_a_border_have_the_word_by_which_they_meet(name: str) -> None:
    whole = trip(name)
    borders = [at for at, each in enumerate(whole) if isinstance(each, Border)]
    assert borders
    for at in borders:
        border = whole[at]
        assert isinstance(border, Border)
        for side in (whole[max(at - 2, 0) : at], whole[at + 1 : at + 3]):
            assert any(border.word in stop.text for stop in side if isinstance(stop, Stop)), f"{border.word}: {side}"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_rooms_are_those_that_are_there(package: str) -> None:
    """A package's, and the rooms in these: all are named, and no other."""
    root = Path(PACKAGES[package], package)
    below = "\n".join(section("Rooms")).split(f"{root}/\n", 1)[1]
    named = re.findall(r"\b(\w+)/", re.split(r"^\S", below, maxsplit=1, flags=re.MULTILINE)[0])
    folders = {file.parent.relative_to(root) for file in source_files(str(root))}
    rooms = {room for folder in folders for room in (folder, *folder.parents) if 0 < len(room.parts) < 3}
    assert sorted(named) == sorted(room.name for room in rooms)


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def _joined(above: Stop, below: Stop) -> bool:
    calls = below.function in _called(above.path)
    if ".py" not in (above.path.suffix, below.path.suffix):
        return calls and (above.path.name in below.text or below.path.name in above.text)
    if _is_wiring(below.module) and _brings(below.module, above.module):
        return True
    if _imports(above.module, below.module):
        return calls or below.function in _routes(below.path)
    if _imports(below.module, above.module):
        return calls or above.function in _called(below.path) or above.function == below.function
    return calls and below.function in _ports_of(above) and any(_brings(each, below.module) for each in _wiring())


def _imports(one: str, other: str) -> bool:
    return one == other or other in _graph().find_modules_directly_imported_by(one)


def _is_wiring(module: str) -> bool:
    return f"{module}.".startswith(tuple(f"{each}." for each in _WIRING))


def _wiring() -> list[str]:
    return [module for module in _graph().modules if _is_wiring(module)]


@cache
def _brings(wiring: str, module: str) -> bool:
    """Whether it imports the module, or one of the same room that does."""
    room = ".".join(module.split(".")[:2])
    found = _graph().find_modules_directly_imported_by(wiring)
    return module in found or any(
        _graph().chain_exists(each, module) for each in found if f"{each}.".startswith(f"{room}.")
    )


def _ports_of(stop: Stop) -> set[str]:
    """The methods of the ports that it imports or has, also of those that its port is made of."""
    near = {stop.module} | {each for each in _graph().find_modules_directly_imported_by(stop.module) if _is_ours(each)}
    near |= {each for package in near if package in _PORTS for each in _graph().find_children(package)}
    return {
        method.name
        for module in near
        for node in _tree(_path(module)).body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)
        for method in node.body
        if isinstance(method, ast.FunctionDef)
    }


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def _path(module: str) -> Path:
    path = Path(PACKAGES[module.partition(".")[0]], *module.split("."))
    return path / "__init__.py" if (ROOT / path).is_dir() else path.with_suffix(".py")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@cache
def _defined(path: Path) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in ast.walk(_tree(path)) if isinstance(node, kinds)}


@cache
def _routes(path: Path) -> set[str]:
    """Functions that a web framework calls for whoever has the router."""
    functions = [each for each in _tree(path).body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {each.name for each in functions if any("router." in ast.unparse(how) for how in each.decorator_list)}


@cache
def _called(path: Path) -> set[str]:
    """What a file calls or hands on; where it hands on a port, the port's methods."""
    if path.suffix != ".py":
        return set(re.findall(r"\w+", (ROOT / path).read_text(encoding="utf-8")))
    given: list[ast.expr] = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call):
            given += [node.func, *node.args, *(word.value for word in node.keywords)]
        elif isinstance(node, ast.Tuple):
            given += node.elts
    names = {each.id for each in given if isinstance(each, ast.Name)}
    names |= {each.attr for each in given if isinstance(each, ast.Attribute)}
    ports = [node for node in _tree(_OPERATE).body if isinstance(node, ast.ClassDef) and node.name in names]
    return names | {each.name for port in ports for each in port.body if isinstance(each, ast.FunctionDef)}

"""How the house is laid out: files of a length, rooms with a place on the map, tests where their module is."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from contributing_map import PACKAGES, arrows
from source_files import ROOT, source_files

_LONGEST: Final = 400
_IN_CODE: Final = re.compile(r"(?<![\w./<>*{-])[\w-]+(?:/[\w-]+)*\.(?:py|md|sql)\b")
_SOURCES: Final = {".css", ".html", ".js", ".py", ".sql", ".tcss"}
# Words that say nothing, or that would have to be explained.
_EMPTY_WORDS: Final = {
    *("data", "manager", "helper", "helpers", "util", "utils"),
    *("crew", "desk", "doors", "house", "keep", "leash", "left", "look", "moving", "patience", "premises", "seat"),
    *("sight", "written"),
}
_TERMS: Final = {"personal_data"}  # the law's own: data pribadi
# Rooms of service/ and adapters/ are rooms of tests/ without these names.
_HALLS: Final = (Path("gateway/siaga_gateway/service"), Path("gateway/siaga_gateway/adapters"))
# Ways through several rooms.
_ACROSS: Final = "paths"

SOURCES: Final = [file for file in source_files("gateway", "firmware", "tools") if file.suffix in _SOURCES]
TEST_MODULES: Final = [file for file in source_files("tests") if file.match("test_*.py")]


def test_no_file_is_longer_than_one_can_read() -> None:
    files = SOURCES + [file for file in source_files("tests") if file.suffix == ".py"]
    lengths = {file: len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in files}
    assert len(lengths) > 800
    assert not [str(file) for file, lines in lengths.items() if lines > _LONGEST]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_root_of_a_package_holds_what_the_map_has_there(package: str) -> None:
    """Of the gateway nothing but how it starts."""
    root = Path(PACKAGES[package], package)
    there = {file.relative_to(root).parts[0] for file in source_files(str(root))}
    drawn = set().union(*arrows()[package])
    rooms = {room for room in drawn if (ROOT / root / room).is_dir()}
    modules = {f"{module}.py" for module in drawn - rooms}
    assert there - {"py.typed"} == {"__init__.py"} | modules | rooms
    if package == "siaga_gateway":
        assert modules == {"__main__.py"}


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = {part for file in [*SOURCES, *source_files("tests")] for part in file.with_suffix("").parts}
    names = {name.removeprefix("test_") for name in names} - _TERMS
    assert {name for name in names if _EMPTY_WORDS & set(name.split("_"))} == set()


def test_a_module_that_a_document_names_is_there() -> None:
    missing = [f"{file}: {name}" for file, text in _documents() for name in _named(text) if not _is_there(name)]
    assert missing == []


def test_a_file_that_a_document_links_to_is_there() -> None:
    missing = [
        f"{file}: {link}" for file, text in _documents() for link in _linked(text) if not _exists(file.parent / link)
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("text", "named", "linked"),
    [
        ("See `core/alarm.py` and [a page](tests/README.md#names).", ["core/alarm.py"], ["tests/README.md"]),
        ("As follows:\n\n    main.py -> core/alarm.py  README.md\n", ["main.py", "core/alarm.py", "README.md"], []),
        ("As follows:\n\n```\nrun tests/x.py\n```\n", ["tests/x.py"], []),
        ("A topic `siaga/v1/up`, [a site](https://siaga.example/x.md), [below](#here), x.py\n", [], []),
        ("- a list\n    goes on: `x.py`\n\n    NNNN_station.sql\n", ["x.py"], []),
    ],
)
def test_what_a_document_names_is_seen(text: str, named: list[str], linked: list[str]) -> None:
    assert sorted(set(_named(text))) == sorted(named)
    assert _linked(text) == linked


def _documents() -> list[tuple[Path, str]]:
    found = [file for file in source_files() if file.suffix == ".md" and file.name != "CHANGELOG.md"]
    assert len(found) > 15
    return [(file, (ROOT / file).read_text(encoding="utf-8")) for file in found]


def _named(text: str) -> list[str]:
    """Modules in backticks, and modules, documents and migrations in blocks of code."""
    indented = re.findall(r"(?:^|\n)\n((?: {4,}.*(?:\n|$))+)", text)
    fenced = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    in_code = [name for block in (*indented, *fenced) for name in _IN_CODE.findall(block)]
    return re.findall(r"`(\w[\w./-]*\.py)`", text) + [name for name in in_code if "NNNN" not in name]


def _linked(text: str) -> list[str]:
    """Relative links, without what follows #."""
    return [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if ":" not in link]


def _is_there(name: str) -> bool:
    return any(file == name or file.endswith(f"/{name}") for file in _everything())


def _exists(path: Path) -> bool:
    return (ROOT / path).exists()


@cache
def _everything() -> tuple[str, ...]:
    return tuple(map(str, source_files()))


def test_no_two_test_modules_have_one_name() -> None:
    names = Counter(file.name for file in TEST_MODULES)
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_each_room_of_tests_is_a_room_of_the_package(package: str) -> None:
    tested = Path("tests", PACKAGES[package])
    modules = [file.relative_to(tested) for file in TEST_MODULES if file.is_relative_to(tested)]
    assert len(modules) > 10
    rooms = _rooms(package)
    assert [str(module) for module in modules if module.parent not in rooms and not _is_of_root(module, package)] == []


def test_other_tests_are_of_the_whole_house() -> None:
    """Beside the rooms of the packages: modules, or a folder that tests/README.md names."""
    readme = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    folders = {file.parts[1] for file in source_files("tests") if len(file.parts) > 2 and file.suffix == ".py"}
    assert {folder for folder in folders if f"| `{folder}/" not in readme} == set()


def _rooms(package: str) -> set[Path]:
    """Where a test of the package may be, from the folder of its tests."""
    root = Path(PACKAGES[package], package)
    rooms = {Path(_ACROSS)}
    for folder in {file.parent for file in source_files(str(root))} - {root}:
        hall = next((hall for hall in _HALLS if hall in folder.parents), root)
        rooms.add(folder.relative_to(hall))
    return rooms


def _is_of_root(module: Path, package: str) -> bool:
    """Whether it is the test of a module in the package's root, where it may be too."""
    root = ROOT / PACKAGES[package] / package
    return len(module.parts) == 1 and (root / module.name.removeprefix("test_")).is_file()

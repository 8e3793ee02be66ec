"""The simulated chip can do no more than the oldest MicroPython that the button runs on: what stands in for `machine`,
`esp32`, `network` and `time` has no name and no argument that its stubs lack."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from check_firmware_types import ROOT, stubs, versions
from micropython import FIRMWARE
from siaga_tools.simulate.chip import CHIP

OLDEST = versions()[0]
MODULES = {"machine": "machine", "esp32": "esp32", "network": "network", "chip_time": "time"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
# What the chip has and the stubs do not tell (ports/esp32/machine_pin.c, machine_uart.c), and what a stream that is
# written in Python needs.
NOT_IN_STUBS: dict[str, set[str]] = {"Pin.__init__": {"hold"}, "Pin.init": {"hold"}, "UART.ioctl": set()}


@dataclass
class Form:
    """How a function may be called: how many arguments by place, which by name; None = any."""

    places: int | None
    words: set[str] | None

    def within(self, other: Form) -> bool:
        return (other.places is None or (self.places is not None and self.places <= other.places)) and (
            other.words is None or (self.words is not None and self.words <= other.words)
        )

    def either(self, other: Form) -> Form:
        places = None if self.places is None or other.places is None else max(self.places, other.places)
        return Form(places, None if self.words is None or other.words is None else self.words | other.words)


ANY = Form(None, None)


def form(function: Function) -> Form:
    told = function.args
    places = [each.arg for each in (*told.posonlyargs, *told.args) if each.arg not in ("self", "cls")]
    words = {each.arg for each in told.kwonlyargs}
    return Form(None if told.vararg else len(places), None if told.kwarg else words)


def names(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, Form]]:
    """What a module or a class has, by dotted name."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield within + node.name, ANY
            yield from names(node.body, f"{within}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield within + node.name, form(node)
            for inner in ast.walk(node):
                if not isinstance(inner, ast.Attribute) or not isinstance(inner.ctx, ast.Store) or not within:
                    continue
                if isinstance(inner.value, ast.Name) and inner.value.id == "self":
                    yield within + inner.attr, ANY
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(each, ast.Name):
                        yield within + each.id, ANY


def table(path: Path) -> dict[str, Form]:
    """The public names of a file, an overloaded function's forms together."""
    found: dict[str, Form] = {}
    for name, each in names(ast.parse(path.read_text(encoding="utf-8")).body):
        found[name] = found[name].either(each) if name in found else each
    return {name: each for name, each in found.items() if not re.search(r"(^|\.)_(?!_init__$)", name)}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_stand_in_has_more_than_the_oldest_micropython(module: str):
    ours = table(CHIP / f"{module}.py")
    theirs = table(stubs(OLDEST) / f"{MODULES[module]}.pyi")
    assert ours
    assert not set(ours) - set(theirs) - set(NOT_IN_STUBS)
    for name, given in ours.items():
        allowed = theirs.get(name, ANY)
        if name in NOT_IN_STUBS:
            allowed = allowed.either(Form(0, NOT_IN_STUBS[name]))
        assert given == ANY or given.within(allowed), f"{name} takes {given}, not {allowed}"


def test_the_oldest_micropython_is_the_one_that_the_manual_names():
    version = OLDEST.removeprefix("micropython-")
    assert f"MicroPython {version} or later" in (FIRMWARE / "README.md").read_text(encoding="utf-8")
    assert "micropython-esp32-esp32-generic-stubs==1.27." in (ROOT / "tests" / "stubs" / f"{OLDEST}.txt").read_text(
        encoding="utf-8"
    )

"""What a person types has one limit each, wherever it is checked: in a form, a command, a rule, on the button."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import siaga_gateway
from siaga_gateway.domain import limits, operator_name
from siaga_gateway.domain.device_report import MAX_LATITUDE, MAX_LONGITUDE
from siaga_gateway.domain.frame import LONGEST_ETA

PACKAGE = Path(siaga_gateway.__file__).parent
FIRMWARE = Path(__file__).parents[3] / "firmware" / "siaga"
LIMITS = {name: value for name, value in vars(limits).items() if name.isupper()}


@pytest.mark.parametrize("template", sorted((PACKAGE / "web" / "templates").glob("*.html")), ids=lambda file: file.name)
def test_no_form_has_a_number_of_its_own(template: Path) -> None:
    assert re.findall(r'\b(?:max|maxlength)="[^{"]*"', template.read_text(encoding="utf-8")) == []


def test_a_limit_is_given_in_one_place() -> None:
    """No other module says a limit by its name, and none that checks the length of a text has a number for it."""
    again = []
    for file in sorted(set(PACKAGE.rglob("*.py")) - {Path(limits.__file__)}):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {target.id.lstrip("_") for target in targets if isinstance(target, ast.Name)}
                if names & set(LIMITS):
                    again.append(f"{file.name}:{node.lineno}")
            if isinstance(node, ast.keyword) and node.arg in ("max_length", "le") and _number(node.value) in KNOWN:
                again.append(f"{file.name}:{node.value.lineno}")
            if isinstance(node, ast.Compare) and _counts(node) & KNOWN:
                again.append(f"{file.name}:{node.lineno}")
    assert again == []


# Those numbers that stand for nothing else.
KNOWN = {
    value
    for value in (*LIMITS.values(), LONGEST_ETA, operator_name.LONGEST)
    if value not in (8, 10, 64, 100, 200, 1_000)
}


def _number(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _counts(node: ast.Compare) -> set[object]:
    sides = [node.left, *node.comparators]
    measured = any(isinstance(side, ast.Call) and ast.unparse(side.func) in ("len", "int") for side in sides)
    return {_number(side) for side in sides} if measured else set()


def test_the_button_has_the_same() -> None:
    rules = (FIRMWARE / "app" / "settings_rules.py").read_text(encoding="utf-8")
    assert re.search(rf"^checkin_s number 0 {limits.LONGEST_CHECKIN_S}$", rules, re.MULTILINE)
    frame = (FIRMWARE / "core" / "frame.py").read_text(encoding="utf-8")
    constants = {name: int(value) for name, value in re.findall(r"^(\w+) = const\((\d+)\)$", frame, re.MULTILINE)}
    assert (constants["_MAX_LATITUDE"], constants["_MAX_LONGITUDE"]) == (MAX_LATITUDE, MAX_LONGITUDE)
    assert constants["UNKNOWN_ETA"] == LONGEST_ETA + 1

"""Tests that fail by chance, as far as their source shows it: once in 256 runs is once a week."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from brokers import free_port
from source_files import ROOT, source_files
from spoiling import spoilt, spoilt_hex
from waiting import RUNS_S

_SHORT = re.compile(r"[0-9a-f]{1,5}")
_MAY = re.compile(r"\[\s*:\s*-|not\s+in\b")  # what a file with either has in its text


def _replaces_the_end(node: ast.AST) -> bool:
    """x[:-n] + n bytes, or x[:-n].hex() + 2n digits: x may end so. What is not ASCII stands for itself."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(bytes() | str() as put)):
            each = 1
            if isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute) and left.func.attr == "hex":
                left, each = left.func.value, 2
            match left:
                case ast.Subscript(slice=ast.Slice(None, ast.UnaryOp(ast.USub(), ast.Constant(int(cut))), None)):
                    return put.isascii() and len(put) == cut * each
    return False


def _misses_few_digits(node: ast.AST) -> bool:
    """ "47" not in text: a time, a number or a name in hexadecimal may have them."""
    match node:
        case ast.Compare(left=ast.Constant(str(value)), ops=[ast.NotIn()]):
            return _SHORT.fullmatch(value) is not None and re.search(r"\d", value) is not None
        case _:
            return False


def by_chance(source: str) -> list[int]:
    """Lines of what may come out otherwise by chance."""
    found = (node for node in ast.walk(ast.parse(source)) if _replaces_the_end(node) or _misses_few_digits(node))
    return sorted({node.lineno for node in found if isinstance(node, ast.expr)})


def test_no_test_puts_what_may_be_there_already_nor_misses_what_may_come_by_chance() -> None:
    """Of a frame change a bit (tests/spoiling.py); look for more digits, or for what stands before them."""
    tests = [name for name in source_files("tests") if name.suffix == ".py"]
    assert len(tests) > 500
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in tests}
    found = [f"{name}:{line}" for name, text in texts.items() if _MAY.search(text) for line in by_chance(text)]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('bad = frame[:-1] + b"\\x00"', [1]),
        ('bad = (\n    press(\n).enrol().hex()[:-2] + "00")', [2]),
        ('bad = press.enrol()[:-1].hex() + "00"', [1]),
        ('bad = spoilt(frame)\nlonger = frame[:-1] + b"12"\nhead = frame[:4] + b"1"\nname = hex[:-1] + "ａ"', []),
        ('assert said and "47" not in repr(it)', [1]),
        ('assert "a1" not in said', [1]),
        ('assert "47" in said and "1 47" not in said and "990000" not in said and "fee" not in said', []),
    ],
)
def test_what_may_come_out_otherwise_by_chance_is_found(source: str, lines: list[int]) -> None:
    assert by_chance(source) == lines


def test_what_is_spoilt_is_never_what_it_was() -> None:
    for byte in range(256):
        whole = bytes((7, byte, 7))
        assert spoilt(whole[:2]) == bytes((7, byte ^ 1)) and spoilt(whole, 1) == bytes((7, byte ^ 1, 7))
        assert spoilt_hex(whole[:2].hex()) == bytes((7, byte ^ 1)).hex()
    with pytest.raises(IndexError):
        spoilt(b"")


def test_no_port_that_a_process_of_these_tests_was_given_is_given_to_another() -> None:
    port = free_port()
    asks = f"import brokers; brokers._PORTS = range({port}, {port + 1}); brokers.free_port()"
    other = subprocess.run(
        [sys.executable, "-c", asks], cwd=ROOT / "tests", capture_output=True, text=True, timeout=RUNS_S, check=False
    )
    assert "no free port" in other.stderr, other.stderr

"""Constants put where they are used, in every file, and what that leaves unused taken out.

On the button each public constant is an entry of its module's dictionary, and each use looks a name up there. Folded
are names of a module that are given one value once and for all, and read in ways that can be followed: by their own
name, by an imported one, or as module.NAME. Everything else stays as it is.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from siaga_tools.shorten.program import Edit, Module, Program, Target, of_node

Value = int | str | bytes | tuple[object, ...] | None
_OPERATORS: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
# A small integer of the chip has 31 bits; what MicroPython's compiler interns costs nothing where it stands.
_SMALL: Final = 1 << 30
_INTERNED: Final = re.compile(r"\w{1,10}", re.ASCII)


class _Unknown(Exception):
    """An expression whose value is not known before the program runs."""


@dataclass
class _Constant:
    home: Module
    statement: ast.Assign | ast.AnnAssign
    expression: ast.expr
    away: bool = False  # read in another file


def fold(program: Program, kept: frozenset[str]) -> Program:
    """kept: names that something outside the program reads."""
    constants = _candidates(program)
    seen_otherwise, escaped = _loose_ends(program, constants)
    values = _values(program, constants)
    uses: list[tuple[Module, ast.expr, Target]] = []
    for module in program.modules.values():
        for node in module.running():
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                target = program.meaning(module, node)
                if target in values:
                    uses.append((module, node, target))
                    constants[target].away |= module is not constants[target].home
    edits: dict[str, list[Edit]] = {}
    gone = set()
    for target, value in values.items():
        if _is_cheap(value) or not constants[target].away:
            gone.add(target)
    for module, node, target in uses:
        if target in gone:
            edits.setdefault(module.dotted, []).append(of_node(node, f"({values[target]!r})"))
    for target in gone:
        name = target.name or ""
        if name not in kept | seen_otherwise and target.module not in escaped:
            edits.setdefault(target.module, []).append(of_node(constants[target].statement, "pass"))
    return without_unused(program.edited(edits), kept)


def _candidates(program: Program) -> dict[Target, _Constant]:
    found = {}
    for module in program.modules.values():
        for statement in module.tree.body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                name = statement.targets[0]
            elif isinstance(statement, ast.AnnAssign):
                name = statement.target
            else:
                continue
            if not isinstance(name, ast.Name) or statement.value is None or name.id.startswith("__"):
                continue
            if module.bound.get(name.id) == 1 and name.id not in module.imports:
                found[Target(module.dotted, name.id)] = _Constant(module, statement, statement.value)
    return found


def _values(program: Program, constants: dict[Target, _Constant]) -> dict[Target, Value]:
    values: dict[Target, Value] = {}

    def value_of(module: Module, node: ast.expr, depth: int = 0) -> Value:
        if depth > 20:
            raise _Unknown
        if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (int, str, bytes))):
            return node.value
        if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
            return tuple(value_of(module, item, depth + 1) for item in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -_whole(value_of(module, node.operand, depth + 1))
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            left, right = (_whole(value_of(module, side, depth + 1)) for side in (node.left, node.right))
            return _OPERATORS[type(node.op)](left, right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
            return value_of(module, node.args[0], depth + 1)
        target = program.meaning(module, node)
        if target in constants:
            constant = constants[target]
            return value_of(constant.home, constant.expression, depth + 1)
        raise _Unknown

    for target, constant in constants.items():
        try:
            value = value_of(constant.home, constant.expression)
        except (_Unknown, ArithmeticError, ValueError):
            continue
        if not isinstance(value, int) or -_SMALL <= value < _SMALL:
            values[target] = value
    return values


def _whole(value: Value) -> int:
    if not isinstance(value, int):
        raise _Unknown
    return value


def _is_cheap(value: Value) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, str) and bool(_INTERNED.fullmatch(value)))


def _loose_ends(program: Program, constants: dict[Target, _Constant]) -> tuple[set[str], set[str]]:
    """(names that are read or set as an attribute of who knows what, modules that are handed about as values)."""
    names: set[str] = set()
    escaped: set[str] = set()
    for module in program.modules.values():
        bases = set()
        for node in module.running():
            if isinstance(node, ast.Attribute):
                target = program.meaning(module, node)
                if target is None:
                    names.add(node.attr)
                else:
                    bases.add(node.value)
                    if not isinstance(node.ctx, ast.Load):
                        constants.pop(target, None)
        for node in module.running():
            if isinstance(node, ast.Name) and node.id in module.imports and node not in bases:
                target = module.imports[node.id]
                if target is not None and target.name is None and not _is_package(program, target):
                    escaped.add(target.module)
    return names, escaped


def _is_package(program: Program, target: Target) -> bool:
    return program.modules[target.module].path.endswith("/__init__.py")


def without_unused(program: Program, kept: frozenset[str]) -> Program:
    """Without the imports that only annotations, or constants now folded, needed."""
    while True:
        wanted = {
            (target.module, target.name)
            for module in program.modules.values()
            for target in module.imports.values()
            if target is not None
        }
        edits = {module.dotted: _unused(program, module, wanted, kept) for module in program.modules.values()}
        if not any(edits.values()):
            return program
        program = program.edited(edits)


def _unused(program: Program, module: Module, wanted: set[tuple[str, str | None]], kept: frozenset[str]) -> list[Edit]:
    nodes = list(module.running())
    used = {node.id for node in nodes if isinstance(node, ast.Name)} | kept
    consts = {
        statement.value.func
        for statement in module.tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id == "const"
    }
    if not any(isinstance(node, ast.Name) and node.id == "const" and node not in consts for node in nodes):
        used.discard("const")  # MicroPython's compiler knows it without the import
    used.update(node.attr for node in nodes if isinstance(node, ast.Attribute) and node.attr == "const")
    edits = []
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module in program.modules or node.module == "micropython"):
            left = [
                alias
                for alias in node.names
                if (alias.asname or alias.name) in used or (module.dotted, alias.asname or alias.name) in wanted
            ]
            if len(left) < len(node.names):
                names = ", ".join(alias.name + (f" as {alias.asname}" if alias.asname else "") for alias in left)
                edits.append(of_node(node, f"from {node.module} import {names}" if left else "pass"))
    return edits

"""The firmware's sources as one program: who imports what, which names stand where, and text that is put in place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from siaga_tools.words import Trouble

Place = tuple[int, int]
# Read by the type checker only; at the end of a file, so that nothing that runs stands behind it.
FOR_TYPES: Final = re.compile(r"^TYPE_CHECKING = False\nif TYPE_CHECKING:\n(?:(?: .*)?\n)*\Z", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    """What an imported name stands for: a module of the program, or `name` in it."""

    module: str
    name: str | None = None


@dataclass
class Module:
    """One file. dotted: siaga.core.at. imports: what each imported name stands for, None where it is not always the
    same or belongs to somebody else. bound: how often a name is given a meaning in any other way than by an import."""

    path: str
    text: str
    tree: ast.Module = field(init=False)
    imports: dict[str, Target | None] = field(default_factory=dict)
    bound: dict[str, int] = field(default_factory=dict)
    annotations: set[ast.AST] = field(default_factory=set)

    def __post_init__(self) -> None:
        try:
            self.tree = ast.parse(self.text)
        except SyntaxError as error:
            raise Trouble(
                "mpy_failed", file=self.path, why=f"SyntaxError: {error.msg} (line {error.lineno})"
            ) from error

    @property
    def dotted(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def place(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 0)}"

    def running(self) -> Iterator[ast.AST]:
        """Every node but those of annotations, which MicroPython's compiler passes over."""
        stack: list[ast.AST] = [self.tree]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(child for child in ast.iter_child_nodes(node) if child not in self.annotations)


class Program:
    """All files, by their dotted names."""

    def __init__(self, texts: dict[str, str]) -> None:
        modules = [Module(path, FOR_TYPES.sub("", text)) for path, text in sorted(texts.items())]
        self.modules: Final = {module.dotted: module for module in modules}
        for module in modules:
            _note_annotations(module)
            self._note_names(module)

    def texts(self) -> dict[str, str]:
        return {module.path: module.text for module in self.modules.values()}

    def edited(self, edits: dict[str, list[Edit]]) -> Program:
        """The program with these edits, by dotted names; no line moves."""
        return Program({m.path: replace(m, edits.get(m.dotted, [])) for m in self.modules.values()})

    def _note_names(self, module: Module) -> None:
        def meet(name: str, target: Target | None) -> None:
            module.imports[name] = target if module.imports.get(name, target) == target else None

        def bind(name: str) -> None:
            module.bound[name] = module.bound.get(name, 0) + 1

        for node in module.running():
            if isinstance(node, (ast.ImportFrom, ast.Import)):
                for alias in node.names:
                    meet((alias.asname or alias.name).partition(".")[0], self.target(module, node, alias))
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bind(node.id)
            elif isinstance(node, ast.arg):
                bind(node.arg)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)):
                bind(node.name or "")
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                for name in node.names:
                    bind(name)

    def target(self, module: Module, node: ast.ImportFrom | ast.Import, alias: ast.alias) -> Target | None:
        """What an imported name stands for, None where it is not the program's."""
        if isinstance(node, ast.Import):
            whole = alias.asname is not None and alias.name in self.modules
            return Target(alias.name) if whole else None
        if node.level or alias.name == "*":
            raise Trouble("mpy_failed", file=module.place(node), why="a relative import or one of everything")
        if f"{node.module}.{alias.name}" in self.modules:
            return Target(f"{node.module}.{alias.name}")
        return Target(node.module, alias.name) if node.module in self.modules else None

    def meaning(self, module: Module, node: ast.AST) -> Target | None:
        """What a name, or module.name, stands for: a global of the program, if that is certain."""
        if isinstance(node, ast.Name):
            if node.id in module.imports:
                return None if node.id in module.bound else module.imports[node.id]
            return Target(module.dotted, node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in module.imports:
            whole = self.meaning(module, node.value)
            if whole is not None and whole.name is None and f"{whole.module}.{node.attr}" not in self.modules:
                return Target(whole.module, node.attr)
        return None


@dataclass(frozen=True)
class Edit:
    """Text in place of what stands from `start` to `end`: (line, from 1; byte of the line, from 0)."""

    start: Place
    end: Place
    text: str


def of_node(node: ast.stmt | ast.expr, text: str) -> Edit:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return Edit((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset), text)


def replace(module: Module, edits: list[Edit]) -> str:
    """The module's text with the edits, each line where it was."""
    lines = [line.encode() for line in module.text.split("\n")]
    for edit in sorted(set(edits), key=lambda edit: edit.start, reverse=True):
        (first, left), (last, right) = edit.start, edit.end
        head, tail = lines[first - 1][:left], lines[last - 1][right:]
        kept = edit.text.encode() + tail
        if first == last:
            lines[first - 1] = head + kept
        else:
            lines[first - 1 : last] = [head + kept, *[b""] * (last - first)]
    return b"\n".join(lines).decode()


def _note_annotations(module: Module) -> None:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            module.annotations.add(node.annotation)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            module.annotations.add(node.returns)
        elif isinstance(node, ast.AnnAssign):
            module.annotations.add(node.annotation)

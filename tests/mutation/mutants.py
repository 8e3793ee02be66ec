"""Small faults for a module: what a tired programmer, or a hasty merge, could leave in it.

A mutant changes one place of the source's text and keeps its lines, so that functions stay where they were. Left alone
are texts, annotations, log lines, what an error says, and what only a type checker reads.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, replace

_COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "|"),
    ast.Pow: ("**", "*"),
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_QUIET = ("log.", "logger.", "logging.", "warnings.")


@dataclass(frozen=True)
class Mutant:
    """start, end: offsets of what is replaced, in characters. function: the function or method whose body has it, by
    `__qualname__` of the outermost one; empty for what runs at import."""

    start: int
    end: int
    new: str
    lines: tuple[int, int]  # of the statement's header
    function: str
    scope: str  # where a person finds it
    line: str  # the first changed line, stripped
    change: str  # what became of it: `old -> new`
    nth: int = 1  # of those that look alike in their scope

    @property
    def name(self) -> str:
        """What it is known by in survivors.toml: its content, not its place."""
        return f"{self.scope} | {self.line} | {self.change}" + (f" | {self.nth}" if self.nth > 1 else "")

    def apply(self, source: str) -> str:
        old = source[self.start : self.end]
        return source[: self.start] + self.new + "\n" * (old.count("\n") - self.new.count("\n")) + source[self.end :]


def mutants_of(source: str) -> list[Mutant]:
    """All mutants of a module's text that compile, in the order of its text."""
    finder = _Finder(source)
    tree = ast.parse(source)
    finder.visit(tree)
    found, seen = [], Counter[str]()
    for mutant in sorted(finder.found, key=lambda one: (one.start, one.end, one.new)):
        seen[mutant.name] += 1
        numbered = replace(mutant, nth=seen[mutant.name])
        if _compiles(numbered, tree, source):
            found.append(numbered)
    return found


def _compiles(mutant: Mutant, tree: ast.Module, source: str) -> bool:
    """Whether the module's statement with this mutant in it does: the others are as they were."""
    line = source.count("\n", 0, mutant.start) + 1
    around = next(node for node in tree.body if node.end_lineno is not None and line <= node.end_lineno)
    first = min([around.lineno, *(one.lineno for one in getattr(around, "decorator_list", ()))])
    statement = mutant.apply(source).splitlines(keepends=True)[first - 1 : around.end_lineno]
    try:
        compile("".join(statement), "mutant", "exec")
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    def __init__(self, source: str) -> None:
        self.found: list[Mutant] = []
        self._source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._scope: list[str] = []
        self._outer = ""  # the outermost function's qualified name
        self._statement = (1, 1)

    # Where things are

    def _at(self, line: int, column: int) -> int:
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)

    def _span(self, node: ast.AST) -> tuple[int, int]:
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self._source[start:end]

    def _add(self, start: int, end: int, new: str, change: str) -> None:
        line = self._source.count("\n", 0, start)
        self.found.append(
            Mutant(
                start=start,
                end=end,
                new=new,
                lines=self._statement,
                function=self._outer,
                scope=".".join(self._scope) or "<module>",
                line=self._lines[line].strip(),
                change=change,
            )
        )

    def _swap(self, left: ast.AST, right: ast.AST, old: str, new: str) -> None:
        """The operator between two operands."""
        start, end = self._span(left)[1], self._span(right)[0]
        word = old.replace(" ", r"\s+")
        pattern = rf"\b{word}\b" if old[0].isalpha() else re.escape(old)
        between = re.sub(r"#[^\n]*", lambda comment: " " * len(comment.group()), self._source[start:end])
        found = re.search(pattern, between)
        if found is not None:
            self._add(start + found.start(), start + found.end(), new, f"{old} -> {new}")

    # Statements

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            kept, self._statement = self._statement, self._header(node)
            super().visit(node)
            self._statement = kept
        else:
            super().visit(node)

    @staticmethod
    def _header(node: ast.stmt) -> tuple[int, int]:
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno
        return node.lineno, max(node.lineno, last)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for default in (*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)):
            self.visit(default)
        self._scope.append(node.name)
        outermost = not self._outer
        if outermost:
            self._outer = ".".join(self._scope)
        for statement in node.body:
            self.visit(statement)
        if outermost:
            self._outer = ""
        self._scope.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scope.append(node.name)
        outer, self._outer = self._outer, self._outer
        for statement in node.body:
            self.visit(statement)
        self._outer = outer
        self._scope.pop()

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Constant):
            return  # a docstring, or `...`
        if isinstance(value, ast.Call) and ast.unparse(value.func).startswith(_QUIET):
            return
        if self._outer:
            self._add(*self._span(node), "pass", "left out")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if self._outer:
            self._add(*self._span(node), "pass", "left out")

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(target, ast.Name) and target.id in ("TYPE_CHECKING", "__all__") for target in node.targets):
            return
        if self._outer and all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
            self._add(*self._span(node), "pass", "left out")
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if _is_text(node.value):
            return
        old, new = _ARITHMETIC[type(node.op)]
        self._swap(node.target, node.value, old + "=", new + "=")
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'"):
            return
        self._negate(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        if not isinstance(node.test, ast.Constant):
            self._negate(node.test)
            self.generic_visit(node)
            return
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs:
            self._negate(condition)
        self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """It tells the type checker what is so."""

    def visit_Break(self, node: ast.Break) -> None:
        self._add(*self._span(node), "continue", "break -> continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._add(*self._span(node), "break", "continue -> break")

    # Expressions

    def _negate(self, test: ast.expr) -> None:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return  # the `not` goes by itself
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _NEGATED_BY_SWAP:
            return  # == and != and the like are negated by their own swap
        start, end = self._span(test)
        self._add(start, end, f"(not ({self._source[start:end]}))", "negated")

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
            self._swap(left, right, *_COMPARISONS[type(op)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._swap(left, right, old, new)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if _is_text(node.left) or _is_text(node.right):
            if isinstance(node.op, ast.Mod):
                return  # a text with its values
        elif type(node.op) in _ARITHMETIC:
            self._swap(node.left, node.right, *_ARITHMETIC[type(node.op)])
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        start, end = self._span(node)
        operand = self._text(node.operand)
        if isinstance(node.op, ast.Not):
            self._add(start, end, f"bool({operand})", "not -> bool")
        elif isinstance(node.op, ast.USub):
            self._add(start, end, f"(+{operand})", "- -> +")
        elif isinstance(node.op, ast.Invert):
            self._add(start, end, f"(+{operand})", "~ -> +")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._add(*self._span(node), repr(not value), f"{value} -> {not value}")
        elif isinstance(value, int):
            other = value + 1 if value < 100 else value * 2  # what is large is seldom meant to the last digit
            self._add(*self._span(node), f"({other})", f"{self._text(node)} -> {other}")
        elif isinstance(value, float):
            self._add(*self._span(node), f"({value * 2 + 1})", f"{self._text(node)} -> {value * 2 + 1}")

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            new = _CALLS[node.func.id]
            self._add(*self._span(node.func), new, f"{node.func.id} -> {new}")
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Its parts have no place of their own before Python 3.12, and it is a text."""


_NEGATED_BY_SWAP = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))

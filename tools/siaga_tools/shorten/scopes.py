"""Which names of a file are its globals: by the rules of Python's scopes, for every place where one stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from siaga_tools.shorten.program import Module, Place, Program, Target

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Scope:
    """bound: names that get a value here. imported: what a name stands for that gets it by an import of the program's,
    and in no other way."""

    node: ast.AST
    above: Scope | None
    bound: set[str] = field(default_factory=set)
    imported: dict[str, Target] = field(default_factory=dict)
    outer: set[str] = field(default_factory=set)

    def home_of(self, name: str) -> Scope | None:
        """The scope in which this name, read here, was bound; None = it is a built-in."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.outer:
                while scope.above is not None:
                    scope = scope.above
                return scope
            if name in scope.bound and (scope is self or not isinstance(scope.node, ast.ClassDef)):
                return scope
            scope = scope.above
        return None


@dataclass(frozen=True)
class Use:
    """A name that is read or bound. attribute: the `.name` that is read of it, if any."""

    scope: Scope
    name: str
    at: Place
    node: ast.AST
    attribute: ast.Attribute | None


class Scopes:
    """top: the file's own scope. uses: every place of a name but those in imports and annotations. imports: each import
    and each `global`, with its scope."""

    def __init__(self, program: Program, module: Module) -> None:
        self._program = program
        self._module = module
        self.uses: list[Use] = []
        self.imports: list[tuple[Scope, ast.ImportFrom | ast.Import | ast.Global]] = []
        self.top = self._opened(module.tree, None, module.tree.body)
        for statement in module.tree.body:
            self._walk(statement, self.top)

    def _opened(self, node: ast.AST, above: Scope | None, body: Sequence[ast.AST]) -> Scope:
        scope = Scope(node, above)
        otherwise: set[str] = set()
        for each in body:
            for inner in _of_one_scope(each):
                if isinstance(inner, (ast.Import, ast.ImportFrom)):
                    for alias in inner.names:
                        name = (alias.asname or alias.name).partition(".")[0]
                        scope.bound.add(name)
                        target = self._program.target(self._module, inner, alias)
                        if target is not None and scope.imported.get(name, target) == target:
                            scope.imported[name] = target
                        else:
                            otherwise.add(name)
                elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    otherwise.add(inner.id)
                elif isinstance(inner, (*_FUNCTIONS, ast.ClassDef, ast.ExceptHandler)):
                    otherwise.add(inner.name or "")
                elif isinstance(inner, ast.Global):
                    scope.outer.update(inner.names)
        if isinstance(node, (*_FUNCTIONS, ast.Lambda)):
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            otherwise.update(argument.arg for argument in every if argument is not None)
        scope.bound |= otherwise
        scope.bound -= scope.outer
        for name in otherwise:
            scope.imported.pop(name, None)
        return scope

    def _walk(self, node: ast.AST, scope: Scope, attribute: ast.Attribute | None = None) -> None:
        if node in self._module.annotations:
            return
        if isinstance(node, ast.Name):
            self.uses.append(Use(scope, node.id, (node.lineno, node.col_offset), node, attribute))
        elif isinstance(node, ast.Attribute):
            self._walk(node.value, scope, node)
        elif isinstance(node, (ast.Import, ast.ImportFrom, ast.Global)):
            self.imports.append((scope, node))
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            self.uses.append(Use(scope, node.name, self._place_of_name(node), node, None))
            inner = self._opened(node, scope, node.body)
            for child in ast.iter_child_nodes(node):
                self._walk(child, inner if child in node.body else scope)
        elif isinstance(node, ast.Lambda):
            inner = self._opened(node, scope, [node.body])
            for default in [*node.args.defaults, *[each for each in node.args.kw_defaults if each is not None]]:
                self._walk(default, scope)
            self._walk(node.body, inner)
        elif isinstance(node, _COMPREHENSIONS):
            inner = self._opened(node, scope, list(ast.iter_child_nodes(node)))
            for child in ast.iter_child_nodes(node):
                self._walk(child, inner)
        else:
            for child in ast.iter_child_nodes(node):
                self._walk(child, scope)

    def _place_of_name(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Place:
        line = self._module.text.split("\n")[node.lineno - 1].encode()
        word = re.compile(rb"(?:async\s+)?(?:def|class)\s+").match(line, node.col_offset)
        assert word is not None
        return node.lineno, word.end()


def _of_one_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is below it, without the insides of functions, classes and comprehensions."""
    yield node
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda, *_COMPREHENSIONS)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _of_one_scope(child)

"""Files that are always loaded together put into one, after their names are short.

A module costs the button some 400 bytes of memory before it does anything: itself, its dictionary, its names (as
siaga.core.at, as at, and the file's), and each name that another imports from it, once more in that one's dictionary.
Nobody on a chip loads one of two files that are always loaded together.

A file that is imported when the need comes, in a function, stays a file of its own, and takes in what is loaded with it
and not by anything else before. What is loaded first of all takes in all that it needs. A file that is named by
a string, as siaga/drivers/loaded.py gives them back, takes in nothing: an object of what it took would keep all of it.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import keyword
import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from siaga_tools.shorten.program import Edit, Module, Program, Target, of_node, replace
from siaga_tools.shorten.scopes import Scope, Scopes, Use
from siaga_tools.words import Trouble

LongNames = dict[str, dict[str, str]]


@dataclass
class _Group:
    """root: the file that gives it its name; its globals keep theirs. members: in the order in which they run, the root
    last. names: what a global of a member is called in it, and what is imported into it."""

    root: str
    members: list[str]
    words: set[str] = field(default_factory=set)
    names: dict[Target, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Joined:
    """names: by file, what its short names stand for. homes: in which file each of the files before is now, by path."""

    program: Program
    names: LongNames
    homes: dict[str, str]


def join(program: Program, around: list[str], spare: tuple[str, ...], longs: LongNames) -> Joined:
    """The program in fewer files. around: the texts of the files that start it. spare: names that take no memory on the
    chip. longs: by file, what short names stand for before."""
    return _Joiner(program, around, spare, longs).join()


class _Joiner:
    def __init__(self, program: Program, around: list[str], spare: tuple[str, ...], longs: LongNames) -> None:
        self._program = program
        self._longs = longs
        self._spare = spare
        self._scopes = {dotted: Scopes(program, module) for dotted, module in program.modules.items()}
        self._groups: dict[str, _Group] = {}
        for group in _grouped(program, self._scopes, around):
            for dotted in group.members:
                self._groups[dotted] = group

    def join(self) -> Joined:
        groups = {id(group): group for group in self._groups.values()}.values()
        for group in groups:
            self._name(group)
        texts = {}
        longs: LongNames = {}
        for group in groups:
            seen: set[str] = set()
            parts = [self._rewritten(group, dotted, seen) for dotted in group.members]
            texts[self._program.modules[group.root].path] = "\n".join(parts)
            longs[group.root] = self._meant(group)
        modules = self._program.modules
        homes = {modules[dotted].path: modules[group.root].path for dotted, group in self._groups.items()}
        return Joined(Program(texts), longs, homes)

    def _meant(self, group: _Group) -> dict[str, str]:
        """What a name in a traceback may stand for: one letter may name methods of several classes."""
        found: dict[str, list[str]] = {}
        for dotted in group.members:
            for short, long in self._longs.get(dotted, {}).items():
                now = group.names.get(Target(dotted, short), short)
                if long not in found.setdefault(now, []):
                    found[now].append(long)
        return {short: "|".join(names) for short, names in found.items()}

    def _target_of(self, target: Target) -> Target:
        """Where a name that is imported from a file comes from in the end."""
        for _ in range(20):
            if target.name is None or target.module not in self._scopes:
                return target
            further = self._scopes[target.module].top.imported.get(target.name)
            if further is None:
                return target
            target = further
        return target

    def _name(self, group: _Group) -> None:
        """Give each global of the members, and each import from another file, a name that nothing else here has."""
        own: list[Target] = []
        for dotted in group.members:
            scopes = self._scopes[dotted]
            group.words |= {use.name for use in scopes.uses} | _bound_below(scopes)
            mine = {use.name for use in scopes.uses if use.scope.home_of(use.name) is scopes.top and _binds(use)}
            mine -= set(scopes.top.imported)
            own += [Target(dotted, name) for name in sorted(mine)]
        if len(group.members) == 1:
            group.names = {target: target.name or "" for target in own}
            return
        foreign = {
            name: dotted
            for dotted in group.members
            for name in self._scopes[dotted].top.bound
            if name not in self._scopes[dotted].top.imported and Target(dotted, name) not in own
        }
        taken = {target.name or "" for target in own if target.module == group.root}
        for name in taken & set(foreign):
            raise Trouble("mpy_failed", file=group.root, why=f"{name} is something else in {foreign[name]}")
        for target in own:
            if target.module == group.root:
                group.names[target] = target.name or ""
            elif self._is_read_by_people(target) and (target.name or "") not in taken:
                group.names[target] = target.name or ""
                taken.add(target.name or "")
        wanted = [target for target in own if target not in group.names]
        wanted += sorted(self._from_elsewhere(group), key=str)
        fresh = self._fresh(group.words | taken | set(foreign))
        for target in wanted:
            group.names[target] = next(fresh)

    def _is_read_by_people(self, target: Target) -> bool:
        return any(
            isinstance(node, ast.ClassDef) and node.name == target.name and len(node.name) > 3
            for node in self._program.modules[target.module].tree.body
        )

    def _from_elsewhere(self, group: _Group) -> set[Target]:
        """What the members import from other groups: a name of theirs, or a whole file as (its group's root, None)."""
        found = set()
        for dotted in group.members:
            for target in self._scopes[dotted].top.imported.values():
                target = self._target_of(target)
                if target.module not in self._groups:
                    continue
                theirs = self._groups[target.module]
                if theirs is not group:
                    found.add(target if target.name else Target(theirs.root))
        return found

    def _fresh(self, taken: set[str]) -> Iterator[str]:
        attributes = {
            node.attr
            for module in self._program.modules.values()
            for node in module.running()
            if isinstance(node, ast.Attribute)
        }
        letters = itertools.chain(
            string.ascii_letters,
            ("".join(pair) for pair in itertools.product(string.ascii_letters, string.ascii_letters + string.digits)),
        )
        had = itertools.chain(self._spare, sorted(attributes, key=lambda name: (len(name), name)), letters)
        seen = set(taken)
        for name in had:
            if name in seen or keyword.iskeyword(name) or keyword.issoftkeyword(name) or name.startswith("__"):
                continue
            seen.add(name)
            if name not in dir(builtins) or name in self._spare:
                yield name

    def _rewritten(self, group: _Group, dotted: str, seen: set[str]) -> str:
        module, scopes = self._program.modules[dotted], self._scopes[dotted]
        edits = [self._of_use(group, module, scopes, use) for use in scopes.uses]
        edits += [self._of_import(group, module, node, scope is scopes.top, seen) for scope, node in scopes.imports]
        return replace(module, [edit for edit in edits if edit is not None])

    def _of_use(self, group: _Group, module: Module, scopes: Scopes, use: Use) -> Edit | None:
        home = use.scope.home_of(use.name)
        if home is None:
            return None
        target = home.imported.get(use.name)
        if target is None:
            if home is not scopes.top:
                return None
            new = group.names.get(Target(module.dotted, use.name), use.name)
            return _renamed(use, new)
        target = self._target_of(target)
        theirs = self._groups.get(target.module)
        if theirs is None or _is_package(self._program, target):
            return None
        if target.name is not None:
            if home is not scopes.top or len(group.members) == 1:
                return None
            return _renamed(use, group.names[target])
        if use.attribute is None:
            if isinstance(use.node, ast.Name) and isinstance(use.node.ctx, ast.Del):
                return None
            raise Trouble("mpy_failed", file=module.place(use.node), why=f"the file {use.name} is handed about")
        inner = self._target_of(Target(target.module, use.attribute.attr))
        if theirs is group:
            return of_node(use.attribute, self._called(module, group, inner, use))
        new = self._called(module, self._groups[inner.module], inner, use)
        alias = use.name
        if home is scopes.top and len(group.members) > 1:
            alias = group.names[Target(theirs.root)]
        return of_node(use.attribute, f"{alias}.{new}")

    def _called(self, module: Module, group: _Group, target: Target, use: Use) -> str:
        name = group.names.get(target)
        if name is None:
            raise Trouble("mpy_failed", file=module.place(use.node), why=f"{target.module} has no {target.name}")
        return name

    def _of_import(
        self,
        group: _Group,
        module: Module,
        node: ast.ImportFrom | ast.Import | ast.Global,
        top: bool,
        seen: set[str],
    ) -> Edit:
        if isinstance(node, ast.Global):
            names = [group.names.get(Target(module.dotted, name), name) for name in node.names]
            return of_node(node, "global " + ", ".join(names))
        lines = []
        for alias in node.names:
            line = self._of_alias(group, module, node, alias, top)
            if line and not (top and line in seen):
                lines.append(line)
            if top:
                seen.add(line)
        return of_node(node, "; ".join(lines) or "pass")

    def _of_alias(
        self, group: _Group, module: Module, node: ast.ImportFrom | ast.Import, alias: ast.alias, top: bool
    ) -> str:
        target = self._program.target(module, node, alias)
        if target is None:
            name = alias.name + (f" as {alias.asname}" if alias.asname else "")
            return f"from {node.module} import {name}" if isinstance(node, ast.ImportFrom) else f"import {name}"
        local = alias.asname or alias.name
        target = self._target_of(target)
        theirs = self._groups.get(target.module)
        if theirs is None or _is_package(self._program, target):
            return _from(target.module.rpartition(".")[0], target.module.rpartition(".")[2], local)
        if theirs is group:
            if top or target.name is None:
                return ""
            new = group.names[target]
            return "" if new == local else f"{local} = {new}"
        if target.name is None:
            if top and len(group.members) > 1:
                local = group.names[Target(theirs.root)]
            package, _, leaf = theirs.root.rpartition(".")
            return _from(package, leaf, local)
        if target not in theirs.names:
            raise Trouble("mpy_failed", file=module.place(node), why=f"{target.module} has no {target.name}")
        if top and len(group.members) > 1:
            local = group.names[target]
        return _from(theirs.root, theirs.names[target], local)


def _from(package: str, name: str, local: str) -> str:
    return f"from {package} import {name}" + (f" as {local}" if name != local else "")


def _renamed(use: Use, new: str) -> Edit | None:
    if new == use.name:
        return None
    return Edit(use.at, (use.at[0], use.at[1] + len(use.name.encode())), new)


def _binds(use: Use) -> bool:
    return not isinstance(use.node, ast.Name) or isinstance(use.node.ctx, ast.Store)


def _bound_below(scopes: Scopes) -> set[str]:
    """Names that are bound in functions and need no use to stand in the way."""
    found: set[str] = set()
    for use in scopes.uses:
        scope: Scope | None = use.scope
        while scope is not None and scope is not scopes.top:
            found |= scope.bound
            scope = scope.above
    for scope, _ in scopes.imports:
        if scope is not scopes.top:
            found |= scope.bound
    return found


def _is_package(program: Program, target: Target) -> bool:
    return target.module in program.modules and program.modules[target.module].path.endswith("/__init__.py")


def _grouped(program: Program, scopes: dict[str, Scopes], around: list[str]) -> list[_Group]:
    packages = {dotted for dotted, module in program.modules.items() if module.path.endswith("/__init__.py")}
    files = [dotted for dotted in program.modules if dotted not in packages]
    at_start: dict[str, list[str]] = {dotted: [] for dotted in files}
    later: set[str] = set()
    for dotted in files:
        for scope, node in scopes[dotted].imports:
            if isinstance(node, ast.Global):
                continue
            for alias in node.names:
                target = program.target(program.modules[dotted], node, alias)
                if target is None or target.module in packages:
                    continue
                if scope is scopes[dotted].top:
                    if target.module not in at_start[dotted]:
                        at_start[dotted].append(target.module)
                else:
                    later.add(target.module)
    order: list[str] = []  # each after what it needs
    reach: dict[str, set[str]] = {}

    def go(dotted: str) -> set[str]:
        if dotted not in reach:
            reach[dotted] = {dotted}
            for needed in at_start[dotted]:
                reach[dotted] |= go(needed)
            order.append(dotted)
        return reach[dotted]

    for dotted in files:
        go(dotted)
    first = [dotted for text in around for dotted in _imported(Module("", text)) if dotted in reach]
    home: dict[str, str] = {}
    for root in first:
        for dotted in reach[root]:
            home.setdefault(dotted, root)
    named = {name for dotted in files for name in _named(program.modules[dotted]) if name in at_start}
    later |= named
    needed_at_start = {needed for them in at_start.values() for needed in them}
    roots = {dotted for dotted in files if dotted not in home and (dotted in later or dotted not in needed_at_start)}
    members: dict[str, list[str]] = {}
    shared: dict[frozenset[str], list[str]] = {}
    for dotted in order:
        if dotted in home or dotted in roots:
            members.setdefault(home.get(dotted, dotted), []).append(dotted)
            continue
        owners = frozenset(root for root in roots if dotted in reach[root])
        common = {root for root in owners - named if all(root in reach[owner] for owner in owners)}
        if common:
            members.setdefault(min(common, key=lambda root: (len(reach[root]), root)), []).append(dotted)
        else:
            shared.setdefault(owners, []).append(dotted)
    for them in shared.values():
        members[them[-1]] = them
    # A root runs last; what it imports from other groups is imported where the first member needs it.
    groups = [_Group(root, [*[each for each in them if each != root], root]) for root, them in members.items()]
    return [*groups, *(_Group(dotted, [dotted]) for dotted in sorted(packages))]


def _named(module: Module) -> Iterator[str]:
    for node in module.running():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _imported(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)

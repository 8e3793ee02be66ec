"""Short names for what only the firmware itself calls by name, the same in all files.

A name on the button is a string in memory, once for all files, and in the bytecode of each file that uses it. A name is
shortened everywhere or nowhere, whatever it stands for, so that no use has to be told from another. Left alone is each
name that something else may look up: MicroPython, its modules and protocols (`foreign`), the files that are no part of
the program (`kept`), getattr and the like through a string that stands anywhere or a table of several lines, and each
keyword of a call.

Names that cannot meet share their short ones: private names of files none of which inherits from the other, globals of
files that do not import one another's, arguments of different functions.
"""

from __future__ import annotations

import ast
import builtins
import io
import itertools
import keyword
import string
import tokenize
from collections import Counter
from collections.abc import Iterator
from typing import Final

from siaga_tools.shorten.program import Edit, Module, Program
from siaga_tools.words import Trouble

# Names that a MicroPython for the ESP32 has in its read-only memory, and that only ever name something in its own types
# and modules: as the name of something else they take no memory. The first have a number in .mpy files
# (py/makeqstrdata.py), so that they take no room there either. One that a build lacks costs what any name costs.
_HAD_ANYWAY: Final = """
isalpha islower isupper isspace isdigit lstrip rstrip rindex rfind rsplit popitem setdefault reverse bytecode closure
generator function iterator staticmethod classmethod callable divmod issubclass hash pow abs all any chr dir map round
sum zip sep little insert index count extend format upper lower strip startswith endswith replace fromkeys
bound_method dict_view property hex oct bin ceil floor sqrt sin cos tan acos asin atan exp radians degrees trunc modf
pixel hline vline blit scroll ellipse poly fill_rect acosh asinh atanh copysign cosh erf erfc expm1 fabs fmod frexp
gamma isfinite isinf isnan ldexp lgamma log10 log2 sinh tanh polar randint choice uniform search match heappush
heappop heapify deque popleft appendleft namedtuple calcsize sizeof addressof byteorder implementation maxsize INT PTR
GS8 INT8 LONG UINT VOID ARRAY INT16 INT32 INT64 SHORT UINT8 ULONG pi re RAW sub add aes doc inf log md5 mem nan ps1 ps2
ptr tau AUTO GZIP Task ZLIB argv bind dump exit help imag lock loop math mem8 peek ptr8 push real rect sha1 sync uint
MVLSB array ascii atan2 cmath float group heapq input ipoll mem16 mem32 ptr16 ptr32 slice union viper BFINT8 BF_LEN
BF_POS FileIO NATIVE RGB565 RingIO Signal UINT16 UINT32 UINT64 USHORT VfsFat atexit center cipher enable fileno filter
getter invert listen locked mktime modify native sendto setter single stderr stdout unlink unsafe BFINT16 BFINT32
BFUINT8 BytesIO FLOAT32 FLOAT64 POLLERR POLLHUP POLLOUT PinBase compile complex decrypt default deflate delattr deleter
disable encrypt fromhex listdir newline recvfrom reversed schedule uctypes ord sort stop iter Ellipsis NoneType EOFError
NameError TypeError builtins
"""
HAD_ANYWAY: Final = tuple(_HAD_ANYWAY.split())
LongNames = dict[str, dict[str, str]]
_BY_STRING: Final = frozenset({"getattr", "setattr", "hasattr", "delattr"})
_UNFOLLOWABLE: Final = frozenset({"eval", "exec", "globals", "locals", "vars", "execfile", "__dict__"})


def shorten_names(
    program: Program, kept: frozenset[str], foreign: frozenset[str]
) -> tuple[Program, dict[str, dict[str, str]]]:
    """The program with short names, and by module what the short ones in it stand for."""
    return _Shortener(program, kept, foreign).shorten()


class _Shortener:
    def __init__(self, program: Program, kept: frozenset[str], foreign: frozenset[str]) -> None:
        self._program = program
        self._tokens = {module.dotted: _names(module) for module in program.modules.values()}
        self._existing = {name for tokens in self._tokens.values() for name in tokens}
        self._untouchable = kept | foreign | {name for name in self._existing if name.startswith("__")}
        self._untouchable |= frozenset(keyword.kwlist) | frozenset(keyword.softkwlist)
        self._defined: set[str] = set()
        self._globals: dict[str, Counter[str]] = {}
        for module in program.modules.values():
            self._note(module)

    def _note(self, module: Module) -> None:
        """What may be shortened, and what must not be."""
        keep = set(module.dotted.split("."))
        for node in module.running():
            if isinstance(node, ast.JoinedStr):
                raise Trouble("mpy_failed", file=module.place(node), why="an f-string; names in it cannot be followed")
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                keep.update((node.value, *(node.value.split() if "\n" in node.value else ())))  # or a table of names
            elif isinstance(node, ast.keyword):
                keep.add(node.arg or "")
            elif isinstance(node, ast.arguments):
                keep.update(argument.arg for argument in node.kwonlyargs)
            elif isinstance(node, ast.ImportFrom) and node.module not in self._program.modules:
                keep.update((node.module or "").split("."))
                for alias in node.names:
                    keep.update((alias.name, alias.asname or alias.name))
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    keep.update((alias.name + "." + (alias.asname or "")).split("."))
            elif isinstance(node, ast.Attribute):
                if isinstance(node.ctx, ast.Store):
                    self._defined.add(node.attr)
                _refuse_unfollowable(module, node, node.attr)
                if isinstance(node.value, ast.Name) and self._is_foreign(module, node.value.id):
                    keep.add(node.attr)
            elif isinstance(node, ast.Name):
                _refuse_unfollowable(module, node, node.id)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _BY_STRING:
                _refuse_composed(module, node)
            elif isinstance(node, ast.ClassDef) and _is_error(node) and node.name[0] != "_":
                keep.add(node.name)  # people read it
            elif isinstance(node, _BODIES):
                self._defined.add(node.name)
        self._defined.update(_bound_in_body(module.tree))
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                self._defined.update(_bound_in_body(node))
            elif isinstance(node, ast.Global):
                self._defined.update(node.names)
        self._untouchable |= keep

    def _is_foreign(self, module: Module, name: str) -> bool:
        return name in module.imports and module.imports[name] is None

    def shorten(self) -> tuple[Program, LongNames]:
        heirs = _heirs(self._program)
        weight: Counter[str] = Counter()
        for tokens in self._tokens.values():
            weight.update(tokens.keys())
        names = sorted(self._defined & self._existing - self._untouchable, key=lambda name: (-weight[name], name))
        erased = {name for module in self._program.modules.values() for name in _erased(module)}
        free = [name for name in names if name not in erased]
        taken = self._existing | self._untouchable
        own: dict[str, dict[str, str]] = {dotted: {} for dotted in self._tokens}
        shared = list(itertools.islice(_short(string.ascii_uppercase, taken), len(free)))
        attributes, letters = self._attributes()
        everywhere = []
        for name in free:
            places = {dotted for dotted, tokens in self._tokens.items() if name in tokens}
            if name[0] == "_":
                lives = {heir for dotted in places for heir in heirs[dotted]}
            elif self._is_global_only(name):
                lives = places
            else:
                everywhere.append(name)
                continue
            here = {short for dotted in lives for short in own[dotted].values()}
            pool = itertools.chain(letters, shared) if name in attributes else shared
            short = next(short for short in pool if short not in here)
            for dotted in lives:
                own[dotted][name] = short
        taken |= {short for names_ in own.values() for short in names_.values()}
        had = [name for name in HAD_ANYWAY if name not in taken]
        shorts = itertools.chain(had, _short(string.ascii_letters, taken | set(had), 2))
        common = dict(zip(everywhere, shorts, strict=False))
        edits: dict[str, list[Edit]] = {}
        longs: dict[str, dict[str, str]] = {}
        for module in self._program.modules.values():
            mapping = {**common, **own[module.dotted]}
            edits[module.dotted] = self._edits(module, mapping)
            longs[module.dotted] = {
                short: name for name, short in mapping.items() if name in self._tokens[module.dotted]
            }
        return self._program.edited(edits), longs

    def _attributes(self) -> tuple[set[str], list[str]]:
        """(private names that are never anything but an attribute, letters that no attribute has yet): these serve for
        arguments too, which an attribute never meets."""
        methods = Counter(
            node.name
            for module in self._program.modules.values()
            for body in ast.walk(module.tree)
            if isinstance(body, ast.ClassDef)
            for node in body.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        )
        loose: Counter[str] = Counter()
        dotted: set[str] = set()
        for tokens in self._tokens.values():
            for name, places in tokens.items():
                loose[name] += sum(not attribute for _, attribute in places)
                if any(attribute for _, attribute in places):
                    dotted.add(name)
        only = {name for name in dotted if name[0] == "_" and loose[name] == methods[name]}
        return only, [c for c in string.ascii_lowercase if c not in dotted | self._untouchable]

    def _is_global_only(self, name: str) -> bool:
        """Whether each place of this name is a global of a module, which no object's attributes can meet."""
        for module in self._program.modules.values():
            places = len(self._tokens[module.dotted].get(name, ()))
            if places and places != self._as_global(module)[name]:
                return False
        return True

    def _as_global(self, module: Module) -> Counter[str]:
        """How many places of each name are certainly those of a global."""
        if module.dotted in self._globals:
            return self._globals[module.dotted]
        top = Counter(_bound_in_body(module.tree))
        top.update(node.name for node in module.tree.body if isinstance(node, _BODIES))
        found = Counter(node.name for node in module.tree.body if isinstance(node, _BODIES))
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name):
                imported = module.imports.get(node.id)
                at_home = node.id in top and module.bound[node.id] == top[node.id] and node.id not in module.imports
                if at_home or (imported is not None and imported.name == node.id and node.id not in module.bound):
                    found[node.id] += 1
            elif isinstance(node, ast.Attribute) and self._program.meaning(module, node) is not None:
                found[node.attr] += 1
            elif isinstance(node, ast.ImportFrom) and node.module in self._program.modules:
                found.update(alias.name for alias in node.names if alias.asname is None)
        self._globals[module.dotted] = found
        return found

    def _edits(self, module: Module, mapping: dict[str, str]) -> list[Edit]:
        tokens = self._tokens[module.dotted]
        edits = []
        new = {at: mapping[name] for name, places in tokens.items() if name in mapping for at, _ in places}
        for function in _outermost(module.tree):
            new.update(self._arguments(module, function, mapping))
        for name, places in tokens.items():
            for at, _ in places:
                if at in new:
                    edits.append(Edit(at, (at[0], at[1] + len(name.encode())), new[at]))
        return edits

    def _arguments(self, module: Module, function: _Function, mapping: dict[str, str]) -> dict[tuple[int, int], str]:
        """Names of arguments are looked up by keyword only, and none here is a keyword of any call."""
        tokens = self._tokens[module.dotted]
        if any(isinstance(node, ast.ClassDef) for node in ast.walk(function)):
            return {}
        first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
        span = range(first, (function.end_lineno or first) + 1)
        inside = {
            name: [at for at, attribute in places if at[0] in span and not attribute] for name, places in tokens.items()
        }
        here = {name for name, places in inside.items() if places}
        globals_ = {node.name for node in module.tree.body if isinstance(node, _BODIES)}
        globals_ |= set(module.imports) | set(_bound_in_body(module.tree))
        names = []
        for node in ast.walk(function):
            if isinstance(node, ast.arguments):
                names += [argument.arg for argument in (*node.posonlyargs, *node.args)]
        short = _short(string.ascii_lowercase, here | {mapping.get(name, name) for name in here} | self._untouchable)
        new = {}
        for name in dict.fromkeys(names):
            if len(name) < 2 or name in globals_ or name in self._untouchable or name in _BUILTINS:
                continue
            letter = next(short)
            new.update(dict.fromkeys(inside[name], letter))
        return new


_Function = ast.FunctionDef | ast.AsyncFunctionDef
_BODIES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BUILTINS: Final = frozenset(dir(builtins))


def _names(module: Module) -> dict[str, list[tuple[tuple[int, int], bool]]]:
    """Each name's places, (line, byte), and whether a dot stands before it."""
    found: dict[str, list[tuple[tuple[int, int], bool]]] = {}
    lines = module.text.split("\n")
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.NAME:
            line, column = token.start
            at = (line, len(lines[line - 1][:column].encode()))
            found.setdefault(token.string, []).append((at, before == "."))
        before = token.string
    return found


def _short(letters: str, taken: set[str] | frozenset[str], least: int = 1) -> Iterator[str]:
    for length in itertools.count(least):
        for parts in itertools.product(letters, *[string.ascii_letters + string.digits] * (length - 1)):
            name = "".join(parts)
            if name not in taken and not keyword.iskeyword(name) and name not in _BUILTINS:
                yield name


def _outermost(tree: ast.Module) -> list[_Function]:
    found: list[_Function] = []
    stack: list[ast.AST] = [tree]
    while stack:
        for child in ast.iter_child_nodes(stack.pop()):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.append(child)
            else:
                stack.append(child)
    return found


def _is_error(node: ast.ClassDef) -> bool:
    """By what it inherits from: Exception, or what is called an error itself."""
    return any(isinstance(base, ast.Name) and base.id.endswith(("Exception", "Error")) for base in node.bases)


def _bound_in_body(body: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Names of a module or a class that get their value outside of its functions and classes."""
    for statement in body.body:
        if not isinstance(statement, _BODIES):
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id


def _erased(module: Module) -> list[str]:
    """Private names of const(...): MicroPython's compiler takes them out by itself, if they begin with a line."""
    return [
        target.id
        for statement in module.tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id == "const"
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id.startswith("_")
    ]


def _heirs(program: Program) -> dict[str, set[str]]:
    """By file, itself and the files whose classes inherit from one of its own: there its private names meet theirs."""
    heirs = {dotted: {dotted} for dotted in program.modules}
    for module in program.modules.values():
        for node in ast.walk(module.tree):
            for base in node.bases if isinstance(node, ast.ClassDef) else ():
                target, at = program.meaning(module, base), module
                while target is not None and target.name is not None and target.module != at.dotted:
                    heirs[target.module].add(module.dotted)
                    at = program.modules[target.module]
                    target = at.imports.get(target.name)
    grown = True
    while grown:
        grown = False
        for mine in heirs.values():
            more = {heir for dotted in mine for heir in heirs[dotted]} - mine
            mine |= more
            grown |= bool(more)
    return heirs


def _refuse_unfollowable(module: Module, node: ast.AST, name: str) -> None:
    if name in _UNFOLLOWABLE:
        raise Trouble("mpy_failed", file=module.place(node), why=f"{name}: what it names cannot be followed")


def _refuse_composed(module: Module, node: ast.Call) -> None:
    """getattr(x, name) is followed through the strings of the program; getattr(x, "on_" + name) is not."""
    name = node.args[1]
    if not isinstance(name, (ast.Constant, ast.Name, ast.Subscript)):
        raise Trouble("mpy_failed", file=module.place(node), why=f"a name is composed: {ast.unparse(name)}")

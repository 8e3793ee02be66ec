"""Reads Python source into its tree, one thread at a time.

CPython 3.11 and 3.12 count the depth of a tree in one place for all threads: two that parse at once may fail with
SystemError, "AST constructor recursion depth mismatch" (gh-106905).
"""

from __future__ import annotations

import ast
import threading
from typing import Final

_ONE_AT_A_TIME: Final = threading.Lock()


def syntax_tree(source: str) -> ast.Module:
    """Raises: SyntaxError."""
    with _ONE_AT_A_TIME:
        return ast.parse(source)

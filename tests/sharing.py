"""How the tests of a file are shared out among pytest-xdist's workers: all to one, but for files that would be the last
to end. `longest.py` says when a file begins."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from xdist.scheduler import LoadFileScheduling

# Into how many shares. Only files whose tests have no costly thing in common: each share would make it again. None that
# is marked side_by_side: each share would run all of it. None is needed now.
SHARES: Final[dict[str, int]] = {}


class Dealer:
    """Deals the tests of such a file out like cards, one after the other."""

    def __init__(self) -> None:
        self._dealt: Counter[str] = Counter()
        self._scopes: dict[str, str] = {}

    def scope(self, nodeid: str) -> str:
        """Tests of one scope run in one worker; the same answer each time."""
        file = nodeid.partition("::")[0]
        if file not in SHARES:
            return file
        if nodeid not in self._scopes:
            self._scopes[nodeid] = f"{file}#{self._dealt[file] % SHARES[file]}"
            self._dealt[file] += 1
        return self._scopes[nodeid]


class Sharing(LoadFileScheduling):
    """`--dist=loadfile` with a dealer."""

    def __init__(self, config: Any, log: Any = None) -> None:
        super().__init__(config, log)
        self._split_scope = Dealer().scope

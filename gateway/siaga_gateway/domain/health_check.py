"""What a check of the installation found: how it stands, why, and how to mend it.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.value import record


class CheckState(StrEnum):
    OK = "ok"
    WARN = "warn"  # works now, and a person should act
    FAIL = "fail"  # a press, a call or a restore would fail
    UNSEEN = "unseen"  # could not be looked at, by this user or here


@record
class CheckResult:
    """One line of the doctor."""

    check: str  # what was checked: clock, disk, broker ...
    subject: str  # which one: a path, an address, a name; empty: there is only one
    state: CheckState
    cause: Localized
    mend: Localized | None = None  # None: nothing to do


_EXIT: Final = ((CheckState.FAIL, 1), (CheckState.UNSEEN, 3))


def exit_code(results: Iterable[CheckResult]) -> int:
    """Return 1 if anything fails, 3 if nothing does and something could not be looked at, else 0."""
    states = {each.state for each in results}
    return next((code for state, code in _EXIT if state in states), 0)


def good(check: str, subject: object, cause: Localized) -> CheckResult:
    return CheckResult(check, str(subject), CheckState.OK, cause)


def doubtful(check: str, subject: object, cause: Localized, mend: Localized) -> CheckResult:
    return CheckResult(check, str(subject), CheckState.WARN, cause, mend)


def bad(check: str, subject: object, cause: Localized, mend: Localized) -> CheckResult:
    return CheckResult(check, str(subject), CheckState.FAIL, cause, mend)


def unseen(check: str, subject: object, cause: Localized, mend: Localized) -> CheckResult:
    return CheckResult(check, str(subject), CheckState.UNSEEN, cause, mend)

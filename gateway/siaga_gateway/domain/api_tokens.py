"""Tokens for programs: what one may do, until when, and how it is told from anything else. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.value import record

PREFIX: Final = "siaga_"  # by which people, and scanners for leaked secrets, know a token when they see it
TOKEN_BYTES: Final = 32  # of randomness
DAY_MS: Final = 86_400_000
LONGEST_DAYS: Final = 3 * 366
USUAL_DAYS: Final = 365
# What a program may never do: whoever may change accounts makes himself one.
GRANTABLE: Final = frozenset(Permission) - {Permission.ACCOUNTS_CHANGE}
USED_EVERY_MS: Final = 60_000  # its last use is written no more often
_FORM: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
# Before the name of a program as whoever did something: no account's name can begin so.
_ACTOR: Final = "API: "


@record
class ApiToken:
    """A row of the store: a new field goes to the end, and needs a migration. Times are Unix ms."""

    name: str  # of the program, in the form of domain.operator_name
    token_hash: str  # SHA-256, hex: a token of 256 random bits needs no salt, and both machines know it
    scopes: str  # permissions by their values, with blanks between
    made_ms: int
    made_by: str
    expires_ms: int
    revoked_ms: int | None = None
    revoked_by: str | None = None
    used_ms: int | None = None  # the last time, to the minute

    @property
    def permissions(self) -> frozenset[Permission]:
        """A permission that this version does not know is none."""
        wanted = set(self.scopes.split())
        return frozenset(each for each in GRANTABLE if each.value in wanted)

    @property
    def actor(self) -> str:
        """Return who did it, where this program did."""
        return actor_of(self.name)

    def serves(self, now_ms: int) -> bool:
        return self.revoked_ms is None and now_ms < self.expires_ms


def actor_of(name: str) -> str:
    """Return what a program of this name is called where it has done something."""
    return f"{_ACTOR}{name}"


def is_programs(name: str) -> bool:
    """Whether a name reads like that of a program: no account may have it."""
    return name.casefold().startswith(_ACTOR.strip().casefold())


def hash_of(token: str) -> str | None:
    """Return the hash under which a token is kept; None: it is not in the form of one."""
    return hashlib.sha256(token.encode()).hexdigest() if _FORM.fullmatch(token) else None


def scopes_of(permissions: Iterable[Permission]) -> str:
    return " ".join(sorted(each.value for each in permissions))

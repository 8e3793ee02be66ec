"""The words that an owner has agreed on with the police for a call-back: set, never shown again, and compared.

They are stored as argon2id hashes. pwdlib, which operators' passwords use too.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from siaga_gateway.domain.call_back import Heard, checked, normal
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.enrol import EnrolError
from siaga_gateway.service.store import Store, Transaction
from siaga_gateway.service.store.registry import CodeWords

if TYPE_CHECKING:
    from pwdlib import PasswordHash


@cache
def _hasher() -> PasswordHash:
    # Imported late: most commands need neither.
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    # What OWASP's cheat sheet gives for argon2id: lists of thousands are hashed, and an operator waits with a caller.
    return PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))


def hashed(code: str, duress: str, now_ms: int) -> CodeWords:
    """Return what is stored of two words. Raises: CodeWordError."""
    one, other = checked(code, duress)
    return CodeWords(_hasher().hash(one), _hasher().hash(other), now_ms)


def set_code_words(store: Store, clock: Clock, owner_id: int, words: CodeWords | None, *, actor: str) -> None:
    """Replace an owner's words; None: there are none any more. Raises: EnrolError."""
    if store.owner_registered(owner_id) is None:
        raise EnrolError("registry.owner_gone", owner_id=owner_id)
    with store.transaction() as transaction:
        put_code_words(transaction, clock.now_ms(), owner_id, words, actor)


def put_code_words(transaction: Transaction, now_ms: int, owner_id: int, words: CodeWords | None, actor: str) -> None:
    transaction.set_code_words(owner_id, words)
    facts = {"owner_id": owner_id, "removed": words is None}
    transaction.note(journal.CODE_WORDS_SET, now_ms, facts, actor=actor)


def heard(words: CodeWords | None, word: str) -> Heard:
    """Return which of the words was typed. It takes about a tenth of a second."""
    typed = normal(word)
    if words is None or not typed:
        return Heard.NEITHER
    for found, stored in ((Heard.DURESS, words.duress_hash), (Heard.CODE, words.code_hash)):
        if _same(typed, stored):
            return found
    return Heard.NEITHER


def _same(typed: str, stored: str) -> bool:
    from pwdlib.exceptions import PwdlibError

    try:
        return _hasher().verify(typed, stored)
    except PwdlibError:  # what is stored is damaged
        return False

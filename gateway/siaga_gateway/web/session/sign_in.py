"""Signing in: which limits an attempt counts against, and what is checked.

| attempt | counts for | allowed |
|---|---|---|
| from a browser in which this operator signed in before | this browser and this operator | 10 in 10 minutes |
| any other, and any beyond that | the name, and the address (IPv6: its /64) | 10, and 30, in 10 minutes |
| at the lock of a session | this session alone | 3 at once, then with pauses of 2 to 30 s (unlock_pauses.py) |

So someone who guesses an officer's password elsewhere, from however many addresses, locks the officer out of new
browsers only; one person's errors lock nobody else out of a known browser; and however many attempts are made at once,
no more than these are checked. Unknown names are counted like known ones. A successful attempt does not count. The
counts are in memory: a restart of the front resets them, but known browsers stay known.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from typing import Final

from pwdlib.exceptions import PwdlibError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.limits import LONGEST_PASSWORD
from siaga_gateway.domain.operator_name import clean_name
from siaga_gateway.service.ports import Clock
from siaga_gateway.web.session.attempt_limits import Attempts, Limit
from siaga_gateway.web.session.auth import Session, Sessions, hash_password, hasher
from siaga_gateway.web.session.client_network import network_of
from siaga_gateway.web.session.known_browser import KnownBrowser, KnownBrowsers
from siaga_gateway.web.session.password_hashing import Busy, HashQueue
from siaga_gateway.web.session.unlock_pauses import UnlockPauses

OF_ADDRESS: Final = Limit("address", 30, 600_000)
OF_NAME: Final = Limit("name", 10, 600_000)
OF_BROWSER: Final = Limit("browser", 10, 600_000)
BUSY_S: Final = 5
_STATUS: Final = {"wrong": 403, "wait": 429, "busy": 503}


class SignInRefused(Refused):
    """Not signed in; the text says why, `wait_s` how long to wait, `operator` whose name was given, where it is an
    operator's."""

    GROUP = "console.sign_in"

    def __init__(
        self, key: str, /, *, wait_s: int = 0, operator: str | None = None, busy: bool = False, **values: object
    ) -> None:
        super().__init__(key, **values)
        self.wait_s = wait_s
        self.operator = operator
        self.busy = busy

    @property
    def status(self) -> int:
        return _STATUS[self.why]

    @property
    def why(self) -> str:
        """Return the reason for ports.SignIns."""
        return "busy" if self.busy else "wait" if self.wait_s else "wrong"


@dataclass(frozen=True, slots=True)
class Proven:
    """Who somebody is, and by which password."""

    name: str
    verified: str | None  # the hash that the password was checked against; None: a name was enough


class SignIn:
    """Checks names and passwords; usable from any event loop."""

    def __init__(self, sessions: Sessions, secret: bytes, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._attempts = Attempts(never_forgotten=sessions.known)
        self._hashes = HashQueue()
        self._pauses = UnlockPauses()
        self.browsers = KnownBrowsers(secret)

    async def check(self, name: str, password: str, address: str, cookie: str | None = None) -> str:
        """Return the operator's name; see `prove`."""
        return (await self.prove(name, password, address, cookie)).name

    async def prove(self, name: str, password: str, address: str, cookie: str | None = None) -> Proven:
        """Return who it is, as of the password that was checked.

        cookie: the browser's, see KnownBrowsers. Raises: SignInRefused; StoreFailing if accounts were never read.
        """
        cleaned = clean_name(name)
        if not await run_in_threadpool(self._sessions.needs_password):
            if cleaned is None:
                raise SignInRefused("name_needed")
            return Proven(cleaned, None)
        account = await run_in_threadpool(self._sessions.account, cleaned or "")
        hashed = None if account is None else account.password
        named = None if hashed is None else cleaned
        now_ms = self._clock.now_ms()
        browser = self.browser(cookie)
        known = self._known(browser, cleaned)
        taken: list[tuple[Limit, Hashable]] = [(OF_BROWSER, known)]
        if known is None or self._attempts.take(taken, now_ms) > 0:
            known = None
            taken = [(OF_NAME, cleaned or ""), (OF_ADDRESS, network_of(address))]
            if (wait_ms := self._attempts.take(taken, now_ms)) > 0:
                seconds = -(-wait_ms // 1000)
                raise SignInRefused("wait", wait_s=seconds, operator=named, seconds=seconds)
        try:
            right = await self._is_right(password, hashed, known=known is not None)
        except SignInRefused as busy:
            busy.operator = named
            self._attempts.give_back(taken, now_ms)
            raise
        if hashed is None or cleaned is None or not right:
            raise SignInRefused("wrong", operator=named)
        self._attempts.give_back(taken, now_ms)
        return Proven(cleaned, hashed)

    async def confirm(self, request: Request, operator: str, password: str) -> None:
        """Check the password of somebody who is signed in, under the same limits. Raises: as `check`."""
        address = request.client.host if request.client else ""
        await self.check(operator, password, address, request.cookies.get(self.browsers.cookie))

    async def unlock(self, session: Session, password: str) -> None:
        """Check the password that opens a session's lock, under short pauses of its own: whoever tries words at the
        cover keeps nobody from signing in, and its operator from a ringing call for half a minute. Raises:
        SignInRefused; StoreFailing."""
        account = await run_in_threadpool(self._sessions.account, session.operator)
        hashed = None if account is None else account.password
        wait_ms = self._pauses.take(session.token_hash, self._clock.now_ms())
        if wait_ms > 0:
            seconds = -(-wait_ms // 1000)
            raise SignInRefused("wait", wait_s=seconds, operator=session.operator, seconds=seconds)
        try:
            right = await self._is_right(password, hashed, known=True)
        except SignInRefused:
            self._pauses.give_back(session.token_hash)
            raise
        if hashed is None or not right:
            raise SignInRefused("wrong", operator=session.operator)
        self._pauses.forget(session.token_hash)

    async def _is_right(self, password: str, hashed: str | None, *, known: bool) -> bool:
        try:
            return await self._hashes.check(lambda: _verify(password, hashed or _nobodys_hash()), known=known)
        except Busy:
            raise SignInRefused("busy", wait_s=BUSY_S, busy=True, seconds=BUSY_S) from None

    async def hashed(self, password: str) -> str:
        """Return a new password's hash. Raises: SignInRefused while too many are checked."""
        made = list[str]()

        def work() -> bool:
            made.append(hash_password(password))
            return True

        try:
            await self._hashes.check(work, known=True)
        except Busy:
            raise SignInRefused("busy", wait_s=BUSY_S, busy=True, seconds=BUSY_S) from None
        return made[0]

    def close(self) -> None:
        """Stop checking: the server stops."""
        self._hashes.close()

    def browser(self, cookie: str | None) -> KnownBrowser | None:
        return self.browsers.read(cookie, self._clock.now_ms())

    def known_from_now_on(self, cookie: str | None, operator: str) -> str:
        """Return the cookie of the browser in which the operator signed in."""
        return self.browsers.issue(self.browser(cookie), operator, self._clock.now_ms())

    def _known(self, browser: KnownBrowser | None, name: str | None) -> tuple[str, str] | None:
        if browser is None or name is None or self.browsers.mark(name) not in browser.names:
            return None
        return browser.number, name


def _verify(password: str, hashed: str) -> bool:
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        return hasher().verify(password, hashed)
    except PwdlibError:
        return False


@cache
def _nobodys_hash() -> str:
    """A hash checked for unknown names, so that the response time does not tell which names exist."""
    return hash_password("nobody")

"""Who guesses passwords, and who only wants to sign in meanwhile: bursts, known browsers, proxies, pages beside it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from gateway.fake_account_store import operators
from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.conftest import ORIGIN
from gateway.web.console_fakes import Book, FakeBell, on_book
from siaga_gateway.adapters.http_server_limits import behind_proxies
from siaga_gateway.domain.incident import Mode
from siaga_gateway.web.app import ConsoleOptions
from siaga_gateway.web.session import password_hashing
from siaga_gateway.web.session import sign_in as signing
from siaga_gateway.web.session.attempt_limits import Attempts, Limit
from siaga_gateway.web.session.sign_in import OF_ADDRESS, OF_BROWSER, OF_NAME
from waiting import ENDS_S

OFFICERS = {name: f"$argon2id$of {name}" for name in ("Rina", "Budi", "Sari")}
RIGHT = "kopi robusta 7"


class Passwords:
    """In place of argon2: one at a time as it, as slow as the test wants; what was checked is counted."""

    def __init__(self) -> None:
        self.checked = 0
        self.go = threading.Event()
        self.go.set()

    def verify(self, password: str, hashed: str) -> bool:
        self.checked += 1
        assert self.go.wait(ENDS_S)
        return password == RIGHT and hashed in OFFICERS.values()


@pytest.fixture
def passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[Passwords]:
    made = Passwords()
    monkeypatch.setattr(signing, "_verify", made.verify)
    yield made
    made.go.set()


def console(clock: RunningClock | None = None) -> ASGIApp:
    options = ConsoleOptions(
        site=SITE,
        mode=Mode.ACTUAL,
        language="en",
        secret=b"k" * 32,
        hosts=("127.0.0.1",),
    )
    notifier = FakeBell()
    return on_book(Book(notifier), notifier, clock or RunningClock(), options, accounts=operators(OFFICERS))


def browser(app: ASGIApp, address: str = "10.0.0.1", **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 5000))
    return httpx.AsyncClient(
        transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN, **headers}, timeout=ENDS_S
    )


async def attempt(client: httpx.AsyncClient, name: str, password: str = "wrong") -> int:
    return (await client.post("/sign-in", data={"name": name, "password": password})).status_code


def test_no_page_waits_for_passwords_however_many_sign_in_at_once(passwords: Passwords) -> None:
    app = console()

    async def shift() -> tuple[list[int], list[int]]:
        async with browser(app) as inside:
            assert await attempt(inside, "Rina", RIGHT) == 303
            passwords.go.clear()

            def come(*numbers: int) -> list[asyncio.Task[int]]:
                return [asyncio.create_task(attempt(browser(app, f"10.0.1.{n}"), f"Nobody {n}")) for n in numbers]

            async with asyncio.timeout(ENDS_S):  # with every thread taken by a password, this came to no end
                crowd = come(0)
                while passwords.checked < 2:  # one is being checked; only then is it known how many find room behind it
                    await asyncio.sleep(0.01)
                crowd += come(*range(1, 58))
                while sum(each.done() for each in crowd) < 58 - 1 - password_hashing._OTHERS:
                    await asyncio.sleep(0.01)
                known = asyncio.create_task(attempt(inside, "Rina", RIGHT))
                late = await attempt(browser(app, "10.0.2.1"), "Budi", RIGHT)
                pages = [(await inside.get(path)).status_code for path in ("/", "/incidents", "/session", "/sign-in")]
                passwords.go.set()
                return pages, [*await asyncio.gather(*crowd), late, await known]

    pages, answers = asyncio.run(shift())
    assert pages == [200] * 4
    assert set(answers[:58]) == {403, 503}, "looked at, or told that it is busy"
    assert answers[58:] == [503, 303], "who is known goes before strangers"


def test_a_burst_is_counted_before_it_is_checked(passwords: Passwords) -> None:
    app = console()

    async def burst() -> list[int]:
        passwords.go.clear()
        guesses = [asyncio.create_task(attempt(browser(app), "Rina")) for _ in range(49)]
        async with asyncio.timeout(ENDS_S):  # those that are too many are refused before any password is checked
            while sum(guess.done() for guess in guesses) < 49 - OF_NAME.allowed:
                await asyncio.sleep(0)
        passwords.go.set()
        return await asyncio.gather(*guesses)

    answers = asyncio.run(burst())
    assert passwords.checked == OF_NAME.allowed == answers.count(403)
    assert answers.count(429) == 49 - OF_NAME.allowed


def test_an_attack_on_a_name_from_everywhere_leaves_its_officer_his_own_computer(passwords: Passwords) -> None:
    app = console()

    async def attack() -> None:
        async with browser(app) as own, browser(app, "10.9.9.9") as new:
            assert await attempt(own, "Rina", RIGHT) == 303
            assert (await own.post("/sign-out")).status_code == 303
            seen = [await attempt(browser(app, f"203.0.113.{number}"), "Rina") for number in range(30)]
            assert seen == [403] * OF_NAME.allowed + [429] * (30 - OF_NAME.allowed), "also from ever new addresses"
            assert await attempt(new, "Rina", RIGHT) == 429, "a browser that nobody knows waits"
            assert await attempt(new, "Budi", RIGHT) == 303, "for her name alone"
            assert await attempt(own, "Rina", RIGHT) == 303

    asyncio.run(attack())


def test_one_persons_errors_keep_nobody_out_of_a_computer_that_is_known(passwords: Passwords) -> None:
    app = console()

    async def errors() -> None:
        async with browser(app) as shared, browser(app) as beside:
            for name in ("Rina", "Budi"):
                assert await attempt(shared, name, RIGHT) == 303
            wrong = [await attempt(shared, "Budi") for _ in range(30)]
            assert wrong.count(403) == OF_BROWSER.allowed + OF_NAME.allowed
            assert passwords.checked == 2 + wrong.count(403)
            assert await attempt(shared, "Rina", RIGHT) == 303
            assert await attempt(beside, "Sari", RIGHT) == 303, "nor out of a new browser, by a name of its own"

    asyncio.run(errors())


def test_the_cookie_of_a_known_browser_is_signed_names_nobody_and_opens_nothing(passwords: Passwords) -> None:
    clock = RunningClock()
    app = console(clock)

    async def look() -> None:
        async with browser(app) as own:
            answer = await own.post("/sign-in", data={"name": "Rina", "password": RIGHT})
            ((name, value),) = [each for each in own.cookies.items() if each[0].startswith("siaga_known_")]
            told = [each for each in answer.headers.get_list("set-cookie") if each.startswith(name)]
            assert "HttpOnly" in told[0] and "SameSite=strict" in told[0]
            assert "Rina" not in value
        for wrong in (value[:-1] + ("0" if value[-1] != "0" else "1"), value.partition(".")[0], ".", f"x{value}"):
            async with browser(app, "10.7.7.7", Cookie=f"{name}={wrong}") as thief:
                assert (await thief.get("/session")).status_code == 401
        await asyncio.gather(*(attempt(browser(app, f"10.8.0.{number}"), "Rina") for number in range(8)))
        async with browser(app, "10.7.7.7", Cookie=f"{name}={value}") as thief:
            assert (await thief.get("/session")).status_code == 401, "it is no session"

    asyncio.run(look())


def test_what_was_right_uses_no_attempt_up_and_heals_no_others(passwords: Passwords) -> None:
    app = console()

    async def many() -> None:
        for _ in range(3 * OF_ADDRESS.allowed):
            assert await attempt(browser(app), "Rina", RIGHT) == 303
        for number in range(OF_ADDRESS.allowed - 1):
            assert await attempt(browser(app), f"Nobody {number}") == 403
        assert await attempt(browser(app), "Rina", RIGHT) == 303, "a guesser's own account"
        assert await attempt(browser(app), "Sari") == 403
        assert await attempt(browser(app), "Sari") == 429, "did not give him new guesses"

    asyncio.run(many())


def test_names_that_nobody_has_are_counted_like_those_that_somebody_has(passwords: Passwords) -> None:
    app = console()

    async def spray(name: str, net: int) -> list[int]:
        return [await attempt(browser(app, f"10.{net}.0.{number}"), name) for number in range(15)]

    assert asyncio.run(spray("Rina", 1)) == asyncio.run(spray("Nobody", 2))


Asking = Callable[[httpx.AsyncClient], Awaitable[int]]


@pytest.mark.parametrize(
    ("proxies", "peer", "separate"),
    [
        ((), "127.0.0.1", False),
        (("10.1.0.0/16",), "10.2.0.1", False),
        (("127.0.0.1",), "127.0.0.1", True),
        (("10.1.0.0/16",), "10.1.0.1", True),
        (("::1",), "::1", True),
    ],
)
def test_only_a_named_proxy_says_who_asks(
    passwords: Passwords, proxies: tuple[str, ...], peer: str, separate: bool
) -> None:
    app = behind_proxies(console(), proxies)

    async def through(client: str, name: str) -> httpx.Response:
        # As nginx does it: what the client itself claims comes first.
        headers = {"X-Forwarded-For": f"198.51.100.7, {client}", "X-Forwarded-Proto": "https"}
        async with browser(app, peer, **headers) as one:
            return await one.post("/sign-in", data={"name": name, "password": "wrong"})

    async def guess() -> list[int]:
        return [(await through(f"203.0.113.{n}", f"Nobody {n}")).status_code for n in range(OF_ADDRESS.allowed + 5)]

    assert (429 not in asyncio.run(guess())) == separate

    async def cookie() -> str:
        async with browser(app, peer, **{"X-Forwarded-For": "203.0.113.99", "X-Forwarded-Proto": "https"}) as one:
            return (await one.post("/sign-in", data={"name": "Rina", "password": RIGHT})).headers.get("set-cookie", "")

    assert ("Secure" in asyncio.run(cookie())) == separate


def test_attempts_from_several_threads_are_counted_one_after_the_other() -> None:
    limit = Limit("x", 1, 1000)
    attempts = Attempts()
    together = threading.Barrier(2)

    class Slow:
        """A key at which those who count under it wait for each other at each step, if they can meet there."""

        def __hash__(self) -> int:
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(0.5)  # no deadline of a machine: they do not meet
            return 1

    key, waits = Slow(), []
    threads = [threading.Thread(target=lambda: waits.append(attempts.take([(limit, key)], 0))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ENDS_S)
    assert sorted(waits) == [0, 1000], "the first was counted before the second was asked about"


def test_attempts_are_forgotten_in_time_and_by_a_flood_of_others_only_where_they_may_be() -> None:
    limit = Limit("x", 2, 1000)
    attempts = Attempts(never_forgotten={"officer"}.__contains__)
    for key in ("officer", "other"):
        assert [attempts.take([(limit, key)], 0) for _ in range(3)] == [0, 0, 1000]
    assert attempts.take([(limit, "officer")], 999) == 1
    for number in range(10_000):
        attempts.take([(limit, number)], 10)
    assert attempts.take([(limit, "other")], 10) == 0
    assert attempts.take([(limit, "officer")], 10) == 990
    assert attempts.take([(limit, "officer")], 1000) == 0
    assert attempts.take([(limit, "officer")], -5) == 0, "a clock that was set back locks nobody out"
    both = [(limit, "a"), (Limit("y", 1, 1000), "b")]
    assert attempts.take(both, 0) == 0
    assert attempts.take(both, 0) == 1000
    attempts.give_back(both, 0)
    assert attempts.take(both, 0) == 0, "and the one that was refused was counted nowhere"

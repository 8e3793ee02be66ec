"""Who gets in, from where, and what a browser is told to refuse."""

from __future__ import annotations

import pytest

from gateway.fake_account_store import no_accounts
from gateway.fake_ports import RunningClock
from gateway.web.conftest import OPERATOR, ORIGIN, Console
from siaga_gateway.domain.operator_name import clean_name
from siaga_gateway.web.session.auth import SESSION_MS, Sessions, hash_password, usable_hash
from siaga_gateway.web.session.security_headers import LARGEST_BODY, host_name
from siaga_gateway.web.session.sign_in import OF_NAME

READS = ("/incidents", "/incidents/1", "/live", "/feed", "/session")
STEPS = ("seen", "assign", "on-scene", "dispatch", "close", "nik")


@pytest.fixture(scope="module")
def operators() -> dict[str, str]:
    return {"Rina Wulandari": hash_password("kopi robusta 7"), "Budi": hash_password("x")}


def test_without_a_session_nothing_is_told_and_nothing_done(console: Console) -> None:
    console.book.press(1)
    stranger = console.make()
    assert stranger.get("/").headers["Location"] == "/sign-in"
    answers = [stranger.get(path) for path in READS] + [stranger.post(f"/incidents/1/{step}") for step in STEPS]
    for answer in answers:
        assert answer.status_code == 401
        assert "Sari" not in answer.text and "Budi" not in answer.text
    assert console.book.last_journal_id() == 1
    assert set(stranger.get("/health").json()) == {"store", "last", "now_ms"}


def test_without_configured_operators_a_name_is_enough_but_needed(console: Console) -> None:
    browser = console.make()
    for name in ("", " ", "R", "x" * 61, "Rina\x00", "Ri\u202ena"):
        assert browser.post("/sign-in", data={"name": name}).status_code == 403
    assert browser.post("/sign-in", data={"name": " Rina   Wulandari "}).status_code == 303
    assert "Rina Wulandari" in browser.get("/").text


def test_operators_sign_in_by_password(console: Console, operators: dict[str, str]) -> None:
    browser = console.make(operators=operators)
    for name, password in (("Rina Wulandari", "kopi"), ("Rina Wulandari", ""), ("Nobody", "x"), ("", "")):
        answer = browser.post("/sign-in", data={"name": name, "password": password})
        assert answer.status_code == 403 and "salah" in answer.text
    assert browser.get("/").status_code == 303
    assert browser.post("/sign-in", data={"name": "Rina Wulandari", "password": "kopi robusta 7"}).status_code == 303
    assert browser.get("/").status_code == 200
    assert browser.post("/sign-out").status_code == 303
    assert browser.get("/").headers["Location"] == "/sign-in"


def test_who_comes_goes_and_is_turned_away_is_told(console: Console, operators: dict[str, str]) -> None:
    told = console.sign_ins.told
    assert told == [("in", OPERATOR, False)]
    told.clear()
    browser = console.make(operators={"Budi": operators["Budi"]})
    browser.post("/sign-out")
    browser.post("/sign-in", data={"name": "kopi robusta 7", "password": "Budi"})  # in the wrong fields
    browser.post("/sign-in", data={"name": "Budi", "password": "x"})
    browser.post("/sign-out")
    assert told == [("refused", None, "wrong"), ("in", "Budi", True), ("out", "Budi")]
    told.clear()
    browser.cookies.clear()  # nobody has signed in here
    for _ in range(OF_NAME.allowed + 1):
        browser.post("/sign-in", data={"name": "Budi", "password": "y" * 1001})
    assert told == [("refused", "Budi", "wrong")] * OF_NAME.allowed + [("refused", "Budi", "wait")]


def test_guessing_is_slowed_down_and_time_heals(console: Console, operators: dict[str, str]) -> None:
    browser = console.make(operators={"Budi": operators["Budi"]})
    wrong = {"name": "Budi", "password": "y" * 1001}  # too long to be hashed: this test needs not be slow
    answers = [browser.post("/sign-in", data=wrong) for _ in range(OF_NAME.allowed)]
    assert {answer.status_code for answer in answers} == {403}
    right = {"name": "Budi", "password": "x"}
    assert browser.post("/sign-in", data=right).status_code == 429
    console.clock.ahead_ms += OF_NAME.window_ms
    assert browser.post("/sign-in", data=right).status_code == 303


def test_a_session_survives_a_restart_but_not_its_hours_nor_another_secret(console: Console) -> None:
    cookies = dict(console.browser.cookies)
    for secret, ahead, status in ((b"k" * 32, 0, 200), (b"j" * 32, 0, 303), (b"k" * 32, SESSION_MS, 303)):
        console.clock.ahead_ms = ahead
        browser = console.make(secret=secret)
        browser.cookies.update(cookies)
        assert browser.get("/").status_code == status


def test_a_changed_or_foreign_cookie_opens_nothing(console: Console) -> None:
    ((name, value),) = console.browser.cookies.items()
    (kept,) = console.accounts.sessions()
    assert value not in str(kept), "the store has its hash only"
    forged = [value[:-1], f"{value}A", value.swapcase(), kept.token_hash, "é.é", "a.b.c", ""]
    flipped = [value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :] for at in range(0, len(value), 7)]
    browser = console.make()
    for wrong in forged + [each for each in flipped if each != value]:
        answer = browser.get("/session", headers={"Cookie": f"{name}={wrong}".encode()})
        assert answer.status_code == 401, wrong
    assert browser.get("/session", headers={"Cookie": f"{name}={value}"}).status_code == 200


def test_an_operator_who_is_no_account_any_more_is_out(console: Console, operators: dict[str, str]) -> None:
    browser = console.make(operators=operators)
    browser.post("/sign-in", data={"name": "Budi", "password": "x"})
    assert browser.get("/session").status_code == 200
    later = console.make(operators={"Rina Wulandari": operators["Rina Wulandari"]})
    later.cookies.update(dict(browser.cookies))
    assert later.get("/session").status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(console: Console) -> None:
    header = console.sign_in().headers["Set-Cookie"]
    assert "HttpOnly" in header and "SameSite=strict" in header and "Secure" not in header
    safe = console.make(hosts=("siaga.polda.example",))
    safe.base_url = "https://siaga.polda.example"
    answer = safe.post("/sign-in", data={"name": "Rina"}, headers={"Origin": "https://siaga.polda.example"})
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80", "", "[::2]", "localhost@evil"]
)
def test_a_name_that_is_not_the_consoles_own_is_refused(console: Console, host: str) -> None:
    for path in ("/", "/health", "/static/icon.svg", "/incidents"):
        answer = console.browser.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert "localhost" in answer.text, "says under which names it answers"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8110", "LOCALHOST:1", "[::1]:8110"])
def test_its_own_names_are_taken_on_any_port(console: Console, host: str) -> None:
    assert console.browser.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Origin": ORIGIN}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://127.0.0.1:9999"}, False),
        ({"Origin": "http://[evil"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": ORIGIN}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, False),
        ({"Sec-Fetch-Site": "none"}, False),
    ],
)
def test_only_the_consoles_own_pages_change_anything(console: Console, headers: dict[str, str], taken: bool) -> None:
    console.book.press(1)
    del console.browser.headers["Origin"]
    assert console.browser.post("/incidents/1/seen", headers=headers).status_code == (200 if taken else 403)
    assert console.book.last_journal_id() == (2 if taken else 1)


def test_no_get_changes_anything(console: Console) -> None:
    console.book.press(1)
    for step in STEPS:
        assert console.browser.get(f"/incidents/1/{step}").status_code == 405
    for path in ("/sign-out", "/language"):
        assert console.browser.get(path).status_code == 405
    assert console.book.last_journal_id() == 1


def test_a_body_without_end_or_without_measure_is_refused(console: Console) -> None:
    assert console.browser.post("/sign-in", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert console.browser.post("/sign-in", content=iter([b"name=Rina"])).status_code == 411


def test_every_answer_carries_the_headers_and_none_is_kept(console: Console) -> None:
    console.book.press(1)
    asked = ["/", "/sign-in", "/incidents", "/incidents/1", "/incidents/9", "/feed", "/health", "/nothing", "/static/x"]
    for path in asked:
        headers = console.browser.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        nothing = {"default-src", "frame-ancestors", "base-uri"}
        assert {name for name, allowed in policy.items() if allowed == "'none'"} == nothing
        assert policy.pop("img-src") == "'self' data:"
        assert policy.pop("media-src") == "blob:", "tones that the page makes itself"
        assert {allowed for name, allowed in policy.items() if name not in nothing} == {"'self'"}
        assert {"script-src", "form-action"} <= policy.keys()
        assert headers["X-Frame-Options"] == "DENY" and headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static") else "no-store")


def test_pages_keep_to_the_policy(console: Console) -> None:
    console.book.press(1)
    for path in ("/", "/sign-in", "/incidents/1"):
        page = console.browser.get(path).text
        assert " style=" not in page and "onclick" not in page and "<style" not in page
        assert "http://" not in page and "https://" not in page
        inline = [part for part in page.split("<script")[1:] if "src=" not in part.split(">")[0]]
        assert all('type="application/json"' in part.split(">")[0] for part in inline)


def test_no_machine_readable_description_of_the_routes_is_offered(console: Console) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert console.browser.get(path).status_code == 404


def test_small_parts() -> None:
    assert clean_name("  Rina\tW. ") == "Rina W."
    assert clean_name("\u200bR\u200b") is None
    assert host_name("[::1]:80") == "::1" and host_name("a:b:c") is not None and host_name("") is None
    assert usable_hash("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA") and not usable_hash("password")
    with pytest.raises(ValueError, match="32 bytes"):
        Sessions(no_accounts(RunningClock()), b"short", RunningClock())


def test_whatever_shows_a_person_is_told_of(console: Console) -> None:
    console.book.press(1)
    console.book.press(2)
    told = console.disclosures.told
    console.browser.get("/")
    assert told.pop() == (OPERATOR, "queue", (1, 2))
    console.browser.get("/incidents?ids=2")
    assert told.pop() == (OPERATOR, "queue", (2,))
    console.browser.get("/incidents/1")
    assert told.pop() == (OPERATOR, "incident", (1,))
    console.browser.post("/incidents/1/nik")
    assert told.pop() == (OPERATOR, "nik", (1,))
    console.browser.post("/incidents/1/seen")
    assert told.pop() == (OPERATOR, "incident", (1,))
    console.browser.get("/feed")
    console.browser.get("/incidents/99")
    console.browser.get("/health")
    assert told == []


def test_who_looked_is_for_auditors_and_not_for_the_console(console: Console) -> None:
    console.book.press(1)
    before = console.browser.get("/feed").text
    console.book.do(do="note", kind="personal_read", incident=1, actor="Budi Sentosa", what="incident")
    assert "Budi Sentosa" not in console.browser.get("/incidents/1").text
    assert console.browser.get("/feed").text == before

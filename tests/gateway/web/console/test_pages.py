"""What the page and its fragments show, in both languages."""

from __future__ import annotations

import html
import json
import re

import pytest

from gateway.sample_site import MAKASSAR, SITE, site
from gateway.web.conftest import Console
from gateway.web.fake_people import PEOPLE
from siaga_gateway.catalogue import text
from siaga_gateway.service.ports import UnreadableCall
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.web.session.context import LANGUAGE_COOKIE

KEDATON = {"latitude": -53835400, "longitude": 1052596000}


def settings_of(page: str) -> dict[str, object]:
    found = re.search(r'<script id="settings" type="application/json">(.*?)</script>', page, re.S)
    assert found
    settings: dict[str, object] = json.loads(found.group(1))
    return settings


def test_an_empty_queue_says_that_the_console_is_on_watch(console: Console) -> None:
    page = console.browser.get("/").text
    assert "Tidak ada kejadian terbuka" in page
    assert settings_of(page)["last"] == 0


def test_the_page_shows_who_pressed_and_where_and_how_good_that_is(console: Console) -> None:
    console.book.press(1, person=0, accuracy_m=35, fix_age_s=120, **KEDATON)
    card = console.browser.get("/incidents").text
    detail = console.browser.get("/incidents/1").text
    for shown in (PEOPLE[0][0], "di Kedaton", "±35 m", "BARU"):
        assert shown in card
    for shown in (PEOPLE[0][0], "+62 812-0000-0001", PEOPLE[0][2], "-5.38354, 105.25960", "84 %", "satelit (GNSS)"):
        assert shown in detail
    incident = console.book.incident(1)
    assert incident is not None and incident.position is not None
    assert f'data-ago="{incident.position.at_ms - 120_000}"' in detail, "the age counts from the fix, not the press"


@pytest.mark.parametrize(
    ("language", "known", "unknown"),
    [
        ("id", "Cari tombolnya di {page}: nomor teleponnya ada di {record}", "tombolnya pun tidak terbaca"),
        ("en", "Find the button under {page}: {record} has the telephone number", "its button cannot be read either"),
    ],
)
def test_the_card_of_an_unreadable_call_says_what_can_be_done_with_what_is_known(
    console: Console, language: str, known: str, unknown: str
) -> None:
    console.book.unreadable = [UnreadableCall(47, 1, "53490000a1b2c3d4", "Toko Contoh"), UnreadableCall(48)]
    console.browser.cookies.set(LANGUAGE_COOKIE, language)
    shown = html.unescape(console.browser.get("/incidents").text)
    first, _, second = shown.partition('id="incident-48"')
    page, record = (text(f"console.{key}", language) for key in ("maintenance.title", "owners.record"))
    said = known.format(page=page, record=record)
    assert said in first and unknown not in first
    assert unknown in second and said not in second


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"accuracy_m": None, "fix_age_s": None}, ("umur posisi tidak diketahui", "akurasi tidak diketahui")),
        ({"source": "installed", "fix_age_s": None}, ("posisi pemasangan (tetap)", "tempat pemasangan")),
        ({"source": "network", "accuracy_m": 1800}, ("±1,8 km", "jaringan seluler: hanya perkiraan")),
    ],
)
def test_a_weak_position_says_so(console: Console, facts: dict[str, object], shown: tuple[str, ...]) -> None:
    console.book.press(1, **KEDATON, **facts)
    detail = console.browser.get("/incidents/1").text
    assert all(words in detail for words in shown)


def test_a_press_without_position_without_clock_and_without_owner_is_shown_all_the_same(console: Console) -> None:
    console.book.press(1, person=None, label="Pos ronda 4", pressed_at_ms=None, battery=None)
    detail = console.browser.get("/incidents/1").text
    for shown in (
        "Pos ronda 4",
        "TANPA POSISI",
        "Jam tombol belum diatur",
        "Data pemilik sudah dihapus",
        "tidak diketahui",
    ):
        assert shown in detail
    assert "data-latitude" not in console.browser.get("/incidents").text


def test_what_must_not_be_overlooked_is_on_card_and_detail(console: Console) -> None:
    console.book.press(1, held=True, registration="stolen", delayed_s=7980, silent=True, battery=9)
    console.book.do(do="again", incident=1)
    console.book.do(do="duress", incident=1)
    console.book.do(do="cancel", incident=1)
    console.book.do(do="copied", incident=1)
    card, detail = console.browser.get("/incidents").text, console.browser.get("/incidents/1").text
    marks = ("DI BAWAH PAKSAAN", "SENYAP", "DITAHAN: tombol dilaporkan dicuri", "TERLAMBAT 2 jam 13 mnt")
    for mark in (*marks, "DIBATALKAN PEMEGANG", "KUNCI DISALIN?", "2× ditekan", "TANPA POSISI", "BATERAI 9 %"):
        assert mark in card
        assert mark in detail
    assert "Jangan menelepon" in detail
    assert "Kirim petugas walau ditahan" in detail


def test_a_cancel_asks_for_a_call_back_where_a_telephone_may_ring(console: Console) -> None:
    for number, silent in ((1, False), (2, True)):
        console.book.press(number, silent=silent)
        console.book.do(do="cancel", incident=number)
    for number, asked in ((1, True), (2, False)):
        detail = console.browser.get(f"/incidents/{number}").text
        assert ("DIBATALKAN: TELEPON BALIK" in detail) is asked
        assert ("DIBATALKAN PEMEGANG" in detail) is not asked


def test_the_queue_puts_unseen_first_then_duress_then_who_has_waited_longest(console: Console) -> None:
    for number in range(1, 7):
        console.book.press(number, at_ms=1_000_000 + number)
    console.book.seen(1, "Rina")
    console.book.do(do="cancel", incident=2)
    console.book.do(do="duress", incident=5)
    console.book.close(6, "Rina", "accidental", "")
    page = console.browser.get("/").text
    assert re.findall(r'id="incident-(\d)"', page) == ["5", "2", "3", "4", "1", "6"], "a cancel lowers nothing"


def test_only_the_last_four_digits_of_the_nik_are_shown_until_somebody_asks(console: Console) -> None:
    console.book.press(1, person=3)
    nik = "9971000000000003"
    assert nik not in console.browser.get("/incidents/1").text + console.browser.get("/").text
    assert "••••••••••••0003" in console.browser.get("/incidents/1").text
    assert console.browser.get("/incidents/1/nik").status_code == 405
    assert nik in console.browser.post("/incidents/1/nik").text


def test_the_timeline_tells_everything_newest_first_and_hides_nothing_it_does_not_know(console: Console) -> None:
    console.book.press(1)
    console.book.assign(1, "Rina", "Polsek Kedaton 02", 7)
    for output in ("cad", "ndr", "cad"):
        console.book.do(do="note", incident=1, kind="delivered", actor=output, detail="HTTP 202", output=output)
    console.book.do(do="note", incident=1, kind="delivery_failed", actor="ndr", detail="HTTP 503", attempts=2)
    console.book.do(do="note", incident=1, kind="moon_rose", phase="full", late=True)
    detail = console.browser.get("/incidents/1").text
    rows = [int(row) for row in re.findall(r'data-row="(\d+)"', detail)]
    assert rows == [7, 6, 5, 2, 1], "three deliveries in a row are one line"
    for shown in (
        "Tombol ditekan",
        "Polsek Kedaton 02 · tiba ± 7 menit",
        "cad, ndr",
        "HTTP 503 · 2 percobaan",
        "moon_rose",
    ):
        assert shown in detail
    assert "phase: full · tiba setelah ditutup" in detail


def test_each_language_words_everything_and_the_choice_is_kept(console: Console) -> None:
    console.book.press(1, delayed_s=60, **KEDATON)
    assert console.browser.post("/language", data={"language": "en"}).status_code == 303
    page, detail = console.browser.get("/").text, console.browser.get("/incidents/1").text
    assert '<html lang="en">' in page
    assert "Not yet seen" in page and "Belum dilihat" not in page
    assert "Acknowledge" in detail and "DELAYED 1 min" in detail and "in Kedaton" in detail
    console.browser.post("/language", data={"language": "xx"})
    assert '<html lang="en">' in console.browser.get("/").text


def test_times_are_in_wib_and_say_so(console: Console) -> None:
    console.book.press(1, at_ms=1_764_000_000_000, pressed_at_ms=1_764_000_000_000)  # 2025-11-24 16:00:00 UTC
    at = '<time data-at="1764000000000">24-11-2025 23:00:00 WIB</time>'  # of another day: with it
    assert at in console.browser.get("/incidents/1").text


def test_a_time_of_today_is_short_and_one_of_yesterday_has_its_day(console: Console) -> None:
    now_ms = console.clock.now_ms()
    midnight_ms = SITE.local.end_of(SITE.local.at(now_ms).date())
    console.clock.ahead_ms += midnight_ms - now_ms + 600_000  # ten past midnight, by the site's clock
    assert console.sign_in().status_code == 303  # that may be more than a shift away
    console.book.press(1, at_ms=midnight_ms + 1_000, pressed_at_ms=midnight_ms - 1_000)
    day = SITE.local.at(midnight_ms - 1_000).strftime("%d-%m-%Y")
    detail = console.browser.get("/incidents/1").text
    assert f">{day} 23:59:59 WIB</time>" in detail and ">00:00:01 WIB</time>" in detail


def test_the_page_is_the_site_s(console: Console) -> None:
    there = console.make(site=MAKASSAR)
    there.post("/sign-in", data={"name": "Rina"})
    console.book.press(1)
    page, detail = there.get("/").text, there.get("/incidents/1").text
    settings = settings_of(page)
    assert (settings["map"], [span[1:] for span in settings["zone"]]) == (  # type: ignore[attr-defined]
        [118.7, -7.8, 122.2, -1.8],
        [[28_800, "WITA"]],
    )
    assert "Polda Sulawesi Selatan" in page and "Waktu Indonesia Tengah" in page and " WITA</time>" in detail
    texts = settings["texts"]
    assert isinstance(texts, dict) and "112" in texts["dead"] and "112" in texts["trouble_store"]
    for told in (page, detail):
        assert not re.search(r"\bWIB\b|\b110\b", told)


def test_languages_stand_in_the_site_s_order(console: Console) -> None:
    page = console.make(site=site(languages=("en", "id"))).get("/sign-in").text
    assert re.findall(r'name="language" value="(\w+)"', page) == ["en", "id"]


def test_the_mode_is_on_the_page_unless_it_is_earnest(console: Console) -> None:
    from siaga_gateway.domain.incident import Mode

    assert "LATIHAN" not in console.browser.get("/").text
    drill = console.make(mode=Mode.EXERCISE)
    drill.post("/sign-in", data={"name": "Rina"})
    assert "Kejadian di sini bukan keadaan darurat nyata" in drill.get("/").text


def test_a_trial_is_in_the_feed_and_can_be_opened_but_is_never_in_the_queue(console: Console) -> None:
    last = console.book.do(do="trial", incident=1, person=2)
    console.book.do(do="note", kind="forged", counter=4, count=3)
    page = console.browser.get("/").text
    assert settings_of(page)["last"] == last + 1
    assert 'id="incident-1"' not in page
    assert 'id="incident-1"' not in console.browser.get("/incidents?ids=1").text
    feed = console.browser.get("/feed").text
    assert feed.index("Pesan PALSU ditolak") < feed.index("Uji tombol diterima")
    assert "3 pesan" in feed and 'data-open="1"' in feed and PEOPLE[2][3] in feed
    detail = console.browser.get("/incidents/1").text
    assert "UJI TEKNIS" in detail and "Tidak perlu tindakan" in detail and "data-step" not in detail


def test_a_gateway_in_test_mode_shows_its_incidents_live(console: Console) -> None:
    from siaga_gateway.domain.incident import Mode

    console.book.press(1, mode="test")
    bench = console.make(mode=Mode.TEST)
    bench.post("/sign-in", data={"name": "Rina"})
    assert "Jangan mengirim petugas" in bench.get("/").text
    assert 'id="incident-1"' in bench.get("/incidents?ids=1").text
    assert 'data-step="seen"' in bench.get("/incidents/1").text


def test_a_lost_broker_is_known_to_a_page_that_opens_later(console: Console) -> None:
    console.book.do(do="note", kind="broker_lost", why="refused", at_ms=1000)
    console.book.press(1)
    assert settings_of(console.browser.get("/").text)["broker_lost"] == 1000
    for _ in range(2_100):
        console.book.do(do="note", kind="position")
    assert settings_of(console.browser.get("/").text)["broker_lost"] == 1000, "also behind a busy night's rows"
    console.book.do(do="note", kind="broker_back", seconds=4)
    assert settings_of(console.browser.get("/").text)["broker_lost"] is None


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def test_hostile_text_is_only_ever_text(console: Console) -> None:
    owner = {"name": HOSTILE, "address": HOSTILE, "phone": HOSTILE}
    console.book.press(1, owner=owner, label=HOSTILE)
    console.book.assign(1, HOSTILE, HOSTILE, None)
    console.book.do(do="note", kind="malformed", reason=HOSTILE, actor=HOSTILE)
    console.book.close(1, HOSTILE, "abuse", HOSTILE)
    pages = [console.browser.get(path).text for path in ("/", "/incidents", "/incidents/1", "/feed")]
    pages.append(console.browser.post("/sign-in", data={"name": HOSTILE}).text)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img" not in page
    for page in (pages[1], pages[2], pages[3]):
        assert "&lt;script&gt;alert(1)" in page and "{{7*7}}" in page, "shown as it is, and never run as a template"


def test_a_language_cookie_and_a_session_cannot_smuggle_markup_into_the_settings(console: Console) -> None:
    browser = console.make()
    browser.post("/sign-in", data={"name": "</script><b>"})
    page = browser.get("/").text
    assert "</script><b>" not in page
    assert isinstance(settings_of(page)["texts"], dict)


def test_a_store_that_cannot_be_read_is_said_on_the_page_not_by_an_empty_one(
    console: Console, caplog: pytest.LogCaptureFixture
) -> None:
    console.book.press(1)
    console.book.fault = StoreFailing("passed_on", why="disk I/O error")
    console.book.broken = True
    answer = console.browser.get("/")
    assert answer.status_code == 200
    assert settings_of(answer.text)["store_failed"] is True
    assert settings_of(answer.text)["last"] is None
    assert console.browser.get("/incidents").status_code == 503
    assert console.browser.get("/health").status_code == 503
    assert "GET /incidents failed: disk I/O error" in caplog.text and "Traceback" not in caplog.text
    console.book.broken = False
    assert settings_of(console.browser.get("/").text)["store_failed"] is False
    assert console.browser.get("/health").json()["last"] == 1


def test_cards_can_be_asked_for_by_number_and_only_sensibly(console: Console) -> None:
    for number in (1, 2, 3):
        console.book.press(number)
    assert re.findall(r'id="incident-(\d+)"', console.browser.get("/incidents?ids=3,1,99").text) == ["1", "3"]
    for wrong in ("x", "1,,2", "0", "-1", str(2**63), ",".join(["1"] * 101)):
        assert console.browser.get(f"/incidents?ids={wrong}").status_code == 422
    assert console.browser.get("/incidents/99").status_code == 404
    assert console.browser.get(f"/incidents/{2**63}").status_code == 422

"""The holder's card says what the firmware shows, in both languages, and fits on its page."""

from __future__ import annotations

import base64
import functools
import json
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from chromium import CHROMIUM, launch
from micropython import FIRMWARE, ROOT, run_micropython
from siaga_gateway import catalogue
from siaga_tools.card.make import GROUPS, card
from siaga_tools.card.patterns import light_words, read_defaults, read_shown
from siaga_tools.device_cli import device
from siaga_tools.signal_styles import LOOKS
from visible_blinks import AT_REST, GRID_MS, REST_MS, WINDOW_MS, Look, look, looks

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHOWN = read_shown(FIRMWARE)
MM = 96 / 25.4


def card_for(firmware: Path, languages: tuple[str, ...], settings: dict[str, Any] | None = None) -> str:
    return card(firmware, languages, settings, emergency="110")


def text_of(page: str) -> str:
    body = re.sub(r"<(style|svg).*?</\1>", "", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def test_every_signal_of_the_firmware_is_on_the_card_once() -> None:
    listed = [signal for signals in GROUPS.values() for signal in signals]
    assert sorted(listed) == sorted(SHOWN.patterns), "a signal needs its group in card/make.py and its words in card.*"
    assert set(listed) == set(LOOKS) - {"off"}
    assert re.findall(r'data-signal="(\w+)"', card_for(FIRMWARE, ("id",))) == listed


def test_what_is_read_from_the_source_is_what_micropython_has() -> None:
    """The source is read by CPython's parser; the button's own interpreter has the last word."""
    program = """
import json
from siaga.app.settings import Settings
from siaga.drivers import indicator
played = {s: [p[0], indicator.steps(p[1]), indicator.steps(p[2])] for s, p in indicator.PATTERNS.items()}
good = {n: v for n, v in Settings.__dict__.items() if n[0] != "_" and not callable(v)}
print(json.dumps([played, good]))
"""
    played, defaults = json.loads(run_micropython(program))
    for signal, (tone, once, again) in played.items():
        pattern = SHOWN.patterns[signal]
        assert pattern.tone_hz == tone
        for mine, theirs in ((pattern.once, once), (pattern.again, again)):
            assert [[s.light * 1 + s.sound * 2 + s.vibration * 4, s.ms] for s in mine] == theirs, signal
    assert read_defaults(FIRMWARE) == defaults
    assert SHOWN.sound_s == 60


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_no_two_lights_are_told_in_the_same_words(language: str) -> None:
    told: dict[str, str] = {}
    for signal, pattern in SHOWN.patterns.items():
        key, numbers = light_words(pattern)
        words = catalogue.text(f"card.light.{key}", language, **numbers)
        if key != "dark":
            assert words not in told, (signal, told[words])
            told[words] = signal


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_what_calls_for_help_otherwise_says_so_first_and_nothing_else_does(language: str) -> None:
    first = {"id": "Telepon {emergency}!", "en": "Call {emergency}!"}[language]
    for signal in SHOWN.patterns:
        meaning = catalogue.texts("card", language)[f"card.signal.{signal}"]
        assert meaning.startswith(first) == (signal in GROUPS["call"]), signal


def test_the_times_are_the_buttons_own() -> None:
    page = text_of(card_for(FIRMWARE, ("id", "en")))
    for words in ("sampai bergetar (2 detik)", "until it vibrates (2 s)", "Hold 5 s during", "No answer for 20 s"):
        assert words in page
    assert "Below 15 %" in page
    other = text_of(card_for(FIRMWARE, ("id",), {"hold_ms": 2500, "no_ack_s": 45, "triple_tap": True}))
    for words in ("sampai bergetar (2,5 detik)", "45 detik tanpa jawaban", "ketuk tiga kali"):
        assert words in other
    assert "ketuk tiga kali" not in page


def test_a_test_is_told_so_that_nobody_holds_on_into_an_alarm() -> None:
    page = text_of(card_for(FIRMWARE, ("id", "en")))
    for words in ("lepas segera; tekan sebentar bila diminta", "let go at once; press briefly when asked"):
        assert words in page


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_110_and_the_limits_are_there_in_every_language(language: str) -> None:
    page = card_for(FIRMWARE, (language,))
    assert text_of(page).count("110") >= 6 and page.count("<li>") == 5


def test_how_a_forced_cancel_is_made_is_on_no_card() -> None:
    page = text_of(card_for(FIRMWARE, ("id", "en"))).lower()
    assert not re.search(r"\b8 (s|detik)\b|forced|paksa", page)


def test_a_silent_button_has_no_lights_on_its_card() -> None:
    silent = card_for(FIRMWARE, ("en",), {"silent": True})
    assert "only vibrates" in silent and 'class="on"' not in silent and 'class="beat"' in silent
    shown = re.findall(r'data-signal="(\w+)"', silent)
    assert shown == [signal for signals in GROUPS.values() for signal in signals if SHOWN.patterns[signal].vibrates]
    assert "more light" not in silent and "low_battery" not in shown, "its chirp is not heard, and it has no vibration"


@pytest.mark.parametrize("silent", [False, True])
def test_the_card_tells_the_site_s_emergency_number(silent: bool) -> None:
    page = text_of(card(FIRMWARE, ("id", "en"), {"silent": silent}, emergency="112"))
    assert page.count("112") >= 6 and not re.search(r"\b110\b", page)


def test_the_card_in_the_repository_is_this_one() -> None:
    kept = (ROOT / "firmware" / "card.html").read_text(encoding="utf-8")
    assert kept == card_for(FIRMWARE, catalogue.LANGUAGES), "renew it: siaga device card -o firmware/card.html"
    assert len(kept.encode()) < 40_000 and "http" not in kept


def test_the_command_writes_it_and_names_a_wrong_setting(tmp_path: Path) -> None:
    done = CliRunner().invoke(device, ["card", "--language", "en", "-o", str(tmp_path / "card.html")])
    assert done.exit_code == 0
    assert (tmp_path / "card.html").read_text(encoding="utf-8") == card_for(FIRMWARE, ("en",))
    for wrong, name in (
        ('{"hold_ms": "long"}', "hold_ms"),
        ('{"silent": 1}', "silent"),
        ('{"no_ack_s": -1}', "no_ack_s"),
        ('{"apn": 5}', "apn"),
        ('{"sillent": true}', "silent"),
        ("[]", "JSON"),
        ("{", " 1: "),
    ):
        (tmp_path / "s.json").write_text(wrong)
        refused = CliRunner().invoke(device, ["card", "--settings", str(tmp_path / "s.json")])
        assert refused.exit_code == 1 and "s.json" in refused.output and name in refused.output, wrong


@pytest.fixture(scope="module")
def chromium() -> Browser:
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium fonts-dejavu-core")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


LONGEST = {"hold_ms": 2500, "cancel_hold_ms": 12500, "triple_tap": True, "no_ack_s": 120, "low_battery": 90}


@pytest.mark.parametrize("languages", [("id", "en"), ("id",), ("en",)])
@pytest.mark.parametrize("settings", [{}, LONGEST, {"silent": True}])
def test_it_fits_on_one_page_of_a4_in_letters_of_9_points(
    chromium: Browser, languages: tuple[str, ...], settings: dict[str, object]
) -> None:
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(60_000)
    page.set_content(card_for(FIRMWARE, languages, settings))
    page.emulate_media(media="print")
    main, below = page.evaluate(
        "(e => [e.scrollHeight, e.getBoundingClientRect().bottom])(document.querySelector('main'))"
    )
    assert max(main, below) <= 297 * MM
    wide = page.evaluate(
        "[...document.querySelectorAll('td, th, h1, h2, li, footer span')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != 'inline')"
        ".map(e => e.textContent)"
    )
    assert wide == []
    sizes = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => [...e.childNodes].some(n => n.nodeType == 3 &&"
        " n.textContent.trim())).map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 9 * 96 / 72 - 0.01
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    width, height = map(float, re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", printed).groups())  # type: ignore[union-attr]
    assert abs(width - 595) < 2 and abs(height - 842) < 2


# What is lit in a picture of the page, from left to right, as the printer would have it.
READ_PICTURE = """async ([png, count]) => {
    const image = new Image();
    image.src = "data:image/png;base64," + png;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const row = context.getImageData(0, image.height >> 1, image.width, 1).data;
    return [...Array(count).keys()].map(i => {
        const at = 4 * Math.floor((i + 0.5) * image.width / count);
        return row[at] > 200 && row[at + 1] > 150 && row[at + 2] < 120;
    });
}"""


def test_whoever_has_only_the_card_names_the_state(chromium: Browser) -> None:
    """The pictures as they are printed, pixel by pixel, beside the lamp as the firmware plays it: for every pair of
    signals the picture of the one is not what anybody sees of the other, and it is what is seen of its own."""
    page = chromium.new_page(viewport={"width": 800, "height": 1130}, device_scale_factor=8)
    page.set_default_timeout(60_000)
    page.set_content(card_for(FIRMWARE, catalogue.LANGUAGES))
    page.emulate_media(media="print")
    drawn: dict[str, Look] = {}
    for signal in SHOWN.patterns:
        png = page.locator(f'tr[data-signal="{signal}"] svg').first.screenshot()
        lit = page.evaluate(READ_PICTURE, [base64.b64encode(png).decode(), WINDOW_MS // GRID_MS])
        drawn[signal] = look(lit)
    page.close()

    @functools.cache
    def lamp(signal: str, window_ms: int) -> set[Look]:
        return looks([(step.light, step.ms) for step in SHOWN.patterns[signal].again], window_ms)

    dark = {signal for signal, seen in drawn.items() if not seen.lit}
    assert dark == {"closed", "cancelled", "test_received"}
    for signal, picture in drawn.items():
        assert any(not picture.differs(seen) for seen in lamp(signal, WINDOW_MS)), (signal, picture)
        for other in SHOWN.patterns:
            if signal != other and not {signal, other} <= dark | set(AT_REST):
                seen = lamp(other, REST_MS if other in AT_REST else WINDOW_MS)
                assert all(picture.differs(each) for each in seen), (signal, other)

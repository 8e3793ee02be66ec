"""The holder's card says what the firmware shows, in both languages, and fits on its page."""

from __future__ import annotations

import json
import os
import re
import shutil
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from micropython import FIRMWARE, ROOT, run_micropython
from siaga_gateway import catalogue
from siaga_tools.card.make import GROUPS, card
from siaga_tools.card.patterns import light_words, read_defaults, read_shown
from siaga_tools.device import device
from siaga_tools.signals import LOOKS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHOWN = read_shown(FIRMWARE)
CHROMIUM = os.environ.get("SIAGA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
MM = 96 / 25.4


def text_of(page: str) -> str:
    body = re.sub(r"<(style|svg).*?</\1>", "", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def test_every_signal_of_the_firmware_is_on_the_card_once() -> None:
    listed = [signal for signals in GROUPS.values() for signal in signals]
    assert sorted(listed) == sorted(SHOWN.patterns), "a signal needs its group in card/make.py and its words in card.*"
    assert set(listed) == set(LOOKS) - {"off"}
    assert re.findall(r'data-signal="(\w+)"', card(FIRMWARE, ("id",))) == listed


def test_what_is_read_from_the_source_is_what_micropython_has() -> None:
    """The source is read by CPython's parser; the button's own interpreter has the last word."""
    program = """
import json
from siaga.app.chosen import Settings
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
    told = {}
    for signal, pattern in SHOWN.patterns.items():
        key, numbers = light_words(pattern)
        if key != "dark":
            told[signal] = catalogue.text(f"card.light.{key}", language, **numbers)
    alike = {("not_getting_through", "assigned")}  # told apart by the sound that goes on, and by the red field
    for signal, words in told.items():
        for other, same in told.items():
            assert signal == other or words != same or (signal, other) in alike | {(b, a) for a, b in alike}


def test_the_times_are_the_buttons_own() -> None:
    page = text_of(card(FIRMWARE, ("id", "en")))
    for words in ("Tahan tombol 2 detik", "Hold the button 2 s", "Hold 5 s during", "No answer for 20 s", "Below 15 %"):
        assert words in page
    other = text_of(card(FIRMWARE, ("id",), {"hold_ms": 2500, "no_ack_s": 45, "triple_tap": True}))
    for words in ("Tahan tombol 2,5 detik", "Tanpa jawaban 45 detik", "ketuk tiga kali"):
        assert words in other
    assert "ketuk tiga kali" not in page


def test_110_and_the_limits_are_on_every_half() -> None:
    for half in card(FIRMWARE, ("id", "en")).split("<article")[1:]:
        assert half.count("110") >= 4 and half.count("<li>") == 5


def test_how_a_forced_cancel_is_made_is_on_no_card() -> None:
    page = text_of(card(FIRMWARE, ("id", "en"))).lower()
    assert not re.search(r"\b8 (s|detik)\b|forced|paksa", page)


def test_a_silent_button_has_no_lights_on_its_card() -> None:
    silent = card(FIRMWARE, ("en",), {"silent": True})
    assert "only vibrates" in silent and 'class="on"' not in silent and 'class="beat"' in silent
    low = silent.split('data-signal="low_battery"')[1].split("</tr>")[0]
    assert "none" in low, "its chirp is not heard, and it has no vibration"


def test_the_card_in_the_repository_is_this_one() -> None:
    kept = (ROOT / "firmware" / "card.html").read_text(encoding="utf-8")
    assert kept == card(FIRMWARE, catalogue.LANGUAGES), "renew it: siaga device card -o firmware/card.html"
    assert len(kept.encode()) < 40_000 and "http" not in kept


def test_the_command_writes_it_and_names_a_wrong_setting(tmp_path: Path) -> None:
    done = CliRunner().invoke(device, ["card", "--language", "en", "-o", str(tmp_path / "card.html")])
    assert done.exit_code == 0
    assert (tmp_path / "card.html").read_text(encoding="utf-8") == card(FIRMWARE, ("en",))
    for wrong, name in (
        ('{"hold_ms": "long"}', "hold_ms"),
        ('{"silent": 1}', "silent"),
        ('{"no_ack_s": -1}', "no_ack_s"),
        ('{"apn": 5}', "apn"),
        ('{"sillent": true}', "silent"),
        ("[]", "JSON"),
        ("{", "line 1"),
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
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        yield browser
        browser.close()


LONGEST = {"hold_ms": 2500, "cancel_hold_ms": 12500, "triple_tap": True, "no_ack_s": 120, "low_battery": 90}


@pytest.mark.parametrize("languages", [("id", "en"), ("id",), ("en",)])
@pytest.mark.parametrize("settings", [{}, LONGEST, {"silent": True}])
def test_it_fits_on_one_page(chromium: Browser, languages: tuple[str, ...], settings: dict[str, object]) -> None:
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(60_000)
    page.set_content(card(FIRMWARE, languages, settings))
    page.emulate_media(media="print")
    paper_px = 210 * MM
    for spilled in page.evaluate("[...document.querySelectorAll('article')].map(a => a.scrollHeight)"):
        assert spilled <= paper_px
    wide = page.evaluate(
        "[...document.querySelectorAll('td, th, h1, h2, li, footer span')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
    )
    assert wide == []
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1

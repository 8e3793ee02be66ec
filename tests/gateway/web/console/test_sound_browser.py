"""Sound that fails, a page that stands still, a computer's clock that is wrong: in a real browser, each fault made."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Seat
from siaga_gateway.domain.permissions import Role

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = {"latitude": -53835400, "longitude": 1052596000}
Start = Callable[..., ServedConsole]
# Whether the page's clock is the gateway's, in the site's zone.
RIGHT = """(() => {
  const [h, m, s] = document.getElementById("clock").textContent.match(/[0-9]+/g)?.slice(-3).map(Number) ?? [];
  const apart = Math.abs(((window.real() / 1000 + 7 * 3600) % 86400) - (h * 3600 + m * 60 + s));
  return Math.min(apart, 86400 - apart) < 60;
})()"""
HEAR = """
(() => {
  const Real = window.AudioContext;
  const state = Object.getOwnPropertyDescriptor(BaseAudioContext.prototype, "state").get;
  window.made = [];
  window.dead = false; // as where every device is gone
  window.AudioContext = class extends Real {
    constructor(...given) { super(...given); window.made.push(this); }
    get state() { return window.dead ? "suspended" : state.call(this); }
    resume() { return window.dead ? new Promise(() => {}) : super.resume(); }
  };
  window.tones = 0;
  const create = BaseAudioContext.prototype.createOscillator;
  BaseAudioContext.prototype.createOscillator = function () { window.tones += 1; return create.call(this); };
  window.files = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () { window.files.push(this); return play.call(this); };
})();
"""
# A computer whose loudspeakers can be pulled out and put in again.
LOUDSPEAKERS = """
(() => {
  let there = 1;
  navigator.mediaDevices.enumerateDevices = async () => Array.from({ length: there }, () => ({ kind: "audiooutput" }));
  window.plugged = (count) => {
    there = count;
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  };
})();
"""


def test_a_sound_that_dies_comes_back_and_meanwhile_it_rings_by_the_second_way(served: Start, operator: Seat) -> None:
    console = served()
    rina = operator(console)
    page = rina.page
    page.add_init_script(HEAR)
    rina.start_duty()
    rina.until("made.length === 1 && document.getElementById('banner-sound').hidden")
    console.append({"do": "press", "incident": 1, **KEDATON})
    rina.until("tones >= 3 + 4")

    page.evaluate("made[0].close()")
    rina.until("made.length > 1 && made.at(-1).state === 'running'")
    page.evaluate("tones = 0")
    rina.until("tones >= 4 && document.getElementById('sound').dataset.state === 'on'")
    assert page.is_hidden("#banner-sound"), "by itself"

    # It says that it runs, and stands still: a driver that hangs.
    page.evaluate(
        "before = made.length; stuck = made.at(-1).currentTime;"
        "Object.defineProperty(made.at(-1), 'currentTime', { get: () => stuck })"
    )
    rina.until("made.length > before")
    page.evaluate("tones = 0")
    rina.until("tones >= 4 && document.getElementById('sound').dataset.state === 'on'")

    page.evaluate("dead = true; made.at(-1).close(); tones = 0")
    rina.see("#banner-sound:visible", "SUARA MATI di jalur utama")
    assert page.get_attribute("#sound", "data-state") == "off"
    rina.until("files.some((each) => each.currentTime > 0 && each.src.startsWith('blob:'))")
    assert page.evaluate("tones") == 0
    page.evaluate("dead = false; document.getElementById('sound-on').click()")
    page.wait_for_selector("#banner-sound", state="hidden")
    rina.until("tones >= 3 + 4")

    # What the second way plays is what the first would: as long, as loud, and no sample beyond the scale.
    found = page.evaluate(
        """async () => {
          const { wave } = await import("/static/js/wave.js");
          const { pattern } = await import("/static/js/sounds.js");
          const read = (kind, level) => {
            const { tones } = pattern(kind, level);
            const file = new DataView(wave(tones).buffer);
            const count = (file.byteLength - 44) / 2;
            const samples = Array.from({ length: count }, (_, at) => file.getInt16(44 + 2 * at, true));
            const seconds = Math.max(...tones.map(({ after, length }) => after + length));
            const loudest = Math.max(...samples.map(Math.abs)) / 32767;
            return [count / file.getUint32(24, true) / seconds, loudest / tones[0].level];
          };
          return ["first", "again", "held", "asked", "scene", "duress"].map((kind) => read(kind, 3)).flat();
        }"""
    )
    assert all(0.97 < each < 1.03 for each in found), found


def test_a_loudspeaker_that_is_pulled_out_or_taken_away_is_done_without_until_it_is_back(
    served: Start, operator: Seat
) -> None:
    rina = operator(served())
    page = rina.page
    page.add_init_script(HEAR + LOUDSPEAKERS)
    rina.start_duty()
    rina.until("made.length === 1 && document.getElementById('banner-sound').hidden")
    rina.console.append({"do": "press", "incident": 1, **KEDATON})
    rina.until("tones >= 3 + 4")

    # The computer takes the sound for a call, or the driver hangs: waking it comes to nothing, another one sounds.
    for state in ("interrupted", "suspended"):
        page.evaluate(
            "(state) => { before = made.length; const one = made.at(-1); one.resume = () => new Promise(() => {});"
            "Object.defineProperty(one, 'state', { get: () => state }); one.onstatechange(); }",
            state,
        )
        assert page.get_attribute("#sound", "data-state") != "on", "at once, not with the next beat"
        rina.until("made.length > before")
        page.evaluate("tones = 0")
        rina.until("tones >= 4 && document.getElementById('sound').dataset.state === 'on'")
        assert page.is_hidden("#banner-sound"), "by itself"

    # Pulled out, the context goes on counting into nothing: no other device is there.
    page.evaluate("plugged(0)")
    rina.see("#banner-sound:visible", "SUARA MATI di jalur utama")
    rina.until("files.length > 0")
    page.evaluate("before = made.length; plugged(1)")
    page.wait_for_selector("#banner-sound", state="hidden")
    rina.until("made.length > before")
    page.evaluate("tones = 0")
    rina.until("tones >= 4 && document.getElementById('sound').dataset.state === 'on'")


def test_a_page_that_was_frozen_says_so_and_misses_nothing(served: Start, operator: Seat) -> None:
    console = served()
    rina = operator(console)
    page = rina.page
    page.add_init_script(HEAR)
    rina.start_duty()
    rina.until("navigator.locks.query().then(({ held }) => held.length === 1)")
    assert page.is_hidden("#banner-frozen")
    console.append({"do": "press", "incident": 1, **KEDATON}, {"do": "press", "incident": 2})
    # Chromium freezes no page that is visible or holds a lock, whatever Page.setWebLifecycleState is told.
    page.evaluate("const end = performance.now() + 7500; while (performance.now() < end);")
    rina.card(1).wait_for()
    rina.see("#banner-frozen:visible", "HALAMAN INI BERHENTI dari")
    rina.until("tones >= 3 + 4")
    rina.card(2).wait_for()
    assert page.locator(".card-place").count() == 2, "nothing is missed, nothing is there twice"
    page.wait_for_selector('#link[data-state="up"]')
    page.click("#frozen-read")
    assert page.is_hidden("#banner-frozen")


def test_a_computer_whose_clock_is_wrong_or_is_set_shows_the_gateways_times(served: Start, operator: Seat) -> None:
    console = served(tick_s=30, watchdog_s=60)
    rina = operator(console)
    page = rina.page
    page.add_init_script(
        "window.real ??= Date.now.bind(Date); window.wrong = 7 * 3600e3; Date.now = () => window.real() + window.wrong;"
    )
    now_ms = time.time_ns() // 1_000_000
    console.append({"do": "press", "incident": 1}, {"do": "press", "incident": 2, "at_ms": now_ms - 26 * 3600_000})
    rina.start_duty()
    young = "/^([1-9]\\d* dtk|[1-4] mnt)$/.test(document.querySelector('#incident-1 [data-since]').textContent)"
    rina.until(young)
    rina.see("#incident-2 [data-since]", "1 hari 2 jam")
    # Somebody sets it; no tick comes by itself for half a minute.
    page.evaluate("window.wrong = -5 * 3600e3; document.getElementById('clock').textContent = ''")
    rina.until(RIGHT)
    rina.until(young)
    rina.see("#incident-2 [data-since]", "1 hari 2 jam")
    console.kill()
    rina.allow("net::ERR_")
    rina.see("#banner-link:visible", "SAMBUNGAN PUTUS sejak")
    said = re.search(r"sejak (\d\d):(\d\d):(\d\d) WIB", page.text_content("#banner-link") or "")
    assert said is not None
    there = datetime.now(UTC) + timedelta(hours=7)
    hour, minute, second = (int(each) for each in said.groups())
    since = there.replace(hour=hour, minute=minute, second=second)
    apart = abs((there - since).total_seconds())
    assert min(apart, 86_400 - apart) < 300, "by the gateway's clock"
    assert page.get_attribute("body", "translate") == "no", "a browser that translates would replace what is live"


def test_a_less_urgent_call_that_comes_holds_back_nothing_that_rings(served: Start, operator: Seat) -> None:
    rina = operator(served())
    rina.start_duty()
    waited_ms = rina.page.evaluate(
        """async () => {
          let heard = [];
          const start = OscillatorNode.prototype.start;
          OscillatorNode.prototype.start = function (...when) {
            heard.push([Math.round(this.frequency.value), performance.now()]);
            return start.apply(this, when);
          };
          const alarm = await import("/static/js/alarm.js?another"); // no card of this page rings in it
          await alarm.start({ test: false });
          const at = (frequency) => heard.find(([each]) => each === frequency)?.[1];
          const until = (is) => new Promise((done) => {
            const end = performance.now() + 30_000;
            const look = setInterval(() => {
              alarm.beat();
              if (!is() && performance.now() < end) return;
              clearInterval(look);
              done();
            }, 50);
          });
          const duress = { id: 1, sound: "duress", level: 0 };
          alarm.setCalls([duress]);
          await until(() => at(1568));
          alarm.setCalls([duress, { id: 2, sound: "asked", level: 0 }]);
          await until(() => at(784));
          const asked = at(784);
          heard = [];
          await until(() => at(1568));
          return at(1568) - asked;
        }"""
    )
    assert waited_ms is not None and waited_ms < 30_000, "duress rings each second and a half, not after a minute"


def test_an_auditors_console_is_silent_and_says_so(served: Start, operator: Seat) -> None:
    console = served({"Auditor Contoh": Role.AUDITOR, "Rina": Role.OPERATOR})
    auditor, rina = operator(console), operator(console)
    for one in (auditor, rina):
        one.page.add_init_script(HEAR)
    auditor.enter("Auditor Contoh")
    rina.start_duty("Rina")
    auditor.see("#banner-silent", "TIDAK BERDERING")
    auditor.page.wait_for_selector('#link[data-state="up"]')
    console.append({"do": "press", "incident": 1, **KEDATON})
    for one in (auditor, rina):
        one.card(1).wait_for()
    auditor.page.mouse.click(200, 300)  # the click that browsers wait for
    rina.until("tones >= 3 + 4 && !document.getElementById('flash').hidden")
    assert auditor.page.evaluate("tones === 0 && made.length === 0 && files.length === 0")
    assert auditor.page.evaluate("document.getElementById('flash').hidden")
    assert not auditor.page.is_visible("#duty") and auditor.page.is_hidden("#banner-sound")
    assert auditor.page.inner_text("#sound") == "Tanpa dering"

"""What an operator's browser shows, how soon, and what it costs: headless Chromium before the console, the map running.

From an event that is stored to its card on the screen and its sound; the longest that a key or a click has to wait
while 500 calls are open and 20 new ones come each second; what 2,000 calls that came and were closed leave in memory;
what the first page and later ones weigh. The console is the real one in a process of its own, on a store in a file.

The browser draws by the processor, the map too, which is most of what an event waits for where no graphics card is.
So there are, beside the times, the processor time of the page's own thread, which is the console's doing on any
machine, and the waits of a browser without a map.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, Playwright, sync_playwright
from telling import say

from chromium import CHROMIUM, launch
from gateway.web.conftest import OPERATOR, ServedConsole
from gateway.web.console_operator import Operator
from waiting import RUNS_S

CALLS = 30  # of which each is shown and heard for itself
APART_S = 1.3  # a call waits until it can be told from the one that sounds
OPEN = 500
EACH_SECOND = 20
TYPED_S = 20
SHIFT = 2_000
WARM = 100  # calls before memory is looked at for the first time
AT_ONCE = 20
SOUNDS = "--autoplay-policy=no-user-gesture-required"
LATER_PAGES = ("/protocols", "/search")
NOTE = "pintu kunci "
TO_THE_NOTE = """(() => {
  const field = document.querySelector("#running-note");
  if (field?.closest("details")) field.closest("details").open = true;
  field?.focus();
})()"""

# When each new card was painted, and when each sound began, in ms of the computer's clock.
WATCH = """(() => {
  window.painted = {};
  window.sounded = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    window.sounded.push(Date.now());
    return start.apply(this, when);
  };
  window.inputs = [];
  new PerformanceObserver((list) => {
    for (const { name, duration, processingEnd, startTime, processingStart } of list.getEntries()) {
      window.inputs.push([name, duration, processingStart - startTime, processingEnd - processingStart]);
    }
  }).observe({ type: "event", durationThreshold: 16 });
  const after = new MessageChannel(); // its message is read after the frame
  const waiting = [];
  after.port1.onmessage = () => { for (const id of waiting.splice(0)) window.painted[id] ??= Date.now(); };
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) {
      if (!node.classList?.contains("card-place")) continue;
      requestAnimationFrame(() => { waiting.push(node.dataset.id); after.port2.postMessage(null); });
    }
  }).observe(document, { childList: true, subtree: true });
})()"""


class Watched:
    """An operator before a console of their own, and what Chromium tells of the page."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.console = ServedConsole(folder)
        self.console.start()
        context = browser.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
        self.operator = Operator(context.new_page(), self.console)
        self.page = self.operator.page
        self.page.add_init_script(WATCH)
        self._session = context.new_cdp_session(self.page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def start_duty(self, *, with_map: bool = True) -> None:
        self.operator.start_duty()
        if with_map:
            self.operator.until("import('/static/js/base-map.js').then(({shownMap}) => shownMap() !== null)")

    def metrics(self) -> dict[str, float]:
        return {each["name"]: each["value"] for each in self._session.send("Performance.getMetrics")["metrics"]}

    def busy_s(self) -> float:
        """Processor time of the page's own thread so far."""
        return self.metrics()["TaskDuration"]

    def kept(self) -> dict[str, float]:
        """What the page holds when nothing is left to collect."""
        for _ in range(3):
            self._session.send("HeapProfiler.collectGarbage")
        return self.metrics()

    def press(self, *numbers: int) -> None:
        self.console.append(*({"do": "press", "incident": number, **place(number)} for number in numbers))

    def close(self, *numbers: int) -> None:
        closed = {"do": "close", "actor": OPERATOR, "disposition": "verified", "note": ""}
        self.console.append(*({**closed, "incident": number} for number in numbers))


def place(number: int) -> dict[str, int]:
    """Somewhere in the province, in 1e-7 degrees."""
    return {"latitude": -53_835_400 + number % 50 * 40_000, "longitude": 1_050_000_000 + number % 47 * 60_000}


@contextmanager
def watched(browser: Browser) -> Iterator[Watched]:
    with tempfile.TemporaryDirectory() as folder:
        one = Watched(browser, Path(folder))
        try:
            yield one
        finally:
            one.page.context.close()
            one.console.close()


def percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def to_pixels(browser: Browser) -> None:
    """One call after the other; each is closed before the next, so that nothing else rings."""
    with watched(browser) as one:
        one.start_duty()
        shown, heard, busy = [], [], []
        for number in range(1, CALLS + 2):
            time.sleep(APART_S)
            one.page.evaluate("window.sounded.length = 0")
            before = one.busy_s()
            stored_ms = time.time_ns() / 1e6
            one.press(number)
            one.operator.until(f"window.painted[{number}] && window.sounded.length", RUNS_S)
            painted, sounded = one.page.evaluate(f"[window.painted[{number}], window.sounded[0]]")
            if number > 1:  # the first makes what the others have
                shown.append(painted - stored_ms)
                heard.append(sounded - stored_ms)
                busy.append((one.busy_s() - before) * 1000)
            one.close(number)
            one.operator.until("!document.querySelector('#group-unseen .card-place')", RUNS_S)
    for name, values in (("painted", shown), ("sounding", heard)):
        say(f"a stored call is {name}, p50", median(values), "ms", wanted="under 100")
        say(f"a stored call is {name}, p95", percentile(values, 95), "ms", wanted="under 250")
    say("a stored call: the page's processor time, p50", median(busy), "ms")


def beside_a_storm(browser: Browser, *, with_map: bool = True) -> None:
    """A key, a click, a note that is typed, while calls come by themselves."""
    with watched(browser) as one:
        one.press(*range(1, OPEN + 1))
        one.start_duty(with_map=with_map)
        one.operator.until(f"document.querySelectorAll('#group-unseen .card-place').length === {OPEN}", RUNS_S)
        one.page.wait_for_selector("#detail textarea, #running-note", state="attached")
        one.page.evaluate("window.inputs.length = 0")
        number = OPEN
        began, before = time.monotonic(), one.busy_s()
        acts = inputs(one)
        browser.start_tracing(
            page=one.page, categories=["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"]
        )
        while (gone := time.monotonic() - began) < TYPED_S:
            due = OPEN + int(gone * EACH_SECOND)
            if due > number:
                one.press(*range(number + 1, due + 1))
                number = due
            next(acts)()
        busy_s, lasted = one.busy_s() - before, time.monotonic() - began
        tasks = own_tasks(browser.stop_tracing())
        one.operator.until(f"document.querySelectorAll('#group-unseen .card-place').length === {number}", RUNS_S)
        waits = one.page.evaluate("window.inputs")
    name = f"{OPEN} open, {EACH_SECOND} more a second" + ("" if with_map else ", no map")
    longest = max(waits, key=lambda wait: wait[1], default=["none", 0, 0, 0])
    say(f"{name}: longest wait of an input ({longest[0]})", longest[1], "ms", wanted="at most 200")
    say(f"{name}: inputs over 200 ms, of {len(waits)}", sum(wait[1] > 200 for wait in waits), "inputs", wanted="0")
    say(f"{name}: longest before the page takes it up", max((wait[2] for wait in waits), default=0), "ms")
    say(f"{name}: longest that the page works on it", max((wait[3] for wait in waits), default=0), "ms")
    say(f"{name}: longest task of the page, processor time", max(tasks), "ms", wanted="at most 200")
    say(f"{name}: the page's processor time", busy_s / lasted, "s a second")


def own_tasks(trace: bytes) -> list[float]:
    """Processor time, ms, of each task of the page's own thread: an input waits for one of them at most."""
    events = json.loads(trace)["traceEvents"]
    threads: dict[tuple[int, int], list[float]] = {}
    for each in events:
        if each["name"] == "RunTask" and "tdur" in each:
            threads.setdefault((each["pid"], each["tid"]), []).append(each["tdur"] / 1000)
    pages = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    return max((found for thread, found in threads.items() if thread in pages), key=sum, default=[0.0])


def inputs(one: Watched) -> Iterator[Callable[[], Any]]:
    """What an operator does, again and again: the next card, some words of a note, another card by a click."""
    keyboard, mouse, page = one.page.keyboard, one.page.mouse, one.page
    while True:
        yield partial(keyboard.press, "F2")
        yield partial(page.evaluate, TO_THE_NOTE)
        for letter in NOTE:
            yield partial(keyboard.press, letter)
        yield partial(mouse.click, 150, 400)


def kept_after_a_shift(browser: Browser) -> None:
    """Eight hours of calls in a few minutes."""
    with watched(browser) as one:
        one.start_duty()
        before: dict[str, float] = {}
        for first in range(1, SHIFT + WARM, AT_ONCE):
            numbers = range(first, first + AT_ONCE)
            if first > WARM and not before:
                before = one.kept()
            one.press(*numbers)
            last = numbers[-1]
            one.operator.until(f"document.querySelector('#group-unseen #incident-{last}')", RUNS_S)
            one.close(*numbers)
            one.operator.until("!document.querySelector('#group-unseen .card-place')", RUNS_S)
        after = one.kept()
    grown = (after["JSHeapUsedSize"] - before["JSHeapUsedSize"]) / 1e6
    say(f"after {SHIFT} calls: heap grown by", grown, "MB", wanted="under 50")
    for name, key in (("elements", "Nodes"), ("listeners", "JSEventListeners"), ("documents", "Documents")):
        say(f"after {SHIFT} calls: {name} more than before", after[key] - before[key], name)


def weight(browser: Browser) -> None:
    """A browser that has never been here, and its next pages."""
    with watched(browser) as one:
        bytes_of: list[int] = []
        session = one.page.context.new_cdp_session(one.page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda told: bytes_of.append(int(told["encodedDataLength"])))
        one.operator.sign_in()
        one.page.wait_for_load_state("networkidle")
        first_kb = sum(bytes_of) / 1000
        took = one.page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        painted = one.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
        say("first load, signing in and the queue: compressed", first_kb, "kB", wanted="under 700")
        say("first load: the queue stands, its programs run", took, "ms", wanted="under 1000")
        say("first load: something is painted", painted, "ms")
        for path in LATER_PAGES:
            bytes_of.clear()
            answer = one.page.goto(one.console.url + path)
            one.page.wait_for_load_state("networkidle")
            if answer is None or not answer.ok:
                raise SystemExit(f"no page {path}")
            say(f"later page {path}: compressed", sum(bytes_of) / 1000, "kB", wanted="under 50")


def without_a_map(driver: Playwright) -> None:
    """The same storm where the browser has no WebGL, as on an old computer: nothing is drawn but the page."""
    browser = launch(driver, SOUNDS, "--disable-3d-apis")
    beside_a_storm(browser, with_map=False)
    browser.close()


def main() -> None:
    if CHROMIUM is None:
        raise SystemExit("no Chromium: apt-get install chromium, or name one in SIAGA_CHROMIUM")
    with sync_playwright() as driver:
        browser = launch(driver, SOUNDS)
        try:
            for part in (to_pixels, beside_a_storm, kept_after_a_shift, weight):
                part(browser)
        finally:
            browser.close()
        without_a_map(driver)


if __name__ == "__main__":
    main()

"""What the console's map costs a browser: 2,000 incidents while somebody moves the map, and while 20 a second move.

Script time of the page's own thread for each frame, in headless Chromium, which draws by the processor: how many
frames a second come out is the machine's, what the page's scripts take of each is ours, and at 60 a second that is
16.7 ms at most.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright
from telling import say

from chromium import WHOLE, launch
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Operator

MARKERS = 2_000
MOVES = 20  # a second
SECONDS = 10
WANTED_MS = 16.7
# The module of the page, with cards that are no elements: what is measured is the map, not the queue.
FILL = """async (count) => {
  const map = await import("/static/js/map.js");
  window.benchCard = (id, east) => ({dataset: {
    id: String(id), title: `Contoh ${id}`, state: ["open", "seen", "assigned", "on_scene"][id % 4], accuracy: "40",
    latitude: String(-5.9 + (id % 50) * 0.03), longitude: String(103.9 + Math.floor(id / 50) * 0.045 + east), code: "",
  }});
  map.update(Array.from({length: count}, (_, id) => window.benchCard(id + 1, 0)));
  window.benchMap = map;
}"""
# Pans and zooms for so many ms, and moves some each second; returns the number of frames and the longest gap.
RUN = """async ([ms, moves]) => {
  const {shownMap} = await import("/static/js/base-map.js");
  const map = shownMap();
  const began = performance.now();
  let [frames, moved, last, longest] = [0, 0, began, 0];
  for (;;) {
    const now = await new Promise(requestAnimationFrame);
    longest = Math.max(longest, now - last);
    last = now;
    frames += 1;
    const gone = now - began;
    if (gone > ms) return {frames, longest, moved};
    if (moves === 0) {
      const turn = gone / 1500;
      map.jumpTo({center: [105.0 + 0.4 * Math.sin(turn), -5.2 + 0.3 * Math.cos(turn)], zoom: 8.5 + Math.sin(turn / 2)});
    }
    const due = Math.floor(gone * moves / 1000);
    if (due > moved) {
      const cards = [];
      for (; moved < due; moved += 1) cards.push(window.benchCard(moved % 2000 + 1, 0.002 * (1 + moved % 7)));
      window.benchMap.update(cards);
    }
  }
}"""


def metrics(session: Any) -> dict[str, float]:
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def measured(operator: Operator, session: Any, moves: int) -> tuple[float, float]:
    """Return the scripts' time for each frame, ms, and frames a second."""
    before = metrics(session)
    run = operator.page.evaluate(RUN, [SECONDS * 1000, moves])
    after = metrics(session)
    script_ms = (after["ScriptDuration"] - before["ScriptDuration"]) * 1000
    return script_ms / run["frames"], run["frames"] / SECONDS


def main() -> None:
    if WHOLE is None:
        raise SystemExit("no Chromium: apt-get install chromium, or name one in SIAGA_CHROMIUM")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        console = ServedConsole(Path(folder))
        console.start()
        browser = launch(driver, program=WHOLE)
        try:
            context = browser.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
            operator = Operator(context.new_page(), console)
            operator.start_duty()
            ready = "import('/static/js/base-map.js').then(({shownMap}) => shownMap() !== null)"
            operator.until(ready)
            operator.page.evaluate(FILL, MARKERS)
            shown = f"document.querySelector('#map').dataset.incidents === '{MARKERS}'"
            operator.until(shown)
            session = context.new_cdp_session(operator.page)
            session.send("Performance.enable")
            measured(operator, session, 0)  # warm
            wanted = f"under {WANTED_MS}"
            for name, moves in (("moving the map", 0), (f"{MOVES} of them move each second", MOVES)):
                script_ms, frames = measured(operator, session, moves)
                say(f"{MARKERS} incidents, {name}: scripts of a frame", script_ms, "ms", wanted=wanted)
                say(f"{MARKERS} incidents, {name}: frames, drawn by the processor", frames, "a second")
        finally:
            browser.close()
            console.close()


if __name__ == "__main__":
    main()

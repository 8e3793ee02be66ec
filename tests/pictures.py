"""Takes the pictures of README.md and CONSOLE.md anew, from the demo's story as a person at the console sees it.

    make pictures
    make pictures ARGS="--into build/pictures"      look first

Needs Chromium. The story is the real one, with its pauses; its people, places and numbers are invented.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from chromium import WHOLE, launch
from source_files import ROOT
from tools.siaga_process import Running

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER: Final = ROOT / "gateway"
TAKEN: Final = (
    *(
        "console",
        "pictures/ringing",
        "pictures/drill",
        "pictures/drill-report",
        "pictures/owner-case",
        "pictures/duress",
    ),
    *("pictures/climb", "pictures/maintenance"),
)
LARGEST: Final = 150_000  # bytes of one picture
_WIDE: Final = {"width": 1280, "height": 800}
_COLOURS: Final = 256  # where all of them would be too many
_PAUSE_S: Final = 12.0  # of the story: a page is loaded and drawn meanwhile
_SCENE_S: Final = 300.0
_DRAWN_MS: Final = 2_500  # the map's tiles, a card that moves
_PAGE: Final = "Operator's page: "


class Photographer:
    """One browser, signed in and on duty at a running demo's console."""

    def __init__(self, demo: Running, page: Page, console: str, into: Path) -> None:
        self._demo = demo
        self._page = page
        self._console = console
        self._into = into
        self._place = 0

    def sits_down(self) -> None:
        page = self._page
        page.goto(f"{self._console}/sign-in")
        page.fill("input[name=name]", "Rina Contoh")
        page.press("input[name=name]", "Enter")
        page.wait_for_selector("#duty[open]")
        page.click("#duty-start")

    def after(self, line: str) -> None:
        """Wait until the story says it."""
        self._place = self._demo.wait_line(line, after=self._place, deadline_s=_SCENE_S)

    def take(self, name: str, before: Callable[[Page], None] | None = None) -> None:
        """What the page shows now. before: what is done to it first."""
        if before is not None:
            before(self._page)
        self._page.wait_for_timeout(_DRAWN_MS)
        picture = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        assert name in TAKEN, name
        file = self._into / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.save(file, optimize=True)
        if file.stat().st_size > LARGEST:
            picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
        size = file.stat().st_size
        print(f"{file}: {size:,} bytes", flush=True)
        if size > LARGEST:
            raise SystemExit(f"{file} is larger than {LARGEST:,} bytes")

    def opens(self, path: str) -> Callable[[Page], None]:
        return lambda page: page.goto(f"{self._console}{path}") and None

    def at_the_console(self, page: Page) -> None:
        page.goto(f"{self._console}/")
        page.wait_for_selector('#link[data-state="up"]')


def first_card(page: Page) -> None:
    """The call on top of the queue is opened."""
    page.locator('#queue [id^=incident-]:not([data-state="closed"])').first.click()


def with_the_way(page: Page) -> None:
    """Zoomed out until whoever comes is on the map too."""
    first_card(page)
    page.wait_for_timeout(_DRAWN_MS)
    for _ in range(2):
        page.locator(".maplibregl-ctrl-zoom-out").click()
        page.wait_for_timeout(600)


def story(camera: Photographer) -> None:
    camera.after("LOOK: the call stands on top")
    camera.take("pictures/ringing", first_card)
    camera.after("is quicker")
    camera.take("console", with_the_way)
    camera.after("LOOK: the call is marked as an exercise")
    camera.take("pictures/drill", first_card)
    camera.after("The drill has ended")
    camera.take("pictures/drill-report", camera.opens("/drills/1"))
    camera.after("The third prank opened a case")
    camera.take("pictures/owner-case", camera.opens("/owners"))
    camera.at_the_console(camera._page)
    camera.after("shows the same as after a cancel")
    camera.take("pictures/duress", first_card)
    camera.after("After 20 s the Polda is called")
    camera.take("pictures/climb", first_card)
    camera.after("THE STORY IS OVER")
    camera.take("pictures/maintenance", camera.opens("/maintenance"))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--into", type=Path, default=FOLDER)
    into: Path = parser.parse_args().into
    if WHOLE is None:
        print("On Debian or Ubuntu: sudo apt-get install chromium fonts-dejavu-core", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="siaga-pictures-") as runtime, sync_playwright() as driver:
        more = ("--story", "--pause", str(_PAUSE_S), "--language", "en", "--nobody-answers")
        demo = Running("demo", "--plain", *more, runtime=Path(runtime))
        try:
            place = demo.wait_line(_PAGE, deadline_s=_SCENE_S)
            console = demo.lines[place - 1].partition(_PAGE)[2].rstrip("/")
            browser = launch(
                driver,
                "--use-gl=swiftshader",
                "--enable-unsafe-swiftshader",
                "--autoplay-policy=no-user-gesture-required",
                program=WHOLE,
            )
            context = browser.new_context(viewport=_WIDE, locale="en", color_scheme="light")  # type: ignore[arg-type]
            camera = Photographer(demo, context.new_page(), console, into)
            began = time.monotonic()
            camera.sits_down()
            story(camera)
            print(f"in {time.monotonic() - began:.0f} s", flush=True)
            browser.close()
        finally:
            demo.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

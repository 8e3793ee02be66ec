"""Chromium, as tests that look at pages start it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

_NAMED: Final = os.environ.get("SIAGA_CHROMIUM")
# With its windows, though nobody sees them: what pictures and figures of speed are made with.
WHOLE: Final = _NAMED or shutil.which("chromium") or shutil.which("chromium-browser")
# The headless shell is the same engine without them, at three fifths of the processor's time.
CHROMIUM: Final = _NAMED or shutil.which("chromium-headless-shell") or WHOLE
_STARTER: Final = Path(__file__).with_suffix(".sh")
_ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",  # a tab needs no second process in reserve
)


def launch(driver: Playwright, *more: str, program: str | None = CHROMIUM) -> Browser:
    """more: arguments. program: CHROMIUM or WHOLE; only where there is one."""
    assert program is not None
    environment: dict[str, str | float | bool] = {**os.environ, "SIAGA_CHROMIUM": program}
    return driver.chromium.launch(executable_path=_STARTER, args=[*_ARGUMENTS, *more], env=environment)

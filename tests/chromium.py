"""Chromium, as tests that look at pages start it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

CHROMIUM: Final = os.environ.get("SIAGA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
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


def launch(driver: Playwright, *more: str) -> Browser:
    """more: arguments. Only where there is a CHROMIUM."""
    assert CHROMIUM is not None
    environment: dict[str, str | float | bool] = {**os.environ, "SIAGA_CHROMIUM": CHROMIUM}
    return driver.chromium.launch(executable_path=_STARTER, args=[*_ARGUMENTS, *more], env=environment)

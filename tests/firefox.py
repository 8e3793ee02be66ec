"""Firefox, as a test that looks at a page in a second engine drives it: by Marionette, its own line for WebDriver.

Playwright drives only a Firefox that it built itself; geckodriver is no package of Debian. Marionette is in every
Firefox: JSON over TCP, each message with its length before it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from waiting import ENDS_S, RUNS_S, eventually

FIREFOX: Final = os.environ.get("SIAGA_FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
KEYS: Final = {"Enter": "\ue007", "F4": "\ue034", "F8": "\ue038", "F9": "\ue039"}
_PREFERENCES: Final = {
    "marionette.port": 0,  # any that is free; it writes down which
    "media.autoplay.default": 0,
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
}


class FirefoxFault(Exception):
    """It answered that it could not: WebDriver's name for why, what it was asked, in its words."""


class Firefox:
    """One page of one Firefox."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), RUNS_S)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._read()  # its greeting
        self._ask("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"pageLoadStrategy": "normal"}}})

    def _read(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            if not byte:
                raise FirefoxFault("Firefox is gone")
            length += byte
        return json.loads(self._stream.read(int(length)))

    def _ask(self, command: str, given: dict[str, Any]) -> Any:
        self._number += 1
        message = json.dumps([0, self._number, command, given]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._read()
        if error:
            raise FirefoxFault(error["error"], command, error["message"])
        return result

    def go(self, url: str) -> None:
        self._ask("WebDriver:Navigate", {"url": url})

    def evaluate(self, expression: str) -> Any:
        """What it is in the page. Outside the page's own script, whose rules forbid to evaluate text."""
        given = {"script": f"return ({expression});", "args": [], "sandbox": "test", "newSandbox": False}
        return self._ask("WebDriver:ExecuteScript", given)["value"]

    def until(self, expression: str) -> None:
        eventually(lambda: self.evaluate(expression), expression, timeout_s=ENDS_S)

    def click(self, selector: str) -> None:
        self._at(selector, "WebDriver:ElementClick", {})

    def type(self, selector: str, text: str) -> None:
        self._at(selector, "WebDriver:ElementSendKeys", {"text": text})

    def _at(self, selector: str, command: str, given: dict[str, Any]) -> None:
        """To the element that is there by then: the console draws a part anew whenever something happens to a call."""

        def done() -> bool:
            try:
                found = self._ask("WebDriver:FindElement", {"using": "css selector", "value": selector})["value"]
                self._ask(command, {"id": next(iter(found.values())), **given})
            except FirefoxFault as fault:
                if fault.args[0] not in ("stale element reference", "no such element", "element not interactable"):
                    raise
                return False
            return True

        eventually(done, f"{command} {selector}", timeout_s=ENDS_S)

    def press(self, key: str) -> None:
        """One key, to whatever has the focus."""
        actions = [{"type": kind, "value": KEYS[key]} for kind in ("keyDown", "keyUp")]
        self._ask("WebDriver:PerformActions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """One with a profile of its own in this folder. Only where there is a FIREFOX."""
    assert FIREFOX is not None
    profile = folder / "profile"
    profile.mkdir()
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    command = [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    environment = {**os.environ, "HOME": str(folder), "MOZ_HEADLESS_WIDTH": "1366", "MOZ_HEADLESS_HEIGHT": "768"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        told = profile / "MarionetteActivePort"
        eventually(lambda: told.exists() and told.read_text(), "Firefox listens", timeout_s=RUNS_S)
        page = Firefox(int(told.read_text()))
        yield page
        page.close()
    finally:
        process.terminate()
        try:
            process.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

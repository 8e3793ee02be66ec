"""What a worker of pytest-xdist says of a test, in one message in place of six, which execnet's own Python would pack
and unpack one by one, a millisecond of a core a test.

A failure is told at once, with all before it. A worker that dies in a test is missed as ever: what it had finished was
told.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any, Final

import pytest

_NAME: Final = "siaga_together"
# Of a test that runs; whatever else a worker says goes at once.
_OF_A_TEST: Final = ("logstart", "testreport", "logfinish", "warning_recorded")
_LAST: Final = "runtest_protocol_complete"


class Together:
    """A worker's channel that keeps a test's events until the last of them."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._kept: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def send(self, event: tuple[str, dict[str, Any]]) -> None:
        name, told = event
        if name not in (*_OF_A_TEST, _LAST):
            self._flush()
            self._channel.send(event)
            return
        self._kept.append(event)
        if name == _LAST or (name == "testreport" and told["data"].get("outcome") == "failed"):
            self._flush()

    def _flush(self) -> None:
        kept, self._kept = self._kept, []
        if not kept:
            return
        try:
            packed = marshal.dumps(kept)
        except ValueError:  # what is no plain value, execnet may still know
            for event in kept:
                self._channel.send(event)
        else:
            self._channel.send((_NAME, {"packed": packed}))


def unpacked(process: Callable[[Any], object], message: Any) -> None:
    """Let `process` have each event of a message, as if each had come by itself."""
    if isinstance(message, tuple) and message[0] == _NAME:
        for event in marshal.loads(message[1]["packed"]):
            process(event)
    else:
        process(message)


def pytest_sessionstart(session: pytest.Session) -> None:
    """In a worker."""
    for plugin in session.config.pluginmanager.get_plugins():
        if hasattr(session.config, "workerinput") and hasattr(plugin, "sendevent"):
            plugin.channel = Together(plugin.channel)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the process that shares the tests out: the hook is called before the worker is heard."""
    process = node.process_from_remote
    node.process_from_remote = lambda message: unpacked(process, message)

"""Outputs by SIA DC-09 to a receiver on loopback."""

from __future__ import annotations

from typing import Any

from gateway.fake_ports import ManualClock
from gateway.outputs.sample_incidents import SENT_MS
from siaga_gateway.adapters.outputs.dc09 import Dc09Output
from siaga_gateway.formats.dc09 import Line
from siaga_gateway.formats.dc09_events import CONTACT_ID, SIA, Format

KEY = b"0123456789ABCDEF"


def sia(port: int, key: bytes | None = None, **settings: Any) -> Dc09Output:
    return _output(port, key, Format(SIA, True, language="en"), **settings)


def contact_id(port: int, key: bytes | None = None, **settings: Any) -> Dc09Output:
    return _output(port, key, Format(CONTACT_ID, False, language="en"), **settings)


def _output(port: int, key: bytes | None, wanted: Format, **settings: Any) -> Dc09Output:
    settings = {"clock": ManualClock(SENT_MS), "language": "en", "receives_tests": True, **settings}
    return Dc09Output("cad", ("127.0.0.1", port), Line("1234", "1", "0", key), wanted, **settings)

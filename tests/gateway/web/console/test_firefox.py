"""The main path in a second engine, Firefox: sign in, a call that rings, acknowledged, sent to, noted, closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firefox import FIREFOX, firefox
from gateway.web.conftest import OPERATOR, ServedConsole

KEDATON = {"latitude": -53835400, "longitude": 1052596000}


def test_a_call_from_its_ringing_to_its_end(served: Callable[..., ServedConsole], tmp_path: Path) -> None:
    if FIREFOX is None:
        pytest.skip("no Firefox: apt-get install firefox-esr, or name one in SIAGA_FIREFOX")
    console = served()
    with firefox(tmp_path) as page:
        page.go(console.url)
        page.type("#name", OPERATOR + "\ue007")
        page.until("document.querySelector('#duty[open]') !== null")
        page.click("#duty-start")
        page.until("document.querySelector('#link').dataset.state === 'up'")
        # The map is there, or it is told that there is none.
        page.until("document.querySelector('#map canvas') !== null || !document.getElementById('map-note').hidden")
        # A machine without a sound device says so; the call is shown either way.
        page.until(
            "document.getElementById('sound').dataset.state === 'on' || !document.getElementById('banner-sound').hidden"
        )

        console.append({"do": "press", "incident": 1, **KEDATON})
        page.until("document.querySelector('#group-unseen #incident-1') !== null")
        page.until("document.querySelector('#detail article')?.dataset.id === '1' && document.title.includes('1')")
        assert page.evaluate("document.body.classList.contains('has-unseen')"), "it rings"
        page.press("F4")
        page.until("document.querySelector('#group-active #incident-1')?.dataset.state === 'seen'")
        assert not page.evaluate("document.body.classList.contains('has-unseen')")

        page.press("F8")
        page.until("document.activeElement.id === 'unit'")
        page.type("#unit", "Raimas 2\ue007")
        page.until("document.querySelector('#incident-1').dataset.state === 'assigned'")
        page.evaluate("document.getElementById('running-note').closest('details')?.setAttribute('open', '')")
        page.type("#running-note", "Korban di teras")
        page.click("#running-note ~ button, form:has(#running-note) button")
        page.until("document.getElementById('detail').textContent.includes('Korban di teras')")

        page.press("F9")
        page.until("document.activeElement.matches('#detail details[data-keep=close] input')")
        page.evaluate("document.activeElement.click()")
        page.type("#note", "Ditolong")
        page.click("#detail form:has(#note) button")
        page.until("document.querySelector('#group-closed #incident-1') !== null")

"""From a press to a desk's key on the telephone and back to the button, by the real processes and a simulated modem on
a real pty; and what is told when the modem is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from brokers import embedded_broker
from gateway.command_button import ObeyingButton
from gateway.enrolled_devices import enrolled_buttons
from gateway.ways.modem_place import PACE, presses_yes
from pressing_button import at
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service.dispatch.way_faults import remembered_as
from siaga_gateway.service.journal import kinds as journal
from siaga_tools.silicon.a7670 import A7670
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually

DESK = "+62721000003"
STATIONS = f"kunci;jenis;nama;induk;lintang;bujur;telepon\nne;polsek;Polsek Contoh;;-5,42;105,26;{DESK}\n"


@pytest.fixture
def modem(tmp_path: Path) -> Iterator[A7670]:
    with A7670(tmp_path / "texts", pace=PACE) as made:
        made.plug_in_as(tmp_path / "usb-telephone-if00")
        made.power_on()
        made.speech.hears = presses_yes
        eventually(made.radio.has_network)
        yield made


def test_a_press_rings_the_desk_and_its_key_reaches_the_button(modem: A7670, tmp_path: Path) -> None:
    with embedded_broker() as port:
        gateway = Gateway(tmp_path, port)
        with gateway.config.open("a", encoding="utf-8") as config:
            config.write(
                f'\n[[ways]]\nname = "telepon"\nkind = "phone"\ndevice = "{modem.path}"\n[metrics]\nport = 0\n'
            )
        (tmp_path / "stations.csv").write_text(STATIONS, encoding="utf-8")
        gateway.command("stations", "import", str(tmp_path / "stations.csv"), "--by", "Dewi")
        button = ObeyingButton(enrolled_buttons(gateway.data, 1)[0])
        store = SqlStore(store_path(gateway.data), 0)
        try:
            with gateway:
                button.wake(port)
                frame = button.button.press(int(time.time()), **at())
                assert button.say(button.button.counter, frame) >= Stage.RECEIVED
                eventually(lambda: button.acknowledged(button.button.counter) >= Stage.SEEN)
                (incident,) = store.open_incidents()
                assert incident.state is IncidentState.SEEN and incident.seen_by == "Polsek Contoh (lewat telepon)"
                assert modem.voice.dialled == [DESK]
                eventually(lambda: "Tercatat: Anda menangani panggilan ini. Terima kasih." in modem.speech.said)
                eventually(lambda: told(store, incident.id) == {("station:ne", "dijawab: ya")})

                modem.do(modem.unplug)
                assert button.say(button.button.counter + 1, button.button.press(int(time.time()), **at()))
                eventually(lambda: store.remembered(remembered_as("telepon")), "the desk could not be rung again")
                told_ready = httpx.get(f"{gateway.ready['operations']}/readyz", timeout=ENDS_S).json()
                assert told_ready["ready"] and modem.path in told_ready["warnings"]["ways"]
                assert journal.WAY_LOST in {each.kind for each in store.journal_last(50)}
        finally:
            button.sleep()
            store.close()


def told(store: SqlStore, incident_id: int) -> set[tuple[str, str | None]]:
    return {(each.recipient, each.detail) for each in store.notifications_of(incident_id) if each.way == "phone"}

"""A press of the whole virtual button by LTE, and by a text message where there is no data service."""

from __future__ import annotations

import base64
from pathlib import Path

from brokers import Mosquitto, free_port
from firmware.button_process import VirtualButton
from firmware.small_gateway import SmallGateway
from gateway.outputs.receiver_certificates import Authority
from siaga_gateway.domain.frame import Kind, Stage, decode_uplink
from siaga_gateway.domain.frame_authentication import verify
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.modem_sms import Message, read_message, write_message
from waiting import eventually

PACE = 0.04


def messages(folder: Path) -> list[Message]:
    def files() -> list[Path]:
        return [file for file in folder.iterdir() if not file.name.startswith(".")] if folder.is_dir() else []

    return [read_message(file) for file in eventually(files, "a message")]


def test_a_press_by_lte_and_one_by_text_message(tmp_path: Path):
    authority = Authority(tmp_path, "house")
    authority.server("localhost")
    certificate = tmp_path / "localhost-False.pem"
    plain, secure = free_port(), free_port()
    listeners = (f"listener {plain} 127.0.0.1", f"listener {secure} 127.0.0.1")
    broker = Mosquitto(
        tmp_path / "mosquitto", *listeners, f"certfile {certificate}", f"keyfile {certificate}", port=plain
    )
    with broker, SmallGateway(plain) as gateway, A7670(tmp_path, pace=PACE) as modem:
        settings = {
            "mqtt_hosts": ["localhost"],
            "mqtt_port": secure,
            "mqtt_tls": True,
            "mqtt_ca": authority.file.read_text(),
            "gateway_key": gateway.public_hex,
            "checkin_s": 600,
            "sms_numbers": ["+6281100000110"],
        }
        it = VirtualButton(tmp_path / "button", settings)
        it.environment = {
            "SIAGA_MODEM": modem.path,
            "SIAGA_MODEM_PINS": modem.pins.path,
            "SIAGA_PERCENT": "4",
        }
        try:
            it.start()
            it.until(ev="bearer", bearer="lte", up=True)
            counter = it.press()
            it.until(ev="frame", kind=1, counter=counter, step="acknowledged", bearer="lte")
            it.until(ev="state", state="received")
            known = len(it.events)
            modem.fail(Fault.NO_DATA)
            modem.drop_network()
            it.until(since=known, ev="bearer", bearer="lte", up=False)
            gateway.acknowledge(gateway.uplinks[-1], Stage.CLOSED, counter=counter)
            known = len(it.events)
            it.say(f"fix {-53971000} {1052668000} 12")
            # A check-in may go by text message too, before the update or after it.
            it.until(since=known, ev="frame", kind=int(Kind.UPDATE), step="puback", bearer="sms")
            uplinks = [
                decode_uplink(base64.b64decode(each.text)) for each in messages(tmp_path / "outgoing" / "6281100000110")
            ]
            assert all(verify(uplink, gateway.devices[uplink.device_id]) for uplink in uplinks)
            update = next(uplink for uplink in uplinks if uplink.kind is Kind.UPDATE)
            down = gateway.acknowledge(update, Stage.RECEIVED)
            write_message(tmp_path / "incoming", "From", Message("+6281100000110", base64.b64encode(down).decode()))
            it.until(ev="frame", counter=update.counter, step="acknowledged", bearer="sms")
        finally:
            it.kill()

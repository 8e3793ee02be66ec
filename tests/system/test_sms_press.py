"""A press by text message from the button's firmware to the gateway and back: the real both ends, a simulated modem."""

from __future__ import annotations

from pathlib import Path

from brokers import Mosquitto, free_port
from firmware.button_process import VirtualButton
from siaga_tools.silicon.a7670 import A7670
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually

NUMBER = "+6281100000110"
PACE = 0.04


def test_a_button_whose_broker_is_out_of_reach_presses_by_text_message(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker, A7670(tmp_path / "modem", pace=PACE) as modem:
        inbox = tmp_path / "modem" / "outgoing" / NUMBER.removeprefix("+")
        inbox.mkdir(parents=True, exist_ok=True)
        gateway = Gateway(tmp_path / "gateway", broker.port)
        with gateway.config.open("a", encoding="utf-8") as config:
            config.write(f'\n[sms]\nspool = "smstools"\ninbox = "{inbox}"\noutbox = "{tmp_path}/modem/incoming"\n')
        gateway.start()
        wanted = {
            "mqtt_hosts": ["localhost"],
            "mqtt_port": free_port(),  # nobody listens there
            "gateway_key": gateway.public_hex,
            "checkin_s": 600,
            "sms_numbers": [NUMBER],
        }
        button = VirtualButton(tmp_path / "button", wanted)
        button.environment = {
            "SIAGA_MODEM": modem.path,
            "SIAGA_MODEM_PINS": modem.pins.path,
            "SIAGA_PERCENT": "4",
        }
        try:
            button.start()
            gateway.enrol(button.device_id, frame=str(button.until(ev="start")["enrol"]))
            button.until(ev="bearer", bearer="sms", up=True, within=ENDS_S)
            counter = button.press()
            button.until(ev="frame", kind=1, counter=counter, step="acknowledged", bearer="sms", within=ENDS_S)
            button.until(ev="state", state="received")
            assert gateway.kinds().count("incident_opened") == 1
            eventually(lambda: not list(inbox.iterdir()), "what is stored is removed")
        finally:
            button.kill()
            gateway.kill()

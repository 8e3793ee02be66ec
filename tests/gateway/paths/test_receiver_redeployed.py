"""A receiver that is being redeployed, or whose token is being changed: its proxy answers other than 2xx meanwhile."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

from bare_mqtt import BareClient
from brokers import embedded_broker
from gateway.enrolled_devices import enrolled_buttons
from gateway.fake_ports import RunningClock
from gateway.outputs.alarm_receiver import AlarmReceiver
from gateway.outputs.http_receiver import Handler, Receiver, answer
from pressing_button import at
from siaga_gateway.service.journal import kinds as journal
from system.running_gateway import SECRET, Gateway
from waiting import ENDS_S, eventually

REFUSING = (302, 401, 403, 404)
REFUSALS = 5  # about ten seconds of them


def test_a_press_is_delivered_within_seconds_of_the_receivers_recovery_without_a_person(tmp_path: Path) -> None:
    came: defaultdict[str, list[float]] = defaultdict(list)

    def redeployed(handler: Handler) -> None:
        """Each path is an output's, and the status that it answers until it has refused often enough."""
        status = handler.path.strip("/")
        came[status].append(time.monotonic())
        refuses = len(came[status]) <= REFUSALS
        elsewhere = {"location": "https://login.example/"} if status == "302" else {}
        answer(int(status) if refuses else 204, elsewhere)(handler)

    with embedded_broker() as port, Receiver(redeployed) as receiver:
        gateway = Gateway(tmp_path / "gateway", port)
        with gateway.config.open("a", encoding="utf-8") as config:
            for status in REFUSING:
                url = f"http://127.0.0.1:{receiver.port}/{status}"
                config.write(
                    f'\n[[outputs]]\nname = "cad{status}"\nkind = "webhook"\nurl = "{url}"\nsecret = "{SECRET}"\n'
                )
        (button,) = enrolled_buttons(gateway.data, 1)
        with gateway:
            with BareClient(port) as client:
                client.connect(None, None)
                client.publish(f"siaga/v1/up/{button.device_id.hex()}", button.press(int(time.time()), **at()))

            def delivered() -> set[str]:
                return {entry["actor"] for entry in gateway.log() if entry["kind"] == journal.DELIVERED}

            eventually(
                lambda: len(delivered()) == len(REFUSING),
                lambda: f"delivered everywhere: {dict(came)}",
                timeout_s=ENDS_S,
            )
        assert journal.DELIVERY_ABANDONED not in gateway.kinds()
    for times in came.values():
        assert len(times) == REFUSALS + 1, "taken once, at the first try after the recovery"
    assert {request.headers["webhook-id"].rsplit(".", 2)[1] for request in receiver.requests} == {"1"}


def test_an_alarm_receiving_centre_is_greeted_and_gets_the_call(tmp_path: Path) -> None:
    with embedded_broker() as port, AlarmReceiver(RunningClock(), b"0123456789ABCDEF") as centre:
        gateway = Gateway(tmp_path / "gateway", port)
        with gateway.config.open("a", encoding="utf-8") as config:
            config.write(
                f'\n[[outputs]]\nname = "centre"\nkind = "dc09"\nhost = "127.0.0.1"\nport = {centre.port}\n'
                'account = "1A2B"\nencryption_key = "0123456789ABCDEF"\nsupervision_s = 10\ndeadline_s = 1\n'
            )
        (button,) = enrolled_buttons(gateway.data, 1)
        with gateway:
            eventually(lambda: [event.token for event in centre.events] == ["NULL"], "a supervision message")
            with BareClient(port) as client:
                client.connect(None, None)
                client.publish(f"siaga/v1/up/{button.device_id.hex()}", button.press(int(time.time()), **at()))
            eventually(lambda: centre.events[-1].token == "SIA-DCS", "the call")
            assert "/PA001^" in centre.events[-1].data and "[X" in centre.events[-1].blocks
        assert centre.faults == []

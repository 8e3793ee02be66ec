"""Steps: broker, gateway, and the people at the gateway and around it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Sequence

from siaga_gateway.domain.frame import Kind, encode_ack
from siaga_gateway.domain.frame import Stage as AckStage
from siaga_tools.virtual_button import ButtonEvent
from stage.scene import Scene
from stage.steps import step
from system.installation import ACTOR


def heard(events: Sequence[ButtonEvent]) -> list[ButtonEvent]:
    """Acknowledgements that came: those that verified, and those of frames whose digests the button holds no more."""
    return [
        event
        for event in events
        if event.kind == "ack" or (event.kind == "log" and str(event.facts["what"]).startswith("not looked at: "))
    ]


class People(Scene):
    """What is done at the other end."""

    @step("gateway killed")
    def gateway_down(self) -> None:
        """SIGKILL."""
        self.act()
        self.house.gateway.kill()

    @step("gateway started")
    def gateway_up(self) -> None:
        """The same one again, with its store."""
        self.act()
        self.house.gateway.start()

    @step("broker killed")
    def broker_down(self) -> None:
        """SIGKILL."""
        self.act()
        self.house.broker.kill()

    @step("broker started")
    def broker_up(self) -> None:
        """The same one again."""
        self.act()
        self.house.broker.start()

    @step("broker frozen")
    def broker_frozen(self) -> None:
        """SIGSTOP: its connections stay, and nobody answers on them; a link that died without a word looks the same."""
        self.act()
        assert self.house.broker.process is not None
        self.house.broker.process.send_signal(signal.SIGSTOP)

    @step("broker thawed")
    def broker_thawed(self) -> None:
        """It goes on as if nothing had been."""
        self.act()
        assert self.house.broker.process is not None
        self.house.broker.process.send_signal(signal.SIGCONT)

    @step("broker replaced by an empty one")
    def broker_replaced(self) -> None:
        """SIGKILL, and another one at its address that knows no session and no message."""
        self.act()
        self.house.replace_broker()

    @step("operator: <word>")
    def operator(self, what: str) -> None:
        """On the console, with its newest incident: seen, assign, on-scene, close."""
        self.act()
        self.house.operate(self.incident()["id"], what)

    @step("the registrar enrols it from the quarantine")
    def enrol(self) -> None:
        """It has called, and waits there with its key proven; now it gets its owner."""
        self.act()
        self.until(lambda: self.house.calls(self.device_id), "its call in the quarantine")
        self.house.enrol(self._enrol_frame, self._number)

    @step("the registrar commands <word>")
    def command(self, what: str) -> None:
        """By `siaga gateway command`: locate, test, restart, or hold_ms, a setting that is no good."""
        self.act()
        words = ("settings", '{"hold_ms": 1}') if what == "hold_ms" else (what,)
        self.house.gateway.command("command", self.device_id, *words, "--by", ACTOR)

    @step("it answers <word>")
    def answers(self, result: str) -> None:
        """The gateway has its receipt: done, refused or failed."""

        def told() -> bool:
            answers = [one for one in self.house.journal(self.device_id) if one["kind"] == "command_answered"]
            return bool(answers) and json.loads(answers[-1]["facts"])["result"] == result

        self.until(told, f"a receipt that says {result}")

    @step("registration <word>")
    def registration(self, state: str) -> None:
        """The registrar changes what its presses are worth: active, suspended, expired, stolen."""
        self.act()
        self.house.registration(self.device_id, state)

    @step("somebody replays what the gateway said")
    def replay(self) -> None:
        """All that it was ever sent by MQTT, forgeries among it, once more, in the broker's name."""
        self.act()
        before = heard(self.button.events.all())
        topic = f"siaga/v1/down/{self.device_id}"
        recorded = [payload for where, payload in list(self.house.downlinks) if where == topic]
        assert recorded, "the gateway has sent it nothing by MQTT"
        forged = sum(payload in self._forged for payload in recorded)
        for payload in recorded:
            self.house.publish(topic, payload)

        def all_came() -> bool:
            told = heard(self.button.events.all())
            return len(told) >= len(before) + len(recorded) - forged

        self.until(all_came, "the replay at the button")

    @step("somebody forges a stage <word>")
    def forge(self, stage: str) -> None:
        """An acknowledgement of its newest press under a key that is not the gateway's."""
        self.act()
        counter = int(self.stored(Kind.PRESS)[-1])
        device_id, now_s = bytes.fromhex(self.device_id), int(time.time())
        frame = encode_ack(bytes(32), device_id, counter, bytes(32), now_s, AckStage[stage.upper()])
        self.house.publish(f"siaga/v1/down/{self.device_id}", frame)
        self._forged.append(frame)
        self.wait(
            lambda event: event.kind == "log" and str(event.facts["what"]).startswith("refused: a downlink"),
            "its refusal",
        )

"""Presses behind a burst of check-ins, through a real broker and one connection: they do not wait for the burst."""

from __future__ import annotations

from pathlib import Path

from paho.mqtt import publish
from paho.mqtt.enums import CallbackAPIVersion

from brokers import Mosquitto
from gateway.fake_ports import ManualClock
from gateway.ingest_harness import DEFAULTS, NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, report_body
from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.config.mqtt import MqttSettings
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.lanes import CHECKIN, URGENT
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from waiting import eventually

CHECK_INS = 5_000
PRESSES = 40
ROOM = 4_000  # so 2,000 check-ins may wait
OTHERS = 100


class Answers:
    """Counters answered, in order; check-ins have counters above 1,000."""

    def __init__(self) -> None:
        self.counters: list[int] = []

    def send(self, device_id: bytes, frame: bytes) -> None:
        self.counters.append(int.from_bytes(frame[10:14], "big"))


class _Listener:
    def __init__(self, came: list[bytes]) -> None:
        self._came = came

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        self._came.append(frame.raw)
        return True


def checkin(button: PressingButton, counter: int) -> bytes:
    return button.frame(Kind.CHECKIN, counter, report_body(NOW_S), Suite.HS256_64)


def test_presses_behind_a_burst_of_check_ins_are_answered_before_it(tmp_path: Path) -> None:
    for folder in ("gateway", "broker"):
        (tmp_path / folder).mkdir()
    desk, answers = IngestHarness(tmp_path / "gateway"), Answers()
    routine = [desk.button() for _ in range(100)]
    burst = [(button, checkin(button, 1_001 + n)) for n in range(CHECK_INS // len(routine)) for button in routine]
    presses = [(button, button.press(NOW_S)) for button in (desk.button() for _ in range(PRESSES))]
    with Mosquitto(tmp_path / "broker", "max_inflight_messages 0") as broker:
        ingest = Ingest(
            store=desk.store,
            keyring=desk.keyring,
            sender=answers,
            notifier=JournalNotifier(),
            clock=ManualClock(NOW_MS),
            defaults=DEFAULTS,
            limits=Limits(queue=ROOM, others=OTHERS),
        )
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        link = MqttLink(settings, gateway="test", clock=ManualClock(NOW_MS), sink=ingest)
        link.start()
        buttons = PahoClient(CallbackAPIVersion.VERSION2)
        buttons.max_inflight_messages_set(1000)
        buttons.connect("127.0.0.1", broker.port)
        buttons.loop_start()
        try:
            for button, frame in burst + presses:
                buttons.publish(f"siaga/v1/up/{button.device_id.hex()}", frame, qos=1)
            # The worker has not begun: all that there is room for waits, and the rest of the check-ins was let go.
            eventually(lambda: ingest.lanes.depths()[URGENT] == PRESSES)
            assert ingest.lanes.depths()[CHECKIN] == ROOM // 2
            assert ingest.lanes.shed[CHECKIN] == CHECK_INS - ROOM // 2
            ingest.start()
            eventually(lambda: ingest.counts.frames == PRESSES + ROOM // 2)
        finally:
            buttons.disconnect()
            buttons.loop_stop()
            ingest.stop()
            link.stop()
        pressed = [number for number, counter in enumerate(answers.counters) if counter < 1_000]
        assert len(pressed) == PRESSES
        assert pressed[-1] < PRESSES + OTHERS, "the last press waited for one batch of check-ins at most"
        assert len(answers.counters) == PRESSES + ROOM // 2, "what was let go is not answered"
        assert len(desk.store.open_incidents()) == PRESSES
        assert desk.store.fetch("SELECT count(*) FROM event") == [(PRESSES,)]
        heard = sum(status.events for _, status in desk.store.devices() if status is not None)
        assert heard == PRESSES + ROOM // 2, "each check-in counts once"
        shed = sum(entry.facts["count"] for entry in desk.journal(journal.SHED))
        assert shed == CHECK_INS - ROOM // 2, "and it is in the journal"
        # The broker has nothing left: what was let go was acknowledged to it, as what was stored.
        came: list[bytes] = []
        again = MqttLink(settings, gateway="test", clock=ManualClock(NOW_MS), sink=_Listener(came))
        again.start()
        publish.single(f"siaga/v1/up/{'0' * 16}", b"the first to come", qos=1, port=broker.port)
        eventually(lambda: bool(came))
        again.stop()
        assert came == [b"the first to come"]
    desk.close()

"""A running gateway whose disk takes nothing more: it acknowledges nothing, says so, and goes on when there is room.

The limit on the size of its files (RLIMIT_FSIZE) is lowered and raised from outside, as no root is needed for that.
"""

from __future__ import annotations

import queue
import resource
import sys
from pathlib import Path

import pytest
from paho.mqtt.enums import CallbackAPIVersion

from brokers import embedded_broker
from gateway.enrolled_devices import enrolled_buttons
from gateway.stubborn_buttons import Crowd
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.adapters.sql import SqlStore, store_path
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit, of Linux")
def test_a_gateway_without_room_acknowledges_nothing_says_so_and_goes_on(tmp_path: Path) -> None:
    with embedded_broker() as broker_port:
        gateway = Gateway(tmp_path / "gateway", broker_port)
        (button,) = enrolled_buttons(gateway.data, 1)
        status: queue.Queue[bytes] = queue.Queue()
        watcher = PahoClient(CallbackAPIVersion.VERSION2)
        watcher.on_message = lambda _c, _u, message: status.put(bytes(message.payload))
        watcher.connect("127.0.0.1", broker_port)
        watcher.subscribe("siaga/v1/gateway/siaga.test/status", qos=1)
        watcher.loop_start()
        crowd = Crowd(broker_port, [button], pause_s=0.02, seed=1)
        try:
            with gateway:
                assert gateway.process is not None
                assert status.get(timeout=ENDS_S) == b"online"
                crowd.start()
                (one,) = crowd.buttons
                eventually(lambda: one.acknowledged, "a press is answered")
                files = [file.stat().st_size for file in gateway.data.iterdir()]
                no_limit = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (max(files), no_limit[1]))

                assert status.get(timeout=ENDS_S) == b"offline"
                eventually(lambda: "nothing can be stored" in gateway.stderr(), "it says so")
                answered, asked = len(one.acknowledged), one.asked
                eventually(lambda: one.asked >= asked + 3, "the button asks again")
                assert len(one.acknowledged) == answered
                assert len(one.sent) == answered + 1, "it insists"

                resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, no_limit)
                assert status.get(timeout=ENDS_S) == b"online"
                eventually(lambda: len(one.acknowledged) > answered + 3, "presses are answered again")
                crowd.finish(ENDS_S)
                (back,) = [entry for entry in gateway.log() if entry["kind"] == "store_back"]
                assert "disk" in back["facts"]["why"]
                assert gateway.stop() == 0
        finally:
            watcher.disconnect()
            watcher.loop_stop()
    store = SqlStore(store_path(gateway.data), 0)
    stored = store.fetch("SELECT counter FROM event ORDER BY counter")
    store.close()
    assert [row[0] for row in stored] == sorted(one.sent)

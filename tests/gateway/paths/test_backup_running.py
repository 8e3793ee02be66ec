"""A gateway at work is copied, killed, restored from the copy and goes on taking presses, all as real processes."""

from __future__ import annotations

from pathlib import Path

from brokers import embedded_broker
from gateway.enrolled_devices import enrolled_buttons
from gateway.stubborn_buttons import Crowd
from siaga_gateway.service.journal import kinds as journal
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually


def test_a_gateway_is_restored_from_a_copy_that_was_made_while_it_worked(tmp_path: Path) -> None:
    with embedded_broker() as broker_port:
        gateway = Gateway(tmp_path / "gateway", broker_port)
        buttons = enrolled_buttons(gateway.data, 2)
        copy = tmp_path / "copy.db"
        crowd = Crowd(broker_port, buttons, pause_s=0.05, seed=1)
        with gateway:
            crowd.start()
            eventually(lambda: all(one.acknowledged for one in crowd.buttons), "presses are answered")
            gateway.command("backup", str(copy), "--by", "cron")
            crowd.finish(ENDS_S)
            assert "audit head: entry" in gateway.stderr(), "the log says it for whoever keeps it elsewhere"
            refused = gateway.command("restore", str(copy), "--replace", "--by", "Dewi", check=False)
            assert "another gateway works on it" in refused
            gateway.kill()
        gateway.command("restore", str(copy), "--replace", "--by", "Dewi")
        crowd = Crowd(broker_port, buttons, pause_s=0.05, seed=2)
        with gateway:
            crowd.start()
            eventually(lambda: all(len(one.acknowledged) > 2 for one in crowd.buttons), "presses are answered again")
            crowd.finish(ENDS_S)
            gateway.stop()
        assert gateway.command("audit", "verify").startswith("whole")
        kinds = [entry["kind"] for entry in gateway.log("-n", "10000")]
        assert journal.RESTORED in kinds
        assert journal.CONTRADICTION not in kinds

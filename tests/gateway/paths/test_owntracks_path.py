"""A phone's position through the gateway's process: from OwnTracks' post to who is called, and to nobody."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx

from brokers import Mosquitto, free_port
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.service.journal import kinds as journal
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually


def test_a_phone_says_where_it_is_until_its_owner_leaves(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        gateway = Gateway(tmp_path / "gateway", broker.port)
        port, figures = free_port(), free_port()
        with gateway.config.open("a", encoding="utf-8") as config:
            config.write(f"\n[owntracks]\nport = {port}\n[metrics]\nport = {figures}\n")
        people, shifts = tmp_path / "people.csv", tmp_path / "shifts.csv"
        people.write_text("key;name;telegram\nbudi;Contoh Budi;100000001\n", encoding="utf-8")
        shifts.write_text("key;hours\nbudi;24h\n", encoding="utf-8")
        gateway.command("responders", "import", str(people), "--by", "Dewi")
        gateway.command("shifts", "import", str(shifts), "--by", "Dewi")
        told = gateway.command("responders", "tracker", "budi", "--by", "Dewi")
        token = re.findall(r"Password: (\S+)", told)[0]
        store = SqlStore(store_path(gateway.data), 0)
        try:
            gateway.start()
            with httpx.Client(
                verify=False, base_url=f"http://127.0.0.1:{port}", timeout=ENDS_S, trust_env=False
            ) as client:

                def post(latitude: float, **more: object) -> None:
                    body = {"_type": "location", "lat": latitude, "lon": 105.26, "tst": time.time(), **more}
                    response = client.post("/owntracks", json=body, auth=("budi", token))
                    assert (response.status_code, response.json()) == (200, [])

                post(-5.42)
                assert store.positions_of(["budi"])["budi"].latitude == -54_200_000, "stored before the answer"
                post(-5.42, _type="encrypted")
                assert client.post("/owntracks", json={}, auth=("budi", "wrong")).status_code == 200
                eventually(
                    lambda: gateway.kinds().count(journal.POSITIONS_REFUSED) == 2, "both are told at the console"
                )
                gateway.command("responders", "remove", "budi", "--reason", "moved", "--by", "Dewi")
                post(-5.43)
                assert not store.positions_of(["budi"])
            counted = httpx.get(f"http://127.0.0.1:{figures}/metrics", trust_env=False, verify=False).text
            assert 'siaga_owntracks_messages_total{outcome="taken"} 1.0' in counted
            assert gateway.stop() == 0
            assert token not in gateway.stderr() and "Traceback" not in gateway.stderr()
        finally:
            store.close()
            gateway.kill()

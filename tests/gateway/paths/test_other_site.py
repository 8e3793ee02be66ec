"""A gateway of another site: nothing that a person there reads is of Lampung, in WIB, or names 110."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
from paho.mqtt import publish

from brokers import embedded_broker
from pressing_button import PressingButton, at
from system.running_gateway import Gateway
from waiting import eventually

MAKASSAR = (-51_477_000, 1_194_327_000)
ELSEWHERE = re.compile(r"lampung|\bWIB\b|\b110\b|Asia/Jakarta|\+07:00", re.IGNORECASE)
SITE = """
emergency_number = "112"

[site.map]
west = 118.7
south = -7.8
east = 122.2
north = -1.8
"""


class OfMakassar(Gateway):
    SITE = ("--site", "Polda Sulawesi Selatan", "--time-zone", "Asia/Makassar")

    def settle(self) -> OfMakassar:
        (self.folder / "cap").mkdir()
        output = f'\n[[outputs]]\nname = "cap"\nkind = "cap_folder"\nfolder = "{self.folder / "cap"}"\n'
        zone = 'time_zone = "Asia/Makassar"\n'
        text = self.config.read_text(encoding="utf-8").replace(zone, zone + SITE.lstrip("\n"))
        self.config.write_text(text + output, encoding="utf-8")
        return self

    def enrolled(self, button: PressingButton) -> str:
        """As the registrar types it; its device_id in hex."""
        person = ("--name", "Contoh Daeng", "--nik", "9900000000000001", "--phone", "+620000000001")
        owner = self.command("owner", "add", *person, "--address", "Jl. Contoh 1, Makassar", "--by", "Contoh").strip()
        where = ("--installed=-5.1477,119.4327", "--valid-until", "2099-12-31")
        device = ("--frame", button.enrol().hex(), "--label", "Toko Contoh, Makassar")
        self.command("enrol", "--owner", owner, *device, *where, "--by", "Contoh")
        return button.device_id.hex()


def test_a_press_in_makassar_is_of_makassar_wherever_it_is_read(tmp_path: Path) -> None:
    button, said = PressingButton(), {}
    with embedded_broker() as port:
        gateway = OfMakassar(tmp_path / "gateway", port).settle()
        device_id = gateway.enrolled(button)
        with gateway:
            frame = button.press(int(time.time()), **at(*MAKASSAR))
            publish.single(f"siaga/v1/up/{device_id}", frame, qos=1, port=port)
            (file,) = eventually(lambda: list((gateway.folder / "cap").glob("*.cap.xml")), "the CAP message")
            said["cap"] = file.read_text(encoding="utf-8")
            with httpx.Client(verify=False, base_url=gateway.console, headers={"Origin": gateway.console}) as browser:
                for language in ("id", "en"):
                    browser.post("/sign-in", data={"name": "Contoh Operator"})
                    browser.post("/language", data={"language": language})
                    for path in ("/", "/incidents", "/incidents/1", "/feed", "/maintenance", "/sign-in"):
                        said[f"{path} {language}"] = browser.get(path).raise_for_status().text
        for command in (
            ("log",),
            ("log", "--json"),
            ("incidents",),
            ("devices",),
            ("owner", "export", "1", "--by", "x"),
        ):
            said[" ".join(command)] = gateway.command(*command)
        said["the log"] = gateway.stderr()
    found = {where: ELSEWHERE.search(text) for where, text in said.items()}
    assert {where: hit[0] for where, hit in found.items() if hit} == {}
    for where in ("/incidents/1 id", "/maintenance en", "log", "incidents", "devices"):
        assert re.search(r"\d\d:\d\d:\d\d WITA", said[where]), where
    assert "Polda Sulawesi Selatan" in said["/ id"] and "Waktu Indonesia Tengah" in said["/ id"]
    assert said["/ en"].count("112") >= 2 and "Makassar" in said["/incidents id"]
    assert "+08:00" in said["cap"] and "WITA" in said["cap"] and "+08:00" in said["log --json"]
    assert "2100-01-01T00:00:00.000+08:00" in said["owner export 1 --by x"], "its last day ends at midnight there"
    assert "WARNING" not in said["the log"]

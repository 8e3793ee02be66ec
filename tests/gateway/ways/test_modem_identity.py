"""Which modem takes the text messages, and whether a port is of the same one."""

from __future__ import annotations

from pathlib import Path

from siaga_gateway.adapters.ways.modem_identity import is_same_modem, ports_of_daemon


def test_ports_under_one_usb_device_are_one_modem(tmp_path: Path) -> None:
    ttys = tmp_path / "class"
    for device, ports in {"1-1": ("ttyUSB1", "ttyUSB2"), "1-2": ("ttyUSB3",)}.items():
        (tmp_path / device).mkdir()
        (tmp_path / device / "idVendor").write_text("1e0e")
        for port in ports:
            interface = tmp_path / device / f"{device}:1.{port[-1]}"
            interface.mkdir()
            (ttys / port).mkdir(parents=True)
            (ttys / port / "device").symlink_to(interface)
    (ttys / "ttyS0").mkdir()
    named = tmp_path / "usb-modem-if02"
    named.symlink_to("/dev/ttyUSB2")
    assert is_same_modem("/dev/ttyUSB1", str(named), ttys)
    assert is_same_modem("/dev/ttyS0", "/dev/ttyS0", ttys)
    for one, other in (("ttyUSB1", "ttyUSB3"), ("ttyUSB1", "ttyS0"), ("ttyS0", "ttyS1"), ("ttyUSB8", "ttyUSB9")):
        assert not is_same_modem(f"/dev/{one}", f"/dev/{other}", ttys)


def test_the_daemons_files_name_their_port(tmp_path: Path) -> None:
    gammu, smsd = tmp_path / "gammu-smsdrc", tmp_path / "smsd.conf"
    gammu.write_text("[gammu]\n# device = /dev/ttyUSB9\nPort = /dev/ttyUSB2  # AT\nconnection = at\n")
    smsd.write_text("devices = GSM1\n[GSM1]\ndevice=/dev/ttyUSB5\nbaudrate = 115200\n")
    files = {"gammu": (gammu, tmp_path / "not there"), "smstools": (smsd,)}
    assert list(ports_of_daemon("gammu", files)) == [("/dev/ttyUSB2", str(gammu))]
    assert list(ports_of_daemon("smstools", files)) == [("/dev/ttyUSB5", str(smsd))]
    assert list(ports_of_daemon("off", files)) == []

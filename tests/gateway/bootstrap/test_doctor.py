"""What the doctor says of an installation, with each fault really made."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import free_port
from databases import Place
from gateway.bootstrap.examined_office import add, look, made_office, of, one, webhook
from gateway.bootstrap.test_preflight import Stranger, stranger  # noqa: F401 - a fixture
from gateway.gateway_folder import Office
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.doctor import machine, stored
from siaga_gateway.bootstrap.doctor.examination import Check, run
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.health_check import CheckResult, CheckState, exit_code, good, unseen
from siaga_gateway.service.journal import kinds as journal
from torture.surroundings import Disk
from waiting import ENDS_S

HOUR_MS = 3_600_000
STATIONS = "kunci;jenis;nama;induk;lintang;bujur;telepon;jam\npolda;polda;Polda Contoh;;-5,40;105,20;110;\n"
SILENT = "polres;polres;Polres Contoh;polda;-5,42;105,22;;\n"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return made_office(tmp_path)


# The machine


def test_no_program_that_is_asked_speaks_to_the_gateways_service_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    assert machine.answer(sys.executable, "-c", "import os; print(os.environ.get('NOTIFY_SOCKET'))") == "None"


SHOWS = 'case "$1" in show) echo {kernel} ;; show-timesync) {timesyncd} ;; esac'
CHRONY = "{reference},{name},{stratum},1796139286.31,{off},0.000021,0.000031,-9.1,0.0,0.1,0.01,0.002,64.4,{leap}"
FOLLOWS = CHRONY.format(reference="A29FC801", name="162.159.200.1", stratum=4, off="-0.000134", leap="Normal")
NTPD = 'associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,\nversion="ntpd", leap=00, stratum=2,\n'
NTPD += "rootdelay=12.1, refid=192.0.2.7, reftime=ea1.2, offset=0.41, frequency=3.2"
NOBODY = CHRONY.format(reference="00000000", name="", stratum=0, off="0.000000", leap="Not synchronised")
ITSELF = CHRONY.format(reference="7F7F0101", name="", stratum=10, off="0.000000", leap="Normal")
FAR = CHRONY.format(reference="A29FC801", name="192.0.2.7", stratum=2, off="-4.25", leap="Normal")


@pytest.mark.parametrize(
    ("kernel", "chrony", "ntpd", "timesyncd", "key", "told"),
    [
        ("yes", None, None, "exit 1", "clock_synced", ""),
        ("no", None, None, "exit 1", "clock_free", ""),
        ("yes", FOLLOWS, None, "exit 1", "clock_followed", "162.159.200.1 (chrony), -0.1 ms"),
        ("no", FOLLOWS, None, "exit 1", "clock_free", ""),  # just begun
        ("yes", NOBODY, None, "exit 1", "clock_alone", "chrony runs"),
        ("yes", ITSELF, None, "exit 1", "clock_own", "chrony follows this machine's own"),
        ("yes", FAR, None, "exit 1", "clock_off", "-4250.0 ms"),
        ("yes", "506 Cannot talk to daemon", None, "exit 1", "clock_synced", ""),
        ("yes", None, NTPD, "exit 1", "clock_followed", "192.0.2.7 (ntpd), +0.4 ms"),
        ("yes", None, NTPD.replace("stratum=2", "stratum=16"), "exit 1", "clock_alone", "ntpd runs"),
        ("yes", None, NTPD.replace("192.0.2.7", "127.127.1.0"), "exit 1", "clock_own", "ntpd follows"),
        ("yes", None, None, "echo ServerName=ntp.example; echo NTPMessage={}", "clock_follows", "ntp.example (systemd"),
        ("yes", None, None, "echo ServerName=ntp.example", "clock_alone", "systemd-timesyncd runs"),
    ],
)
def test_the_clock_is_asked_of_its_time_service_and_of_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str, chrony: str | None, ntpd: str | None, timesyncd: str,
    key: str, told: str,
) -> None:  # fmt: skip
    program(tmp_path / "timedatectl", SHOWS.format(kernel=kernel, timesyncd=timesyncd))
    for name, said in (("chronyc", chrony), ("ntpq", ntpd)):
        program(tmp_path / name, "exit 1" if said is None else f"printf '%s\\n' '{said}'")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (found,) = machine.clock_checks()
    assert found.cause.key == f"doctor.{key}" and told in found.cause.say("en"), found.cause.say("en")
    assert (found.state is CheckState.OK) is (found.mend is None)


def test_without_systemd_the_kernel_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.synchronised() in (True, False)


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_units_that_stand_or_are_not_enabled_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """case "$1 $2" in
"is-system-running ") echo running ;;
"is-enabled siaga-gateway.service") echo enabled ;;
"is-enabled mosquitto.service") echo disabled ;;
"is-enabled siaga-backup.timer") echo enabled ;;
"is-enabled "*) echo not-found ;;
"is-active siaga-backup.timer") echo inactive ;;
"is-active "*) echo active ;;
esac"""
    program(tmp_path / "systemctl", script)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert {each.subject: (each.state, each.cause.key) for each in machine.unit_checks()} == {
        "siaga-gateway.service": (CheckState.OK, "doctor.unit_runs"),
        "mosquitto.service": (CheckState.WARN, "doctor.unit_off"),
        "siaga-backup.timer": (CheckState.FAIL, "doctor.unit_down"),
    }
    program(tmp_path / "systemctl", 'case "$1" in is-system-running) echo degraded ;; *) echo not-found ;; esac')
    (missing,) = machine.unit_checks()
    assert missing.cause.key == "doctor.unit_missing"


def test_a_clock_that_was_set_back_is_seen_by_the_journal(office: Office) -> None:
    store = office.store()
    with store.transaction() as transaction:
        transaction.note(journal.BACKUP_MADE, WallClock().now_ms(), {"file": "x.db", "size": 1})
    store.close()
    back = one(look(office, -HOUR_MS), "clock", "clock_back")
    assert back.state is CheckState.FAIL and int(back.cause.values["seconds"]) in range(3_590, 3_700)


def test_a_database_with_another_time_is_told(office: Office, tmp_path: Path) -> None:
    with Place("postgresql", tmp_path) as place:
        place.open(0).close()
        add(office, f"\n{place.settings()}")
        for ahead_ms, state in ((0, CheckState.OK), (-9_000, CheckState.FAIL)):
            assert one(look(office, ahead_ms), "clock", "clock_apart").state is state


def test_a_disk_that_fills_is_told_before_and_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(tmp_path / "disk")
    try:
        (found,) = machine.disk_checks([disk.folder])
        if not disk.real:
            pytest.fail("a disk of its own needs root")
        assert found.state is CheckState.WARN, "512 MB"
        with disk.full([]):
            (found,) = machine.disk_checks([disk.folder])
        assert found.state is CheckState.FAIL and found.mend is not None
    finally:
        disk.close()
    (found,) = machine.disk_checks([tmp_path / "not-mounted"])
    assert found.state is CheckState.FAIL


# Whose files


def test_open_secrets_and_files_of_others_are_told_with_the_command_that_mends_them(office: Office) -> None:
    assert one(look(office), "permissions", "permissions").state is CheckState.OK
    key = office.data / "gateway-key.pem"
    key.chmod(0o644)
    add(office, webhook("cad", 9))
    config = office.folder / "siaga.toml"
    config.chmod(0o644)
    found = {each.subject: each for each in of(look(office), "permissions", "open")}
    assert set(found) == {str(key), str(config)}
    assert found[str(key)].mend is not None and f"sudo chmod 600 {key}" in found[str(key)].mend.say("en")
    if os.geteuid() == 0:
        os.chown(office.data / "siaga.db", 65_534, -1)
        assert one(look(office), "permissions", "foreign").subject == str(office.data / "siaga.db")


def test_who_may_not_look_is_told_as_whom_to_ask(stranger: Stranger, tmp_path: Path) -> None:  # noqa: F811
    office = Office(stranger.closed)
    office.does("init", "--name", "siaga.test", "--data", str(office.data))
    done = stranger.run("doctor", "--config", str(office.folder / "siaga.toml"), "--language", "id")
    assert done.returncode in (1, 3) and "Traceback" not in done.stderr, done.stderr
    assert "TAK TERLIHAT setelan" in done.stdout and "sudo -u siaga siaga gateway doctor" in done.stdout
    assert "jam" in done.stdout, "what needs no settings is checked all the same"
    (tmp_path / "siaga.toml").write_text(f'name = "siaga.test"\ndata_dir = "{office.data}"\n')
    told = json.loads(stranger.run("doctor", "--json", "--config", str(tmp_path / "siaga.toml")).stdout)
    assert {"permissions", "disk", "store"} <= {each["check"] for each in told if each["state"] == "unseen"}


# What the store tells


def test_backups_are_told_by_their_age_and_their_file(office: Office) -> None:
    copies = office.folder / "copies"
    copies.mkdir()
    assert one(look(office), "backups", "no_backup").state is CheckState.FAIL
    office.does("backup", f"{copies}/", "--by", "cron")
    ages = {0: CheckState.OK, stored.LATE_H: CheckState.WARN, stored.TOO_OLD_H: CheckState.FAIL}
    for hours, state in ages.items():
        assert one(look(office, hours * HOUR_MS + 1_000), "backups", "backup").state is state
    (copy,) = copies.glob("*.db")
    os.truncate(copy, 100)
    assert one(look(office), "backups", "copy_cut").state is CheckState.FAIL
    copy.unlink()
    assert one(look(office), "backups", "copy_gone").state is CheckState.WARN


def test_stations_that_nobody_can_call_and_ladders_with_holes_are_told(office: Office) -> None:
    assert one(look(office), "stations", "no_station").state is CheckState.WARN
    file = office.folder / "stations.csv"
    file.write_text(STATIONS + SILENT)
    office.does("stations", "import", str(file), "--by", "Dewi")
    found = look(office)
    assert one(found, "stations", "no_contact").state is CheckState.FAIL
    assert one(found, "ladder", "no_way").state is CheckState.FAIL
    add(office, f'\n[[ways]]\nname = "ntfy"\nkind = "ntfy"\nurl = "http://127.0.0.1:{free_port()}"\n')
    found = look(office)
    assert of(found, "ladder", "ladder_nobody") and all(each.mend for each in of(found, "ladder", "nobody"))


def test_a_gateway_that_stands_and_a_store_that_is_gone_are_told(office: Office) -> None:
    assert one(look(office), "gateway", "never_ran").state is CheckState.FAIL
    (office.data / "siaga.db").rename(office.data / "away")
    assert one(look(office), "store", "no_store").state is CheckState.FAIL
    (office.data / "siaga.db").write_bytes(b"no database" * 1_000)
    assert one(look(office), "store", "failed").state is CheckState.FAIL


# The command


def test_wrong_settings_are_told_and_the_rest_is_checked(office: Office) -> None:
    add(office, "\n[area]\nlatitude = 200\n")
    done = office.run("doctor", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1 and told[0]["state"] == "fail" and "area.latitude" in told[0]["cause"]
    assert {"clock"} <= {each["check"] for each in told}


def test_what_hangs_or_fails_hides_nothing_else() -> None:
    hold = threading.Event()
    seen = good("disk", "", Localized("doctor.settings"))

    def hanging() -> Iterator[CheckResult]:
        yield seen
        hold.wait(ENDS_S)

    def broken() -> Iterator[CheckResult]:
        raise ZeroDivisionError("a bug")

    try:
        found = run([Check("disk", hanging), Check("broker", broken)], 0.5)
    finally:
        hold.set()
    assert found[0] == seen and found[1].state is CheckState.UNSEEN
    assert found[2].check == "broker" and found[2].state is CheckState.FAIL


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([], 0),
        ([good("disk", "", Localized("x"))], 0),
        ([good("disk", "", Localized("x")), unseen("disk", "", Localized("x"), Localized("x"))], 3),
    ],
)
def test_the_exit_code_says_the_worst(results: list[CheckResult], code: int) -> None:
    assert exit_code(results) == code

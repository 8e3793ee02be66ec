"""The demo that goes on: plain lines, a second terminal, faults, and an end that leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.siaga_process import Running, all_gone, children, siaga, strangers
from waiting import ENDS_S

READY = "Siap dalam"


def demo_folder(family: dict[int, str]) -> Path:
    """Where a demo keeps its things, from its gateway's command line."""
    return next(
        Path(command.partition("--config ")[2]).parent for command in family.values() if "gateway run" in command
    )


@pytest.fixture(scope="module")
def demo(runtime: Path) -> Iterator[Running]:
    running = Running("demo", "--fast", runtime=runtime)
    try:
        running.wait_line(READY)
        yield running
    finally:
        running.close()


def test_the_start_goes_through_quarantine_and_names_the_page(demo: Running) -> None:
    for number, who in ((1, "Siti Contoh, Bandar Lampung"), (2, "Budi Contoh, Metro"), (3, "Dewi Contoh, Kalianda")):
        asked = demo.wait_line(f"Tombol {number} di karantina: didaftarkan atas nama {who}")
        demo.wait_line(f"Tombol {number} terdaftar dan dijawab gateway", after=asked)
    demo.wait_line("Halaman operator: http://127.0.0.1:")


def test_a_typed_press_is_answered_and_its_hops_are_printed(demo: Running) -> None:
    place = len(demo.lines)
    demo.type("p 1")
    pressed = demo.wait_line("Tombol 1 ditekan: Siti Contoh", after=place)
    demo.wait_line("Tombol 1: DITERIMA", after=pressed)
    # Two processes tell of it, so their lines may come in either order.
    demo.wait_line("Kejadian 1 dibuka: Siti Contoh", after=place)
    demo.wait_line("Webhook tiba, tanda tangan sah: dibuka", after=place)
    demo.wait_line("Berkas CAP tertulis: dibuka", after=place)
    total = demo.wait_line("sampai jawaban tampil di tombol: ", after=pressed)
    assert re.search(r": \d+ ms$", demo.lines[total - 1])


def test_another_terminal_presses(demo: Running, runtime: Path) -> None:
    done = siaga("demo", "press", "2", "--json", runtime=runtime)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["button"] == 2 and told["test"] is False
    assert len(told["hops"]) == 11 and all(isinstance(ms, int) for ms in told["hops"].values())
    assert told["total_ms"] == told["hops"]["ack"] > 0


def test_another_terminal_speaks_its_own_language(demo: Running, runtime: Path) -> None:
    done = siaga("demo", "test", "2", "--language", "en", runtime=runtime)
    assert done.returncode == 1
    assert done.stderr.strip() == ("siaga: Button 2 is in an incident: test it after that is closed or cancelled")


def test_a_test_press_opens_nothing(demo: Running, runtime: Path) -> None:
    place = len(demo.lines)
    done = siaga("demo", "test", "3", "--json", runtime=runtime)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["test"] is True and "webhook" not in told["hops"] and "cap" not in told["hops"]
    demo.wait_line("Tombol 3: UJI DITERIMA", after=place)
    assert any("Tombol 3: dinyalakan sambil ditekan" in line for line in demo.lines[place:])
    assert not any("Tombol 3: ditahan" in line for line in demo.lines[place:])  # which would be a press
    assert not any("dibuka: Dewi" in line for line in demo.lines)


def test_a_press_waits_for_the_network_and_for_the_gateway(demo: Running, runtime: Path) -> None:
    place = len(demo.lines)
    demo.type("n 3 off")
    cut = demo.wait_line("Tombol 3: jaringan diputus", after=place)
    demo.type("p 3")
    pressed = demo.wait_line("Tombol 3 ditekan: Dewi Contoh", after=cut)
    demo.type("g")
    demo.wait_line("Gateway berakhir (SIGKILL)", after=pressed)
    assert not any("Tombol 3: DITERIMA" in line for line in demo.lines[pressed:])
    demo.type("n 3 on")
    demo.wait_line("Gateway menyala lagi", after=pressed)
    demo.wait_line("Tombol 3: DITERIMA", after=pressed)
    demo.wait_line("dibuka: Dewi Contoh", after=pressed)
    demo.wait_line("Aliran langsung konsol tersambung lagi", after=pressed)


def test_a_cancel_is_for_the_operator_to_decide(demo: Running) -> None:
    place = len(demo.lines)
    demo.type("c 1")
    demo.wait_line("Kejadian 1: pemegang minta batal, telepon balik; operator yang memutuskan", after=place)
    demo.wait_line("Tombol 1: BATAL TERKIRIM", after=place)


def test_wrong_commands_are_answered(demo: Running) -> None:
    place = len(demo.lines)
    for typed, answer in (
        ("press", "press -: tombol mana? 1, 2, atau 3"),
        ("p 4", "p 4: tombol mana? 1, 2, atau 3"),
        ("n 1", "n 1: off atau on?"),
        ("p 1 2", "'p 1 2': '2' berlebih"),
        ("fly", "Perintah 'fly' tidak dikenal. Ketik h untuk bantuan"),
    ):
        demo.type(typed)
        place = demo.wait_line(answer, after=place)
    demo.type("")
    demo.type("h")
    demo.wait_line("tekan tombol N", after=place)


def test_a_second_demo_is_refused(demo: Running, runtime: Path) -> None:
    done = siaga("demo", "--plain", runtime=runtime)
    assert done.returncode == 1
    assert f"Peragaan lain sudah berjalan (pid {demo.process.pid})" in done.stderr


def test_the_socket_is_this_users_alone(demo: Running, runtime: Path) -> None:
    folder = runtime / "siaga"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "demo.sock").stat().st_mode) == 0o600


def test_the_call_climbs_until_the_operator_wakes_and_an_officer_accepts(demo: Running) -> None:
    """Of the first press, some tests ago; the gateway was killed on the way."""
    call = "LATIHAN: PANGGILAN DARURAT"
    stations = demo.wait_line(f"Polsek Contoh Barat: {call}")
    demo.wait_line(f"Patroli Contoh 1: {call}")
    demo.wait_line(f"Aiptu Rahmat Contoh: {call}")
    climbs = demo.wait_line("Kejadian 1: memanggil pimpinan", after=stations)
    demo.wait_line(f"AKBP Ratna Contoh: {call}", after=stations)  # on a busy machine the operator is seen before this
    demo.wait_line("Kejadian 1: dilihat Operator Contoh", after=climbs)
    demo.wait_line("Kejadian 1: Aiptu Rahmat Contoh menerima, 5 mnt", after=climbs)
    demo.wait_line("Tombol 2: UNIT DITUGASKAN")  # the holder of button 1 has asked to cancel


def test_quit_lets_a_press_that_is_under_way_arrive_and_leaves_nothing(demo: Running, runtime: Path) -> None:
    """The last test of this demo."""
    family = children(demo.process.pid)
    assert strangers(family) == []
    folder = demo_folder(family)
    assert folder.is_relative_to(tempfile.gettempdir()) and folder.is_dir()
    place = len(demo.lines)
    demo.type("p 1")
    demo.type("q")
    assert demo.wait() == 0, demo.lines[-5:]
    demo.wait_line("sampai jawaban tampil di tombol: ", after=place, deadline_s=0)
    assert demo.lines[-1] == "Peragaan selesai."
    assert all_gone(family) == {}
    assert not folder.exists()
    assert [file.name for file in (runtime / "siaga").iterdir()] == ["demo.lock"]
    done = siaga("demo", "press", "1", runtime=runtime)
    assert done.returncode == 1 and "Tidak ada peragaan yang berjalan" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_a_signal_while_it_starts_leaves_nothing(runtime: Path, number: signal.Signals, code: int) -> None:
    demo = Running("demo", "--plain", runtime=runtime)
    try:
        demo.wait_line("Menyalakan broker")
        demo.wait_line("Menyalakan gateway")
        family = children(demo.process.pid)
        assert family
        assert demo.end(number) == code
        assert all_gone(family) == {}
        assert demo.lines[-1] == "Peragaan selesai."
    finally:
        demo.close()


def test_a_broker_that_dies_ends_the_demo_with_its_name(runtime: Path) -> None:
    demo = Running("demo", "--plain", runtime=runtime)
    try:
        demo.wait_line("Menyalakan tiga tombol")
        family = children(demo.process.pid)
        (broker,) = (pid for pid, command in family.items() if "parent_watch broker" in command)
        os.kill(broker, signal.SIGKILL)
        assert demo.wait() == 1
        assert demo.lines[-1] == "siaga: Broker berakhir (SIGKILL)"
        assert all_gone(family | children(demo.process.pid)) == {}
    finally:
        demo.close()


def test_sigkill_leaves_no_child(runtime: Path) -> None:
    demo = Running("demo", "--fast", "--plain", runtime=runtime)
    try:
        demo.wait_line("Tombol 3 di karantina")
        family = children(demo.process.pid)
        assert strangers(family) == []
        folder = demo_folder(family)
        assert demo.end(signal.SIGKILL) == -signal.SIGKILL
        assert all_gone(family, deadline_s=ENDS_S) == {}
        # What SIGKILL cannot tidy is the temporary folder; and its socket does not hinder the next demo.
        shutil.rmtree(folder)
        assert (runtime / "siaga" / "demo.sock").exists()
    finally:
        demo.close()

"""Real board files on the simulated chip: its clock, and the memory that lasts as long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from brokers import Mosquitto, free_port
from fake_time import faketime
from firmware.boards.board_programs import Bare
from firmware.broker_certificates import Authority
from waiting import eventually

pytestmark = pytest.mark.side_by_side(4)

CLOCK_AND_MEMORY = """
import time
from siaga.app.board import RESTART
from siaga.start import boards

def refuses(board):
    try:
        board.keep(bytes(257))
    except ValueError:
        return True

for board in boards():
    print("unix", board.rtc.unix(), board.kept())
    board.keep(b"kept")
    before = board.rtc.unix(), board.rtc.seconds()
    board.rtc.judge_at(1800000000)
    off = board.rtc.unix() - before[0], board.rtc.seconds() - before[1]
    print("judged", time.time() + 946684800 >= 1800000000, all(0 <= each <= 2 for each in off))
    board.rtc.set_unix(1900000000)
    print("seconds", 0 <= board.rtc.seconds() - before[1] <= 4)
    board.rtc.judge_at(1700000000)
    time.sleep(3)
    print("then", 0 <= board.rtc.unix() - 1900000003 <= 2, 3 <= board.rtc.seconds() - before[1] <= 9)
    print("refused" if refuses(board) else "taken")
    if board.woke_by() == "power":
        board.ended = RESTART
    else:
        time.sleep(1000)
"""


def test_a_power_cut_takes_memory_and_clock_a_reset_does_not(bare: Bare):
    chip = bare("t_a7670", CLOCK_AND_MEMORY, speed=4)
    assert chip.line("unix") == "0 b''"
    for run in (1, 2):
        if run == 2:
            unix, kept = chip.line("unix", 2).split()
            assert int(unix) >= 1900000003 and kept == "b'kept'"
        assert chip.line("judged", run) == "True True"
        assert chip.line("seconds", run) == "True"
        assert chip.line("then", run) == "True True"
        chip.line("refused", run)
    chip.chip.power_off()
    chip.chip.power_on()
    assert chip.line("unix", 3) == "0 b''"


NEVER_EARLY = """
import time
early = 0
for turn in range(40):
    began = time.ticks_us()
    time.sleep_ms(3)
    early += time.ticks_diff(time.ticks_us(), began) < 3000
    began = time.ticks_us()
    time.sleep_us(2500)
    early += time.ticks_diff(time.ticks_us(), began) < 2500
print("early", early)
time.sleep(1000)
"""


def test_no_sleep_is_shorter_than_was_asked(bare: Bare):
    assert bare("esp32_devkit", NEVER_EARLY, speed=0.4).line("early") == "0"


DAMAGED_MEMORY = """
import machine
from siaga.boards.rtc import Memory
rtc = machine.RTC()
memory = Memory(rtc)
memory.record, memory.is_set = b"abc", True
memory.write()
print("whole", Memory(rtc).record, Memory(rtc).is_set)
content = bytearray(rtc.memory())
for place in range(20, len(content)):  # what is before them is the loader's latch's
    content[place] ^= 1
    rtc.memory(content)
    read = Memory(rtc)
    assert not read.record and not read.is_set, place
    content[place] ^= 1
for length in range(len(content)):
    rtc.memory(content[:length])
    assert not Memory(rtc).record, length
print("refused")
"""


def test_memory_that_has_changed_counts_as_none(bare: Bare):
    chip = bare("t_a7670", DAMAGED_MEMORY)
    assert chip.line("whole") == "b'abc' True"
    chip.line("refused")


def test_asyncio_goes_by_the_simulated_clock_and_a_change_of_pace_is_felt(bare: Bare):
    chip = bare(
        "t_a7670",
        "import asyncio, time\n"
        "async def tick(ms, times):\n"
        "    for _ in range(times):\n        await asyncio.sleep_ms(ms)\n"
        "async def main():\n"
        "    began = time.ticks_ms()\n"
        "    quick = asyncio.create_task(tick(500, 100))\n"
        "    try:\n        await asyncio.wait_for(tick(1000, 1000), 20)\n"
        "    except asyncio.TimeoutError:\n        print('timeout', time.ticks_diff(time.ticks_ms(), began) >= 20000)\n"
        "    await quick\n"
        "    print('quick', time.ticks_diff(time.ticks_ms(), began) >= 50000)\n"
        "    print('hour')\n"
        "    await asyncio.sleep(3600)\n"
        "    print('over', time.ticks_diff(time.ticks_ms(), began) >= 3650000)\n"
        "asyncio.run(main())\n",
        speed=50,
    )
    assert chip.line("timeout") == "True"
    assert chip.line("quick") == "True"
    chip.line("hour")
    chip.clock.set_speed(1000)
    assert chip.line("over") == "True"


DATES = """
import asyncio, os, time
from siaga.app.board import SLEEP
from siaga.drivers.clock import Clock
from siaga.drivers.tcp import connect
from siaga.drivers.tls import ServerTls
from siaga.start import boards

for board in boards():
    clock = Clock(board.rtc)

    async def meet():
        server = ServerTls(open("/ca.pem").read(), clock)
        connection = await connect("127.0.0.1", %d, 5000)
        try:
            connection.wrap(server.context, "broker.siaga.test")
            connection.writer.write(b"hello")
            await asyncio.wait_for_ms(connection.reader.read(1), 2000)
            return "believed"
        except asyncio.TimeoutError:
            return "believed"
        except (ValueError, OSError) as error:
            return str(error).strip()
        finally:
            connection.close()

    for moment in (%d, %d, %d):
        board.rtc.judge_at(moment)
        print("met", asyncio.run(meet()))
    time.sleep(1000)
"""


def test_certificates_are_judged_by_the_chip_s_own_calendar(bare: Bare, tmp_path: Path):
    faketime()
    now = int(time.time())
    authority = Authority("Siaga test")
    lines = authority.issue(tmp_path / "tls", "broker.siaga.test")
    port = free_port()
    with Mosquitto(tmp_path / "tls-broker", f"listener {port} 127.0.0.1", *lines, port=port):
        write = f"f = open('/ca.pem', 'w'); f.write({authority.pem!r}); f.close()\n"
        chip = bare("t_a7670", write + DATES % (port, now - 95 * 86400, now, now + 95 * 86400), speed=4)
        assert chip.line("met", 1) == "The certificate validity starts in the future"
        assert chip.line("met", 2) == "believed"
        assert chip.line("met", 3) == "The certificate validity has expired"


def test_a_chip_that_loses_its_power_leaves_nothing_in_the_host_s_memory(bare: Bare):
    faketime()
    chip = bare("t_a7670", "import time\nprint('here', 1)\ntime.sleep(1000)", speed=4)
    chip.line("here")
    kept = [Path("/dev/shm", name % chip.chip.process.pid) for name in ("faketime_shm_%d", "sem.faketime_sem_%d")]
    assert all(each.exists() for each in kept)
    chip.chip.power_off()
    eventually(lambda: not any(each.exists() for each in kept), "they are gone")


DRIFT = """
import time
from siaga.app.board import SLEEP
from siaga.start import boards
for board in boards():
    if board.woke_by() == "power":
        board.rtc.set_unix(1800000000)
        board.keep(b"")
    print("unix", board.rtc.unix(), board.rtc.seconds())
    board.sleep_ms = 3600000
    board.ended = SLEEP
"""


def test_the_clock_runs_off_in_deep_sleep(bare: Bare):
    chip = bare("t_a7670", DRIFT, speed=4, sleep_ppm=-10_000)
    first = [int(word) for word in chip.line("unix").split()]
    chip.goes_to_sleep()
    slept_us = chip.chip.wakes_at_us - chip.clock.now_us()
    assert abs(slept_us / 3_600_000_000 * 0.99 - 1) < 0.001, "its alarm clock is the same slow one"
    chip.clock.jump(slept_us / 1_000_000)
    second = [int(word) for word in chip.line("unix", 2).split()]
    for before, after in zip(first, second, strict=True):
        assert 3600 <= after - before <= 3610, "by itself it slept an hour; it was 36 s more"

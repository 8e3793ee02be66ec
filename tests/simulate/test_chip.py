"""Real board files, unchanged, on the simulated chip: their pins, clock, memory, Wi-Fi, sleep and what ends it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from bare_chip import BareChip
from broker_certificates import Authority

from brokers import Mosquitto, free_port
from fake_time import faketime
from micropython import FIRMWARE
from siaga_tools.simulate.chip import Life
from siaga_tools.simulate.wiring import BOARDS

Bare = Callable[..., BareChip]

PROGRAM = """
import machine, time
from siaga.app.board import RESTART, SLEEP
from siaga.start import boards
for board in boards():
    print("woke", board.woke_by())
    {body}
"""


def program(*lines: str) -> str:
    return PROGRAM.format(body="\n    ".join(lines))


SLEEPER = program(
    "print('kept', board.kept())",
    "board.keep(b'what it knows')",
    "while not board.external_power(): time.sleep_ms(5)",  # the test says when
    "board.sleep_ms, board.modem_sleeps, board.ended = 3600000, {modem}, SLEEP",
)


def sleeper(modem: bool = True) -> str:
    return SLEEPER.replace("{modem}", str(modem))


def driven(chip: BareChip) -> list[tuple[int, int | None]]:
    """Without those that the chip itself pulls up as it starts."""
    return [move for move in chip.moves if move[1] is not None and move[0] not in (0, 5, 15)]


def test_the_reference_board_takes_its_supply_before_anything_else_and_keeps_it(bare: Bare):
    chip = bare("t_a7670", program("board.ended = RESTART"))
    chip.line("woke", 3)
    assert driven(chip)[0] == (12, 1)
    assert [move for move in chip.moves if move[0] == 12] == [(12, 1)], "no reset may take it away"
    assert [chip.line("woke", n) for n in (1, 2, 3)] == ["power", "reset", "reset"]


def test_the_loader_takes_the_reference_boards_supply_before_it_reads_any_firmware(bare: Bare):
    """The same pin as the board's own file, by what the installer's files say."""
    chip = bare("t_a7670", "import siaga_boot\nsiaga_boot.Boot = None\nsiaga_boot.begin()\n")
    chip.until(lambda: chip.chip.life is Life.STOPPED, "end of a loader that cannot read what to start")
    assert driven(chip) == [(12, 1)] and t_a7670_supply() == 12


def t_a7670_supply() -> int:
    found = re.search(r"^SUPPLY = (\d+)", (FIRMWARE / "siaga/boards/t_a7670.py").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


@pytest.mark.parametrize("content", ["t_sim7600\n", "t_a7670 99\n", "t_a7670 x\n", "", None])
def test_a_loader_that_is_told_no_pin_takes_none(bare: Bare, content: str | None):
    write = "import os; os.remove('/board.txt')\n"
    if content is not None:
        write = f"f = open('/board.txt', 'w'); f.write({content!r}); f.close()\n"
    chip = bare(
        "t_a7670", write + "import siaga_boot\nsiaga_boot.hold()\nprint('held')\nimport time\ntime.sleep(1000)\n"
    )
    chip.line("held")
    assert not driven(chip)


def test_only_the_start_from_no_power_moves_the_modems_reset_line(bare: Bare):
    """GPIO5 is pulled up while nobody drives it: in deep sleep that would hold the modem in reset."""
    chip = bare("t_a7670", sleeper())
    chip.goes_to_sleep()
    moves = [move for move in chip.moves if move[0] == 5]
    assert moves == [(5, 1), (5, 0)]
    chip.chip.drive(32, 1)
    chip.line("woke button")
    chip.chip.drive(32, 0)
    chip.goes_to_sleep()
    assert [move for move in chip.moves if move[0] == 5] == moves


def test_a_pad_that_is_not_held_goes_its_own_way_in_sleep(bare: Bare):
    """What the simulation is good for: the same without the hold."""
    chip = bare("t_a7670", "import machine\nmachine.Pin(5, machine.Pin.OUT, value=0)\nmachine.deepsleep(3600000)\n")
    chip.asleep()
    assert chip.level(5) == 1


@pytest.mark.parametrize("board", ["t_a7670", "t_sim7600"])
def test_what_ends_the_sleep_of_a_board_with_a_modem(bare: Bare, board: str):
    chip = bare(board, sleeper())
    wiring = BOARDS[board]
    assert wiring.modem is not None
    assert chip.line("woke") == "power"
    assert chip.line("kept") == "b''"
    for number, (pin, acting, word) in enumerate(
        (
            (wiring.button.pin, 1, "button"),
            (wiring.foot_switch.pin, 1, "input"),
            (wiring.modem.ring, 0, "modem"),
            (wiring.case.pin, 1, "case"),
        ),
        start=2,
    ):
        chip.goes_to_sleep()
        chip.chip.drive(pin, acting)
        assert chip.line("woke", number) == word
        chip.chip.drive(pin, 1 - acting)
        assert chip.line("kept", number) == "b'what it knows'"
    chip.goes_to_sleep()
    chip.clock.jump(3600)
    assert chip.line("woke", 6) == "timer"


def test_with_the_modem_off_its_ring_line_wakes_nobody(bare: Bare):
    chip = bare("t_a7670", sleeper(modem=False))
    chip.goes_to_sleep()
    chip.chip.drive(33, 0)
    assert chip.chip.life is Life.ASLEEP
    chip.chip.drive(32, 1)
    assert chip.line("woke", 2) == "button"


def test_the_devkit_is_woken_by_its_button_to_ground_its_case_and_its_input(bare: Bare):
    chip = bare("esp32_devkit", sleeper(modem=False))
    for number, (pin, acting, word) in enumerate(((27, 0, "button"), (32, 1, "input"), (26, 1, "case")), start=2):
        chip.goes_to_sleep()
        chip.chip.drive(pin, acting)
        assert chip.line("woke", number) == word
        chip.chip.drive(pin, 1 - acting)


def test_an_open_case_does_not_wake_it_for_ever(bare: Bare):
    chip = bare("t_a7670", sleeper())
    chip.goes_to_sleep()
    chip.chip.drive(34, 1)
    assert chip.line("woke", 2) == "case"
    chip.goes_to_sleep()
    assert chip.chip.wakes_at_us is not None
    assert chip.chip.wakes_at_us - chip.clock.now_us() > 3_000_000_000
    chip.chip.drive(32, 1)
    assert chip.line("woke", 3) == "button"


@pytest.mark.parametrize("board", sorted(BOARDS))
@pytest.mark.parametrize(("which", "word"), [("button", "button"), ("foot_switch", "input")])
def test_a_hand_that_came_after_the_last_look_wakes_it_at_once(bare: Bare, board: str, which: str, word: str):
    """The firmware sleeps only with nobody at it; between its last look and the sleep somebody may come."""
    chip = bare(board, sleeper(modem=False))
    chip.line("woke")
    switch = getattr(chip.wiring, which)
    chip.chip.drive(switch.pin, switch.level(True))
    chip.chip.drive(chip.wiring.mains.pin, chip.wiring.mains.level(True))
    assert chip.line("woke", 2) == word


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


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_contacts_battery_and_lamp(bare: Bare, board: str):
    chip = bare(
        board,
        program(
            "while True:",
            "    print('sees', int(board.pressed()), int(board.alarm_input()), int(board.tamper_open()), "
            "int(board.external_power()), board.battery())",
            "    board.lamp.set(board.pressed(), 1500 if board.pressed() else 0, board.pressed())",
            "    time.sleep_ms(100)",
        ),
        speed=4,
    )
    wiring = BOARDS[board]

    def sees(what: str) -> None:
        chip.until(lambda: chip.said and chip.said[-1] == "sees " + what, what)

    sees("0 0 0 0 None")
    chip.chip.voltage(wiring.cell, 1_930_000)
    sees("0 0 0 0 62")
    for place, switch in enumerate((wiring.button, wiring.foot_switch, wiring.case, wiring.mains)):
        chip.chip.drive(switch.pin, switch.level(True))
        sees(" ".join("1" if place == index else "0" for index in range(4)) + " 62")
        if place == 0:
            chip.until(lambda: chip.level(wiring.led) == chip.level(wiring.vibration) == 1, "light and vibration")
        chip.chip.drive(switch.pin, switch.level(False))
    chip.until(lambda: chip.level(wiring.led) == chip.level(wiring.vibration) == 0, "darkness")


def test_a_lamp_of_two_colours_shows_one_at_a_time(bare: Bare):
    second = 4
    chip = bare(
        "esp32_devkit",
        f"""
import time
from siaga.boards.esp32 import PinLamp
from siaga.boards.esp32_devkit import BUZZER, LED, VIBRATION
print("colours", PinLamp(LED, BUZZER, VIBRATION).colours)
lamp = PinLamp(LED, BUZZER, VIBRATION, {second})
print("colours", lamp.colours)
for light in (1, 2, 0):
    lamp.set(light, 0, False)
print("shown")
time.sleep(1000)
""",
    )
    assert (chip.line("colours"), chip.line("colours", 2)) == ("1", "2")
    led = BOARDS["esp32_devkit"].led
    one_by_one = [(led, 1), (led, 0), (second, 1), (second, 0)]

    def changes() -> list[tuple[int, int | None]]:
        moves = [move for move in list(chip.moves) if move[0] in (led, second)]
        return [move for before, move in pairwise(moves) if before != move]

    chip.until(lambda: changes()[-4:] == one_by_one, "one colour after the other")


def test_a_processor_that_hangs_is_reset(bare: Bare):
    chip = bare(
        "t_a7670",
        program("board.feed()", "if board.woke_by() == 'power':", "    while True: pass", "time.sleep(1000)"),
        speed=20,
    )
    assert chip.line("woke", 2) == "reset"
    assert (Life.RUNNING, "the watchdog was not fed: reset") in chip.lives


def test_a_start_that_hangs_is_reset_whatever_runs(bare: Bare):
    """Also where no firmware is on trial: what hangs before the firmware's own watchdog would hang for ever."""
    hangs = "import machine\nif machine.reset_cause() == 1:\n    while True: pass\nprint('runs')\n"
    chip = bare("t_a7670", "import siaga_boot\nsiaga_boot.begin()\n" + hangs, speed=20)
    chip.line("runs")
    assert (Life.RUNNING, "the watchdog was not fed: reset") in chip.lives


def test_a_loader_that_fails_starts_anew(bare: Bare):
    """Whatever it is that fails: without that the chip would stand at its prompt, dark, for ever."""
    loader = "import siaga_boot\nsiaga_boot.Boot = None\nwhile siaga_boot.again(siaga_boot.run()): pass\n"
    chip = bare("t_a7670", "import machine\nprint('cause', machine.reset_cause())\n" + loader, speed=20)
    assert (chip.line("cause"), chip.line("cause", 2)) == ("1", "2")


def test_a_program_that_ends_is_seen(bare: Bare):
    chip = bare("t_a7670", "raise ValueError('nothing works')")
    chip.until(lambda: chip.chip.life is Life.STOPPED, "end")
    assert "ValueError: nothing works" in chip.said


@pytest.mark.parametrize(
    ("content", "wrong"), [("t_a7670\n", ""), ("t_a7670 12\n", ""), ("t_a9999\n", "'t_a9999'"), (None, "ENOENT")]
)
def test_the_board_is_named_on_the_flash(bare: Bare, content: str | None, wrong: str):
    write = "import os; os.remove('/board.txt')"
    if content is not None:
        write = f"f = open('/board.txt', 'w'); f.write({content!r}); f.close()"
    chip = bare("t_a7670", write + program("print('board', board.name)", "time.sleep(1000)"), every_board=True)
    assert chip.line("board") == ("t_a7670" if not wrong else "esp32_devkit")
    said = [line for line in chip.said if '"error"' in line]
    assert not wrong if not said else wrong in said[0] and "t_sim7600" in said[0] and "/board.txt" in said[0]


@pytest.mark.parametrize("content", ["t_sim7600", "", None])
def test_without_its_name_it_is_the_one_board_that_is_installed(bare: Bare, content: str | None):
    write = "import os; os.remove('/board.txt')"
    if content is not None:
        write = f"f = open('/board.txt', 'w'); f.write({content!r}); f.close()"
    chip = bare("t_a7670", write + program("print('board', board.name)", "time.sleep(1000)"))
    assert chip.line("board") == "t_a7670"
    assert any('"error"' in line and "dianggap t_a7670" in line for line in chip.said)


def wifi(bare: Bare, before: str = "") -> BareChip:
    """A chip that connects again and again, and tells how that went."""
    return bare(
        "t_a7670",
        before
        + "import asyncio\nfrom siaga.app.chosen import Settings\nfrom siaga.core.errors import SiagaError\n"
        + program(
            "wanted = Settings()",
            "wanted.wifi_ssid = 'kantor polisi'",
            "board.use(wanted)",
            "print('noise', machine.unique_id() in board.noise())",
            "while True:",
            "    try:",
            "        asyncio.run(board.network.connect())",
            "        print('up', board.network.is_up(), board.network.signal())",
            "        while board.network.is_up(): time.sleep(1)",
            "    except (SiagaError, OSError) as error:",
            "        print('down', board.network.is_up(), board.network.signal(), error)",
            "    time.sleep(1)",
        ),
        speed=10,
    )


def test_a_wifi_driver_that_cannot_even_be_made_stops_no_start(bare: Bare):
    """It is made as it is needed: a board whose Wi-Fi does not begin still has its hand, its modem and its lamp."""
    sick = """
import network
failures = [4]
class Sick(network.WLAN):
    def __init__(self, interface=0):
        if failures[0]:
            failures[0] -= 1
            raise OSError("Wifi Internal Error")
        super().__init__(interface)
network.WLAN = Sick
"""
    chip = wifi(bare, sick)
    assert chip.line("noise") == "True"
    assert chip.line("down") == "False -128 Wifi Internal Error"
    chip.chip.access_point("kantor polisi", -61)
    assert chip.line("up") == "True -61"


def test_wifi_comes_and_goes(bare: Bare):
    chip = wifi(bare)
    assert chip.line("noise") == "True"
    assert chip.line("down") == "False -128 Wi-Fi kantor polisi tidak tersambung dalam 15000 md (status 201)"
    chip.chip.access_point("kantor polisi", -61)
    assert chip.line("up") == "True -61"
    chip.chip.access_point("")
    downs = len([line for line in chip.said if line.startswith("down")])
    chip.line("down", downs + 1)


def test_a_wifi_driver_that_raised_or_hangs_is_brought_back(bare: Bare):
    """The kind: clean-up only on the expected way out. Left connecting, the driver refuses every later connect()."""
    chip = wifi(bare)
    chip.line("down")
    chip.chip.wifi_fault("raises")
    chip.until(lambda: "down False -128 Wifi Internal Error" in chip.said, "a driver that raises")
    chip.chip.access_point("kantor polisi", -61)
    assert chip.line("up") == "True -61"
    chip.chip.wifi_fault("hangs")
    chip.chip.access_point("")
    downs = len([line for line in chip.said if line.startswith("down")])
    chip.line("down", downs + 1)
    chip.chip.access_point("kantor polisi", -61)
    assert chip.line("up", 2) == "True -61"


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


LATE_LISTENER = """
import time
from siaga.boards.esp32 import uart
print("ready")
time.sleep(2)
line = uart(1, 21, 22, 9600)
print("open")
while True:
    got = line.read(64)
    if got:
        print("got", got)
        line.write(got)
    time.sleep_ms(20)
"""


def test_what_a_wire_said_before_anybody_listened_is_lost(bare: Bare):
    chip = bare("esp32_devkit", LATE_LISTENER)
    wire = chip.lines[21, 22]
    chip.line("ready")
    wire.write(b"too early")
    chip.line("open")
    wire.write(b"in time")
    assert chip.line("got") == "b'in time'"
    assert wire.read(20) == b"in time"


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

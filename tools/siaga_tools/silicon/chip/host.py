"""The simulated chip's only way to the world: lines on a pty, both ways, and the time that the world gives it.

From the host, a line each:
    clock <quiet_ms> <sim_us> <real_us> <permille> <limit_us>   idle time may be skipped once for quiet_ms nothing came
        or went on a socket, 0 = it may not; at this monotonic moment it is that simulated one, and time goes so fast;
        at limit_us it stands still, 0 = it does not
    ask <pin>                              say when the program has taken a sample of this pin, begun from now on;
        -1 = of any, or looked at this line
    level <pin> <0|1|-> <sim_us>           what the world drives on a pin since that moment; - = nothing
    adc <pin> <microvolts>    sag <microvolts>    the latter is what each analog input reads less while a radio sends
    wlan <ssid|-> <rssi>                   the access point in reach
    wlan_fault <raises|hangs>              what the radio's driver does at the next connect()
    uart <tx> <rx> <path>                  what hangs on these two pins
    heap                                   collect, and say how much is used
    uncalibrated <0|1>                     whether the ADC has no calibration in the chip's fuses
    start <dark_us> <load_us>              from power or wake to the chip's clock, and from there to its firmware
    boot <cause> <wakeup state> <ext1 pins|->
    word <path>                            of the one that resets leave
    psram <0|1>  rtc <offset_us> <memory hex|->  id <hex>  root <path>  flash <path> <blocks>  run
To the host:
    pin <n> <in|out> <level> <up|down|none> <hold 0|1>    pwm <n> <hz> <duty>    uart <id> <baud> <tx> <rx>
    rtc <offset_us> <memory hex|->    wdt <ms>    feed    wlan <on 0|1> <ssid|->
    idle <sim_us>    it sleeps until then: time may be skipped    awake    no longer
    listens <pin>    it has asked for this pin's interrupts    sampled <pin>    as was asked
    here    the host's process for it is there: from now on only simulated time goes by
    ahead <sim_us>    it was so late already as it heard that time goes slower, or no further
    sleep <ms|-1> <ext0 pin|-> <level> <ext1 pins|-> <level>    reset    heap <used> <free>
"""

import gc
import os
import time

import micropython

EPOCH = 946684800
real_time = time
real_sleep_ms = time.sleep_ms

levels = {}
microvolts = {}
uarts = {}
wired = []  # streams whose other end the host holds
network = ["", 0, ""]  # the access point in range, its signal, the driver's fault at the next connect()
radio_on = False
boot = {}
asked = {}  # by pin: how many readings until it is told
watchers = {}  # pin number: called with its new level and the time of the edge
edge = None  # (pin number, level, time) while an interrupt is served: what its handler reads
pulls = {}
sim_us = real_us = limit_us = 0
shown_us = 0  # what the clock showed as it was last set: it does not go back
permille = 1000
quiet_ms = 0
boot_us = 0
sag_uv = 0
sent_us = -10000000  # when a radio last sent
rtc_offset_us = 0
rtc_memory = b""

# By how much its clock may be ahead of the host's, which then stands still for a moment.
_AHEAD_US = 1000
# The tolerated offset between the time that mbedTLS sees and the simulated one, and its present offset from the host's,
# in seconds.
_JUDGED_S = 2
judged_s = 0
_judge = None
_wall_us = time.time_ns() // 1000 - time.ticks_us()
if os.getenv("FAKETIME_TIMESTAMP_FILE"):
    _judge = open(os.getenv("FAKETIME_TIMESTAMP_FILE"), "r+")

line = None
_buffer = bytearray(512)
_view = memoryview(_buffer)
_held = b""


def connect(path):
    global line
    line = open(path, "r+b")
    wired.append(line)


def send(text):
    line.write(text + "\n")


def heed():
    """Process the host's pending lines. Ends the chip if the host is gone."""
    global _held
    while True:
        try:
            count = line.readinto(_buffer)
        except OSError:
            raise SystemExit(1)
        if not count:
            note_read(-1)
            return
        lines = (_held + bytes(_view[:count])).split(b"\n")
        _held = lines.pop()
        for words in lines:
            _obey(words.decode().split(" "))


def _obey(words):
    global sim_us, real_us, permille, quiet_ms, limit_us, shown_us, rtc_offset_us, rtc_memory, sag_uv
    what = words[0]
    if what == "level":
        number = int(words[1])
        if words[2] == "-":
            levels.pop(number, None)
        else:
            levels[number] = int(words[2])
        if number in watchers:
            watchers[number](level(number), int(words[3]))
    elif what == "adc":
        microvolts[int(words[1])] = int(words[2])
    elif what == "sag":
        sag_uv = int(words[1])
    elif what == "clock":
        before_us = _flowing_us()
        quiet_ms, sim_us, real_us, permille, limit_us = [int(word) for word in words[1:6]]
        shown_us = 0
        if boot_us:  # before it, a line may be left of the start before, and nothing has lived its time
            if before_us > _flowing_us() + _AHEAD_US:
                send("ahead %d" % before_us)
            shown_us = before_us
    elif what == "ask":
        asked[int(words[1])] = 2  # the program may have looked at its clock for the next one already
    elif what == "heap":
        gc.collect()
        micropython.mem_info()
        send("heap %d %d" % (gc.mem_alloc(), gc.mem_free()))
    elif what == "wlan":
        network[0] = "" if words[1] == "-" else words[1]
        network[1] = int(words[2])
    elif what == "wlan_fault":
        network[2] = words[1]
    elif what == "uart":
        uarts[int(words[1]), int(words[2])] = words[3]
    elif what == "rtc":
        rtc_offset_us = int(words[1])
        rtc_memory = b"" if words[2] == "-" else bytes.fromhex(words[2])
    else:
        boot[what] = words[1:]


def level(number):
    """Return what a pin reads: what the world drives, else its pull, else what a floating input often shows."""
    if edge is not None and edge[0] == number:
        return edge[1]
    return levels.get(number, 1 if pulls.get(number) == "up" else 0)


def wait_for_start():
    global boot_us
    while "run" not in boot:
        heed()
        real_sleep_ms(1)
    boot_us = now_us() + int(boot["start"][0])
    send("here")  # who hears it may let time go faster
    while now_us() < boot_us:  # the processor is not running yet: pins have no interrupts, and nobody samples
        heed()
        real_sleep_ms(1)
    judge()


def now_us():
    """Return the simulated time, Unix microseconds. An interrupt is served at the time of its edge."""
    if edge is not None:
        return edge[2]
    return _flowing_us()


def _flowing_us():
    flowing_us = sim_us + (real_time.ticks_us() - real_us) * permille // 1000
    if limit_us:
        flowing_us = min(flowing_us, max(limit_us, sim_us))
    return max(flowing_us, shown_us)


def note_read(number):
    """Note that the program has read a pin."""
    if number in asked:
        asked[number] -= 1
        if not asked[number]:
            del asked[number]
            send("sampled %d" % number)


def rtc_us():
    """Return what the calendar clock shows: microseconds since 2000."""
    return now_us() + rtc_offset_us


def judge():
    """Set the time by which mbedTLS judges certificates: this process's own, as on the chip its calendar. Under
    libfaketime a file says how far that is ahead of the host's."""
    global judged_s
    if _judge is None:
        return
    ahead_s = (rtc_us() - _wall_us - real_time.ticks_us()) // 1000000 + EPOCH
    if abs(ahead_s - judged_s) > _JUDGED_S:
        judged_s = ahead_s
        _judge.seek(0)
        _judge.write("%+016d\n" % ahead_s)  # there at once; flush() would wait for the disk


def tell_rtc():
    judge()
    send("rtc %d %s" % (rtc_offset_us, rtc_memory.hex() or "-"))


def stop():
    """Halt the processor; the host cuts its power or restarts it."""
    while True:
        heed()
        real_sleep_ms(5)


def real_ms(sim_ms):
    """Return the real milliseconds of so many simulated ones, at least one, so that no loop spins."""
    return max(1, sim_ms * 1000 // permille) if sim_ms > 0 else 0


def task_wait_ms(sim_ms):
    """Return the real milliseconds that a sleeping task waits, at least one. Where time is compressed, waking for each
    of the firmware's own would keep the host busy with an idle chip: a task may be late there, by some 4 ms in real
    time at tenfold speed, and never by more than a simulated second. What arrives on a line wakes it at once."""
    return max(1, min(permille // 2500, 1000000 // permille), sim_ms * 1000 // permille)


def host_path(path):
    """Return where the chip finds a file of the host once its own flash is the root."""
    return "/host" + path

"""The chip's memory outside Python's heap: what ESP-IDF, Wi-Fi, TLS and the serial lines live on.

With PSRAM Python's heap grows only there: malloc() takes blocks of 8 or 16 KB and more from PSRAM, and a growth is
larger (ports/esp32/gccollect.c, boards/sdkconfig.spiram); main.py's collection threshold bounds it. Without PSRAM its
third growth takes the whole largest free block, and neither Wi-Fi nor TLS finds any.
"""

import esp32

from micropython import const

# No region of the chip's internal memory is this large.
_PSRAM = const(1048576)
# Wi-Fi takes some 44 KB, TLS 40 more (measured with a genuine image in an emulator).
_WANTED = const(98304)


def _regions() -> "list[tuple[int, int, int, int]]":
    """Return total, free, largest free block, lowest free ever, of each region, in bytes."""
    return esp32.idf_heap_info(esp32.HEAP_DATA)  # type: ignore[return-value]


def internal() -> "tuple[int, int, int]":
    """Return, of the internal memory: bytes free, the largest free block, and the lowest free ever."""
    free = largest = low = 0
    for region in _regions():
        if region[0] < _PSRAM:
            free += region[1]
            largest = max(largest, region[2])
            low += region[3]
    return free, largest, low


def lack() -> str:
    """Return why this chip, or its image, cannot carry the firmware; "" = it can. Call it before Wi-Fi is on."""
    if not any(region[0] >= _PSRAM for region in _regions()):
        return (
            "no PSRAM: this chip or its MicroPython cannot carry the firmware; an ESP32-WROVER with the image "
            "ESP32_GENERIC-SPIRAM can"
        )
    free = internal()[0]
    if free < _WANTED:
        return "only %d bytes of the chip's own memory are free, Wi-Fi and TLS want %d" % (free, _WANTED)
    return ""

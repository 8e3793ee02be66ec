"""The chip's internal memory: one pool for Wi-Fi, ESP-IDF and, on a chip without PSRAM, Python's heap.

As measured on a genuine image without PSRAM: after boot 143,984 bytes are free, the largest block 110,592; Wi-Fi takes
44 KB; Python's heap starts with 64 KB outside of these, and grows by doubling, or takes the largest block whole. With
PSRAM it grows there. A chip's objects are 0.69 of their size in this 64-bit build.
"""

import gc

import host

FREE, LARGEST, WIFI = 143984, 110592, 45000
FIRST, PSRAM, TOTAL = 65536, 4194304, 176000

_low = FREE


def _grown():
    used = gc.mem_alloc() * 69 // 100
    area = FIRST
    while area < used:
        area *= 2
    return area - FIRST


def regions(wifi):
    """As esp32.idf_heap_info() reports them: total, free, largest free block, lowest free ever."""
    global _low
    has_psram = host.boot["psram"][0] == "1"
    taken = 0 if has_psram else min(_grown(), LARGEST)
    free = max(FREE - taken - (WIFI if wifi else 0), 500)
    _low = min(_low, free)
    found = [(TOTAL, free, min(free, LARGEST - taken or 480), _low)]
    if has_psram:
        taken = FIRST + _grown()
        found.append((PSRAM, PSRAM - taken, PSRAM - taken, PSRAM - taken))
    return found

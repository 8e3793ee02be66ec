"""Starts the chosen firmware, again and again: on the chip, and as `micropython firmware/main.py` on Linux.
This file, siaga_latch.py and siaga_boot.py are never updated over the air."""

import sys

if sys.platform == "esp32":
    import siaga_latch  # noqa: F401  # first of all: from here on no touch of the button is lost

import gc

# Collecting garbage early keeps the free heap in one piece. But each collection takes time, so with megabytes of heap
# they are rare.
gc.threshold(min(max(gc.mem_free() // 4, 16384), 262144))

if sys.platform == "esp32":
    import siaga_boot as loader
else:
    import siaga_flash as loader

while loader.again(loader.run()):
    gc.collect()  # here: any deeper, the previous run's leftovers on the stack would keep its objects alive

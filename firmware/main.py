"""Start the firmware that holds, and start it anew: on the chip, and as `micropython firmware/main.py` on Linux.
Neither this file nor siaga_latch.py and siaga_boot.py are ever updated over the air."""

import sys

if sys.platform == "esp32":
    import siaga_latch  # noqa: F401  # before all else: from here on nothing that the hand does is lost

import gc

# Rubbish all over the heap, collected in good time, leaves room in one piece; but each collection takes its time, so
# where there are megabytes they are few.
gc.threshold(min(max(gc.mem_free() // 4, 16384), 262144))

if sys.platform == "esp32":
    import siaga_boot as loader
else:
    import siaga_flash as loader

while loader.again(loader.run()):
    gc.collect()  # from here: further in, what the run before left on the stack would keep it alive

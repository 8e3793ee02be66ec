"""Start the firmware that holds, and start it anew: on the chip, and as `micropython firmware/main.py` on Linux.
Neither this file nor siaga_boot.py is ever updated over the air."""

import gc
import sys

# Compiling and running leave rubbish all over the heap; collected in good time, it leaves room in one piece.
gc.threshold(16384)

if sys.platform == "esp32":
    import siaga_boot as loader
else:
    import siaga_flash as loader

while loader.again(loader.run()):
    gc.collect()  # from here: further in, what the run before left on the stack would keep it alive

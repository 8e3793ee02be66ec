"""Pick the board, be the button. Runs on the chip, and as `micropython -X heapsize=192k firmware/main.py` on Linux."""

import sys

from siaga.app.device import run

if sys.platform == "esp32":
    from siaga.boards.esp32_devkit import boards
else:
    from siaga.boards.simulated import boards

for board in boards():
    run(board)

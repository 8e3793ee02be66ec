"""Pick the board, be the button. Runs on the chip, and as `micropython -X heapsize=192k firmware/main.py` on Linux."""

import gc

# Compiling and running leave rubbish all over the heap; collected in good time, it leaves room in one piece.
gc.threshold(16384)

from siaga.app.device import run  # noqa: E402
from siaga.boards.choice import boards  # noqa: E402

for board in boards():
    run(board)

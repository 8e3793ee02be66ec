"""The button's own main.py, except that copies of a short form under way are taken for arrived after two seconds."""

import gc

gc.threshold(16384)

from siaga.app import delivery, device, outbox, restore  # noqa: E402
from siaga.app.board_faults import Faults  # noqa: E402
from siaga.boards.simulated import boards  # noqa: E402

outbox.SETTLE_S = delivery.SETTLE_S = restore.SETTLE_S = 2
for board in boards():
    device.run(board, Faults(board))

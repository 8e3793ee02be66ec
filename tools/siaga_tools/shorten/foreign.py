"""Names that MicroPython, its modules or its protocols look up, and the firmware uses for something of its own too."""

from __future__ import annotations

from typing import Final

_WORDS: Final = """
Counter ENOENT MAGIC SLEEP State alarm board chdir clear client_id clock close code connect data digest discard done
end feed final find flags gather getcwd host idle ioctl is_set key keys length line load main mount name next on open
parse path phase pin pop port publish read readblocks readinto reason remove reset run send set signed size sleep
sleep_ms start stat state status step subscribe tell time total umount user value verify verify_mode version write
writeblocks
"""
FOREIGN: Final = frozenset(_WORDS.split())

"""Prints counter and kind of each frame that waits in the outbox on a flash image; a signature that is only owed has
100 more as its kind. Arguments: image, blocks."""

import os
import struct
import sys

sys.path.insert(0, sys.argv[0].rsplit("/", 4)[0] + "/tools/siaga_tools/silicon/chip")

import flash
import vfs

from siaga.app import flash_records as sealed

vfs.mount(vfs.VfsLfs2(flash.FileFlash(sys.argv[1], int(sys.argv[2]))), "/chip")
folder = "/chip/siaga-state/outbox"
for name in sorted(item[0] for item in os.ilistdir(folder)):
    if name.endswith(".new"):
        continue
    with open(folder + "/" + name, "rb") as file:
        content = file.read()
    record = sealed.unseal(content[:4], content)
    counter, kind = struct.unpack(">IB", record[:5])
    print(counter, kind + (100 if content[:4] == b"SGO2" else 0))

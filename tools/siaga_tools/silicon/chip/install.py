"""The installer's cable: copies files onto a flash image, which is created and formatted if missing.

Arguments: image, blocks, then pairs: a file of the host and its destination; "-" instead of a file removes the
    destination.
"""

import os
import sys

sys.path.insert(0, sys.argv[0].rsplit("/", 1)[0])

import flash
import vfs


def folders(path):
    parts = path.split("/")[1:-1]
    made = ""
    for part in parts:
        made += "/" + part
        try:
            os.mkdir("/chip" + made)
        except OSError:
            pass


def main(image, blocks, pairs):
    fresh = False
    try:
        os.stat(image)
    except OSError:
        flash.erase(image, blocks)
        fresh = True
    device = flash.FileFlash(image, blocks)
    if fresh:
        vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device), "/chip")
    for source, target in pairs:
        if source == "-":
            try:
                os.remove("/chip" + target)
            except OSError:
                pass
            continue
        folders(target)
        with open(source, "rb") as file, open("/chip" + target, "wb") as copy:
            while True:
                piece = file.read(4096)
                if not piece:
                    break
                copy.write(piece)
    vfs.umount("/chip")
    device.close()


main(sys.argv[1], int(sys.argv[2]), list(zip(sys.argv[3::2], sys.argv[4::2])))

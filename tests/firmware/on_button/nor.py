"""A simulated NOR flash chip whose power can go in the middle of an operation."""

BLOCK = 4096


class PowerCut(BaseException):
    pass


class Chip:
    """NOR: an erase sets bits, a program only clears them. The operation at which the power goes is half done. left:
    how many are done before, -1 = all. Afterwards nothing does anything; insists: and whoever clears up after the cut
    (a finally, an except OSError), which no real cut lets anybody do, gets it again."""

    def __init__(self, cells):
        self.cells = bytearray(cells)
        self.left = -1
        self.dead = False
        self.insists = False

    def _is_dead(self):
        if self.dead and self.insists:
            raise PowerCut
        return self.dead

    def readblocks(self, block, buffer, offset=0):
        if self._is_dead():
            return  # a file of the life before is collected
        start = block * BLOCK + offset
        buffer[:] = self.cells[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        if self._is_dead():
            return
        start = block * BLOCK + offset
        length, cut = self._step(len(buffer))
        end = start + length
        now = int.from_bytes(self.cells[start:end], "little") & int.from_bytes(buffer[:length], "little")
        self.cells[start:end] = now.to_bytes(length, "little")
        if cut:
            raise PowerCut

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.cells) // BLOCK
        if op == 5:
            return BLOCK
        if op == 6 and not self._is_dead():
            length, cut = self._step(BLOCK)
            self.cells[arg * BLOCK : arg * BLOCK + length] = b"\xff" * length
            if cut:
                raise PowerCut
        return 0

    def _step(self, length):
        if self.left == 0:
            self.dead = True
            return length // 2, True
        self.left -= 1
        return length, False

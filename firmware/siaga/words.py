"""What compiled firmware says to people: its long texts lie in a file beside this one and are read one at a time, when
they are needed; most never are, and all would take memory all the time. The compile step makes that file and puts
long_text(number) where a text stood (tools/siaga_tools/shorten/words.py); the sources know nothing of it."""

_PIECE = 64


def long_text(number: int, arguments: object = None) -> str:
    """A text by its line, with its placeholders filled if there are arguments. Where it cannot be read (no memory, a
    broken flash) its number and the arguments: what is being reported must still be reported."""
    try:
        found = _line(number)
        return found if arguments is None else found % arguments
    except Exception:
        return "text %d %r" % (number, arguments)


def _line(number: int) -> str:
    piece = bytearray(_PIECE)
    found = b""
    with open(__file__[: __file__.rfind("/") + 1] + "words.txt", "rb") as file:
        while True:
            count = file.readinto(piece)
            if not count:
                raise ValueError
            at = 0
            while at < count:
                end = bytes(piece).find(b"\n", at, count)
                if number == 0:
                    found += piece[at : count if end < 0 else end]
                    if end >= 0:
                        return found.decode()
                if end < 0:
                    break
                number -= 1
                at = end + 1

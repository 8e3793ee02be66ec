"""The long texts of compiled firmware: one file a language beside this one, each text read when needed. Most never are,
and in memory they would take it all the time. The compile step makes those files and puts long_text(number) in a text's
place (the tools' firmware_build); the sources are in English."""

# The file is deflated, raw (no header or checksum), with a window of 2^10 bytes. Reading one takes 2.5 KB briefly.
WINDOW_BITS = 10

# As the setting; Indonesian until that is known.
language = "id"


def long_text(number: int, arguments: object = None) -> str:
    """Return a text by its line, with its placeholders filled if there are arguments. If it cannot be read (no memory,
    broken flash), return its number and the arguments: what is being reported must still be reported."""
    try:
        found = _line(number)
        return found if arguments is None else found % arguments
    except Exception:
        return "text %d %r" % (number, arguments)


def _line(number: int) -> str:
    from deflate import RAW, DeflateIO

    with open(__file__[: __file__.rfind("/") + 1] + "long_texts_" + language + ".txt", "rb") as file:
        texts = DeflateIO(file, RAW, WINDOW_BITS)
        while True:
            line = texts.readline()
            if line[-1:] != b"\n":
                raise ValueError
            if not number:
                return line[:-1].decode()
            number -= 1

"""What compiled firmware says to people: its long texts lie beside this file, one file a language, and are read one at
a time, when they are needed; most never are, and all would take memory all the time. The compile step makes those files
and puts long_text(number) where a text stood (tools/siaga_tools/long_texts.py); the sources speak English."""

# The file is deflated, without head or sum, for a window of 2^10 bytes. Reading one takes 2.5 KB for a moment.
WINDOW_BITS = 10

# As the setting; Indonesian as long as that is not known.
language = "id"


def long_text(number: int, arguments: object = None) -> str:
    """A text by its line, with its placeholders filled if there are arguments. Where it cannot be read (no memory, a
    broken flash) its number and the arguments: what is being reported must still be reported."""
    try:
        found = _line(number)
        return found if arguments is None else found % arguments
    except Exception:
        return "text %d %r" % (number, arguments)


def _line(number: int) -> str:
    from deflate import RAW, DeflateIO

    with open(__file__[: __file__.rfind("/") + 1] + "words_" + language + ".txt", "rb") as file:
        texts = DeflateIO(file, RAW, WINDOW_BITS)
        while True:
            line = texts.readline()
            if line[-1:] != b"\n":
                raise ValueError
            if not number:
                return line[:-1].decode()
            number -= 1

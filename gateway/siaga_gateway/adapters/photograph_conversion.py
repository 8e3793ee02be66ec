"""Converts what strangers upload into small JPEGs, in a process that may die: decoders of pictures have had holes.

`python -m siaga_gateway.adapters.photograph_conversion` is that process: a picture on standard input, the JPEG on
standard output. It has little memory and time, and can write no file. What it writes is made of pixels alone:
no position, no name of a camera, no comment comes through.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

from siaga_gateway.domain.limits import LARGEST_PHOTOGRAPH, LARGEST_UPLOAD
from siaga_gateway.service.ports import ResponderRefused

if TYPE_CHECKING:
    from PIL import Image

DEADLINE_S: Final = 20.0
_AT_ONCE: Final = 2
_WAIT_S: Final = 30.0  # for those before it
_SIDE: Final = 1_600  # pixels
_MOST_PIXELS: Final = 250_000_000  # as the file says
_MOST_DECODED: Final = 50_000_000  # JPEGs are decoded smaller at once
_QUALITIES: Final = (80, 65, 50, 35)
_MEMORY: Final = 1 << 30  # bytes
_CPU_S: Final = 15
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_ORIENTATION: Final = 0x0112  # of EXIF
_TOO_MANY_PIXELS: Final = 3
_UNREADABLE: Final = 4


class PhotographConversion:
    """Thread-safe; few at once, each in a process of its own."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def converted(self, raw: bytes) -> bytes:
        """Return a JPEG of at most LARGEST_PHOTOGRAPH bytes and 1,600 pixels a side. Raises: ResponderRefused."""
        if not 0 < len(raw) <= LARGEST_UPLOAD:
            raise ResponderRefused("responder.photo_size", most=LARGEST_UPLOAD >> 20)
        if not self._room.acquire(timeout=_WAIT_S):
            raise ResponderRefused("responder.photo_busy")
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-m", __name__],
                input=raw,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=self._deadline_s,
                check=False,
                env={},
            )
        except (subprocess.TimeoutExpired, OSError):
            raise ResponderRefused("responder.photo_unreadable") from None
        finally:
            self._room.release()
        if done.returncode == _TOO_MANY_PIXELS:
            raise ResponderRefused("responder.photo_pixels", most=_MOST_PIXELS // 10**6)
        if done.returncode != 0 or not is_small_jpeg(done.stdout):
            raise ResponderRefused("responder.photo_unreadable")
        return done.stdout


def is_small_jpeg(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8\xff") and len(data) <= LARGEST_PHOTOGRAPH


def convert(raw: bytes) -> bytes:
    """Raises: OverflowError for too many pixels; anything else for what is no picture."""
    from PIL import Image, ImageFile

    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    with Image.open(io.BytesIO(raw), formats=_FORMATS) as opened:
        if opened.width * opened.height > _MOST_PIXELS:
            raise OverflowError
        # Of a photograph whose end is missing the rest is shown.
        ImageFile.LOAD_TRUNCATED_IMAGES = opened.format != "PNG"
        opened.draft("RGB", (_SIDE, _SIDE))
        if opened.width * opened.height > _MOST_DECODED:
            raise OverflowError
        opened.thumbnail((_SIDE, _SIDE))
        turned = _upright(opened)
        upright = opened if turned is None else opened.transpose(turned)
        seen = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    clean = Image.new("RGB", seen.size, "white")  # a new one: what stood beside the pixels stays behind
    clean.paste(seen, mask=seen if seen.mode == "RGBA" else None)
    while True:
        for quality in _QUALITIES:
            written = io.BytesIO()
            clean.save(written, "JPEG", quality=quality, optimize=True)
            if written.tell() <= LARGEST_PHOTOGRAPH:
                return written.getvalue()
        clean = clean.resize((max(1, clean.width * 7 // 10), max(1, clean.height * 7 // 10)))


def _upright(picture: Image.Image) -> Image.Transpose | None:
    """Return how to turn a picture that says how it was held. Cameras write the strangest things beside that: nothing
    else is read, and what cannot be read turns nothing."""
    from PIL.Image import Transpose

    turns: dict[object, Transpose] = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        return turns.get(picture.getexif().get(_ORIENTATION))
    except Exception:
        return None


def main() -> int:
    from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401 - while files can be opened

    limits = ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _CPU_S), (resource.RLIMIT_FSIZE, 0))
    for what, most in limits:
        resource.setrlimit(what, (most, most))
    try:
        jpeg = convert(sys.stdin.buffer.read(LARGEST_UPLOAD + 1))
    except (OverflowError, Image.DecompressionBombError):
        return _TOO_MANY_PIXELS
    except Exception:
        return _UNREADABLE
    sys.stdout.buffer.write(jpeg)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

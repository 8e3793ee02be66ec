"""What strangers upload becomes a small JPEG of pixels alone, in a process that may die and cost nothing else."""

from __future__ import annotations

import io
import random
import struct
import zlib

import pytest
from PIL import Image

from siaga_gateway.adapters.photograph_conversion import PhotographConversion, convert, is_small_jpeg
from siaga_gateway.domain.limits import LARGEST_PHOTOGRAPH, LARGEST_UPLOAD
from siaga_gateway.service.ports import ResponderRefused

GPS = 0x8825
MAKE, ORIENTATION = 0x010F, 0x0112


def written(picture: Image.Image, kind: str, **more: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **more)
    return file.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(3 * width * height))


def seen(jpeg: bytes) -> Image.Image:
    assert is_small_jpeg(jpeg)
    return Image.open(io.BytesIO(jpeg), formats=["JPEG"])


def from_a_phone() -> bytes:
    """Lying on its side, with position and make, a comment, and something behind its end."""
    exif = Image.Exif()
    exif[MAKE] = "Contoh"
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[1] = "S"
    exif.get_ifd(GPS)[2] = (5.0, 25.0, 43.0)
    picture = Image.new("RGB", (3_000, 2_000), "red")
    picture.paste("blue", (0, 0, 1_500, 2_000))
    return written(picture, "JPEG", exif=exif, comment=b"Contoh-comment") + b"<script>alert(1)</script>"


def test_nothing_but_the_pixels_comes_through_and_it_stands_upright() -> None:
    raw = from_a_phone()
    assert b"Contoh" in raw and b"Exif" in raw
    jpeg = PhotographConversion().converted(raw)
    for hidden in (b"Contoh", b"Exif", b"GPS", b"script", b"comment"):
        assert hidden not in jpeg
    picture = seen(jpeg)
    assert picture.size == (1_067, 1_600) and not picture.getexif()
    red, _, blue = picture.getpixel((500, 100))  # type: ignore[misc]
    assert blue > red, "its left side is now above"


def with_tags(tag: int, kind: int, value: bytes) -> bytes:
    """A JPEG that says that the camera lay on its side, and one thing more."""
    there = struct.pack("<HHIHH", ORIENTATION, 3, 1, 6, 0)
    behind = 8 + 2 + 2 * 12 + 4
    more = struct.pack("<HHI", tag, kind, len(value))
    more += value if len(value) == 4 else struct.pack("<I", behind)
    tags = b"II*\0" + struct.pack("<IH", 8, 2) + there + more + bytes(4) + value
    return written(Image.new("RGB", (40, 30)), "JPEG", exif=b"Exif\0\0" + tags)


@pytest.mark.parametrize(
    "tag, kind, value",
    [
        pytest.param(0x011A, 2, b"72 dpi\0\0", id="resolution-in-words"),
        pytest.param(0xA005, 7, b"abcd", id="more-tags-that-are-none"),
    ],
)
def test_whatever_else_a_camera_wrote_the_picture_is_taken_and_stands_upright(
    tag: int, kind: int, value: bytes
) -> None:
    assert seen(convert(with_tags(tag, kind, value))).size == (30, 40)


@pytest.mark.parametrize("held, corner", list(enumerate("ABDCACDB", 1)))
def test_it_stands_upright_however_the_camera_was_held(held: int, corner: str) -> None:
    """corner: which quarter is at the top left: A, B above, C, D below."""
    picture = Image.new("L", (40, 20))
    shades = dict(zip("ABCD", (10, 90, 170, 250), strict=True))
    for name, place in zip("ABCD", ((0, 0), (20, 0), (0, 10), (20, 10)), strict=True):
        picture.paste(shades[name], (*place, place[0] + 20, place[1] + 10))
    exif = Image.Exif()
    exif[ORIENTATION] = held
    turned = seen(convert(written(picture, "JPEG", exif=exif, quality=95))).convert("L")
    assert turned.size == ((40, 20) if held < 5 else (20, 40))
    assert abs(int(turned.getpixel((3, 3))) - shades[corner]) < 12  # type: ignore[arg-type]


def test_of_one_whose_end_is_missing_the_rest_is_taken() -> None:
    raw = from_a_phone().removesuffix(b"<script>alert(1)</script>")
    red, _, blue = seen(PhotographConversion().converted(raw[:-200])).getpixel((500, 100))  # type: ignore[misc]
    assert blue > red


@pytest.mark.parametrize(
    "kind, mode", [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("PNG", "I;16"), ("WEBP", "RGBA"), ("JPEG", "CMYK")]
)
def test_every_kind_that_browsers_send_becomes_a_jpeg(kind: str, mode: str) -> None:
    picture = seen(convert(written(Image.new(mode, (40, 30)), kind)))
    assert (picture.size, picture.mode) == ((40, 30), "RGB")


def test_what_compresses_badly_is_made_smaller_until_it_fits() -> None:
    jpeg = convert(written(noise(1_600, 1_600), "PNG"))
    assert 50_000 < len(jpeg) <= LARGEST_PHOTOGRAPH and max(seen(jpeg).size) < 1_600


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1_000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "raw, why",
    [
        (b"", "8 MB"),
        (b"x" * (LARGEST_UPLOAD + 1), "8 MB"),
        (b"\xff\xd8\xff\xe0 not a photograph", "cannot be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "cannot be read"),
        (written(Image.new("P", (9, 9)), "GIF"), "cannot be read"),
        (written(Image.new("RGB", (9, 9)), "JPEG")[:200], "cannot be read"),
        (png_that_claims(60_000, 60_000), "million pixels"),
        (png_that_claims(9_000, 9_000), "million pixels"),
        (png_that_claims(2_000, 2_000), "cannot be read"),
    ],
)
def test_what_is_no_photograph_or_too_large_is_refused_by_name(raw: bytes, why: str) -> None:
    with pytest.raises(ResponderRefused, match=why):
        PhotographConversion().converted(raw)


def test_one_that_takes_too_long_is_given_up_and_the_next_is_taken() -> None:
    conversion = PhotographConversion(deadline_s=0.01)
    for _ in range(3):
        with pytest.raises(ResponderRefused, match="cannot be read"):
            conversion.converted(from_a_phone())

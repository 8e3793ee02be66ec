"""The loader on the simulated chip: the firmware as one file, and the flash that is read in larger pieces."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from firmware.boards.bare_chip import BareChip
from micropython import FIRMWARE, flash_image, micropython
from siaga_tools.board_wiring import BOARDS
from siaga_tools.firmware_build.make_bundle import factory_bundle
from siaga_tools.simulate.flash_image import FACTORY, Installer

Loaded = Callable[..., BareChip]
BEGIN = """
import sys
import siaga_boot

siaga_boot.begin()
"""


@pytest.fixture
def loaded(tmp_path):  # type: ignore[no-untyped-def]
    """loaded(program): a T-A7670's chip with what an installer copies onto it, and a program as its /main.py. factory:
    what is made of the firmware's file, a function of its bytes."""
    chips = []

    def start(program: str, factory: Callable[[bytes], bytes] | None = None) -> BareChip:
        image = tmp_path / "flash.img"
        shutil.copy(flash_image("t_a7670"), image)
        (tmp_path / "main.py").write_text(program, encoding="utf-8")
        files = {tmp_path / "main.py": "/main.py"}
        if factory is not None:
            (tmp_path / FACTORY).write_bytes(factory(factory_bundle(FIRMWARE, "t_a7670")))
            files[tmp_path / FACTORY] = f"/{FACTORY}"
        Installer(micropython(), FIRMWARE, tmp_path).copy(image, files)
        chip = BareChip(image, BOARDS["t_a7670"])
        chips.append(chip)
        return chip.__enter__()

    yield start
    for chip in chips:
        chip.__exit__(None, None, None)


def test_the_firmware_is_one_file_and_each_module_has_its_name_and_its_lines(loaded: Loaded) -> None:
    chip = loaded(
        BEGIN
        + "from siaga.core import frame\n"
        + "from siaga.long_texts import long_text\n"
        + "print('from', frame.__file__, siaga_boot.running, sys.path)\n"
        + "print('says', long_text(0))\n"
        + "try:\n    frame.decode_down(b'')\nexcept Exception as error:\n    sys.print_exception(error)\n"
    )
    assert chip.line("from") == "/siaga-firmware/siaga/core/frame.mpy 0 ['/siaga-firmware', '.frozen']"
    assert " " in chip.line("says") and not chip.line("says").startswith("text 0")
    source = (FIRMWARE / "siaga" / "core" / "frame.py").read_text(encoding="utf-8").split("\n")
    lines = [number for number, line in enumerate(source, 1) if "raise FrameError" in line]
    trace = chip.line('  File "siaga.core.frame", line ')
    assert int(trace.split(",")[0]) in lines and trace.endswith("in decode_down")


LEFT_OVER = """
import os

for folder in ("/siaga", "/siaga/app"):
    os.mkdir(folder)
    open(folder + "/__init__.py", "w").close()
for name in ("left", "chosen", "settings", "settings_rules", "device"):
    with open("/siaga/app/" + name + ".py", "w") as file:
        file.write("raise Exception('of an earlier firmware')")
"""
SEEN = """
from siaga.app import settings, settings_rules

print("from", settings.__file__, settings_rules.__file__)
try:
    import siaga.app.left
except ImportError:
    print("left", "is gone")
"""


def test_files_of_an_earlier_firmware_that_are_still_on_the_flash_are_not_seen(loaded: Loaded) -> None:
    """Modules are renamed from one version to the next, and a name may come to mean another module."""
    chip = loaded(LEFT_OVER + BEGIN + SEEN)
    assert chip.line("from") == "/siaga-firmware/siaga/app/settings.mpy /siaga-firmware/siaga/app/settings_rules.mpy"
    assert chip.line("left") == "is gone"


@pytest.mark.parametrize(
    "made",
    [
        lambda whole: whole[:-1],
        lambda whole: whole[:9],
        lambda whole: b"",
        lambda whole: whole + b"x",
        lambda whole: whole.replace(b"siaga/app", b"siaga/\x80pp", 1),  # one bit of a name
    ],
)
def test_a_file_that_was_not_copied_whole_is_named(loaded: Loaded, made: Callable[[bytes], bytes]) -> None:
    chip = loaded(BEGIN + "print('runs', siaga_boot.running)\n", made)
    assert chip.line("runs") == "0"
    assert "/siaga-factory is not whole: copy it again" in chip.said


SIZES = """
import flashbdev

sizes = []
read = flashbdev.bdev.readblocks


class Counted:
    def readblocks(self, block, buffer, offset=0):
        sizes.append(len(buffer))
        return read(block, buffer, offset)

    def writeblocks(self, *arguments):
        return flashbdev_own.writeblocks(*arguments)

    def ioctl(self, *arguments):
        return flashbdev_own.ioctl(*arguments)


flashbdev_own = flashbdev.bdev
flashbdev.bdev = Counted()
import siaga_boot

{before}
siaga_boot.remount()
with open("/siaga-factory", "rb") as file:
    whole = file.read()
with open("/written", "w") as file:
    file.write("kept")
with open("/written") as file:
    print("reads", min(sizes or [0]), len(whole) > 65536, file.read())
"""


def test_the_flash_is_read_256_bytes_at_a_time(loaded: Loaded) -> None:
    assert loaded(SIZES.format(before="")).line("reads") == "256 True kept"


@pytest.mark.parametrize(
    "before",
    [
        "del flashbdev.bdev\nflashbdev.bdev = None",
        "class No:\n    def VfsLfs2(self, *a, **b):\n        raise TypeError('no readsize')\nsiaga_boot.vfs = No()",
        "import sys\nsys.modules['flashbdev'] = object()",
        "import vfs\nfailed = []\nclass Vfs:\n    VfsLfs2 = vfs.VfsLfs2\n    umount = vfs.umount\n"
        "    def mount(self, *a):\n        if not failed:\n            failed.append(1)\n            sizes.clear()\n"
        "            raise MemoryError\n        sizes.append(0)\n        vfs.mount(*a)\nsiaga_boot.vfs = Vfs()",
    ],
)
def test_where_it_cannot_be_the_flash_stays_as_it_is(loaded: Loaded, before: str) -> None:
    assert loaded(SIZES.format(before=before)).line("reads") == "0 True kept"

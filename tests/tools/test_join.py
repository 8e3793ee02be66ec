"""Files that are always loaded together put into one: which they are, and that the program does the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from micropython import FIRMWARE, environment, micropython, run_main
from siaga_tools.mpy import made_small
from siaga_tools.shorten import Small, smaller
from siaga_tools.shorten.names import HAD_ANYWAY
from siaga_tools.words import Trouble

MAIN = "from siaga.start import start\nprint(start(4))\n"
# Each file has the same names for other things, and locals that are called as globals elsewhere.
PROGRAM_TEXT = '''
=== siaga/__init__.py
=== siaga/core/__init__.py
# Pure.
=== siaga/core/errors.py
class SiagaError(Exception):
    reason = ''
=== siaga/core/frame.py
"""Frames."""
import struct

from siaga.core.errors import SiagaError

total = [0]
calls = 0


def _work(number, time=3):
    global calls
    calls += 1
    total[0] += number
    return struct.pack('>H', number + time)


class Frame:
    total = 5
    kind = total + 1

    def __init__(self, number):
        self._work = number

    def encode(self):
        if self._work < 0:
            raise SiagaError('negative')
        return _work(self._work)


def count():
    return calls
=== siaga/core/alarm.py
from siaga.core import frame
from siaga.core.frame import Frame as Base


def _work(frame_):
    return [each for each in frame_.encode()]


class Alarm(Base):
    def encode(self):
        total = super().encode()
        return b'A' + total + bytes([frame.total[0]])

    def both(self):
        def inner(count):
            return count + len(_work(self)) + frame.count()

        return [inner(count) for count in range(2)], (lambda total=frame.total: total[0])()
=== siaga/start.py
import struct
import sys

from siaga.core.alarm import Alarm
from siaga.core.errors import SiagaError


def start(number):
    alarm = Alarm(number)
    said = [alarm.encode(), alarm.both(), alarm.kind]
    try:
        Alarm(-1).encode()
    except SiagaError as error:
        said.append(repr(error))
    from siaga.radio import Radio as Wave
    from siaga.core import frame
    from siaga import rules

    said.append(rules.choose(number))
    sys.modules.pop('siaga.rules')
    return said, Wave(frame.total).run(), struct.calcsize('>H')
=== siaga/radio.py
from siaga.core import frame
from siaga.line import Line, speed
from siaga.shared import limit


class Radio(Line):
    def run(self):
        def _work():
            from siaga.spare import help_out

            return help_out(frame.Frame(7))

        return self.send(), _work(), speed, limit()
=== siaga/line.py
from siaga.core.frame import count
from siaga.core.errors import SiagaError

speed = [9600]


class Line:
    def __init__(self, total):
        self._total = total

    def send(self):
        if count() > 99:
            raise SiagaError('much')
        return self._total + speed
=== siaga/rules.py
from siaga.chosen import Chosen


def choose(number):
    return Chosen(number).value
=== siaga/chosen.py
class Chosen:
    def __init__(self, value):
        self.value = value
=== siaga/spare.py
from siaga.shared import limit


def help_out(frame):
    return frame.encode(), limit()
=== siaga/shared.py
def limit():
    return 12
'''
PROGRAM = dict(part.split("\n", 1) for part in PROGRAM_TEXT.split("=== ")[1:])


def joined(texts: dict[str, str], main: str = MAIN) -> Small:
    return smaller(texts, [main], joined=True)


def run(room: Path, texts: dict[str, str], main: str = MAIN) -> str:
    for path, text in texts.items():
        (room / path).parent.mkdir(parents=True, exist_ok=True)
        (room / path).write_text(text, encoding="utf-8")
    (room / "main.py").write_text(main, encoding="utf-8")
    return run_main(room)


def test_what_is_always_loaded_together_is_one_file() -> None:
    homes = joined(PROGRAM).homes
    files = {path: {each for each in homes if homes[each] == path} for path in homes.values()}
    assert files == {
        "siaga/__init__.py": {"siaga/__init__.py"},
        "siaga/core/__init__.py": {"siaga/core/__init__.py"},
        # What the start needs; and nobody else needs a file of its own for it.
        "siaga/start.py": {f"siaga/{name}.py" for name in ("start", "core/alarm", "core/frame", "core/errors")},
        "siaga/radio.py": {"siaga/radio.py", "siaga/line.py"},
        "siaga/spare.py": {"siaga/spare.py"},
        "siaga/shared.py": {"siaga/shared.py"},  # two that are loaded apart need it
        "siaga/rules.py": {"siaga/rules.py"},  # given back: what it made must not keep it
        "siaga/chosen.py": {"siaga/chosen.py"},
    }


def test_the_program_does_the_same(tmp_path: Path) -> None:
    assert run(tmp_path / "apart", PROGRAM) == run(tmp_path / "joined", joined(PROGRAM).program.texts())


def test_every_source_of_the_firmware_is_in_one_file_and_most_are_in_few() -> None:
    texts = {path.relative_to(FIRMWARE).as_posix() for path in (FIRMWARE / "siaga").rglob("*.py")}
    small = made_small(FIRMWARE, joined=True)
    assert set(small.homes) == texts
    assert set(small.homes.values()) == set(small.program.texts())
    assert small.homes["siaga/core/alarm.py"] == small.homes["siaga/app/outbox.py"] == "siaga/start.py"
    assert small.homes["siaga/core/at.py"] == "siaga/drivers/simcom.py"
    assert small.homes["siaga/app/settings.py"] != small.homes["siaga/app/chosen.py"]


def test_a_name_in_a_traceback_has_all_that_it_may_stand_for() -> None:
    texts = {
        **PROGRAM,
        "siaga/core/alarm.py": "class Alarm:\n    kind = 1\n    def encode(self):\n        return self._first()\n"
        "    def _first(self):\n        return 1\n    def both(self):\n        return 2\n",
        "siaga/core/errors.py": "class SiagaError(Exception): ...\nclass Box:\n    def open_it(self):\n"
        "        return self._second()\n    def _second(self):\n        return 1\n",
    }
    meant = joined(texts).names["siaga.start"].values()
    assert "_first|_second" in meant or "_second|_first" in meant or {"_first", "_second"} <= set(meant)
    assert {"Alarm", "both", "encode"} & set(meant)


def test_a_file_that_is_handed_about_is_refused() -> None:
    texts = {**PROGRAM, "siaga/radio.py": "from siaga.core import frame\nclass Radio:\n    what = [frame]\n"}
    with pytest.raises(Trouble, match=r"siaga/radio\.py:3 .*handed about"):
        joined(texts)


def test_names_that_a_chip_has_anyway_are_had_by_this_interpreter_too(tmp_path: Path) -> None:
    """Each takes no further entry among the interned strings."""
    (tmp_path / "names.py").write_text("import micropython\n" + f"names = {' '.join(HAD_ANYWAY)!r}\n" + COUNT)
    before, after = run_plain(tmp_path / "names.py").split("qstr pool:")[1:]
    assert before.split("n_qstr=")[1].split(",")[0] == after.split("n_qstr=")[1].split(",")[0]


COUNT = """
class Box: ...
box = Box()
micropython.qstr_info()
for name in names.split():
    setattr(box, name, 1)
micropython.qstr_info()
"""


def run_plain(program: Path) -> str:
    return subprocess.run(
        [micropython(), str(program)], env=environment(), capture_output=True, text=True, timeout=60, check=True
    ).stdout

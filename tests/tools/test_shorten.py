"""The firmware made small before it is compiled: what is folded and shortened, and what must be left alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from micropython import FIRMWARE, environment, micropython, run_main
from siaga_tools.installed import boards
from siaga_tools.mpy import AT_HOME, LIMIT_BYTES, compile_firmware, made_small, runnable
from siaga_tools.shorten import smaller
from siaga_tools.shorten.words import packed, unpacked
from siaga_tools.words import Trouble


def small(around: str = "", **files: str) -> dict[str, str]:
    """The files made small, by name without siaga/ and .py; two blank lines before each `def` are not needed."""
    texts = {f"siaga/{name}.py": text for name, text in files.items()}
    texts["siaga/__init__.py"] = ""
    program = smaller(texts, [around]).program
    return {module.dotted.removeprefix("siaga."): module.text for module in program.modules.values()}


def public_shortened() -> set[str]:
    """A private name is only ever looked up on an object of the firmware's own."""
    return {
        name for names in made_small(FIRMWARE, joined=False).names.values() for name in names.values() if name[0] != "_"
    }


def test_a_constant_stands_where_it_is_used_and_leaves_no_trace() -> None:
    files = small(
        around="from siaga.b import start",
        a="from micropython import const\nPRESS = const(1)\nWORD = 'sent'\n_BOTH = PRESS << 4 | 2\nx = [_BOTH]\n",
        b="from siaga import a\nfrom siaga.a import WORD\ndef start():\n    return a.PRESS, WORD, a.x\n",
    )
    assert "PRESS" not in files["a"] + files["b"] and "WORD" not in files["a"] + files["b"]
    assert "(18)" in files["a"]
    assert "return (1), ('sent'), a." in files["b"]
    assert "from siaga.a import" not in files["b"] and "micropython" not in files["a"]


@pytest.mark.parametrize(
    "reader",
    [
        "from siaga import a\ndef start():\n    return [a][0].PRESS\n",  # the module is handed about
        "from siaga import a\nclass Other:\n    PRESS = 2\ndef start(o):\n    return o.PRESS, a.PRESS\n",
        "from siaga import a\ndef start(a):\n    return a.PRESS\n",  # perhaps another a
    ],
)
def test_a_constant_that_somebody_else_may_read_keeps_its_place(reader: str) -> None:
    files = small(around="from siaga.b import start", a="PRESS = 1\n", b=reader)
    assert "= 1" in files["a"] or "= (1)" in files["a"]


def test_what_is_given_a_value_twice_or_elsewhere_is_no_constant() -> None:
    files = small(
        around="from siaga.b import start",
        a="count = 1\nother = 1\ndef step():\n    global count\n    count += 1\n    return other\n",
        b="from siaga import a\ndef start():\n    a.other = 5\n    return a.step()\n",
    )
    assert files["a"].count("= 1") >= 2 and "(1)" not in files["a"]


def test_names_are_short_in_every_file_alike_and_lines_stay_where_they_were() -> None:
    text = {
        "a": "class Outbox:\n    def __init__(self):\n        self.entries = []\n\n    def keep_it(self, entry):\n"
        "        self.entries.append(entry)\n",
        "b": "from siaga.a import Outbox\n\n\ndef start():\n    box = Outbox()\n    box.keep_it(1)\n"
        "    return box.entries\n",
    }
    files = small(around="from siaga.b import start", **text)
    for name in ("Outbox", "entries", "keep_it", "entry"):
        assert name not in files["a"] + files["b"]
    assert "def start" in files["b"] and ".append(" in files["a"]
    assert [len(files[name].split("\n")) for name in text] == [len(text[name].split("\n")) for name in text]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "by_string",
            "class A:\n    def by_string(self): ...\ndef start(a, n):\n    return getattr(a, n)\nX = ['by_string']",
        ),
        ("by_keyword", "def work(by_keyword=1):\n    return by_keyword\ndef f():\n    return work(by_keyword=2)\n"),
        ("ioctl", "class Flash:\n    def ioctl(self, op):\n        return op\n"),
        ("__len__", "class Box:\n    def __len__(self):\n        return 0\n"),
        ("sleep_us", "import time\nclass Clock:\n    def sleep_us(self):\n        time.sleep_us(3)\n"),
        ("named_outside", "def named_outside(): ...\n"),
        ("LinkError", "class LinkError(Exception): ...\n"),
    ],
)
def test_a_name_that_something_else_may_look_up_is_left_alone(name: str, text: str) -> None:
    assert name in small(around="import siaga.a\nsiaga.a.named_outside()", a=text)["a"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def f(a, n):\n    return getattr(a, 'on_' + n)\n", "siaga/a.py:2 .*composed: 'on_' \\+ n"),
        ("def f(n):\n    return f'{n}'\n", "siaga/a.py:2 .*f-string"),
        ("def f(a):\n    return a.__dict__\n", "siaga/a.py:2 .*__dict__"),
        ("x = 1\neval('x')\n", "siaga/a.py:2 .*eval"),
        ("from siaga.b import *\n", "siaga/a.py:1 .*everything"),
        (
            "def f(long_text):\n    raise OSError('a text of more than a few words')\n",
            "siaga/a.py .*long_text is wanted",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(Trouble, match=why):
        small(a=text, b="", words="def long_text(number): ...\n")


def test_private_names_of_files_that_inherit_from_one_another_stay_apart() -> None:
    """Else an attribute of the one would be an attribute of the other, in the same object."""
    files = small(
        around="from siaga.b import start",
        a="class Base:\n    def __init__(self):\n        self._first = 1\n"
        "    def one(self):\n        return self._first\n",
        b="from siaga.a import Base\nclass Sub(Base):\n    def __init__(self):\n        super().__init__()\n"
        "        self._second = 2\ndef start():\n    return Sub().one()\n",
    )
    first = files["a"].partition("self = " if "self = " in files["a"] else ".")[2].partition(" = 1")[0]
    assert f".{first} = 2" not in files["b"]


def test_what_runs_is_the_same(tmp_path: Path) -> None:
    """A program with everything at once, as it is and made small."""
    files = {
        "__init__": "",
        "core": "from micropython import const\nDEEP = const(-3)\nLIST = (DEEP, 'deep')\nclass Fault(Exception): ...\n"
        "class Base:\n    kind = DEEP\n    def __init__(self, start_value):\n        self._value = start_value\n"
        "    def total(self, *more, scale=1):\n        return (self._value + sum(more)) * scale\n",
        "app": "from siaga import core\nfrom siaga.core import Base, DEEP as LOW\n_STEP = 7\ncalls = 0\n"
        "class Counter(Base):\n    def __init__(self, first, second):\n        super().__init__(first)\n"
        "        self._other = second\n    def total(self, *more, scale=2):\n        global calls\n        calls += 1\n"
        "        def deeper(argument):\n            return argument + self._other + second_of(more)\n"
        "        return super().total(*more, scale=scale) + deeper(LOW) + _STEP\n"
        "def second_of(items):\n    return [item for item in items][1]\n"
        "def start(number):\n    counter = Counter(number, number * 10)\n    try:\n        raise core.Fault('x')\n"
        "    except core.Fault as fault:\n        all_three = counter.total(1, 2, 3)\n"
        "        return all_three, counter.kind, core.LIST, calls, repr(fault)\n",
    }
    outcomes = []
    texts = {f"siaga/{name}.py": text for name, text in files.items()}
    main = "from siaga.app import start\nprint(start(4))\n"
    for number, them in enumerate((texts, smaller(texts, [main]).program.texts())):
        room = tmp_path / str(number)
        (room / "siaga").mkdir(parents=True)
        for path, text in them.items():
            (room / path).write_text(text)
        (room / "main.py").write_text(main)
        outcomes.append(run_main(room))
    assert outcomes[0] == outcomes[1]


def test_no_name_of_the_chips_modules_is_shortened() -> None:
    """By the stubs that the firmware is type-checked with: an object of theirs must not meet a short name."""
    theirs = set()
    for package in ("micropython-esp32-stubs", "micropython-stdlib-stubs"):
        for file in distribution(package).files or ():
            if file.suffix == ".pyi":
                for node in ast.walk(ast.parse(Path(str(file.locate())).read_text(encoding="utf-8"))):
                    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                        theirs.add(node.name)
                    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                        theirs.update(target.id for target in targets if isinstance(target, ast.Name))
    assert {"irq", "readblocks", "wait_for_ms"} <= theirs
    shortened = public_shortened()
    assert len(shortened) > 300
    assert sorted(shortened & theirs) == []


def test_no_name_of_the_interpreter_is_shortened() -> None:
    """By what its modules and types have: all that MicroPython itself can look up on the unix port."""
    told = subprocess.run(
        [micropython(), str(Path(__file__).with_name("on_button") / "known_names.py")],
        env=environment(MICROPYPATH=".frozen"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.split()
    assert {"append", "wait_closed", "readinto"} <= set(told)
    assert sorted(public_shortened() & set(told)) == []


@pytest.mark.parametrize("board", boards(FIRMWARE))
def test_a_board_gets_what_it_can_use_and_no_more_than_120_kb(board: str, tmp_path: Path) -> None:
    compiled = compile_firmware(FIRMWARE, tmp_path, boards=(board,))
    assert sum(module.size for module in compiled) <= LIMIT_BYTES == 122_880
    paths = {module.path for module in compiled}
    assert f"siaga/boards/{board}.mpy" in paths
    assert not {f"siaga/boards/{other}.mpy" for other in boards(FIRMWARE)} - {f"siaga/boards/{board}.mpy"} & paths
    assert ("siaga/drivers/gnss.mpy" in paths) == (board == "esp32_devkit")
    assert ("siaga/drivers/simcom.mpy" in paths) == (board != "esp32_devkit")


def test_every_file_is_on_some_board_and_every_part_is_known(tmp_path: Path) -> None:
    everywhere = {module.path for module in compile_firmware(FIRMWARE, tmp_path / "all")}
    some = {module.path for module in compile_firmware(FIRMWARE, tmp_path / "some", boards=boards(FIRMWARE))}
    assert everywhere == some
    assert {f"siaga/boards/{board}.mpy" for board in boards(FIRMWARE)} <= everywhere
    files = {path.stem for path in (FIRMWARE / "siaga" / "boards").glob("*.py")}
    assert files == {*boards(FIRMWARE), "__init__", "choice", "esp32", *(Path(name).stem for name in AT_HOME)}


WORDY = {
    "siaga/__init__.py": "",
    "siaga/words.py": (FIRMWARE / "siaga" / "words.py").read_text(),
    "siaga/app.py": '"""What it is for, in several words."""\n\nimport sys\n\n\ndef tell(what):\n    print(what)\n\n\n'
    "def start(number):\n"
    '    tell("a text that is long enough, with the number %d" % number)\n'
    '    tell("a text that is long enough, with the numbers %d "\n         "and %r" % (number, "u"))\n'
    '    tell("a text that is long enough: ü")\n'
    '    tell("a text that is long enough: ü")\n'
    '    tell("short one")\n'
    '    tell("AT+CMQTTSSLCFG=0,0,AND,MORE,AND,MORE")\n'
    '    if "a text that is long enough, but compared" == number:\n        return\n',
}
WORDY_MAIN = "from siaga.app import start\nstart(7)\n"


def test_long_texts_lie_in_a_file_and_are_said_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "siaga").mkdir()
    for path, text in WORDY.items():
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "main.py").write_text(WORDY_MAIN)
    room = runnable(tmp_path, tmp_path / "room").parent
    words = room / "siaga" / "words.txt"
    assert unpacked(words.read_bytes()) == [
        "a text that is long enough, with the number %d",
        "a text that is long enough, with the numbers %d and %r",
        "a text that is long enough: ü",
    ]
    assert b"long enough, with" not in (room / "siaga" / "app.mpy").read_bytes()
    said = [run_main(main) for main in (tmp_path, room)]
    assert said[0] == said[1] and "numbers 7 and 'u'" in said[0]
    (room / "siaga" / "words.txt").write_bytes(b"a text cut sho")
    spare = run_main(room).splitlines()
    assert spare == ["text 0 7", "text 1 (7, 'u')", "text 2 None", "text 2 None", *said[0].splitlines()[4:]]
    (room / "siaga" / "words.txt").unlink()
    assert run_main(room).splitlines() == spare


EACH_TEXT = """
import words

for number in range(len(words.ALL)):
    assert words.long_text(number) == words.ALL[number], number
with open("words.txt", "rb") as file:
    whole = file.read()
for length in range(0, len(whole), 61):
    with open("words.txt", "wb") as file:
        file.write(whole[:length])
    for number in range(0, len(words.ALL), 9):
        assert words.long_text(number) in (words.ALL[number], "text %d None" % number), (length, number)
    assert words.long_text(number, (1, 2)).startswith("text %d (1, 2)" % number)
print(words.long_text(len(words.ALL)), "of", len(words.ALL))
"""


def test_each_text_is_read_as_it_was_and_a_file_cut_short_gives_whole_ones_or_numbers(tmp_path: Path) -> None:
    """Among them many that reach farther back than the window."""
    texts = [text for _, text in made_small(FIRMWARE, joined=False).texts]
    (tmp_path / "words.py").write_text(f"{WORDY['siaga/words.py']}\nALL = {texts!r}\n")
    (tmp_path / "words.txt").write_bytes(packed(texts))
    (tmp_path / "main.py").write_text(EACH_TEXT)
    assert run_main(tmp_path) == f"text {len(texts)} None of {len(texts)}\n"


def test_a_board_carries_the_texts_of_what_it_has(tmp_path: Path) -> None:
    for board, has in (("esp32_devkit", False), ("t_a7670", True)):
        compile_firmware(FIRMWARE, tmp_path / board, boards=(board,))
        texts = unpacked((tmp_path / board / "siaga" / "words.txt").read_bytes())
        assert any("PWRKEY" in text for text in texts) == has


def test_a_traceback_from_a_chip_is_spelled_out() -> None:
    names = made_small(FIRMWARE, joined=True).names["siaga.start"]
    short = next(short for short, long in names.items() if "_choose_settings" in long.split("|"))
    said = 'Traceback:\n  File "siaga.start", line 1, in {}\n  File "siaga.core.none", line 1, in {}\n'
    command = [str(Path(sys.executable).with_name("siaga")), "device", "trace"]
    done = subprocess.run(
        command, input=said.format(short, short), capture_output=True, text=True, timeout=240, check=True
    )
    assert short != "_choose_settings"
    assert done.stdout == said.format(names[short], short)

"""Long texts in a file: which are taken out, that they are said all the same, and that no line moves."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import texts_for_people

from firmware.button_process import VirtualButton
from micropython import FIRMWARE, run_main
from siaga_tools.firmware_build.bytecode import compile_firmware, runnable
from siaga_tools.firmware_build.long_texts import (
    LANGUAGES,
    TRANSLATIONS,
    in_languages,
    packed,
    take_out,
    translations,
    unpacked,
)
from siaga_tools.messages import Trouble

WORDY = {
    "siaga/__init__.py": "",
    "siaga/long_texts.py": (FIRMWARE / "siaga" / "long_texts.py").read_text(),
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
    assert (room / "siaga" / "long_texts_en.txt").read_bytes() == (room / "siaga" / "long_texts_id.txt").read_bytes()
    words = room / "siaga" / "long_texts_id.txt"
    assert unpacked(words.read_bytes()) == [
        "a text that is long enough, with the number %d",
        "a text that is long enough, with the numbers %d and %r",
        "a text that is long enough: ü",
    ]
    assert b"long enough, with" not in (room / "siaga" / "app.mpy").read_bytes()
    said = [run_main(main) for main in (tmp_path, room)]
    assert said[0] == said[1] and "numbers 7 and 'u'" in said[0]
    words.write_bytes(b"a text cut sho")
    spare = run_main(room).splitlines()
    assert spare == ["text 0 7", "text 1 (7, 'u')", "text 2 None", "text 2 None", *said[0].splitlines()[4:]]
    words.unlink()
    assert run_main(room).splitlines() == spare


EACH_TEXT = """
import long_texts as words

for number in range(len(words.ALL)):
    assert words.long_text(number) == words.ALL[number], number
with open("long_texts_id.txt", "rb") as file:
    whole = file.read()
for length in range(0, len(whole), 61):
    with open("long_texts_id.txt", "wb") as file:
        file.write(whole[:length])
    for number in range(length % 27, len(words.ALL), 27):
        assert words.long_text(number) in (words.ALL[number], "text %d None" % number), (length, number)
    assert words.long_text(number, (1, 2)).startswith("text %d (1, 2)" % number)
print(words.long_text(len(words.ALL)), "of", len(words.ALL))
"""


def test_each_text_is_read_as_it_was_and_a_file_cut_short_gives_whole_ones_or_numbers(tmp_path: Path) -> None:
    """Among them many that reach farther back than the window."""
    sources = {path.relative_to(FIRMWARE).as_posix(): path.read_text() for path in (FIRMWARE / "siaga").rglob("*.py")}
    texts = [text for _, text in take_out(sources)[1]]
    assert len(texts) > 100
    (tmp_path / "long_texts.py").write_text(f"{WORDY['siaga/long_texts.py']}\nALL = {texts!r}\n")
    (tmp_path / "long_texts_id.txt").write_bytes(packed(texts))
    (tmp_path / "main.py").write_text(EACH_TEXT)
    assert run_main(tmp_path) == f"text {len(texts)} None of {len(texts)}\n"


def test_a_board_carries_the_texts_of_what_it_has(tmp_path: Path) -> None:
    for board, has in (("esp32_devkit", False), ("t_a7670", True)):
        compile_firmware(FIRMWARE, tmp_path / board, boards=(board,))
        texts = unpacked((tmp_path / board / "siaga" / "long_texts_id.txt").read_bytes())
        assert any("PWRKEY" in text for text in texts) == has


def test_every_line_stays_where_it_was() -> None:
    before = {path: "\n".join(text.split("\n")) for path, text in WORDY.items()}
    after, _ = take_out(before)
    changed = after["siaga/app.py"].split("\n")
    lines = before["siaga/app.py"].split("\n")
    assert len(changed) == len(lines)
    at = next(number for number, line in enumerate(lines) if "short one" in line)
    assert changed[at] == lines[at]


def test_a_file_that_uses_the_name_for_something_else_is_refused() -> None:
    with pytest.raises(Trouble, match=r"siaga/app\.py .*long_text is wanted"):
        take_out({**WORDY, "siaga/app.py": "def f(long_text):\n    raise OSError('a text of more than a few words')\n"})


@cache
def taken() -> tuple[str, ...]:
    sources = {path.relative_to(FIRMWARE).as_posix(): path.read_text() for path in (FIRMWARE / "siaga").rglob("*.py")}
    return tuple(text for _, text in take_out(sources, translations(FIRMWARE))[1])


def test_every_text_that_the_button_says_has_its_indonesian() -> None:
    """A new text needs its line in firmware/long_texts.id.toml."""
    indonesian = translations(FIRMWARE)
    missing = [text for text in taken() if text not in indonesian]
    assert missing == [], f"add them to {TRANSLATIONS}"
    assert sorted(set(indonesian) - set(taken())) == [], "nothing says these any more"


@pytest.mark.parametrize(
    "path", sorted(path.relative_to(FIRMWARE).as_posix() for path in FIRMWARE.glob("siaga/**/*.py"))
)
def test_no_text_for_people_is_bare_english(path: str) -> None:
    """What stands in a table of a module, is too short to be taken out, or is put together from parts."""
    indonesian = translations(FIRMWARE)
    bare = [
        (line, text)
        for line, text in texts_for_people.of_source(path, (FIRMWARE / path).read_text(encoding="utf-8"))
        if text not in indonesian or text not in taken()
    ]
    assert bare == []


PLACEHOLDER = re.compile(r"%(?:%|[0-9]*[a-z])")


def test_a_translation_has_the_same_places_to_fill_in_the_same_order() -> None:
    for english, text in translations(FIRMWARE).items():
        assert PLACEHOLDER.findall(english) == PLACEHOLDER.findall(text), english
        assert "%" not in PLACEHOLDER.sub("", text), english
        assert (english[0] in " ,") == (text[0] in " ,") and (english[-1] == " ") == (text[-1] == " "), english
        if re.search(r"; \w+ \w", english) and english.count("; ") > 3:  # a table: its keys stay
            keys = [[entry.split(" ")[0] for entry in each.split("; ")] for each in (english, text)]
            assert keys[0] == keys[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_button_speaks_the_language_of_its_settings(tmp_path: Path, language: str) -> None:
    texts = [("siaga/app.py", "setting %s is %s; right is %s"), ("siaga/app.py", "no network")]
    said = in_languages(texts, translations(FIRMWARE))[language]
    held = VirtualButton(tmp_path, {"mqtt_hosts": None, "language": language, "low_battery": 0})
    held.start()
    why = held.until(ev="error")["what"]
    assert why.startswith(said[0].replace("%s", "low_battery", 1).partition("%s")[0]), why
    held.set(mqtt_hosts=None, language=language)
    held.kill()
    held.start()
    reaches = {"en": "this button reaches nobody", "id": "tombol ini tidak dapat menghubungi siapa pun"}[language]
    held.until_true(lambda event: str(event.get("what", "")).startswith(reaches))
    held.kill()

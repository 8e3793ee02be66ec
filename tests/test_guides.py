"""The guides for holders, installers, duty officers and administrators: in Indonesian and English, and the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from micropython import FIRMWARE
from siaga_gateway.config.site import SiteSettings
from siaga_gateway.web.responder.view import MINUTES
from siaga_tools.card.patterns import light_words, read_defaults, read_shown
from source_files import ROOT, source_files

CATALOGUE: Final = ROOT / "gateway" / "siaga_gateway" / "catalogue"
GUIDES: Final = {
    "holders": "firmware/HOLDER.md",
    "installers": "tools/INSTALLER.md",
    "duty officers": "gateway/CONSOLE.md",
    "officers": "gateway/OFFICER.md",
    "administrators": "gateway/INSTALL.md",
    "administrators of two machines": "gateway/STANDBY.md",
    "administrators of containers": "gateway/CONTAINERS.md",
    "builders": "hardware/ASSEMBLY.md",
    "chiefs": "gateway/FIGURES.md",
}
_NAMES: Final = {"en": "English", "id": "Bahasa Indonesia"}
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)]+)\)")


def twin(english: str) -> str:
    return english.removesuffix(".md") + ".id.md"


def text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def links(document: str) -> list[str]:
    """Where the document links to, in its order."""
    return [target for _, target in _LINK.findall(text(document))]


def code(document: str) -> list[str]:
    return [line for line in text(document).splitlines() if line.startswith("    ")]


def outline(document: str) -> list[str]:
    """What each line begins, from the top: headings with their level, steps, points of a list, rows of a table."""
    found = []
    for line in text(document).splitlines():
        if (begins := re.match(r"#+(?= )|☐ \*\*\d+\.|\d+\.(?= )|- |!\[", line)) is not None:
            found.append(begins[0])
        elif line.startswith("|"):
            found.append("|" * line.count("|"))
        elif line.startswith("    ") and found[-1:] != ["code"]:
            found.append("code")
    return found


def texts(name: str) -> list[str]:
    """All texts of a file of the catalogue."""
    groups = tomllib.loads((CATALOGUE / f"{name}.toml").read_text(encoding="utf-8")).values()
    return [said for group in groups for said in group.values()]


@pytest.mark.parametrize("english", GUIDES.values())
def test_each_language_links_to_the_other_at_its_top(english: str) -> None:
    for document, other, language in ((english, twin(english), "id"), (twin(english), english, "en")):
        title, _, second = text(document).splitlines()[:3]
        assert title.startswith("# ")
        assert second.startswith(f"[{_NAMES[language]}]({Path(other).name}) · "), document


@pytest.mark.parametrize("english", GUIDES.values())
def test_both_languages_are_built_alike(english: str) -> None:
    assert len(outline(english)) > 20
    assert outline(twin(english)) == outline(english)
    assert code(twin(english)) == code(english)


@pytest.mark.parametrize("english", GUIDES.values())
def test_both_languages_link_to_the_same(english: str) -> None:
    """A place within the page by its own heading, another guide in the reader's language."""

    def led(document: str) -> list[str]:
        return sorted(
            "#" if target.startswith("#") else target.replace(".id.md", ".md") for target in links(document)[1:]
        )

    assert led(twin(english)) == led(english)
    guides = {Path(guide).name for guide in GUIDES.values()}
    assert [target for target in links(twin(english))[1:] if Path(target.partition("#")[0]).name in guides] == []
    assert [target for target in links(english)[1:] if target.partition("#")[0].endswith(".id.md")] == []


@pytest.mark.parametrize("document", [*GUIDES.values(), *map(twin, GUIDES.values())])
def test_what_it_links_to_is_there(document: str) -> None:
    for target in links(document):
        file, _, heading = target.partition("#")
        path = (ROOT / document).parent / file if file else ROOT / document
        assert path.is_file(), target
        if heading:
            assert heading in headings(path), target


def headings(document: Path) -> set[str]:
    """As anchors."""
    found = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_whoever_looks_for_a_guide_finds_it() -> None:
    for english in GUIDES.values():
        for document in (english, twin(english)):
            assert f"({document})" in text("README.md")
            folder, name = document.split("/")
            assert f"({name})" in text(f"{folder}/README.md")


def test_no_guide_in_indonesian_is_left_out() -> None:
    there = {str(file) for file in source_files() if file.name.endswith(".id.md")}
    assert there == set(map(twin, GUIDES.values()))


@pytest.mark.parametrize("document", sorted(str(file) for file in source_files() if file.suffix == ".md"))
def test_no_command_within_a_list_is_shown_as_running_text(document: str) -> None:
    """Behind a point of a list a block begins four blanks further in than the point's text; else it is a paragraph."""
    within, behind_blank = 0, False
    for line in text(document).splitlines():
        point, indented = re.match(r"(?:\d+\.|-) ", line), len(line) - len(line.lstrip())
        if point is not None:
            within = len(point[0])
        elif line and not indented:
            within = 0
        elif line and within and behind_blank and 4 <= indented < within + 4:
            assert indented == within or re.match(r" *(?:\d+\.|-) ", line), line
        behind_blank = not line


# The words of the program


@pytest.mark.parametrize("language", ["id", "en"])
def test_officers_read_what_their_page_says(language: str) -> None:
    said = tomllib.loads((CATALOGUE / f"responder.{language}.toml").read_text(encoding="utf-8"))
    buttons = {*said["step"].values(), *said["duty"].values()}
    minutes = {said["step"]["minutes"].format(n=n) for n in MINUTES}
    guide = text(GUIDES["officers"] if language == "en" else twin(GUIDES["officers"]))
    taps = re.findall(r"^\| (\*\*.+?) \|", guide, re.MULTILINE)
    assert len(taps) > 10
    for name in re.findall(r"\*\*(.+?)\*\*", "".join(taps)):
        assert name in buttons | minutes or any(each.startswith(name) for each in buttons), name


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_holder_reads_what_the_card_says(language: str) -> None:
    """Each signal by its word, its light and its meaning."""
    card = tomllib.loads((CATALOGUE / f"card.{language}.toml").read_text(encoding="utf-8"))
    demo = tomllib.loads((CATALOGUE / f"demo.{language}.toml").read_text(encoding="utf-8"))
    guide = text(GUIDES["holders"] if language == "en" else twin(GUIDES["holders"]))
    emergency = SiteSettings().emergency_number  # the police's, which a guide for any holder in Indonesia names
    assert card["page"]["danger"].format(emergency=emergency) in guide.replace("**", "")
    rows = {
        row[0]: row[1:] for row in re.findall(r"^\| ([^|*]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", guide, re.MULTILINE)
    }
    defaults = read_defaults(FIRMWARE)
    values = {name: defaults[f"{name}{unit}"] for name, unit in (("no_ack", "_s"), ("low_battery", ""))}
    values["emergency"] = emergency
    for signal, pattern in read_shown(FIRMWARE).patterns.items():
        light, numbers = light_words(pattern)
        shown, _, told = rows[demo["signal"][signal]]
        assert shown == card["light"][light].format(**numbers)
        assert told == card["signal"][signal].format(**values)


@pytest.mark.parametrize(("language", "second"), [("id", "detik"), ("en", "seconds")])
def test_the_holder_reads_how_long_the_firmware_wants_a_hold(language: str, second: str) -> None:
    defaults = read_defaults(FIRMWARE)
    guide = text(GUIDES["holders"] if language == "en" else twin(GUIDES["holders"]))
    for setting in ("hold_ms", "cancel_hold_ms"):
        assert re.search(rf"^.*\*\*.*\b{defaults[setting] // 1000} {second}\b.*\*\*", guide, re.MULTILINE), setting


@pytest.mark.parametrize("language", ["id", "en"])
def test_no_guide_for_holders_says_how_a_forced_cancel_is_made(language: str) -> None:
    """Whoever forces the holder may read it first."""
    guide = text(GUIDES["holders"] if language == "en" else twin(GUIDES["holders"]))
    assert re.findall(r"(?i)\b8 (?:s\b|seconds|detik)|duress|paksa|forc", guide) == []
    assert "README.md" not in guide


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_duty_officer_reads_what_the_console_shows(language: str) -> None:
    guide = text(GUIDES["duty officers"] if language == "en" else twin(GUIDES["duty officers"]))
    shown = texts(f"console.{language}")
    marks = re.findall(r"`([A-Z][A-Z :?]+)`", guide)
    buttons = [found[2:-2] for found in re.findall(r"^\| (\*\*[^*]+\*\*)", guide, re.MULTILINE)]
    states = re.findall(r"^\| [^|]+ \| ([A-Z][A-Z ]+)(?=[:|]| \|)", guide, re.MULTILINE)
    assert len(marks) > 8
    assert len(buttons) == 4
    assert len(states) == 6
    assert [word for word in marks if not any(word in said for said in shown)] == []
    assert [word for word in (*buttons, *(state.strip() for state in states)) if word not in shown] == []

"""The power model: sums checked by hand, ranges that point the right way, and a target that is met to the day."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from board_pins import sources_of
from micropython import FIRMWARE, ROOT, run_micropython
from siaga_tools.device_cli import device
from siaga_tools.power.figures import CASES, PowerFigures, book, read
from siaga_tools.power.model import Usage, life, measures
from siaga_tools.power.report import hindrance, markdown

BOOK = book()
KINDS = [(name, profile) for name, board in BOOK.boards.items() for profile in board.profiles]
USES = [Usage(), Usage(lora=True, fixes_per_day=4, keepalive_s=0)]


def figure(best: float, typical: float, worst: float, unit: str = "mA") -> dict[str, Any]:
    return {
        "best": best,
        "typical": typical,
        "worst": worst,
        "unit": unit,
        "condition": "on paper",
        "source": "this test",
        "known": True,
    }


def paper() -> PowerFigures:
    """A button of round figures: a cell of 4 V, a rail of 4 V, a converter without loss."""
    ones = {name: figure(1, 1, 1) for name in ("connected", "exchange", "start", "tail", "gnss", "fix", "idle")}
    return read(
        {
            "cell": {
                "usable": figure(1, 1, 1, "ratio"),
                "self_discharge": figure(0, 0, 0, "percent a month"),
                "voltage": figure(4, 4, 4, "V"),
            },
            "esp32": {"awake": figure(40, 40, 40), "boot": figure(2, 2, 2, "s")},
            "pager": {
                "asleep": figure(100, 200, 400, "uA"),
                "converter": figure(1, 1, 1, "ratio"),
                "awake_extra": figure(0, 0, 0),
                "asleep_extra": figure(0, 0, 0),
            },
            "radio": ones
            | {
                "asleep": figure(0.5, 0.8, 1.6),
                "connected": figure(60, 60, 60),
                "resumed": figure(0.5, 0.5, 0.5, "s"),
            },
            "signals": {"on": figure(0, 0, 0)},
        },
        {"pager": {"name": "Pager", "modem": "radio", "rail_v": 4, "supply_held": False, "profiles": ["ready"]}},
        {
            "ready": {
                "checkin_s": 3600,
                "keepalive_s": 0,
                "linger_s": 5,
                "locate_s": 10,
                "processor_asleep": True,
                "modem": "asleep",
                "mains": False,
                "target_days": 30,
            }
        },
    )


def test_a_button_of_round_figures_lives_as_long_as_the_pencil_says() -> None:
    # Each hour: 2 s boot at 40 mA, 1 s exchange at 100 mA, 5 s awake at 40 mA, 1 s tail at 60 mA = 440 mA s; asleep
    # 0.2 + 0.8 mA.
    answer = life(paper(), "pager", "ready", Usage(1000, incident_minutes=0, fixes_per_day=0))
    typical = answer.budgets["typical"]
    assert typical.taken_ma["checkins"] == pytest.approx(440 / 3600)
    assert typical.total_ma == pytest.approx(1 + 440 / 3600)
    assert answer.hours("typical") == pytest.approx(1000 / (1 + 440 / 3600))
    # A ping each 100 s: 1 s and a tail of 1 s at 60 mA. The exchange is then one on a connection that stands.
    kept = life(paper(), "pager", "ready", Usage(capacity_mah=1000, keepalive_s=100)).budgets["typical"]
    assert kept.taken_ma["keepalive"] == pytest.approx(2 * 60 / 100)
    assert kept.taken_ma["checkins"] == pytest.approx((440 - 100 + 50) / 3600)
    # A fix takes 1 s at 40 + 1 + 1 mA: processor, idle radio, receiver; by default one each check-in.
    found = life(paper(), "pager", "ready", Usage(capacity_mah=1000)).budgets["typical"]
    assert found.taken_ma["fixes"] == pytest.approx(42 / 3600)
    # Ten hours of incident a year: 40 + 60 + 1 mA of satellites.
    more = life(paper(), "pager", "ready", Usage(capacity_mah=1000, incident_minutes=600))
    assert more.budgets["typical"].taken_ma["incidents"] == pytest.approx(101 * 10 / 8766)


def test_the_reference_board_asleep_is_what_its_sources_say() -> None:
    off = BOOK.with_board("t_a7670", supply_held=False)  # as the vendor measured it
    typical = life(off, "t_a7670", "deep").budgets["typical"]
    assert typical.taken_ma["board"] == pytest.approx(0.157), "measured at the cell by the vendor"
    ready = life(BOOK, "t_a7670", "ready").budgets["typical"]
    assert ready.taken_ma["modem"] == pytest.approx(2.0 * 4.2 / (3.7 * 0.85)), "through the boost converter"
    assert typical.taken_ma["self_discharge"] == pytest.approx(3000 * 0.02 / 730.5)


@pytest.mark.parametrize(("board", "profile"), KINDS)
@pytest.mark.parametrize("use", USES)
def test_every_figure_alone_points_the_way_that_its_name_says(board: str, profile: str, use: Usage) -> None:
    whole = life(BOOK, board, profile, use)
    assert whole.hours("worst") < whole.hours("typical") < whole.hours("best")
    for name in whole.used:
        alone = {
            case: life(with_figure(name, case), board, profile, use).hours("typical") for case in ("best", "worst")
        }
        assert alone["best"] >= whole.hours("typical") >= alone["worst"], name


def with_figure(name: str, case: str) -> PowerFigures:
    """The book with this figure's best or worst as its typical."""
    changed = BOOK.figures[name].model_copy(update={"typical": getattr(BOOK.figures[name], case)})
    return replace(BOOK, figures={**BOOK.figures, name: changed})


def test_no_figure_lies_about_unused() -> None:
    used = {name for (board, profile), use in product(KINDS, USES) for name in life(BOOK, board, profile, use).used}
    assert used == set(BOOK.figures)


@given(
    kind=st.sampled_from([kind for kind in KINDS if BOOK.profiles[kind[1]].target_days]),
    capacity=st.floats(200, 20_000),
    minutes=st.floats(0, 5_000),
    lora=st.booleans(),
)
def test_with_the_capacity_that_it_asks_for_the_target_is_met_to_the_day(
    kind: tuple[str, str], capacity: float, minutes: float, lora: bool
) -> None:
    use = Usage(capacity_mah=capacity, incident_minutes=minutes, lora=lora)
    found = life(BOOK, *kind, use).hindrance
    assert found is not None and found.needed_mah is not None
    met = life(BOOK, *kind, replace(use, capacity_mah=found.needed_mah))
    assert met.days("typical") == pytest.approx(found.target_days)
    assert (found.missing_ma == 0) == (capacity >= found.needed_mah * (1 - 1e-9))


def test_what_stands_in_the_way_is_said_in_plain_words() -> None:
    ready = life(BOOK, "t_a7670", "ready")
    assert ready.days("typical") < 60, "60 days are not reached on this board, and the documents say so"
    words = "\n".join(hindrance(BOOK, ready, "en"))
    assert "pings that keep the MQTT connection" in words and "the modem, on the network" in words
    assert "1.77 mA" in words and "if no MQTT connection outlived the sleep" in words
    assert "1,77 mA" in "\n".join(hindrance(BOOK, ready, "id"))
    assert hindrance(BOOK, life(BOOK, "t_a7670", "installed"), "en") == []
    reached = life(BOOK.with_board("t_a7670", supply_held=False), "t_a7670", "deep", Usage(lora=True, fixes_per_day=0))
    assert reached.hindrance is not None and not reached.hindrance.missing_ma
    assert "365 days are reached" in "\n".join(hindrance(BOOK, reached, "en"))


def test_a_measure_gives_what_a_button_with_it_has() -> None:
    def hours(profile: str, use: Usage, **board: bool) -> float:
        return life(BOOK.with_board("t_a7670", **board), "t_a7670", profile, use).hours("typical")

    ready = {m.key: m.hours for m in measures(BOOK, life(BOOK, "t_a7670", "ready"))}
    assert ready == {
        "connect_anew": hours("ready", Usage(keepalive_s=0)),
        "no_fix": hours("ready", Usage(fixes_per_day=0)),
        "together": hours("ready", Usage(keepalive_s=0, fixes_per_day=0)),
    }
    deep = {m.key: m.hours for m in measures(BOOK, life(BOOK, "t_a7670", "deep"))}
    assert deep["lora"] == hours("deep", Usage(lora=True))
    assert deep["together"] == hours("deep", Usage(lora=True, fixes_per_day=0), supply_held=False)
    assert deep["together"] > max(deep["lora"], deep["supply_off"], deep["no_fix"])
    assert measures(BOOK, life(BOOK, "t_a7670", "installed")) == []


def test_the_profiles_are_the_firmwares_own() -> None:
    said = run_micropython(
        "import json\nfrom siaga.core.power_profile import PROFILES\n"
        "print(json.dumps({n: [p.checkin_s, p.keepalive_s, p.sleeps, p.modem_off] for n, p in PROFILES.items()}))"
    )
    for name, (checkin_s, keepalive_s, sleeps, modem_off) in json.loads(said).items():
        profile = BOOK.profiles[name]
        assert (profile.checkin_s, profile.processor_asleep) == (checkin_s, sleeps)
        assert profile.modem == ("off" if modem_off else "asleep" if sleeps else "connected")
        if profile.modem == "asleep":
            assert profile.keepalive_s == keepalive_s
    assert {p.linger_s * 1000 for p in BOOK.profiles.values()} == {constant("core/power_profile.py", "LINGER_MS")}
    locates = {p.locate_s * 1000 for p in BOOK.profiles.values() if p.processor_asleep}
    assert locates == {constant("app/sleep.py", "_LOCATE_MS")}


def constant(module: str, name: str) -> int:
    source = (FIRMWARE / "siaga" / module).read_text(encoding="utf-8")
    found = re.search(rf"^{name} = (?:const\()?(\d+)", source, re.M)
    assert found, f"{module} has no {name}: the power model rests on it"
    return int(found[1])


def test_the_boards_are_the_firmwares_own() -> None:
    """A board whose file has the modem's supply and never takes it LOW keeps it on in deep sleep."""
    for name, board in BOOK.boards.items():
        path = FIRMWARE / "siaga" / "boards" / f"{name}.py"
        if path.exists():
            source = "".join(sources_of(name))
            held = "SUPPLY = 12" in source and not re.search(r"(?i)supply\.value\(0\)", source)
            assert board.supply_held == held, name


def test_the_unknown_figures_are_ordered_by_what_they_change() -> None:
    unknowns = life(BOOK, "t_a7670", "ready").unknowns
    assert unknowns[0].figure == "a7670.tail"
    assert [u.spread for u in unknowns] == sorted((u.spread for u in unknowns), reverse=True)
    assert all(not BOOK.figures[unknown.figure].known for unknown in unknowns)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"source": ""}, "known, but without a source"),
        ({"known": False}, "not known, and without the ground"),
        ({"typical": 9}, "typical is not between"),
        ({"unit": "furlong"}, "unit"),
        ({"best": -1}, "best"),
        ({"guess": 3}, "guess"),
    ],
)
def test_a_figure_that_hides_where_it_comes_from_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        read({"part": {"what": figure(1, 2, 3) | wrong}}, {}, {})


def run(*arguments: str) -> Any:
    return CliRunner().invoke(device, ["power", *arguments])


def test_the_command_tells_all_boards_or_one_in_detail() -> None:
    for language, words in (("en", "days, typically"), ("id", "hari, lazimnya")):
        table = run("--language", language)
        assert table.exit_code == 0 and words in table.output and "LILYGO T-A7670" in table.output
    one = run("--board", "t_sim7600", "--profile", "ready", "--language", "en").output
    assert "What stands in the way of 60 days" in one and "T-SIM7600X issues 13 and 142" in one
    assert "not known; assumed:" in one


def test_the_command_gives_json_with_every_source() -> None:
    told = json.loads(run("--json", "--capacity", "6000", "--lora").output)
    assert told["use"]["capacity_mah"] == 6000 and len(told["lives"]) == len(KINDS)
    for answer in told["lives"]:
        assert set(answer["days"]) == set(CASES)
        assert all(f["source"] or f["assumed"] for f in answer["figures"].values())


def test_a_profile_that_a_board_has_not_is_named() -> None:
    refused = run("--board", "esp32_devkit", "--profile", "ready", "--language", "en")
    assert refused.exit_code == 1 and "has no profile ready; it has installed, deep" in refused.output


def test_the_table_in_the_documents_is_the_models() -> None:
    text = (ROOT / "firmware" / "README.md").read_text(encoding="utf-8")
    assert markdown(BOOK, Usage(), "en") in text, "renew it: siaga device power --markdown --language en"
    words = re.sub(r"\s+", " ", text)
    days = {
        profile: {m.key: round(m.hours / 24) for m in measures(BOOK, life(BOOK, "t_a7670", profile))}
        for profile in ("ready", "deep")
    }
    for said in (
        f"it is {days['ready']['connect_anew']} days, and {days['ready']['together']} without",
        f"it is {days['deep']['supply_off']} days",
        f"with all three {days['deep']['together']}",
    ):
        assert said in words, said

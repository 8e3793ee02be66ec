"""The rules of commands (domain/device_command.py) at their borders; on their way: test_device_commands.py."""

from __future__ import annotations

import json

import pytest

from gateway.rule_values import ID, NOW_MS
from siaga_gateway.domain.device_command import (
    ANSWERED,
    EXPIRES_MS,
    MOST_ARGUMENTS,
    OPEN,
    Command,
    CommandError,
    CommandState,
    allowed,
    arguments_of,
    next_counter,
    pause_ms,
)
from siaga_gateway.domain.frame import CommandCode, Result
from siaga_gateway.domain.registry import RegistrationState

LAST = 2**32 - 1
SETTINGS, UPDATE = CommandCode.SETTINGS, CommandCode.UPDATE


def test_who_may_be_told_what() -> None:
    every = set(CommandCode)
    told = {state: {code for code in CommandCode if allowed(state, code)} for state in RegistrationState}
    assert told == {
        RegistrationState.PENDING: every,
        RegistrationState.ACTIVE: every,
        RegistrationState.SUSPENDED: set(),
        RegistrationState.EXPIRED: set(),
        RegistrationState.STOLEN: {CommandCode.LOCATE},
        RegistrationState.REMOVED: set(),
    }


@pytest.mark.parametrize(
    ("last", "now_ms", "counter"),
    [
        (None, 0, 0),
        (None, -5_000, 0),  # a clock before 1970
        (None, 1_999, 1),
        (None, NOW_MS, NOW_MS // 1_000),
        (7, 0, 8),
        (NOW_MS // 1_000, NOW_MS, NOW_MS // 1_000 + 1),  # two in a second
        (NOW_MS // 1_000 - 2, NOW_MS, NOW_MS // 1_000),  # a store from yesterday gives none of today's again
        (None, 2**33 * 1_000, LAST),
        (LAST - 1, NOW_MS, LAST),
    ],
)
def test_the_next_down_counter(last: int | None, now_ms: int, counter: int) -> None:
    assert next_counter(last, now_ms) == counter


@pytest.mark.parametrize("now_ms", [0, NOW_MS, 2**33 * 1_000])
def test_after_the_last_there_is_none(now_ms: int) -> None:
    with pytest.raises(CommandError):
        next_counter(LAST, now_ms)


def test_the_pause_doubles_from_a_quarter_of_a_minute_to_six_hours() -> None:
    assert [pause_ms(attempts) // 1_000 for attempts in (-1, 0, 1, 2, 3, 10, 11)] == [15, 15, 15, 30, 60, 7_680, 15_360]
    assert {pause_ms(attempts) for attempts in (12, 13, 22, 10_000)} == {6 * 3_600_000}
    assert EXPIRES_MS == 7 * 24 * 3_600_000


def test_what_is_open_and_what_an_answer_closes_it_as() -> None:
    assert {CommandState.WAITING, CommandState.SENT} == OPEN
    assert {result: state.value for result, state in ANSWERED.items()} == {
        Result.DONE: "done",
        Result.REFUSED: "refused",
        Result.FAILED: "failed",
    }
    fresh = Command(ID, 1, CommandCode.LOCATE, b"", CommandState.WAITING, "Rani", NOW_MS, NOW_MS, NOW_MS)
    assert (fresh.name, fresh.attempts, fresh.sent_ms, fresh.closed_ms) == ("locate", 0, None, None)


def test_arguments_fit_into_one_byte_of_length() -> None:
    assert MOST_ARGUMENTS == 255
    exact = json.dumps({"a": "x" * 247}, separators=(",", ":"))
    assert len(arguments_of(SETTINGS, exact)) == 255
    with pytest.raises(CommandError) as refused:
        arguments_of(SETTINGS, exact.replace("x", "xx", 1))
    assert refused.value.key == "command.too_long"


@pytest.mark.parametrize(
    ("code", "written", "key"),
    [
        (CommandCode.LOCATE, "", "no_argument"),
        (CommandCode.TEST, "x", "no_argument"),
        (CommandCode.RESTART, "x", "no_argument"),
        (SETTINGS, None, "settings_needed"),
        (SETTINGS, "", "no_json"),
        (SETTINGS, '{"a": Infinity}', "no_json"),
        (SETTINGS, '{"a": {"b": 1, "b": 1}}', "no_json"),
        (SETTINGS, "null", "no_object"),
        (SETTINGS, "3", "no_object"),
        (SETTINGS, "[1]", "no_object"),
        (SETTINGS, "{}", "no_object"),
        (UPDATE, None, "address_needed"),
        (UPDATE, "", "no_address"),
        (UPDATE, "ftp://example.org/x", "no_address"),
        (UPDATE, "https://", "no_address"),
        (UPDATE, "https:///x", "no_address"),
        (UPDATE, "https://example.org:0/x", "no_address"),
        (UPDATE, "https://example.org:99999/x", "no_address"),
        (UPDATE, "https://example.org/a b", "no_address"),
        (UPDATE, "https://example.org/a\x7f", "no_address"),
        (UPDATE, "https://example.org/é", "no_address"),
    ],
)
def test_what_cannot_be_asked(code: CommandCode, written: str | None, key: str) -> None:
    with pytest.raises(CommandError) as refused:
        arguments_of(code, written)
    assert refused.value.key == f"command.{key}"


@pytest.mark.parametrize("written", ["http://example.org/x", "https://example.org:8443/!~", "https://127.0.0.1/x"])
def test_an_address_goes_as_it_is_written(written: str) -> None:
    assert arguments_of(UPDATE, written) == written.encode()


def test_settings_go_without_blanks_in_their_order_and_in_utf_8() -> None:
    assert arguments_of(SETTINGS, ' { "b" : [1, 2.5], "a" : "é" } ') == '{"b":[1,2.5],"a":"é"}'.encode()

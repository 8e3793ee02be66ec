"""gateway/OUTPUTS.md says what is so: its samples, its settings, its receiver, its tables."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright._impl._driver import compute_driver_executable

from brokers import free_port, wait_until_open
from gateway.fake_ports import ManualClock
from gateway.outputs.cap_reading import check_prose, tree
from gateway.outputs.http_delivery import SECRET
from gateway.outputs.http_receiver import Receiver
from gateway.outputs.manual_samples import FOLDER, samples
from gateway.outputs.sample_incidents import closed, later, opened
from siaga_gateway.adapters.outputs.http import HttpTroubleOutput
from siaga_gateway.cli.group import gateway
from siaga_gateway.config import loading
from siaga_gateway.domain.incident import Change, Disposition, IncidentState, Mode, Notice
from siaga_gateway.domain.position import RADIUS_UNKNOWN_M
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.formats import cap, cloudevent
from siaga_gateway.service.ports import Delivered
from waiting import RUNS_S

MANUAL = (FOLDER.parent / "OUTPUTS.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize("name", sorted(samples()))
def test_a_sample_is_what_the_gateway_sends(name: str) -> None:
    assert (FOLDER / name).read_bytes() == samples()[name], (
        "renew it: PYTHONPATH=tests python -m gateway.outputs.manual_samples"
    )
    assert f"(samples/{name})" in MANUAL
    if name.endswith(".xml"):
        check_prose(tree(samples()[name]))


def test_there_is_no_other_sample_and_no_dead_link() -> None:
    assert sorted(file.name for file in FOLDER.iterdir()) == sorted(samples())
    for link in re.findall(r"\]\(([^)#]+)\)", MANUAL):
        assert (FOLDER.parent / link).exists(), link


def test_the_settings_shown_are_settings(tmp_path: Path) -> None:
    file = tmp_path / "siaga.toml"
    file.write_text(f'name = "siaga.lampung"\ndata_dir = "data"\n{block("toml")}', encoding="utf-8")
    outputs = loading.load(file, {}).outputs
    assert [(output.name, output.kind) for output in outputs] == [
        ("cad", "webhook"),
        ("alerting", "cap_http"),
        ("share", "cap_folder"),
        ("centre", "dc09"),
        ("dashboards", "mqtt"),
    ]


def test_the_receiver_shown_takes_what_is_sent_once_and_nothing_else(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    shown: dict[str, Any] = {}
    exec(compile(block("python"), "OUTPUTS.md", "exec"), shown)
    output = make(clock=ManualClock(time.time_ns() // 1_000_000))
    for _ in range(2):
        assert isinstance(output.deliver(opened(), "key-1"), Delivered)
    known: set[str] = set()
    first, again = receiver.requests
    assert shown["accept"](first.headers, first.body, SECRET, known) == 204
    assert known == {"key-1"}
    assert shown["accept"](again.headers, again.body, SECRET, known) == 204
    assert known == {"key-1"}
    assert shown["accept"](first.headers, first.body + b" ", SECRET, known) == 401
    assert shown["accept"]({**first.headers, "webhook-id": "key-2"}, first.body, SECRET, known) == 401
    old = {**first.headers, "webhook-timestamp": str(int(time.time()) - 301)}
    assert shown["accept"](old, first.body, SECRET, known) == 400


def test_what_is_shown_to_try_it_does_so(tmp_path: Path) -> None:
    """The receiver as a program, and the command with what it prints."""
    program = tmp_path / "receiver.py"
    program.write_text(block("python"), encoding="utf-8")
    shown = block("console").splitlines()
    port = free_port()
    config = tmp_path / "siaga.toml"
    config.write_text(
        f'name = "siaga.lampung"\ndata_dir = "data"\n[[outputs]]\nname = "cad"\nkind = "webhook"\n'
        f'url = "http://127.0.0.1:{port}/siaga"\nsecret = "{SECRET}"\n',
        encoding="utf-8",
    )
    receiver = subprocess.Popen(
        [sys.executable, "-u", str(program), str(port), SECRET], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_open(port)
        arguments = [*shown[0].split()[3:], "--config", str(config)]
        done = CliRunner().invoke(gateway, arguments, env={"SIAGA_LANGUAGE": "en"}, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert receiver.stdout is not None
        printed = receiver.stdout.readline().decode()
    finally:
        receiver.kill()
        receiver.wait()

    def worded(text: str) -> str:
        return re.sub(r"127\.0\.0\.1:\d+|\d\.\d\d|(?<=test)\d+", "#", text)

    assert [worded(line) for line in done.stdout.splitlines()] == [worded(line) for line in shown[1:]]
    assert f"`{worded(printed.strip())}`" in worded(MANUAL)


def test_the_function_shown_for_node_red_says_when_help_is_asked_for() -> None:
    node, _ = compute_driver_executable()  # Playwright brings one
    program = (
        f"let said; const node = {{status: (s) => said = s.text}}; const f = (msg) => {{ {block('js')} }};"
        "const answer = f({payload: JSON.parse(process.argv[1])}); console.log(said, answer.statusCode);"
    )
    for notice, words in ((opened(), "opened, SEND HELP 204"), (later(Change.SEEN), "seen 204")):
        body, _ = cloudevent.binary(cloudevent.event(notice, "k"))
        done = subprocess.run(
            [node, "-e", program, body.decode()], capture_output=True, text=True, check=True, timeout=RUNS_S
        )
        assert done.stdout.strip() == f"{notice.incident.identifier}: {words}"


def test_every_change_and_every_parameter_stands_in_the_manual() -> None:
    for change in Change:
        assert f"`{change}`" in MANUAL
    told = {
        name
        for notice in (opened(delayed_s=3, claimed_s=3), closed(Disposition.VERIFIED, unit="x", eta_minutes=1))
        for name, _ in cap.parameters(notice)
    }
    listed = MANUAL.partition("Parameters (")[2].partition("\n##")[0]
    assert told == set(
        re.findall(r"`([a-z_]+)`", "\n".join(line.split("|")[1] for line in listed.splitlines()[4:] if "|" in line))
    )


ROWS: list[tuple[str, list[Notice]]] = [
    ("open", [opened(), later(Change.POSITION)]),
    ("open, duress", [opened(duress=True), later(Change.DURESS, duress=True)]),
    (
        "open, registration not active",
        [opened(registration=RegistrationState.EXPIRED), later(Change.SEEN, registration=RegistrationState.STOLEN)],
    ),
    ("open, cancelled by the holder", [later(Change.CANCELLED_BY_HOLDER, cancelled_by_holder=True)]),
    ("officers on scene", [later(Change.ON_SCENE, state=IncidentState.ON_SCENE)]),
    ("closed, `verified`", [closed(Disposition.VERIFIED)]),
    ("closed, `not_needed`", [closed(Disposition.NOT_NEEDED)]),
    (
        "closed, `unfounded`, `accidental`, `test`, `technical`, `abuse`, or an `exercise` told as actual",
        [closed(end) for end in Disposition if end not in (Disposition.VERIFIED, Disposition.NOT_NEEDED)],
    ),
    (
        "closed, `exercise`, told as one",
        [closed(Disposition.EXERCISE, mode=Mode.EXERCISE)],
    ),
]


@pytest.mark.parametrize(("incident", "notices"), ROWS)
def test_the_table_of_judgements_is_true(incident: str, notices: list[Notice]) -> None:
    (row,) = [line for line in MANUAL.splitlines() if line.startswith(f"| {incident} | ")]
    types, *judged = [cell.strip() for cell in row.strip("|").split("|")[1:]]
    assert {cap.message_type(notice) for notice in notices} == set(types.split(", "))
    assert {cap.judgement(notice) for notice in notices} == {tuple(judged)}


def test_the_radii_are_those_of_the_code() -> None:
    assert RADIUS_UNKNOWN_M == {"gnss": 100, "network": 5_000, "installed": 50}
    assert "satellite 100 m, place of installation 50 m, mobile network 5 km" in MANUAL

"""What the demo makes of observations, typed lines and environments; no process is started."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from siaga_gateway import catalogue
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_tools.demo.commands import Command, Verb, read_command
from siaga_tools.demo.control_socket import ask, runtime_folder
from siaga_tools.demo.dashboard_state import ButtonView, DashboardState, LogLine
from siaga_tools.demo.owners import OWNERS
from siaga_tools.demo.press_trace import CAUSES, TEST_HOPS, Hop, PressTrace
from siaga_tools.demo.texts import hop_table, line_text
from siaga_tools.demo.webhook_receiver import Receiver, new_secret
from siaga_tools.install_source import install_command
from siaga_tools.messages import Trouble, language_of, say
from siaga_tools.micropython import find_firmware, find_micropython
from siaga_tools.process.slow_machine import patient
from siaga_tools.signal_styles import LOOKS, signal_meaning
from siaga_tools.virtual_button import ButtonEvent, read_line
from waiting import ENDS_S, eventually

NOW = 1_795_465_960_000
DEVICE = bytes.fromhex("00000000000000a1")


def board_with_button() -> DashboardState:
    board = DashboardState({owner.number: ButtonView(owner) for owner in OWNERS})
    board.button_told(1, ButtonEvent(NOW, "start", {"device_id": DEVICE.hex()}))
    board.buttons[1].enrolled = True
    return board


def frame(at: int, step: str, counter: int = 3, kind: int = 1) -> ButtonEvent:
    return ButtonEvent(NOW + at, "frame", {"kind": kind, "counter": counter, "step": step, "bearer": "mqtt"})


def entry(row: int, kind: str, at: int, incident: int | None = 1, **facts: Any) -> JournalEntry:
    return JournalEntry(row, NOW + at, kind, incident, DEVICE, None, facts)


def notice(change: str) -> dict[str, Any]:
    return {"data": {"device": {"id": DEVICE.hex()}, "change": change}}


def observations(board: DashboardState) -> list[Any]:
    """Everything that is observed of one press, each as something to do."""
    return [
        lambda: [board.button_told(1, frame(at, step)) for at, step in enumerate(("pressed", "stored", "signed"))],
        lambda: [board.button_told(1, frame(at, step)) for at, step in ((3, "published"), (9, "puback"))],
        lambda: board.journal_told(entry(7, journal.INCIDENT_OPENED, 5, counter=3), NOW + 8),
        lambda: board.console_told(7, NOW + 10),
        lambda: board.notice_delivered(notice("opened"), "x.1.webhook", NOW + 11),
        lambda: [
            board.button_told(1, ButtonEvent(NOW + 2, "indicator", {"signal": "sending"})),
            board.button_told(1, ButtonEvent(NOW + 19, "ack", {"counter": 3, "stage": 1, "eta": None})),
            board.button_told(1, ButtonEvent(NOW + 20, "indicator", {"signal": "received"})),
        ],
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5))))
def test_a_trail_is_the_same_in_whatever_order_the_parts_are_heard(order: tuple[int, ...]) -> None:
    board = board_with_button()
    todo = observations(board)
    for index in order:
        todo[index]()
    board.cap_written(1, "opened", NOW + 12)  # told by the journal, so never before the incident
    todo[5]()
    (trail,) = board.trails
    assert {hop: at - NOW for hop, at in trail.times.items()} == {
        Hop.PRESSED: 0,
        Hop.KEPT: 1,
        Hop.SIGNED: 2,
        Hop.PUBLISHED: 3,
        Hop.BROKER: 9,
        Hop.GATEWAY: 5,
        Hop.STORED: 8,
        Hop.WEBHOOK: 11,
        Hop.CAP: 12,
        Hop.CONSOLE: 10,
        Hop.ACK: 20,
    }
    assert trail.complete and trail.total_ms == 20
    assert [incident.button for incident in board.incidents.values()] == [1]


def test_a_repetition_changes_nothing() -> None:
    board = board_with_button()
    for act in observations(board):
        act()
    before = dict(board.trails[0].times)
    board.button_told(1, frame(500, "published"))  # the frame went out again
    board.button_told(1, frame(510, "puback"))
    board.notice_delivered(notice("opened"), "x.1.webhook", NOW + 520)
    board.button_told(1, ButtonEvent(NOW + 530, "ack", {"counter": 3, "stage": 1, "eta": None}))
    assert board.trails[0].times == before and len(board.trails) == 1


def test_an_onlooker_that_was_late_is_corrected_by_what_came_of_the_commit() -> None:
    trail = PressTrace(1, 3)
    trail.reach(Hop.PRESSED, 100)
    trail.reach(Hop.STORED, 160)
    trail.reach(Hop.CAP, 140)
    assert trail.since_press(Hop.STORED) == 40 and trail.took(Hop.CAP) == 0


def test_a_second_press_has_its_own_trail_and_delivery() -> None:
    board = board_with_button()
    for act in observations(board):
        act()
    board.button_told(1, frame(100, "pressed", counter=4))
    board.journal_told(entry(8, journal.PRESSED_AGAIN, 105, counter=4, presses=2), NOW + 106)
    board.notice_delivered(notice("position"), "x.2.webhook", NOW + 107)
    board.notice_delivered(notice("pressed_again"), "x.3.webhook", NOW + 108)
    first, second = board.trails
    assert first.since_press(Hop.WEBHOOK) == 11 and second.since_press(Hop.WEBHOOK) == 8
    assert board.incidents[1].presses == 2


def test_a_test_press_has_no_incident_and_no_delivery() -> None:
    board = board_with_button()
    board.buttons[1].testing = True
    board.button_told(1, frame(0, "pressed"))
    board.journal_told(entry(7, journal.TEST_PRESS, 5, incident=9, counter=3), NOW + 6)
    (trail,) = board.trails
    assert trail.test and trail.hops == TEST_HOPS and board.incidents == {}


def test_the_journal_moves_an_incident() -> None:
    board = board_with_button()
    board.journal_told(entry(1, journal.INCIDENT_OPENED, 0, counter=3), NOW)
    for row, (kind, state) in enumerate(
        (
            (journal.SEEN, "seen"),
            (journal.ASSIGNED, "assigned"),
            (journal.ON_SCENE, "on_scene"),
            (journal.CLOSED, "closed"),
        ),
        start=2,
    ):
        board.journal_told(entry(row, kind, row, unit="Patroli 12", eta_minutes=7), NOW + row)
        assert board.incidents[1].state == state
    assert board.incidents[1].unit == "Patroli 12" and board.incidents[1].eta_minutes == 7


@given(st.dictionaries(st.sampled_from(list(Hop)), st.integers(NOW, NOW + 60_000)), st.booleans())
def test_facts_of_a_trail_survive_json_and_any_trail_can_be_printed(times: dict[Hop, int], test: bool) -> None:
    trail = PressTrace(2, 9, test, dict(times))
    again = PressTrace.from_facts(trail.facts())
    if Hop.PRESSED in times:
        assert {hop: again.since_press(hop) for hop in trail.hops} == {
            hop: trail.since_press(hop) for hop in trail.hops
        }
    for language in catalogue.LANGUAGES:
        assert len(hop_table(trail, language).splitlines()) == 1 + len(trail.hops)
    assert all((took := trail.took(hop)) is None or took >= 0 for hop in CAUSES)


def test_every_line_signal_and_hop_has_its_words() -> None:
    values = {
        name: "x"
        for key in catalogue.texts("demo", "id")
        if key.startswith("demo.log.")
        for name in (
            *("port", "who", "seconds", "url", "incident", "actor", "unit", "why", "what", "code", "line"),
            *("stations", "responders", "title", "person"),
            *("minutes", "station", "drill", "number", "of"),
        )
    } | {"button": 1, "signal": "armed", "change": "opened", "rung": "chief", "said": "accepted"}
    from siaga_tools.demo.dashboard_state import _JOURNAL_LINES

    for language in catalogue.LANGUAGES:
        keys = [key.removeprefix("demo.log.") for key in catalogue.texts("demo", language) if ".log." in key]
        assert set(_JOURNAL_LINES) <= set(keys)
        for key in keys:
            assert "{" not in line_text(LogLine(NOW, key, values), language)
        for signal in LOOKS:
            assert say(f"signal.{signal}", language) and signal_meaning(signal, language, "112")
        for hop in Hop:
            assert (
                say(f"hop.{hop}", language) and say(f"hop_top.{hop}", language) and say(f"hop_bottom.{hop}", language)
            )


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("id", "Babak ini berakhir di sini: Tombol 2 berada dalam kejadian yang masih terbuka"),
        ("en", "This scene ends here: Button 2 is in an incident that is still open"),
    ],
)
def test_what_ends_a_scene_is_said_in_the_readers_language(language: str, told: str) -> None:
    line = LogLine(NOW, "story_scene_lost", {"why": Trouble("story_button", button=2)})
    assert line_text(line, language).startswith(told)


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("p 1", Command(Verb.PRESS, 1)),
        ("d 2", Command(Verb.DURESS, 2)),
        ("paksa 2", Command(Verb.DURESS, 2)),
        ("s", Command(Verb.STORY)),
        ("cerita", Command(Verb.STORY)),
        ("  TEKAN   3 ", Command(Verb.PRESS, 3)),
        ("batal 2", Command(Verb.CANCEL, 2)),
        ("u 1", Command(Verb.TEST, 1)),
        ("n 1 off", Command(Verb.NETWORK, 1, False)),
        ("jaringan 1 nyala", Command(Verb.NETWORK, 1, True)),
        ("g", Command(Verb.GATEWAY)),
        ("q", Command(Verb.QUIT)),
        ("", None),
        ("   ", None),
    ],
)
def test_commands_in_both_languages(typed: str, command: Command | None) -> None:
    assert read_command(typed) == command


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_command_or_a_clear_answer(typed: str) -> None:
    try:
        read_command(typed)
    except Trouble as trouble:
        assert trouble.say("id") and trouble.say("en")


@given(st.text(max_size=300))
def test_whatever_a_button_prints_is_an_event(line: str) -> None:
    event = read_line(line)
    assert isinstance(event.kind, str)


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "id"),
        ({"LANG": ""}, "id"),
        ({"LANG": "C.UTF-8"}, "id"),
        ({"LANG": "POSIX"}, "id"),
        ({"LANG": "id_ID.UTF-8"}, "id"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "id_ID.UTF-8", "LC_ALL": "en_GB"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "id_ID"}, "id"),
        ({"LANG": "de_DE@euro"}, "en"),
    ],
)
def test_the_language_follows_the_environment_indonesian_first(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language


def test_a_trouble_within_a_trouble_is_said_in_the_readers_language() -> None:
    told = Trouble("hop_lost", hop=Hop.ACK, why=Trouble("gateway_ended", code="SIGKILL", why="")).facts()
    again = Trouble.from_facts(told)
    assert again.say("en") == (
        "The press stopped before the hop 'answer shown on the button'. The gateway ended (SIGKILL)"
    )
    assert again.say("id") == "Tekanan berhenti sebelum langkah 'jawaban tampil di tombol'. Gateway berakhir (SIGKILL)"


def test_owners_cannot_be_anybody() -> None:
    assert [owner.number for owner in OWNERS] == [1, 2, 3]
    for owner in OWNERS:
        assert len(owner.nik) == 16 and owner.nik.startswith("9900")  # no province 99, no birthday 00-00-00
        assert owner.phone.startswith("+620") and "rekaan" in owner.address and "Contoh" in owner.name
        assert -6_2000000 < owner.latitude < -3_6000000 and 103_4000000 < owner.longitude < 106_4000000


def test_micropython_is_looked_for_where_the_setting_says_then_beside_python_then_on_the_path(tmp_path: Path) -> None:
    program = tmp_path / "micropython"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_micropython(str(program), {}) == str(program)
    assert find_micropython(None, {"SIAGA_MICROPYTHON": str(program)}) == str(program)
    assert Path(find_micropython(None, {"PATH": ""})).name == "micropython"  # beside sys.executable
    with pytest.raises(Trouble) as wrong:
        find_micropython(str(tmp_path / "none"), {})
    assert wrong.value.name == "micropython_wrong"


def test_where_there_is_no_micropython_the_mend_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python3"))
    with pytest.raises(Trouble) as missing:
        find_micropython(None, {"PATH": str(tmp_path)})
    assert install_command("demo") in missing.value.say("en") and "SIAGA_MICROPYTHON" in missing.value.say("id")


def test_the_patience_that_is_asked_for_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIAGA_PATIENCE", raising=False)
    assert patient(10) == 10
    monkeypatch.setenv("SIAGA_PATIENCE", "2.5")
    assert patient(10) == 25
    for wrong in ("0.5", "2000", "nan", "very", ""):
        monkeypatch.setenv("SIAGA_PATIENCE", wrong)
        with pytest.raises(Trouble) as refused:
            patient(10)
        assert refused.value.say("en").startswith(f"SIAGA_PATIENCE is {wrong!r}: a number from 1 to 1000")
        assert "1 sampai 1000" in refused.value.say("id")


def test_the_firmware_of_this_checkout_is_found() -> None:
    assert find_firmware() == Path(__file__).resolve().parents[3] / "firmware" / "main.py"


def test_a_press_without_a_demo_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(Trouble) as none:
        ask("p 1")
    assert none.value.say("en") == "No demo is running. Start one in another terminal with: siaga demo"


def test_a_socket_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "siaga").mkdir(mode=0o777)
    (tmp_path / "siaga").chmod(0o755)
    with pytest.raises(Trouble) as open_to_all:
        runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert open_to_all.value.name == "runtime_folder"


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=ENDS_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_receiver_takes_only_what_is_signed_with_its_secret() -> None:

    taken: list[str] = []
    refused: list[str] = []
    secret = new_secret()
    receiver = Receiver(secret, on_notice=lambda event, key, at: taken.append(key), on_refused=refused.append)
    try:
        body = json.dumps(notice("opened"))

        def signed(by: str, key: str, text: str, when: datetime) -> dict[str, str]:
            return {
                "webhook-id": key,
                "webhook-timestamp": str(int(when.timestamp())),
                "webhook-signature": Webhook(by).sign(key, when, text),
            }

        now = datetime.now(UTC)
        assert post(receiver.url, body.encode(), signed(secret, "k1", body, now)) == 204
        assert post(receiver.url, body.encode(), signed(new_secret(), "k2", body, now)) == 401
        assert post(receiver.url, body.encode() + b" ", signed(secret, "k3", body, now)) == 401
        assert post(receiver.url, body.encode(), {}) == 401
        old = datetime.fromtimestamp(now.timestamp() - 3600, UTC)
        assert post(receiver.url, body.encode(), signed(secret, "k4", body, old)) == 401
        assert post(receiver.url.replace("/siaga", "/else"), body.encode(), signed(secret, "k5", body, now)) == 400
        eventually(lambda: len(refused) >= 5, "it answers first, and tells then")
    finally:
        receiver.close()
    assert taken == ["k1"] and len(refused) == 5

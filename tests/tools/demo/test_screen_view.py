"""The view: what it draws of a Board, and that what is typed reaches the demo."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.widgets import Input

import preloaded
from siaga_gateway.service.ports import JournalEntry
from siaga_tools.demo import panels
from siaga_tools.demo.commands import Command, Verb
from siaga_tools.demo.dashboard_state import ButtonView, DashboardState
from siaga_tools.demo.owners import OWNERS
from siaga_tools.demo.press_trace import Hop
from siaga_tools.demo.screen_view import DemoView
from siaga_tools.messages import Trouble
from siaga_tools.signal_styles import LOOKS
from siaga_tools.virtual_button import ButtonEvent
from tools.siaga_process import SIAGA, all_gone, children, environ, strangers
from waiting import ENDS_S, RUNS_S

NOW = 1_795_465_960_000


def fresh_board() -> DashboardState:
    board = DashboardState({owner.number: ButtonView(owner) for owner in OWNERS})
    for number, view in board.buttons.items():
        board.button_told(number, ButtonEvent(NOW, "start", {"device_id": f"{number:016x}"}))
        board.button_told(number, ButtonEvent(NOW, "bearer", {"bearer": "mqtt", "up": True}))
        board.button_told(number, ButtonEvent(NOW, "indicator", {"signal": "armed"}))
        view.enrolled = True
    return board


def press_through(board: DashboardState, number: int = 1, counter: int = 3) -> None:
    """All that is observed of one press, as the parts tell it."""
    device = bytes.fromhex(board.buttons[number].device_id)
    for ms, step in enumerate(("pressed", "stored", "signed", "published", "puback")):
        board.button_told(
            number, ButtonEvent(NOW + ms, "frame", {"kind": 1, "counter": counter, "step": step, "bearer": "mqtt"})
        )
    board.button_told(number, ButtonEvent(NOW, "indicator", {"signal": "sending"}))
    board.journal_told(JournalEntry(9, NOW + 10, "incident_opened", 1, device, None, {"counter": counter}), NOW + 12)
    board.console_told(9, NOW + 14)
    notice = {"data": {"device": {"id": device.hex()}, "change": "opened"}}
    board.notice_delivered(notice, "a.1.webhook", NOW + 16)
    board.cap_written(1, "opened", NOW + 17)
    board.button_told(number, ButtonEvent(NOW + 20, "ack", {"counter": counter, "stage": 1, "eta": None}))
    board.button_told(number, ButtonEvent(NOW + 21, "indicator", {"signal": "received"}))


class Scripted:
    """Stands where the live demo stands; its board is fed by the test."""

    def __init__(self) -> None:
        self.board = fresh_board()
        self.obeyed: list[Command] = []
        self.end = asyncio.Event()
        self.trouble: Trouble | None = None

    async def start(self) -> None:
        pass

    async def ended(self) -> None:
        await self.end.wait()
        if self.trouble is not None:
            raise self.trouble

    async def obey(self, command: Command) -> None:
        self.obeyed.append(command)
        if command.button == 3:
            raise Trouble("busy_button", button=3)


def screen(app: DemoView) -> str:
    """The characters on the screen, line by line."""
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


@pytest.mark.parametrize(("size", "language"), [((80, 24), "id"), ((120, 40), "en")])
def test_a_press_is_lit_hop_by_hop_and_commands_are_obeyed(size: tuple[int, int], language: str) -> None:
    async def run() -> None:
        demo = Scripted()
        app = DemoView(demo, language)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            assert ("Ketik  p 1" if language == "id" else "Type  p 1") in screen(app)
            demo.board.console_url = "http://127.0.0.1:4711/"
            press_through(demo.board)
            deadline = time.monotonic() + ENDS_S
            done = "21 ms sampai tombol menjawab" if language == "id" else "21 ms until the button was answered"
            while done not in screen(app) and time.monotonic() < deadline:
                await pilot.pause(0.05)
            seen = screen(app)
            assert done in seen
            assert "http://127.0.0.1:4711/" in seen
            for word in ("DITERIMA", "BARU") if language == "id" else ("RECEIVED", "NEW"):
                assert word in seen
            assert seen.splitlines()[3].count("●") == len(Hop)
            assert all(len(line) == size[0] for line in seen.splitlines())

            field = app.query_one(Input)
            for typed in ("p 1", "n 2 off", "p 3", "nonsense", "l"):
                field.value = typed
                await pilot.press("enter")
                await pilot.pause()
                if typed == "p 3":
                    busy = "Tombol 3 sedang ditahan" if language == "id" else "Button 3 is being held"
                    assert busy in screen(app)
            assert demo.obeyed == [
                Command(Verb.PRESS, 1),
                Command(Verb.NETWORK, 2, False),
                Command(Verb.PRESS, 3),
            ]
            await pilot.pause(0.6)
            assert ("RECEIVED" if language == "id" else "DITERIMA") in screen(app)  # the language was changed
            await pilot.press("ctrl+c")
        assert app.trouble is None

    asyncio.run(run())


def test_a_trouble_ends_the_view_and_is_kept_for_the_terminal() -> None:
    async def run() -> None:
        demo = Scripted()
        demo.trouble = Trouble("broker_ended", code="SIGKILL", why="")
        app = DemoView(demo, "en")
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            demo.end.set()
            for _ in range(200):
                if app.trouble is not None:
                    break
                await pilot.pause(0.02)
        assert app.trouble is demo.trouble

    asyncio.run(run())


@settings(max_examples=50)
@given(
    width=st.integers(20, 200),
    height=st.integers(1, 60),
    signal=st.sampled_from([*LOOKS, "unheard_of"]),
    language=st.sampled_from(["id", "en"]),
    hops=st.sets(st.sampled_from(list(Hop))),
)
def test_no_panel_is_wider_or_higher_than_its_room(
    width: int, height: int, signal: str, language: str, hops: set[Hop]
) -> None:
    board = fresh_board()
    press_through(board)
    board.buttons[1].signal = signal
    trail = board.trails[-1]
    rows = panels.button(board.buttons[1], language, True, width).plain.splitlines()
    assert len(rows) == 4 and all(len(row) <= width for row in rows)
    news = panels.log(board, language, height, max(width, 30)).plain.splitlines()
    assert len(news) <= height and all(len(row) <= max(width, 30) for row in news)
    incidents = panels.incidents(board, language, height, width).plain.splitlines()
    assert len(incidents) <= max(2, height) and all(len(row) <= width for row in incidents)
    assert len(panels.title(board, language, "14:03:27 WIB", width).plain.splitlines()) == 1
    room = max(width, 78)
    drawn = panels.path(trail, hops, language, room, 3, True).plain.splitlines()
    assert len(drawn) == 4 and {len(row) for row in drawn[:3]} == {room}
    assert drawn[0].count("●") == len(hops)


class Window:
    """A terminal window with `siaga demo --fast` in it, which leads the terminal's session as a shell does, or not:
    then no signal tells it that the window was closed."""

    def __init__(self, runtime: Path, leads: bool = True) -> None:
        self.master, slave = pty.openpty()
        self._name = os.ttyname(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = preloaded.Popen(
            [*SIAGA, "demo", "--fast"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environ(runtime, TERM="xterm-256color", COLUMNS="80", LINES="24"),
            preexec_fn=preloaded.take_terminal if leads else None,
        )
        os.close(slave)
        self._drawn = bytearray()

    def until(self, words: str) -> None:
        """Wait until these words have been drawn, or, after the demo's end, printed."""
        deadline = time.monotonic() + ENDS_S
        while words.encode() not in self._drawn:
            assert time.monotonic() < deadline, self._drawn[-3000:].decode(errors="replace")
            if select.select([self.master], [], [], 0.2)[0]:
                self._drawn.extend(os.read(self.master, 65536))

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def take_nothing(self) -> None:
        """As after Ctrl-S, or behind a dead link: more is drawn than the terminal takes."""
        slave = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
        try:
            termios.tcflow(slave, termios.TCOOFF)
        finally:
            os.close(slave)
        for turn in range(60):
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24 + turn % 2, 80, 0, 0))
            time.sleep(0.05)

    def close(self) -> int:
        """Close the window, as a mouse click does; the exit code."""
        os.close(self.master)
        try:
            return self.process.wait(RUNS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(RUNS_S)
            raise


def test_in_a_real_terminal_a_press_is_shown_and_ctrl_c_ends_everything(runtime: Path) -> None:
    window = Window(runtime)
    try:
        window.until("Ketik  p 1")
        window.type(b"p 1\r")
        window.until("DITERIMA")
        window.until("sampai tombol menjawab")
        family = children(window.process.pid)
        assert strangers(family) == []
        window.type(b"\x03")
        window.until("Peragaan selesai.")
        window.process.wait(RUNS_S)
    finally:
        code = window.close()
    assert code == 0
    assert all_gone(family) == {}


def test_a_window_that_is_closed_leaves_nothing(runtime: Path) -> None:
    window = Window(runtime)
    try:
        window.until("Menyalakan gateway")
        family = children(window.process.pid)
        assert family
    finally:
        code = window.close()
    assert code == 128 + signal.SIGHUP
    assert all_gone(family) == {}


def test_a_window_that_goes_without_a_signal_leaves_nothing(runtime: Path) -> None:
    """Its writes fail, and nothing else says so: as where the demo runs under setsid, or a multiplexer dies."""
    window = Window(runtime, leads=False)
    try:
        window.until("Menyalakan gateway")
        family = children(window.process.pid)
        assert family
    finally:
        code = window.close()
    assert code == 128 + signal.SIGHUP
    assert all_gone(family) == {}


def test_a_terminal_that_takes_nothing_keeps_nobody_from_ending_it(runtime: Path) -> None:
    window = Window(runtime)
    try:
        window.until("Menyalakan gateway")
        family = children(window.process.pid)
        window.take_nothing()
        window.process.terminate()
        window.process.wait(RUNS_S)
    finally:
        window.process.kill()
        os.close(window.master)
    assert window.process.returncode in (128 + signal.SIGTERM, -signal.SIGALRM)
    assert all_gone(family, deadline_s=ENDS_S) == {}

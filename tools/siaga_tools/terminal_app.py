"""A full-screen view with an input line, the base of the demo's and of the simulated button's, and how it runs until it
is quit, signalled, or its terminal is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.widgets import Input, Static

from siaga_tools.messages import Trouble

_LOOK_S: Final = 0.25
_LAST_WORDS_S: Final = 5  # a terminal that takes nothing (Ctrl-S, a dead ssh link) does not keep the process alive
_GONE: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Terminal(LinuxDriver):
    """Textual's own driver does not survive the loss of its terminal: the SIGCONT that comes with a hang-up
    (POSIX.1-2017, 11.1.10) restarts it on what is no longer a terminal, its writer thread ends at the first EIO, and
    once 30 writes are queued the next one blocks for ever, and the whole program with it. After a hang-up this one
    neither starts nor writes, and it never blocks on a terminal that takes nothing."""

    hung_up = False
    _behind = False  # output was dropped: the next one sent is the whole page

    def start_application_mode(self) -> None:
        Terminal.hung_up = Terminal.hung_up or not os.isatty(self.fileno)
        if not Terminal.hung_up:
            super().start_application_mode()  # type: ignore[no-untyped-call]

    def is_gone(self) -> bool:
        """Return whether the other end is closed, even without SIGHUP."""
        look = select.poll()
        look.register(self.fileno, 0)
        return any(events & _GONE for _, events in look.poll(0))

    def write(self, data: str) -> None:
        writer = self._writer_thread
        if Terminal.hung_up or writer is None or not writer.is_alive():
            return
        if writer._queue.full():
            self._behind = True
            return
        super().write(data)
        if self._behind:
            self._behind = False
            self._app.call_later(self._app.refresh, layout=True)

    def close(self) -> None:
        writer, self._writer_thread = self._writer_thread, None
        if writer is not None and writer.is_alive() and not writer._queue.full():
            writer._queue.put_nowait(None)
            writer.join(1.0)


class TerminalApp(App[None]):
    """A full-screen app; the subclass provides what is drawn, done and typed: live(), obey(), draw().

    trouble: set when it ends because it cannot go on
    changed: draw with the next frame; may be set from any thread
    """

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q,ctrl+d", "leave", show=False, priority=True),
        Binding("up", "recall", show=False, priority=True),
    ]
    FRAME_S: ClassVar[float]  # how often it checks for something to draw
    BLINK_FRAMES: ClassVar[int]  # after so many it is drawn anyway: clocks, and what blinks

    def __init__(self, driver: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver)
        self.trouble: Trouble | None = None
        self.changed = True
        self.frame = 0
        self.answer = ""  # the result of the last line, if it was not done
        self.field = Input(id="input", compact=True)
        self.hint = Static(id="hint")
        self._typed = ""

    # For the subclass

    async def live(self) -> None:
        """Run beside the view, from its start on. Raises Trouble, which ends it."""

    async def obey(self, line: str) -> None:
        """Carry out what was typed. Raises Trouble, which is shown."""

    def draw(self) -> None:
        """Draw the page as it is now."""

    def moves(self) -> bool:
        """Return whether this frame differs from the previous one although nothing has changed."""
        return False

    def spoken(self) -> str:
        """Return the language of what is shown."""
        raise NotImplementedError

    # Internal

    def on_mount(self) -> None:
        self.theme = "textual-dark"
        self.field.focus()
        self.set_interval(self.FRAME_S, self._next_frame)
        self.run_worker(self._live(), name="live")
        self._draw()

    async def _live(self) -> None:
        try:
            await self.live()
        except Trouble as trouble:
            self.trouble = trouble
            self.exit()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        line, event.input.value = event.value, ""
        self.answer = ""
        if line.strip():
            self._typed = line
        self.run_worker(self._obey(line))

    async def _obey(self, line: str) -> None:
        try:
            await self.obey(line)
        except Trouble as trouble:
            self.answer = trouble.say(self.spoken())
        self._draw()

    def action_leave(self) -> None:
        self.exit()

    def action_recall(self) -> None:
        self.field.value, self.field.cursor_position = self._typed, len(self._typed)

    def _next_frame(self) -> None:
        self.frame += 1
        if self.changed or self.moves() or self.frame % self.BLINK_FRAMES == 0:
            self._draw()

    def _draw(self) -> None:
        if self.hint.is_attached:  # else it is ending
            self.changed = False
            self.draw()


async def run_until_left(app: TerminalApp, stop: Callable[[], Awaitable[None]]) -> int:
    """Show it, and stop() what is behind it, however it ends. Returns the exit code: 0 after a quit or Ctrl-C, 1 after
    a trouble, which is printed on stderr, 128 + n after a signal."""
    asked: list[int] = []

    def end(number: int) -> None:
        Terminal.hung_up = Terminal.hung_up or number == signal.SIGHUP
        asked.append(number)
        app.exit()

    async def watch() -> None:
        while not asked:
            await asyncio.sleep(_LOOK_S)
            driver = app._driver
            if isinstance(driver, Terminal) and driver.is_gone():
                end(signal.SIGHUP)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # To the end: a second Ctrl-C must not interrupt the shutdown, which has deadlines.
        loop.add_signal_handler(number, end, number)
    watching = loop.create_task(watch())
    try:
        await app.run_async()
    finally:
        watching.cancel()
        for number in (signal.SIGTSTP, signal.SIGCONT):  # Textual's handlers would restart the view
            signal.signal(number, signal.SIG_DFL)
        await stop()
    if app.trouble is not None:
        with last_words():
            print(f"siaga: {app.trouble.say(app.spoken())}", file=sys.stderr, flush=True)
        return 1
    return 128 + asked[0] if asked and asked[0] != signal.SIGINT else 0


@contextlib.contextmanager
def last_words() -> Iterator[None]:
    """Print after the view; the terminal may be gone, or take nothing: then the process ends."""
    signal.alarm(_LAST_WORDS_S)
    with contextlib.suppress(OSError):
        yield
    signal.alarm(0)

"""The live view of the demo in a terminal. It draws a Board and passes on what is typed; it knows nothing else."""

from __future__ import annotations

from typing import ClassVar, Protocol

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.driver import Driver
from textual.widgets import Input, Static

from siaga_gateway.catalogue import clock_time
from siaga_tools.demo import panels
from siaga_tools.demo.board import Board
from siaga_tools.demo.commands import BUTTONS, Command, Verb, read_command
from siaga_tools.demo.trail import Hop
from siaga_tools.demo.watch import now_ms
from siaga_tools.words import Trouble, say

_FRAME_S = 0.07  # the hops light up at this pace, so that eyes can follow; the times shown are the measured ones
_BLINK_FRAMES = 7


class Shown(Protocol):
    """What the view needs of a live demo."""

    @property
    def board(self) -> Board: ...

    async def start(self) -> None: ...

    async def ended(self) -> None: ...

    async def obey(self, command: Command) -> object: ...


class DemoView(App[None]):
    """The app. `trouble` is set when it ends because the demo cannot go on."""

    CSS_PATH = "view.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q,ctrl+d", "leave", show=False, priority=True),
        Binding("up", "recall", show=False, priority=True),
    ]

    def __init__(self, demo: Shown, language: str, driver: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver)
        self.demo = demo
        self.language = language
        self.trouble: Trouble | None = None
        self._title = Static(id="title")
        self._page = Static(id="page")
        self._path = Static(id="path", classes="panel")
        self._buttons = {number: Static(classes="panel") for number in BUTTONS}
        self._incidents = Static(id="incidents", classes="panel")
        self._news = Static(id="log", classes="panel")
        self._input = Input(id="input", compact=True)
        self._hint = Static(id="hint")
        self._drawn: dict[Static, Text] = {}
        self._answer = ""  # what the last command led to, if it was not done
        self._typed = ""
        self._frame = 0
        self._changed = True
        self._lit: tuple[tuple[int, int], set[Hop]] = ((0, 0), set())  # of the trail that is shown

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._page
        yield self._path
        with Horizontal(id="buttons"):
            yield from self._buttons.values()
        with Horizontal(id="lower"):
            yield self._incidents
            yield self._news
        yield self._input
        yield self._hint

    def on_mount(self) -> None:
        changed = self.demo.board.changed

        def after_each() -> None:
            changed()
            self._changed = True

        self.demo.board.changed = after_each
        self.theme = "textual-dark"
        self._input.focus()
        self.set_interval(_FRAME_S, self._next_frame)
        self.run_worker(self._run(), name="demo")
        self._draw()

    async def _run(self) -> None:
        try:
            await self.demo.start()
            await self.demo.ended()
            self.exit()
        except Trouble as trouble:
            self.trouble = trouble
            self.exit()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        line, event.input.value = event.value, ""
        self._answer = ""
        if line.strip():
            self._typed = line
        self.run_worker(self._obey(line))

    async def _obey(self, line: str) -> None:
        try:
            command = read_command(line)
            if command is None:
                return
            match command.verb:
                case Verb.QUIT:
                    self.exit()
                case Verb.LANGUAGE:
                    self.language = "en" if self.language == "id" else "id"
                case Verb.HELP:
                    self.notify(say("plain.help", self.language), title=say("view.title", self.language), timeout=20)
                case _:
                    await self.demo.obey(command)
        except Trouble as trouble:
            self._answer = trouble.say(self.language)
        self._draw()

    def action_leave(self) -> None:
        self.exit()

    def action_recall(self) -> None:
        field = self._input
        field.value, field.cursor_position = self._typed, len(self._typed)

    # --- drawing

    def _next_frame(self) -> None:
        """Draw when something has changed or moves; the clock and what blinks come along twice a second."""
        self._frame += 1
        trails = self.demo.board.trails
        under_way = bool(trails) and not set(trails[-1].hops) <= self._lit[1]
        if self._changed or under_way or self._frame % _BLINK_FRAMES == 0:
            self._draw()

    def _draw(self) -> None:
        if not self._hint.is_attached:  # the app is ending
            return
        self._changed = False
        board, language = self.demo.board, self.language
        wide = self.size.width
        self._put(self._title, panels.title(board, language, clock_time(now_ms()), wide - 2))
        self._put(self._page, panels.page(board, language, wide - 4))
        self._draw_path()
        blink = self._frame // _BLINK_FRAMES % 2 == 0
        for number, widget in self._buttons.items():
            view = board.buttons[number]
            widget.border_title = Text(f"{number} {view.owner.name}")
            widget.set_class(view.holding, "held")
            self._put(widget, panels.button(view, language, blink, widget.content_size.width))
        for panel, name, draw in ((self._incidents, "incidents", panels.incidents), (self._news, "log", panels.log)):
            panel.border_title = say(f"view.{name}", language)
            self._put(panel, draw(board, language, panel.content_size.height, panel.content_size.width))
        hint = say("view.hint" if wide >= 104 else "view.hint_short", language)
        self._put(self._hint, Text(self._answer, style=panels.COLOURS["bad"]) if self._answer else Text(hint))
        self._input.placeholder = say("view.placeholder", language)

    def _draw_path(self) -> None:
        board, language = self.demo.board, self.language
        path = self._path
        trail = board.trails[-1] if board.trails else None
        which = (trail.button, trail.counter) if trail else (0, 0)
        if self._lit[0] != which:
            self._lit = (which, set())
        lit = self._lit[1]
        if trail is not None:
            fresh = next((hop for hop in trail.hops if hop in trail.times and hop not in lit), None)
            if fresh is not None:
                lit.add(fresh)
        path.border_title = panels.path_title(board, trail, language)
        path.border_subtitle = panels.path_total(trail, lit, language)
        ready = all(view.enrolled for view in board.buttons.values())
        self._put(path, panels.path(trail, lit, language, path.content_size.width, self._frame, ready))

    def _put(self, widget: Static, text: Text) -> None:
        """Draw it if it differs from what stands there: 14 times a second mostly nothing does."""
        if self._drawn.get(widget) != text:
            self._drawn[widget] = text
            widget.update(text)

"""The demo's live view in a terminal. It draws a DashboardState and passes on what is typed; it knows nothing else."""

from __future__ import annotations

from typing import Protocol

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.driver import Driver
from textual.widgets import Static

from siaga_tools.demo import panels
from siaga_tools.demo.commands import BUTTONS, Command, Verb, read_command
from siaga_tools.demo.dashboard_state import DashboardState
from siaga_tools.demo.observers import now_ms
from siaga_tools.demo.press_trace import Hop
from siaga_tools.demo.site import LOCAL
from siaga_tools.messages import say
from siaga_tools.terminal_app import TerminalApp


class DemoSource(Protocol):
    """What the view needs from a live demo."""

    @property
    def board(self) -> DashboardState: ...

    async def start(self) -> None: ...

    async def ended(self) -> None: ...

    async def obey(self, command: Command) -> object: ...


class DemoView(TerminalApp):
    """The app."""

    CSS_PATH = "screen_view.tcss"
    FRAME_S = 0.07  # the hops light up at this pace, so that eyes can follow; the times shown are the measured ones
    BLINK_FRAMES = 7

    def __init__(self, demo: DemoSource, language: str, driver: type[Driver] | None = None) -> None:
        super().__init__(driver)
        self.demo = demo
        self.language = language
        self._title = Static(id="title")
        self._page = Static(id="page")
        self._path = Static(id="path", classes="panel")
        self._buttons = {number: Static(classes="panel") for number in BUTTONS}
        self._incidents = Static(id="incidents", classes="panel")
        self._news = Static(id="log", classes="panel")
        self._drawn: dict[Static, Text] = {}
        self._lit: tuple[tuple[int, int], set[Hop]] = ((0, 0), set())  # of the trace on screen
        demo.board.on_change(self._change)

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._page
        yield self._path
        with Horizontal(id="buttons"):
            yield from self._buttons.values()
        with Horizontal(id="lower"):
            yield self._incidents
            yield self._news
        yield self.field
        yield self.hint

    def _change(self) -> None:
        self.changed = True

    def spoken(self) -> str:
        return self.language

    async def live(self) -> None:
        await self.demo.start()
        await self.demo.ended()
        self.exit()

    async def obey(self, line: str) -> None:
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

    # --- drawing

    def moves(self) -> bool:
        """Return whether hops still have to light up."""
        trails = self.demo.board.trails
        return bool(trails) and not set(trails[-1].hops) <= self._lit[1]

    def draw(self) -> None:
        board, language = self.demo.board, self.language
        wide = self.size.width
        self._put(self._title, panels.title(board, language, LOCAL.clock(now_ms(), now_ms()), wide - 2))
        self._put(self._page, panels.page(board, language, wide - 4))
        self._draw_path()
        blink = self.frame // self.BLINK_FRAMES % 2 == 0
        for number, widget in self._buttons.items():
            view = board.buttons[number]
            widget.border_title = Text(f"{number} {view.owner.name}")
            widget.set_class(view.holding, "held")
            self._put(widget, panels.button(view, language, blink, widget.content_size.width))
        for panel, name, draw in ((self._incidents, "incidents", panels.incidents), (self._news, "log", panels.log)):
            panel.border_title = say(f"view.{name}", language)
            self._put(panel, draw(board, language, panel.content_size.height, panel.content_size.width))
        hint = say("view.hint" if wide >= 104 else "view.hint_short", language)
        self._put(self.hint, Text(self.answer, style=panels.COLOURS["bad"]) if self.answer else Text(hint))
        self.field.placeholder = say("view.placeholder", language)

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
        self._put(path, panels.path(trail, lit, language, path.content_size.width, self.frame, ready))

    def _put(self, widget: Static, text: Text) -> None:
        """Draw it if it has changed: 14 times a second it mostly has not."""
        if self._drawn.get(widget) != text:
            self._drawn[widget] = text
            widget.update(text)

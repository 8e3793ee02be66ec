"""A simulated button on the full screen: what the holder sees, hears and feels, what goes on inside, the AT traffic."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from siaga_tools.demo.full import Terminal
from siaga_tools.signals import LOOKS, signal_meaning, signal_text
from siaga_tools.simulate.bench import Bench, Options
from siaga_tools.simulate.chip import Life
from siaga_tools.simulate.plain import shown
from siaga_tools.simulate.seen import text
from siaga_tools.words import Trouble

_FRAME_S: Final = 0.05
_COLOURS: Final = {
    "plain": "#d7dee9",
    "faint": "#7487a3",
    "calm": "#9fb2cc",
    "good": "#7fe0a0",
    "better": "#7fc8ff",
    "help": "#c7a6ff",
    "wait": "#ffb454",
    "bad": "#ff7a7a",
    "test": "#7fd7e0",
}
_LAMP: Final = (("  ▄██▄  ", " ██████ ", "  ▀██▀  "), ("  ▄▀▀▄  ", " █    █ ", "  ▀▄▄▀  "))


class SimulateView(App[int]):
    """One button, its world, a line to type on."""

    TITLE = "Siaga"
    CSS = """
    Screen { layout: vertical; background: #0b1220; color: #d7dee9; }
    #title { height: 1; background: #14305c; color: #ffffff; padding: 0 1; }
    .panel { border: round #2c4a78; border-title-color: #9fc3ff; border-title-style: bold; padding: 0 1; }
    #upper { height: 9; }
    #hand { width: 1fr; height: 9; }
    #inside { width: 1fr; height: 9; }
    #lower { height: 1fr; }
    #log { width: 3fr; height: 100%; }
    #wire { width: 2fr; height: 100%; display: none; }
    #input { height: 1; background: #16233a; color: #ffffff; padding: 0 1; }
    #hint { height: 1; padding: 0 1; color: #8fa3bf; }
    Toast { background: #16233a; width: 112; max-width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "leave", show=False, priority=True),
        Binding("up", "recall", show=False, priority=True),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, options: Options, driver: type[Terminal]) -> None:
        super().__init__(driver_class=driver)
        self.bench = Bench(options, self._change)
        self.trouble: Trouble | None = None
        self._bar = Static(id="title")
        self._hand = Static(id="hand", classes="panel")
        self._inside = Static(id="inside", classes="panel")
        self._news = Static(id="log", classes="panel")
        self._wire = Static(id="wire", classes="panel")
        self._input = Input(id="input", compact=True)
        self._hint = Static(id="hint")
        self._answer = ""
        self._typed = ""
        self._changed = True
        self._frame = 0

    def compose(self) -> ComposeResult:
        yield self._bar
        with Horizontal(id="upper"):
            yield self._hand
            yield self._inside
        with Horizontal(id="lower"):
            yield self._news
            yield self._wire
        yield self._input
        yield self._hint

    def on_mount(self) -> None:
        self.theme = "textual-dark"
        self._input.focus()
        self.set_interval(_FRAME_S, self._next_frame)
        self.run_worker(self._run(), name="bench")

    async def _run(self) -> None:
        try:
            await self.bench.start()
        except Trouble as trouble:
            self.trouble = trouble
            self.exit()

    def _change(self) -> None:
        """From any thread."""
        self._changed = True

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        line, event.input.value = event.value, ""
        self._answer = ""
        if line.strip():
            self._typed = line
        self.run_worker(self._obey(line))

    async def _obey(self, line: str) -> None:
        try:
            verb = await self.bench.obey(line)
        except Trouble as trouble:
            self._answer = trouble.say(self.bench.language)
        else:
            if verb == "q":
                self.exit()
            elif verb == "h":
                self.notify(text("help", self.bench.language), title="Siaga", timeout=30)
            elif verb == "l":
                self.bench.language = "en" if self.bench.language == "id" else "id"
        self._changed = True

    def action_leave(self) -> None:
        self.exit()

    def action_recall(self) -> None:
        self._input.value, self._input.cursor_position = self._typed, len(self._typed)

    # Drawing.

    def _next_frame(self) -> None:
        """What has changed, and the clock five times a second."""
        self._frame += 1
        if self._changed or self._frame % 4 == 0:
            self._changed = False
            self._draw()

    def _draw(self) -> None:
        bench, language = self.bench, self.bench.language
        button = bench.button
        moment = "" if button is None else bench.clock_text(button.clock.now_us()) + " WIB"
        speed = "" if button is None or button.clock.speed == 1 else f"  ×{button.clock.speed:g}"
        self._bar.update(Text(f"SIAGA · {text('view.title', language)} · {bench.options.board}  {moment}{speed}"))
        for panel, key in ((self._hand, "hand"), (self._inside, "inside"), (self._news, "log"), (self._wire, "wire")):
            panel.border_title = text(f"view.{key}", language)
        self._hand.update(self._holder(language))
        self._inside.update(self._parts(language))
        self._news.update(self._lines())
        self._wire.display = bench.shows_at
        if bench.shows_at:
            self._wire.update(self._traffic())
        self._hint.update(Text(self._answer or text("view.hint", language), "#ff7a7a" if self._answer else "#8fa3bf"))

    def _holder(self, language: str) -> Text:
        """The lamp as it is at this moment, what it means, sound and vibration."""
        bench = self.bench
        name = bench.button.signal if bench.button is not None else ""
        off = bench.button is None or bench.button.life in (Life.OFF, Life.STOPPED) or not name
        name = "off" if off else name
        colour = _COLOURS[LOOKS.get(name, ("wait", False))[0]]
        feedback = bench.feedback
        lamp = _LAMP[0 if feedback.light and not off else 1]
        lit = f"bold {colour}" if feedback.light else "#44546c"
        tone = f"♪ {feedback.tone_hz} Hz" if feedback.tone_hz else text("view.silent", language)
        shake = "≋≋≋ " + text("view.shakes", language) if feedback.vibration else text("view.still", language)
        return Text.assemble(
            (lamp[0], lit),
            "  ",
            (signal_text(name, language), f"bold {colour}"),
            "\n",
            (lamp[1], lit),
            "  ",
            (signal_meaning(name, language), _COLOURS["calm"]),
            "\n",
            (lamp[2], lit),
            "\n\n",
            (tone, _COLOURS["good"] if feedback.tone_hz else _COLOURS["faint"]),
            "\n",
            (shake, _COLOURS["wait"] if feedback.vibration else _COLOURS["faint"]),
        )

    def _parts(self, language: str) -> Text:
        """Chip, modem, ways, surroundings."""
        bench, button = self.bench, self.bench.button
        if button is None:
            return Text(text("view.starting", language), _COLOURS["faint"])
        rows = [(text("view.chip", language), text(f"view.{button.life}", language))]
        modem = button.modem
        if modem is not None:
            state = "asleep" if modem.is_asleep() else "on" if modem.is_on else "off"
            faults = ", ".join(sorted(modem.faults))
            rows.append(
                (text("view.modem", language), text(f"view.modem_{state}", language) + (f" · {faults}" * bool(faults)))
            )
        ways = " ".join(f"{'●' if up else '○'} {name}" for name, up in bench.up.items()) or "-"
        rows.append((text("view.ways", language), ways))
        rows.append((text("view.battery", language), f"{bench.battery} %"))
        on = [text(f"view.switch_{name}", language) for name, acts in bench.switches.items() if acts]
        rows.append((text("view.switches", language), ", ".join(on) or "-"))
        if bench.house is not None:
            rows.append((text("view.page", language), bench.house.console_url))
        width = max(len(name) for name, _ in rows) + 2
        pieces: list[str | tuple[str, str]] = []
        for name, value in rows:
            pieces += [(f"{name:<{width}}", _COLOURS["faint"]), (f"{value}\n", _COLOURS["plain"])]
        return Text.assemble(*pieces, no_wrap=True, overflow="ellipsis")

    def _lines(self) -> Text:
        height = max(1, self._news.content_size.height)
        drawn = Text(no_wrap=True, overflow="ellipsis")
        for line in list(self.bench.log)[-height:]:
            drawn.append(self.bench.clock_text(line.at_us) + " ", _COLOURS["faint"])
            drawn.append(self.bench.line_text(line) + "\n", _COLOURS.get(line.weight, _COLOURS["plain"]))
        return drawn

    def _traffic(self) -> Text:
        height = max(1, self._wire.content_size.height)
        drawn = Text(no_wrap=True, overflow="ellipsis")
        for traffic in list(self.bench.traffic)[-height:]:
            drawn.append(f"{traffic.way} ", _COLOURS["good" if traffic.way == ">" else "better"])
            drawn.append(shown(traffic.text) + "\n", _COLOURS["plain"])
        return drawn


async def run_view(options: Options) -> int:
    """The exit code: 0 after a quit or Ctrl-C, 1 after a trouble, 128 + n after a signal."""
    app = SimulateView(options, Terminal)
    asked: list[int] = []

    def end(number: int) -> None:
        Terminal.hung_up = Terminal.hung_up or number == signal.SIGHUP
        asked.append(number)
        app.exit()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
    try:
        await app.run_async()
    finally:
        for number in (signal.SIGTSTP, signal.SIGCONT):  # Textual's handlers would start the view again
            signal.signal(number, signal.SIG_DFL)
        await app.bench.stop()
    if app.trouble is not None:
        print(f"siaga: {app.trouble.say(app.bench.language)}", file=sys.stderr, flush=True)
        return 1
    first = asked[0] if asked else signal.SIGINT
    return 0 if first == signal.SIGINT else 128 + first

"""A simulated button on the full screen: what the holder sees, hears and feels, the state inside, the AT traffic."""

from __future__ import annotations

from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.driver import Driver
from textual.widgets import Static

from siaga_tools.demo.site import EMERGENCY, LOCAL
from siaga_tools.signal_styles import LOOKS, signal_meaning, signal_text
from siaga_tools.simulate.chip import ChipState
from siaga_tools.simulate.line_view import shown
from siaga_tools.simulate.log_view import text
from siaga_tools.simulate.session import Options, Session
from siaga_tools.terminal_app import Terminal, TerminalApp, run_until_left

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


class SimulateView(TerminalApp):
    """One button, its world, and an input line."""

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
    FRAME_S = 0.05
    BLINK_FRAMES = 4

    def __init__(self, options: Options, driver: type[Driver] | None = None) -> None:
        super().__init__(driver)
        self.session = Session(options, self._change)
        self._bar = Static(id="title")
        self._hand = Static(id="hand", classes="panel")
        self._inside = Static(id="inside", classes="panel")
        self._news = Static(id="log", classes="panel")
        self._wire = Static(id="wire", classes="panel")

    def compose(self) -> ComposeResult:
        yield self._bar
        with Horizontal(id="upper"):
            yield self._hand
            yield self._inside
        with Horizontal(id="lower"):
            yield self._news
            yield self._wire
        yield self.field
        yield self.hint

    def spoken(self) -> str:
        return self.session.language

    async def live(self) -> None:
        await self.session.start()

    def _change(self) -> None:
        """Called from any thread."""
        self.changed = True

    async def obey(self, line: str) -> None:
        verb = await self.session.obey(line)
        if verb == "q":
            self.exit()
        elif verb == "h":
            self.notify(text("help", self.session.language), title="Siaga", timeout=30)
        elif verb == "l":
            self.session.language = "en" if self.session.language == "id" else "id"

    # Drawing

    def draw(self) -> None:
        session, language = self.session, self.session.language
        button = session.button
        moment = "" if button is None else LOCAL.clock(now_ms := button.clock.now_us() // 1000, now_ms)
        speed = "" if button is None or button.clock.speed == 1 else f"  ×{button.clock.speed:g}"
        self._bar.update(Text(f"SIAGA · {text('view.title', language)} · {session.options.board}  {moment}{speed}"))
        for panel, key in ((self._hand, "hand"), (self._inside, "inside"), (self._news, "log"), (self._wire, "wire")):
            panel.border_title = text(f"view.{key}", language)
        self._hand.update(self._holder(language))
        self._inside.update(self._parts(language))
        self._news.update(self._lines())
        self._wire.display = session.shows_at
        if session.shows_at:
            self._wire.update(self._traffic())
        self.hint.update(Text(self.answer or text("view.hint", language), "#ff7a7a" if self.answer else "#8fa3bf"))

    def _holder(self, language: str) -> Text:
        """Draw the lamp as it is now, what it means, sound and vibration."""
        session = self.session
        name = session.button.signal if session.button is not None else ""
        off = session.button is None or session.button.life in (ChipState.OFF, ChipState.STOPPED) or not name
        name = "off" if off else name
        colour = _COLOURS[LOOKS.get(name, ("wait", False))[0]]
        feedback = session.feedback
        light = feedback.light or feedback.second  # the colour follows from the signal
        lamp = _LAMP[0 if light and not off else 1]
        lit = f"bold {colour}" if light else "#44546c"
        tone = f"♪ {feedback.tone_hz} Hz" if feedback.tone_hz else text("view.silent", language)
        shake = "≋≋≋ " + text("view.shakes", language) if feedback.vibration else text("view.still", language)
        return Text.assemble(
            (lamp[0], lit),
            "  ",
            (signal_text(name, language), f"bold {colour}"),
            "\n",
            (lamp[1], lit),
            "  ",
            (signal_meaning(name, language, EMERGENCY), _COLOURS["calm"]),
            "\n",
            (lamp[2], lit),
            "\n\n",
            (tone, _COLOURS["good"] if feedback.tone_hz else _COLOURS["faint"]),
            "\n",
            (shake, _COLOURS["wait"] if feedback.vibration else _COLOURS["faint"]),
        )

    def _parts(self, language: str) -> Text:
        """Draw chip, modem, bearers, surroundings."""
        session, button = self.session, self.session.button
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
        ways = " ".join(f"{'●' if up else '○'} {name}" for name, up in session.up.items()) or "-"
        rows.append((text("view.ways", language), ways))
        rows.append((text("view.battery", language), f"{session.battery} %"))
        on = [text(f"view.switch_{name}", language) for name, acts in session.switches.items() if acts]
        rows.append((text("view.switches", language), ", ".join(on) or "-"))
        if session.house is not None:
            rows.append((text("view.page", language), session.house.console_url))
        width = max(len(name) for name, _ in rows) + 2
        pieces: list[str | tuple[str, str]] = []
        for name, value in rows:
            pieces += [(f"{name:<{width}}", _COLOURS["faint"]), (f"{value}\n", _COLOURS["plain"])]
        return Text.assemble(*pieces, no_wrap=True, overflow="ellipsis")

    def _lines(self) -> Text:
        height = max(1, self._news.content_size.height)
        drawn = Text(no_wrap=True, overflow="ellipsis")
        for line in list(self.session.log)[-height:]:
            drawn.append(self.session.clock_text(line.at_us) + " ", _COLOURS["faint"])
            drawn.append(self.session.line_text(line) + "\n", _COLOURS.get(line.weight, _COLOURS["plain"]))
        return drawn

    def _traffic(self) -> Text:
        height = max(1, self._wire.content_size.height)
        drawn = Text(no_wrap=True, overflow="ellipsis")
        for traffic in list(self.session.traffic)[-height:]:
            drawn.append(f"{traffic.way} ", _COLOURS["good" if traffic.way == ">" else "better"])
            drawn.append(shown(traffic.text) + "\n", _COLOURS["plain"])
        return drawn


async def run_view(options: Options) -> int:
    """Return the exit code: 0 after a quit or Ctrl-C, 1 after a trouble, 128 + n after a signal."""
    app = SimulateView(options, Terminal)
    return await run_until_left(app, app.session.stop)

"""What the holder sees and hears: the alarm's own signal, and when idle whatever else deserves a light."""

from siaga.core import alarm

_NO_CONNECTION_MS = 60000


class Feedback:
    """Drives the indicator: call show() on every change, and a few times a second."""

    def __init__(
        self,
        board: "Board",
        clock: "Clock",
        settings: "Settings",
        indicator: "Indicator",
        hand: "Inputs",
        radios: "Radios",
        reporter: "Reporter",
        delivery: "Delivery",
    ) -> None:
        self._board = board
        self._clock = clock
        self._settings = settings
        self._indicator = indicator
        self._hand = hand
        self._radios = radios
        self._reporter = reporter
        self._delivery = delivery
        self._name = ""

    def show(self, state: alarm.State) -> None:
        """Show the alarm's present state."""
        tell = self._board.tell
        name = alarm.state_name(state)
        if name != self._name:
            self._name = name
            tell("state", {"state": name})
        now_ms = self._clock.ms()
        signal = alarm.signal(state, now_ms, self._settings.no_ack_s * 1000)
        if signal == "armed":
            signal = self._hand.signal(now_ms) or self._while_quiet(now_ms)
        if self._indicator.show(signal, state.news if signal == "assigned" else 0):
            silent = self._settings.silent
            tell("indicator", {"signal": signal, "light": not silent, "sound": not silent, "vibration": True})

    def _while_quiet(self, now_ms: int) -> str:
        if self._board.unfit:
            return "unfit_chip"
        if not self._radios.bearers:
            return "not_set_up"
        if self._reporter.low.on:
            return "low_battery"
        if not self._delivery.is_up() and now_ms - self._delivery.up_ms >= _NO_CONNECTION_MS:
            return "no_connection"
        return "armed"


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.board import Board
    from siaga.app.delivery import Delivery
    from siaga.app.inputs import Inputs
    from siaga.app.radios import Radios
    from siaga.app.settings import Settings
    from siaga.app.status_report import Reporter
    from siaga.drivers.clock import Clock
    from siaga.drivers.indicator import Indicator

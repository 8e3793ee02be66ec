"""What commands and updates do to the button: connects app/commands.py and app/update_command.py with the rest. Loaded
on demand."""

import sys

from siaga.app.board import RESTART
from siaga.app.commands import UPGRADE, Commands
from siaga.core import alarm, frame


class CommandActions:
    """The button, as commands and updates see it.

    tasks: (name, coroutine function) of the tasks to run
    is_up(): whether any bearer is up
    fix(): as Board.fix()
    result_of(counter): the result in the pending RECEIPT for this down-counter, None = there is none
    reject(what): log and count a refused input
    keys, low_battery: from the settings
    """

    def __init__(
        self,
        board: "Board",
        clock: "Clock",
        settings: "Settings",
        identity: "Identity",
        outbox: "Outbox",
        delivery: "Delivery",
        radios: "Radios",
        incident: "Incident",
        is_idle: "Callable[[], bool]",
        end: "Callable[[str], None]",
    ) -> None:
        self.board = board
        self.keys = settings.release_public()
        self.low_battery = settings.low_battery
        self.fix = radios.fix
        self.result_of = outbox.result_of
        self.is_up = delivery.is_up
        self.reject = delivery.on_rejected
        self.chance = delivery.chance
        self._incident = incident
        self._is_idle = is_idle
        self._end = end
        self._clock = clock
        self._settings = settings
        self._identity = identity
        self._outbox = outbox
        self._delivery = delivery
        self._radios = radios
        self._slots: "Slots | None" = None
        self._commands = Commands(board.folder, identity.device_id, self, clock)
        self.on_command = self._commands.on_command
        self.tasks: "list[tuple[str, Start]]" = [
            ("commands", self._commands.run),
            ("locate", self._commands.locate),
            ("update", self._upgrade),
        ]

    @property
    def is_busy(self) -> bool:
        """Return whether the chip must stay awake."""
        return self._commands.is_busy or self._has_news()

    def _has_news(self) -> bool:
        """Return whether a firmware trial, or its outcome, is still to be handled."""
        loader = sys.modules.get("siaga_boot")
        return loader is not None and loader.boot is not None and loader.boot.has_news()

    @property
    def is_locating(self) -> bool:
        """Return whether a command wants a position."""
        return self._commands.is_locating

    def why_no_update(self) -> str:
        """Return why this button takes no update, "" = it does."""
        if not self.keys:
            return "setting release_key is missing"
        return "" if self._own_slots() is not None else "its main.py is an old one"

    def _own_slots(self) -> "Slots | None":
        if self._slots is None:
            from siaga.app import firmware_slots

            self._slots = firmware_slots.here()
        return self._slots

    def is_calm(self) -> bool:
        """Return whether an update or restart would disturb nobody: no open incident, no pending press, no finger on
        the button."""
        return self._is_idle() and not self.press_waits()

    def test_press(self) -> bool:
        """Make a test press. Returns whether it was stored."""
        before = self._incident.state.test
        self._incident.step((alarm.TESTED,))
        return self._incident.state.test != before

    def check_in(self) -> bool:
        """Make a check-in. Returns whether it was stored."""
        return self._incident.keep(frame.CHECKIN, 0, 0)

    def press_waits(self) -> bool:
        """Return whether a press is still unacknowledged."""
        return self._outbox.holds(frame.PRESS)

    def is_heard(self) -> bool:
        """Return whether the gateway itself has been heard in this run."""
        return self._incident.heard

    def keep_receipt(self, body: bytes) -> None:
        """Queue a RECEIPT. Raises SiagaError."""
        self._outbox.keep(frame.RECEIPT, lambda _: body, self._clock.ms())
        self._delivery.kept(frame.RECEIPT)

    def restart(self) -> None:
        """End this run in good order and restart."""
        self._end(RESTART)

    def tell(self, what: str) -> None:
        """Log a message."""
        self.board.tell("log", {"what": what})

    async def _upgrade(self) -> None:
        if not self._has_news():
            await self._commands.next(UPGRADE)
        mine = self._own_slots()
        while mine is None:  # accepted before an old main.py replaced the current one
            self._commands.finish(await self._commands.next(UPGRADE), frame.RESULT_FAILED)
        from siaga.app import update_command

        await update_command.run(self._commands, mine, self._identity, self._updater)

    def _updater(self) -> "Update":
        from siaga.app.bundle_download import Update

        assert self._slots is not None
        return Update(self.board.folder, self._slots, self._sources(), self)

    def _sources(self) -> "list[Source]":
        """Return the sources for a bundle, in order of preference."""
        sources: "list[Source]" = []
        network, modem, ca = self.board.network, self._radios.modem, self._settings.mqtt_ca
        if network is not None and (self._settings.wifi_ssid or modem is None):
            from siaga.drivers.http import Http

            sources.append(Http(network, ca, self._clock))
        if modem is not None:
            from siaga.drivers.simcom_http import ModemHttp

            sources.append(ModemHttp(modem, self._clock, ca))
        return sources


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from siaga.app.board import Board
    from siaga.app.bundle_download import Update
    from siaga.app.delivery import Delivery
    from siaga.app.firmware_slots import Slots
    from siaga.app.identity import Identity
    from siaga.app.incident import Incident
    from siaga.app.outbox import Outbox
    from siaga.app.radios import Radios
    from siaga.app.settings import Settings
    from siaga.drivers.clock import Clock
    from siaga.drivers.http_source import Source

    Start = Callable[[], Awaitable[None]]

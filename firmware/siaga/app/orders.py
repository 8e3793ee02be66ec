"""What commands and updates do to the button: app/commands.py and app/upgrade.py, given the rest of it. Loaded
only where there is something to do."""

import sys

from siaga.app.board import RESTART, Board
from siaga.app.commands import UPGRADE, Commands
from siaga.app.delivery import Delivery
from siaga.app.identity import Identity
from siaga.app.outbox import Outbox
from siaga.app.radios import Radios
from siaga.core import frame
from siaga.drivers.clock import Clock


class Orders:
    """tasks: (name, coroutine function) of what has to run. is_calm(): no incident, no press that waits, no finger on
    the button. is_up(): some bearer is. test_press(), check_in(): make one; whether it was kept. fix() as Board.fix().
    result_of(counter): the result in a RECEIPT for this down-counter that waits, None = there is none. reject(what):
    for the log, and counted. keys, low_battery: of the settings."""

    def __init__(
        self,
        device: "Device",
        board: Board,
        clock: Clock,
        settings: "Settings",
        identity: Identity,
        outbox: Outbox,
        delivery: Delivery,
        radios: Radios,
    ) -> None:
        self.board = board
        self.keys = settings.release_public()
        self.low_battery = settings.low_battery
        self.is_calm = device.is_calm
        self.test_press = device.test_press
        self.check_in = device.check_in
        self.fix = radios.fix
        self.result_of = outbox.result_of
        self.is_up = delivery.is_up
        self.reject = delivery.on_rejected
        self.chance = delivery.chance
        self._device = device
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
        """Whether the chip must not sleep."""
        return self._commands.is_busy or self._has_news()

    def _has_news(self) -> bool:
        """Whether a firmware's trial, or how it ended, is still to be dealt with."""
        loader = sys.modules.get("siaga_boot")
        return loader is not None and loader.boot is not None and loader.boot.has_news()

    @property
    def is_locating(self) -> bool:
        """Whether a command wants to know where the button is."""
        return self._commands.is_locating

    def why_no_update(self) -> str:
        """Why this button takes no update, "" = it does."""
        if not self.keys:
            return "setting release_key is missing"
        return "" if self._own_slots() is not None else "its main.py is an old one"

    def _own_slots(self) -> "Slots | None":
        if self._slots is None:
            from siaga.app import slots

            self._slots = slots.here()
        return self._slots

    def press_waits(self) -> bool:
        """Whether a press is without acknowledgement."""
        return self._outbox.holds(frame.PRESS)

    def is_heard(self) -> bool:
        """Whether the gateway's own word has come in this run."""
        return self._device.acked

    def keep_receipt(self, body: bytes) -> None:
        """Raises SiagaError."""
        self._outbox.keep(frame.RECEIPT, lambda _: body, self._clock.ms())
        self._delivery.kept(frame.RECEIPT)

    def restart(self) -> None:
        """End this run in good order."""
        self._device.end(RESTART)

    def tell(self, what: str) -> None:
        """For the log."""
        self.board.tell("log", {"what": what})

    async def _upgrade(self) -> None:
        if not self._has_news():
            await self._commands.next(UPGRADE)
        mine = self._own_slots()
        while mine is None:  # accepted before main.py was replaced by an old one
            self._commands.finish(await self._commands.next(UPGRADE), frame.RESULT_FAILED)
        from siaga.app import upgrade

        await upgrade.run(self._commands, mine, self._identity, self._updater)

    def _updater(self) -> "Update":
        from siaga.app.update import Update

        assert self._slots is not None
        return Update(self.board.folder, self._slots, self._sources(), self)

    def _sources(self) -> "list[Source]":
        """From where a bundle can be brought, in the order in which they are preferred."""
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

    from siaga.app.chosen import Settings
    from siaga.app.device import Device
    from siaga.app.slots import Slots
    from siaga.app.update import Update
    from siaga.drivers.http_source import Source

    Start = Callable[[], Awaitable[None]]

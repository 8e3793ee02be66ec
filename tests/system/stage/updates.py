"""Steps: new firmware, from a server of its own."""

from __future__ import annotations

from firmware.bundle_server import BundleServer
from firmware.signed_bundles import release
from siaga_gateway.domain.frame import Kind
from stage.scene import Scene, Trap
from stage.steps import step

NEWER = (0, 9, 0)
_LATE = 2


class Updates(Scene):
    """For a scenario that says release."""

    _rested = 0

    @property
    def _server(self) -> BundleServer:
        assert self._releases is not None, "release is not said"
        return self._releases

    @step("the registrar commands an update")
    def command_update(self) -> None:
        """By `siaga gateway command`: to the newer firmware, from a server with https."""
        self.act()
        self._server.content = release(NEWER, board=self.scenario.board)
        self.house.gateway.command("command", self.device_id, "update", self._server.url, "--by", "scenario")

    @step("press in the middle of the update")
    def press_while_fetching(self) -> None:
        """Hold the button from the moment in which the modem is asked for a further part, until a press is taken."""
        self.act()
        modem = self.modem
        trap = Trap(modem.asked, 'AT[+]HTTPPARA="USERDATA","Range: bytes=[1-9]', lambda: self.button.holder.hold(True))
        modem.serial.asked = trap
        self._traps.append(trap)
        self.wait_frame(Kind.PRESS, "stored", "a press")
        self.button.holder.hold(False)
        self.wait_down(False)

    @step("the update rests")
    def update_rests(self) -> None:
        """What was asked for of it until now is noted."""
        self._rested = len(self._server.asked)

    @step("the update has rested")
    def update_has_rested(self) -> None:
        """Nothing of it was asked for since that."""
        assert len(self._server.asked) == self._rested, self._server.asked

    @step("the newer firmware runs")
    def newer_runs(self) -> None:
        """It has started it; what had come before it was interrupted was not fetched again. A piece that came too late
        on a busy machine is asked for once more."""
        version = ".".join(str(part) for part in NEWER)
        self.wait(lambda event: event.kind == "start" and event.facts["version"] == version, "a newer firmware")
        starts = [int(part.removeprefix("bytes=").partition("-")[0]) for part in self._server.asked]
        pieces = len(set(starts))
        assert starts == sorted(starts) and pieces > 10 and len(starts) <= pieces + _LATE, starts

    @step("its check-in tells of the newer firmware")
    def told_newer(self) -> None:
        """The gateway's store has this version as what it runs."""

        def told() -> bool:
            rows = self.house.rows("SELECT * FROM device_status WHERE device_id = ?", bytes.fromhex(self.device_id))
            return bool(rows) and tuple(rows[0]["health"][:3]) == NEWER

        self.until(told, "a check-in of the newer firmware")

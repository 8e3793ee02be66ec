"""Steps: what has to be seen."""

from __future__ import annotations

from siaga_gateway.domain.device_report import Report
from siaga_gateway.domain.frame import Kind
from stage.scene import BEARERS, BRISK, UNITS, Scene
from stage.steps import step
from system.scenario import KINDS


class Seen(Scene):
    """Expectations; each looks at what came after the last act."""

    @step("see <word>")
    def see(self, signal: str) -> None:
        """Its lights show this signal, after the last act."""
        self.wait(lambda event: event.kind == "indicator" and event.facts["signal"] == signal, f"signal {signal}")

    @step("it still shows <word>")
    def still(self, signal: str) -> None:
        """This is what it shows now."""
        assert self.button.signal == signal, f"it shows {self.button.signal}, not {signal}"

    @step("no light, no sound")
    def dark(self) -> None:
        """Every signal so far was without light and sound."""
        shown = [event for event in self.button.events.all() if event.kind == "indicator"]
        assert shown and not any(event.facts["light"] or event.facts["sound"] for event in shown)

    @step("<word> up")
    def way_up(self, way: str) -> None:
        """This way to the gateway is open, now or soon."""
        self._way(way, True)

    @step("<word> down")
    def way_down(self, way: str) -> None:
        """This way is closed, now or soon."""
        self._way(way, False)

    def _way(self, way: str, up: bool) -> None:
        name = BEARERS.get(way, way)

        def latest() -> bool:
            for event in reversed(self.button.events.all()):
                if event.kind == "start":
                    return False
                if event.kind == "bearer" and event.facts["bearer"] == name:
                    return event.facts["up"] is up
            return False

        self.button.set_speed(BRISK if up else self._pace)
        try:
            self.until(latest, f"{way} {'up' if up else 'down'}")
        finally:
            self.button.set_speed(self._pace)

    @step("the press goes out by <word>")
    def goes_by(self, way: str) -> None:
        """Its frame is handed to this way. (The answer may come by another one on which it was heard of late.)"""
        self.wait_frame(Kind.PRESS, "published", bearer=BEARERS.get(way, way))

    @step("<word> puback")
    def puback(self, kind: str) -> None:
        """The broker has a frame of this kind."""
        self.wait_frame(KINDS[kind], "puback")

    @step("<word> acknowledged")
    def acknowledged(self, kind: str) -> None:
        """The gateway's word on a frame of this kind has come."""
        self.wait_frame(KINDS[kind], "acknowledged")

    @step("every press acknowledged")
    def all_presses_acknowledged(self) -> None:
        """All that were made so far, whenever that was: a power cut may come a moment late."""
        self.until(
            lambda: set(self.stored(Kind.PRESS)) <= self.acknowledged_so_far(), "an acknowledgement of every press"
        )

    @step("<word> acknowledged by <word>")
    def acknowledged_by(self, kind: str, way: str) -> None:
        """The same, by this way."""
        self.wait_frame(KINDS[kind], "acknowledged", bearer=BEARERS.get(way, way))

    @step("the call: <word>")
    def call(self, step: str) -> None:
        """What the button tells of its telephone call: dialling, began, over."""
        self.wait(lambda event: event.kind == "call" and event.facts["step"] == step, f"a call {step}")

    @step("it says <word>")
    def says(self, word: str) -> None:
        """It complains, or tells, with this word in it (_ for a space)."""
        words = word.replace("_", " ")
        self.wait(lambda event: event.kind in ("error", "log") and words in str(event.facts["what"]), f"{words!r} said")

    @step("woken by <word>")
    def woken(self, what: str) -> None:
        """Its chip began anew, and this is why: button, input, case, modem, timer."""
        self.wait(lambda event: event.kind == "start" and event.facts["woke_by"] == what, f"woken by {what}")

    @step("the gateway has the press")
    def has_press(self) -> None:
        """Its store holds the newest press."""
        counter = self.stored(Kind.PRESS)[-1]
        self.until(
            lambda: any(event["counter"] == counter for event in self.house.events(self.device_id)), f"frame {counter}"
        )

    @step("the gateway has the signature of the press")
    def has_signature(self) -> None:
        """Evidence that anybody can verify, not only who shares a key with it."""
        counter = self.stored(Kind.PRESS)[-1]
        self.until(
            lambda: any(
                event["counter"] == counter and event["signature"] is not None
                for event in self.house.events(self.device_id)
            ),
            f"the signature of frame {counter}",
        )

    @step("the gateway has no signature of the press yet")
    def has_no_signature(self) -> None:
        """Only the short form has arrived."""
        counter = self.stored(Kind.PRESS)[-1]
        assert [event["signature"] for event in self.house.events(self.device_id) if event["counter"] == counter] == [
            None
        ]

    @step("its incident has <word> <word>")
    def incident_has(self, name: str, value: str) -> None:
        """A column of its newest incident in the gateway's store: presses, duress, silent, held, ...; none is NULL."""
        self.until(
            lambda: str(self.incident()[name]).lower() == value, f"incident with {name} {value}, not {self.incident()}"
        )

    @step("its incident has a time of its own")
    def incident_has_time(self) -> None:
        """The button's clock was set when it was pressed."""
        self.until(lambda: self.incident()["pressed_at_ms"] is not None, "a time of the press")

    @step("its last word is <word> <n>")
    def last_word(self, name: str, value: str) -> None:
        """A column of its status in the gateway's store: battery, low_battery, tamper_open, external_power."""

        def holds() -> bool:
            rows = self.house.rows("SELECT * FROM device_status WHERE device_id = ?", bytes.fromhex(self.device_id))
            return bool(rows) and rows[0][name] == int(value)

        self.until(holds, f"{name} {value}")

    @step("no update was made")
    def no_update(self) -> None:
        """The button has kept no position by itself."""
        assert not self.stored(Kind.UPDATE)

    @step("its incident is at <degrees> <degrees>")
    def incident_at(self, latitude: str, longitude: str) -> None:
        """The place that the operator sees, to some ten metres."""

        def near() -> bool:
            there = self.incident()
            return there["latitude"] is not None and all(
                abs(there[name] - float(degrees) * 1e7) < 1000
                for name, degrees in (("latitude", latitude), ("longitude", longitude))
            )

        self.until(near, "the incident's place")

    @step("the press tells a place that is <n> <unit> old")
    def old_place(self, number: str, unit: str) -> None:
        """In the newest press as the gateway stored it the fix is at least so old."""
        counter = self.stored(Kind.PRESS)[-1]
        frames = [event["frame"] for event in self.house.events(self.device_id) if event["counter"] == counter]
        report = Report.from_body(frames[0][14:35])
        assert report.has_position and (report.fix_age_s or 0) >= float(number) * UNITS[unit], report

    @step("the journal has <word>")
    def journal_has(self, kind: str) -> None:
        """The gateway's journal has an entry of this kind about it."""
        self.until(lambda: kind in [entry["kind"] for entry in self.house.journal(self.device_id)], f"{kind} entry")

    @step("its check-in tells of <n> refused")
    def told_refused(self, number: str) -> None:
        """The status of its latest check-in counts at least so many refused inputs."""

        def told() -> bool:
            health = self.house.health(self.device_id)
            return health is not None and health.rejected >= int(number)

        self.until(told, f"a check-in with {number} refused")

"""The open incident and its frames: core/alarm.py's state machine, with the frames it asks for stored and its state
saved."""

from siaga.app import flash_records, restore
from siaga.app.outbox import OutboxFull
from siaga.core import alarm, frame


class Incident:
    """step() feeds it an event; keep() makes a frame of any kind. What an earlier run left is read first."""

    def __init__(
        self,
        board: "Board",
        clock: "Clock",
        device_id: bytes,
        outbox: "Outbox",
        reporter: "Reporter",
        delivery: "Delivery",
        supervision: "Supervision",
        radios: "Radios",
        sleep: "Sleep",
        feedback: "Feedback",
        now_ms: int,
    ) -> None:
        self._board = board
        self._clock = clock
        self._device_id = device_id
        self._outbox = outbox
        self._reporter = reporter
        self._delivery = delivery
        self._supervision = supervision
        self._radios = radios
        self._sleep = sleep
        self._feedback = feedback
        self._path = board.folder + "/incident"
        self._saved = b""  # the record on flash
        self.heard = False  # whether the gateway itself has been heard in this run
        self.pressed_stamp = 0  # time of the last meaningful input, in Board.stamp_ms()
        restore.load(outbox, now_ms, clock.unix())
        self.state = restore.incident(
            self._path, device_id, outbox, delivery.acked, now_ms, lambda what: board.tell("error", {"what": what})
        )
        radios.on_state(self.state)  # what an earlier run left triggers no new calls

    def is_open(self) -> bool:
        return alarm.is_open(self.state)

    def show(self) -> None:
        """Update what the holder sees and hears."""
        self._feedback.show(self.state)

    def step(self, event: tuple) -> None:
        """Handle an event of core/alarm.py and all that follows from it."""
        self.state, actions = alarm.next_state(self.state, event, self._clock.ms())
        self._delivery.acked.since = alarm.since(self.state)
        self._radios.on_state(self.state)
        for action in actions:
            if action[0] == alarm.SAVE:
                self._save()
            else:
                self.keep(action[1], action[2], action[3])
        self.show()

    def _save(self) -> None:
        record = self._device_id + self.state.saved() + self._delivery.acked.saved()
        if record == self._saved:
            return
        try:
            flash_records.write_record(self._path, restore.INCIDENT_MAGIC, record)
            self._saved = record
        except OSError as error:
            self._board.tell("error", {"what": "the incident's stage does not go onto the flash: %s" % error})

    def keep(self, kind: int, flags: int, opening: int) -> bool:
        """Put a frame into the outbox and tell the alarm. Returns whether it was stored."""
        tell = self._board.tell

        def body_of(counter: int) -> bytes:
            body = self._reporter.body(kind, flags, counter - opening if opening else 0)
            return body + self._supervision.status() if kind == frame.CHECKIN else body

        try:
            entry = self._outbox.keep(kind, body_of, self._clock.ms())
        except OutboxFull as error:
            tell("error", {"what": "a frame of kind %d was not kept: %s" % (kind, error)})
            self.step((alarm.UNSTORED, kind))
            return False
        counter = entry.counter
        if kind in (frame.PRESS, frame.CANCEL):
            self._tell_frame(kind, counter, "pressed", t=self.pressed_stamp)
        if entry.durable:
            self._tell_frame(kind, counter, "stored")
        else:
            tell("error", {"what": "the flash does not keep frame %d: it is only in memory" % counter})
        self._sleep.stir()
        marked = bool(flags & (frame.FLAG_TEST if kind == frame.PRESS else frame.FLAG_DURESS))
        self.step((alarm.STORED, kind, counter, marked))
        self._delivery.kept(kind)
        return True

    def _tell_frame(self, kind: int, counter: int, step: str, **more: object) -> None:
        self._board.tell("frame", dict(step=step, kind=kind, counter=counter, bearer="", **more))

    def on_acknowledged(
        self, entry: "Waiting | None", kind: int, counter: int, stage: int, eta: "int | None", told_s: int
    ) -> None:
        """Handle an acknowledgement, as Delivery's on_ack."""
        self._sleep.stir()
        self.heard = True
        self.step((alarm.ACKED, kind, counter, stage, eta, told_s))
        if self.state.opening:
            self._save()  # the digest of what leaves the outbox: later stages may name it
        if entry is not None and kind == frame.CHECKIN:
            self._supervision.on_acknowledged(entry)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.board import Board
    from siaga.app.delivery import Delivery
    from siaga.app.feedback import Feedback
    from siaga.app.outbox import Outbox
    from siaga.app.radios import Radios
    from siaga.app.sleep import Sleep
    from siaga.app.status_report import Reporter
    from siaga.app.supervision import Supervision
    from siaga.core.bearer_policy import Waiting
    from siaga.drivers.clock import Clock

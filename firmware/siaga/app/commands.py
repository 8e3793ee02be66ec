"""Commands from the gateway: each is carried out once, even across a restart, and answered with a RECEIPT when its
effect is durable (PROTOCOL.md, 2.1).

There are three places on flash for pending commands: one for an update, which may take days, one for a LOCATE, which
never waits, and one for everything else. A command whose place is taken is refused, except that a new update replaces
one that is still downloading. What may not happen during an incident waits until it is closed.
"""

import asyncio

from micropython import const
from siaga.app import flash_records
from siaga.core import frame
from siaga.core.errors import SiagaError

_MAGIC = b"SGC1"
_JOB_MAGIC = b"SGJ1"
_LOOK_MS = const(250)
LOCATE_MS = const(120000)
# How long new settings, or a new firmware, have to prove that the gateway still answers; less while a press is pending.
PROOF_MS = const(600000)
PROOF_PRESSED_MS = const(90000)

# Phases of a job.
KEPT = const(0)
BEGUN = const(1)
FAILED = const(2)
PROVEN = const(3)

# Places for pending commands.
UPGRADE = "/command-update"
LOCATE = "/command-locate"
OTHER = "/command-job"


class Job:
    """A pending command. phase: how far it has got."""

    def __init__(self, counter: int, code: int, phase: int, arguments: bytes) -> None:
        self.counter = counter
        self.code = code
        self.phase = phase
        self.arguments = arguments


class Commands:
    """Handles verified commands for this device's identity.

    actions: what a command can make the button do, see app/command_actions.py
    is_locating: somebody wants a position now
    jobs: pending commands, by place
    """

    def __init__(self, folder: str, device_id: bytes, actions: "Actions", clock: "Clock") -> None:
        self.folder = folder
        self._path = folder + "/commands"
        self._device_id = device_id
        self.actions = actions
        self.clock = clock
        self.is_locating = False
        self.locate_ms = LOCATE_MS
        self.proof_ms = PROOF_MS
        self._news = {}  # type: dict[str, asyncio.Event]
        self.jobs = {}  # type: dict[str, Job]
        self._highest = self._last = self._result = 0
        record = self._read(self._path, _MAGIC)
        if record is not None and len(record) in (4, 9):
            self._highest = int.from_bytes(record[:4], "big")
            if len(record) == 9:
                self._last, self._result = int.from_bytes(record[4:8], "big"), record[8]
        for place in (UPGRADE, LOCATE, OTHER):
            self._news[place] = asyncio.Event()
            self._load(place)

    def _read(self, path: str, magic: bytes) -> "bytes | None":
        """Return this device's own record, without its id."""
        try:
            record = flash_records.read_record(path, magic)
        except flash_records.CorruptRecord:
            return None  # at worst a command has to be sent again
        return record[8:] if record is not None and record[:8] == self._device_id else None

    def _load(self, place: str) -> None:
        record = self._read(self.folder + place, _JOB_MAGIC)
        if record is not None and len(record) >= 6:
            job = self.jobs[place] = Job(int.from_bytes(record[:4], "big"), record[4], record[5], record[6:])
            self._highest = max(self._highest, job.counter)

    @property
    def is_busy(self) -> bool:
        """Return whether a command is pending, so that the chip must stay awake."""
        return bool(self.jobs)

    # Receiving

    def on_command(self, down: frame.Down) -> None:
        """Accept a verified COMMAND. Raises OSError and SiagaError if the flash does not take it: it then counts as not
        received."""
        counter, code, arguments = down.counter, down.code or 0, down.arguments or b""
        if counter <= self._highest:
            self.actions.tell("command %d came again" % counter)
            if counter == self._last and self.actions.result_of(counter) is None:
                self.actions.keep_receipt(frame.encode_receipt(counter, self._result))
            return
        why = self._why_not(code, arguments)
        if why:
            self.actions.tell("command %d of code %d is refused: %s" % (counter, code, why))
            self.answer(counter, frame.RESULT_REFUSED)
            return
        place = _place(code)
        before = self.jobs.get(place)
        if before is not None:  # only an update that is still downloading
            self.finish(before, frame.RESULT_FAILED)
        job = Job(counter, code, KEPT, arguments)
        self.save(job)
        self._note(counter)
        self.jobs[place] = job
        self._news[place].set()

    def _why_not(self, code: int, arguments: bytes) -> str:
        """Return why this cannot be carried out, "" = it can."""
        try:
            if code in (frame.LOCATE, frame.TEST, frame.RESTART):
                if arguments:
                    return "it has arguments and takes none"
            elif code == frame.SETTINGS:
                from siaga.app import changed_settings

                changed_settings.merged(self.folder, arguments)
            elif code == frame.UPGRADE:
                from siaga.drivers.http_source import split_url

                split_url(arguments.decode())
                why = self.actions.why_no_update()
                if why:
                    return why
            else:
                return "not known to this firmware"
        except (SiagaError, UnicodeError) as error:
            return str(error) or "its arguments are no text"
        before = self.jobs.get(_place(code))
        replaced = before is None or (code == frame.UPGRADE and before.phase == KEPT)
        return "" if replaced else "another one is under way"

    # Storing

    def save(self, job: Job) -> None:
        """Store a job and its phase. Raises OSError."""
        record = self._device_id + job.counter.to_bytes(4, "big") + bytes([job.code, job.phase]) + job.arguments
        flash_records.write_record(self.folder + _place(job.code), _JOB_MAGIC, record)

    def _note(self, counter: int) -> None:
        self._highest = max(self._highest, counter)
        record = self._highest.to_bytes(4, "big") + self._last.to_bytes(4, "big") + bytes([self._result])
        flash_records.write_record(self._path, _MAGIC, self._device_id + record)

    def answer(self, counter: int, result: int) -> None:
        """Answer a command that needs nothing else: queue its RECEIPT."""
        if self.actions.result_of(counter) is None:
            self.actions.keep_receipt(frame.encode_receipt(counter, result))
        self._last, self._result = counter, result
        self._note(counter)

    def finish(self, job: Job, result: int) -> None:
        """End a job whose effect is durable, or that has none. Raises OSError and SiagaError; it is retried then."""
        self.answer(job.counter, result)
        place = _place(job.code)
        flash_records.remove(self.folder + place)
        self.jobs.pop(place, None)
        words = ("done", "refused", "failed")
        self.actions.tell("command %d of code %d: %s" % (job.counter, job.code, words[result]))

    # Carrying out

    async def idle(self) -> None:
        """Wait until nothing more important goes on."""
        while not self.actions.is_calm():
            await asyncio.sleep_ms(_LOOK_MS)

    async def proven(self) -> bool:
        """Wait for the gateway to be heard. Returns False on time-out."""
        until_ms = self.clock.ms() + self.proof_ms
        pressed_ms = 0
        while not self.actions.is_heard():
            now_ms = self.clock.ms()
            if not self.actions.press_waits():
                pressed_ms = now_ms
            if now_ms >= until_ms or now_ms - pressed_ms >= PROOF_PRESSED_MS:
                return False
            await asyncio.sleep_ms(_LOOK_MS)
        return True

    async def next(self, place: str) -> Job:
        """Return the job in this place, waiting for one if needed."""
        while place not in self.jobs:
            self._news[place].clear()
            await self._news[place].wait()
        return self.jobs[place]

    async def locate(self) -> None:
        """Carry out LOCATEs, one after another, for ever."""
        while True:
            job = await self.next(LOCATE)
            told = self.actions.result_of(job.counter)
            self.finish(job, await self._locate() if told is None else told)

    async def run(self) -> None:
        """Carry out everything but LOCATE and UPDATE, one after another, for ever."""
        while True:
            job = await self.next(OTHER)
            told = self.actions.result_of(job.counter)
            if told is not None:
                self.finish(job, told)  # power failed between the answer and the end
            elif job.code == frame.TEST:
                await self._test(job)
            elif job.code == frame.SETTINGS:
                await self._change(job)
            else:
                await self._restart(job)

    async def _locate(self) -> int:
        """Send a fix newer than the command, or else a check-in without one."""
        fix = self.actions.fix()
        known = None if fix is None else fix[4]
        until_ms = self.clock.ms() + self.locate_ms
        found = False
        self.is_locating = True
        try:
            while not found and self.clock.ms() < until_ms:
                await asyncio.sleep_ms(_LOOK_MS)
                fix = self.actions.fix()
                found = fix is not None and fix[4] != known
        finally:
            self.is_locating = False
        told = self.actions.check_in()
        return frame.RESULT_DONE if found and told else frame.RESULT_FAILED

    async def _test(self, job: Job) -> None:
        if job.phase != KEPT:
            # It may have been pressed before power failed: never twice.
            self.finish(job, frame.RESULT_FAILED)
            return
        await self.idle()
        self.begin(job)
        self.finish(job, frame.RESULT_DONE if self.actions.test_press() else frame.RESULT_FAILED)

    async def _restart(self, job: Job) -> None:
        if job.phase != KEPT:
            self.finish(job, frame.RESULT_DONE)
            return
        await self._safe()
        self.begin(job)
        await self.gone()

    async def _change(self, job: Job) -> None:
        """Put changed settings on trial from the next start on; the previous ones return if the gateway cannot be
        heard."""
        from siaga.app import changed_settings

        on_trial = changed_settings.are_on_trial(self.folder)
        if job.phase == PROVEN:
            changed_settings.confirm(self.folder)
            self.finish(job, frame.RESULT_DONE)
        elif job.phase != KEPT and not on_trial:
            # They were taken back before, or an installer's settings came in between.
            self.finish(job, frame.RESULT_FAILED)
        elif job.phase == FAILED:
            changed_settings.take_back(self.folder)
            await self.gone()
        elif job.phase == BEGUN:
            if await self.proven():
                self.begin(job, PROVEN)
                return
            self.actions.tell("the gateway does not answer with the new settings: the former ones come back")
            self.begin(job, FAILED)
        else:
            await self._safe()
            try:
                changed_settings.put_on_trial(self.folder, job.arguments)
            except SiagaError as error:  # the installer's new settings conflict with them
                self.actions.tell("the settings are refused: %s" % error)
                self.finish(job, frame.RESULT_REFUSED)
                return
            self.begin(job)
            await self.gone()

    async def _safe(self) -> None:
        """Wait until a restart does no harm: a firmware on trial has its starts counted."""
        while not self.actions.is_calm() or self._is_begun(UPGRADE):
            await asyncio.sleep_ms(_LOOK_MS)

    async def safe_to_switch(self) -> None:
        """As _safe(), for an update: settings on trial have to be decided first."""
        while not self.actions.is_calm() or self._is_begun(OTHER):
            await asyncio.sleep_ms(_LOOK_MS)

    def _is_begun(self, place: str) -> bool:
        job = self.jobs.get(place)
        return job is not None and job.phase != KEPT

    def begin(self, job: Job, phase: int = BEGUN) -> None:
        """Enter a phase and store it. Raises OSError."""
        job.phase = phase
        self.save(job)

    async def gone(self) -> None:
        """End this run; never returns."""
        self.actions.restart()
        while True:
            await asyncio.sleep_ms(1000)


def _place(code: int) -> str:
    return UPGRADE if code == frame.UPGRADE else LOCATE if code == frame.LOCATE else OTHER


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.command_actions import CommandActions
    from siaga.drivers.clock import Clock

    Actions = CommandActions

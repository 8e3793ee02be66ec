"""Commands from the gateway: each is carried out once, also across a restart, and answered with a RECEIPT when its
effect is durable (PROTOCOL.md, 2.1).

There are three places on the flash for what is under way: one for an update, which may take days, one for a LOCATE,
which never waits, one for everything else. A command that finds its place taken is refused, except that a new update
replaces one that is still being fetched. What may not happen during an incident waits until it is over.
"""

import asyncio

from micropython import const
from siaga.app import flash
from siaga.core import frame
from siaga.core.errors import SiagaError

_MAGIC = b"SGC1"
_JOB_MAGIC = b"SGJ1"
_LOOK_MS = const(250)
LOCATE_MS = const(120000)
# How long new settings, or a new firmware, have to show that the gateway still answers; less while a press waits.
PROOF_MS = const(600000)
PROOF_PRESSED_MS = const(90000)

# Phases of a job.
KEPT = const(0)
BEGUN = const(1)
FAILED = const(2)
PROVEN = const(3)

# Places for what is under way.
UPGRADE = "/command-update"
LOCATE = "/command-locate"
OTHER = "/command-job"


class Job:
    """A command under way. phase: how far it is."""

    def __init__(self, counter: int, code: int, phase: int, arguments: bytes) -> None:
        self.counter = counter
        self.code = code
        self.phase = phase
        self.arguments = arguments


class Commands:
    """Deals with verified commands of this device's identity. actions: what a command can have the button do, as
    app/orders.py has it. is_locating: somebody wants a position now. jobs: what is under way, by its place."""

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
        """This device's own record, without its id."""
        try:
            record = flash.read_record(path, magic)
        except flash.CorruptRecord:
            return None  # the worst that follows is that a command is given again
        return record[8:] if record is not None and record[:8] == self._device_id else None

    def _load(self, place: str) -> None:
        record = self._read(self.folder + place, _JOB_MAGIC)
        if record is not None and len(record) >= 6:
            job = self.jobs[place] = Job(int.from_bytes(record[:4], "big"), record[4], record[5], record[6:])
            self._highest = max(self._highest, job.counter)

    @property
    def is_busy(self) -> bool:
        """Whether one is under way, so that the chip must not sleep."""
        return bool(self.jobs)

    # What comes in.

    def on_command(self, down: frame.Down) -> None:
        """A verified COMMAND. Raises OSError and SiagaError where the flash takes nothing: it then counts as not
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
        if before is not None:  # only an update that is still being fetched
            self.finish(before, frame.RESULT_FAILED)
        job = Job(counter, code, KEPT, arguments)
        self.save(job)
        self._note(counter)
        self.jobs[place] = job
        self._news[place].set()

    def _why_not(self, code: int, arguments: bytes) -> str:
        """Why this cannot be carried out, "" = it can."""
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

    # What is kept.

    def save(self, job: Job) -> None:
        """It, and how far it is. Raises OSError."""
        record = self._device_id + job.counter.to_bytes(4, "big") + bytes([job.code, job.phase]) + job.arguments
        flash.write_record(self.folder + _place(job.code), _JOB_MAGIC, record)

    def _note(self, counter: int) -> None:
        self._highest = max(self._highest, counter)
        record = self._highest.to_bytes(4, "big") + self._last.to_bytes(4, "big") + bytes([self._result])
        flash.write_record(self._path, _MAGIC, self._device_id + record)

    def answer(self, counter: int, result: int) -> None:
        """The RECEIPT is on the flash, then nothing is left to do for this command."""
        if self.actions.result_of(counter) is None:
            self.actions.keep_receipt(frame.encode_receipt(counter, result))
        self._last, self._result = counter, result
        self._note(counter)

    def finish(self, job: Job, result: int) -> None:
        """Its effect is durable, or there is none. Raises OSError and SiagaError; it is then tried again."""
        self.answer(job.counter, result)
        place = _place(job.code)
        flash.remove(self.folder + place)
        self.jobs.pop(place, None)
        words = ("done", "refused", "failed")
        self.actions.tell("command %d of code %d: %s" % (job.counter, job.code, words[result]))

    # What is done.

    async def idle(self) -> None:
        """Until nothing more important goes on."""
        while not self.actions.is_calm():
            await asyncio.sleep_ms(_LOOK_MS)

    async def proven(self) -> bool:
        """Wait for the gateway's word; False when it has taken too long."""
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
        """What is under way there, or comes there."""
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
        """Carry out all that is neither LOCATE nor UPDATE, one after another, for ever."""
        while True:
            job = await self.next(OTHER)
            told = self.actions.result_of(job.counter)
            if told is not None:
                self.finish(job, told)  # the power went between the answer and the end
            elif job.code == frame.TEST:
                await self._test(job)
            elif job.code == frame.SETTINGS:
                await self._change(job)
            else:
                await self._restart(job)

    async def _locate(self) -> int:
        """A fix that is newer than the command, or the check-in without one."""
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
            # It may have been pressed before the power went: never twice.
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
        """On trial with the next start; the former ones come back if the gateway cannot be heard with them."""
        from siaga.app import changed_settings

        on_trial = changed_settings.are_on_trial(self.folder)
        if job.phase == PROVEN:
            changed_settings.confirm(self.folder)
            self.finish(job, frame.RESULT_DONE)
        elif job.phase != KEPT and not on_trial:
            # Taken back before, or the installer's own came in between.
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
            except SiagaError as error:  # the installer's new ones do not agree with them
                self.actions.tell("the settings are refused: %s" % error)
                self.finish(job, frame.RESULT_REFUSED)
                return
            self.begin(job)
            await self.gone()

    async def _safe(self) -> None:
        """Until a restart harms nothing: a new firmware's trial counts its starts."""
        while not self.actions.is_calm() or self._is_begun(UPGRADE):
            await asyncio.sleep_ms(_LOOK_MS)

    async def safe_to_switch(self) -> None:
        """The same for an update: settings on trial have to be decided first."""
        while not self.actions.is_calm() or self._is_begun(OTHER):
            await asyncio.sleep_ms(_LOOK_MS)

    def _is_begun(self, place: str) -> bool:
        job = self.jobs.get(place)
        return job is not None and job.phase != KEPT

    def begin(self, job: Job, phase: int = BEGUN) -> None:
        """Raises OSError."""
        job.phase = phase
        self.save(job)

    async def gone(self) -> None:
        """End this run; nothing comes after."""
        self.actions.restart()
        while True:
            await asyncio.sleep_ms(1000)


def _place(code: int) -> str:
    return UPGRADE if code == frame.UPGRADE else LOCATE if code == frame.LOCATE else OTHER


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.orders import Orders
    from siaga.drivers.clock import Clock

    Actions = Orders

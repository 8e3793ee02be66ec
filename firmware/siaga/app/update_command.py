"""An UPDATE from the command to its RECEIPT: download the bundle, switch to it, prove that it works, or roll back and
report it.

siaga_boot counts the starts of a firmware on trial. A start in which it did not prove that it works has failed,
however it ended; after three the previous firmware runs again.
"""

import os

from siaga.app import flash_records
from siaga.app.commands import KEPT, UPGRADE
from siaga.app.firmware_slots import CONFIRMED
from siaga.app.settings_rules import parse
from siaga.app.version import TEXT
from siaga.core import frame, p256_verify
from siaga.core.bundle import BundleError
from siaga.core.errors import SiagaError

_PROBE = "/self-test"


async def run(commands: "Commands", slots: "Slots", identity: "Identity", updater: "Updater") -> None:
    """Carry out UPDATEs, one after another, for ever. updater() makes a bundle_download.Update."""
    if slots.boot.why:
        commands.actions.tell("start: " + slots.boot.why)
    while True:
        if slots.is_on_trial:
            await _prove(commands, slots, identity)
        if slots.boot.verdict:
            _tell_verdict(commands, slots)
        await _carry_out(commands, slots, await commands.next(UPGRADE), updater)


async def _carry_out(commands: "Commands", slots: "Slots", job: "Job", updater: "Updater") -> None:
    actions = commands.actions
    told = actions.result_of(job.counter)
    if told is not None:
        commands.finish(job, told)  # power failed between the answer and the end
        return
    if job.phase != KEPT:
        commands.begin(job, KEPT)  # power failed in the last steps: what is there is verified again
    update = updater()
    try:
        digest = await update.bring(job.arguments.decode())
    except SiagaError as error:
        unfit = isinstance(error, BundleError)
        (actions.reject if unfit else actions.tell)("the update: %s" % error)
        if commands.jobs.get(UPGRADE) is job:
            commands.finish(job, frame.RESULT_REFUSED if unfit else frame.RESULT_FAILED)
        return
    await commands.safe_to_switch()
    if commands.jobs.get(UPGRADE) is not job:
        return  # a newer command took its place
    commands.begin(job)
    slots.switch(slots.target, digest)
    actions.tell("it starts on trial")
    await commands.gone()


async def _prove(commands: "Commands", slots: "Slots", identity: "Identity") -> None:
    """Prove that this firmware works, or end this start of it."""
    why = self_test(commands.folder, identity)
    # Without an answer, a bearer that is up suffices: the gateway may be down, and this firmware has found the network.
    if not why and not await commands.proven() and not commands.actions.is_up():
        why = "no bearer came up"
    if why:
        commands.actions.tell("firmware %s does not work (start %d): %s" % (TEXT, slots.boot.starts, why))
        await commands.gone()
    slots.confirm()
    commands.actions.tell("firmware %s works and stays" % TEXT)


def self_test(folder: str, identity: "Identity") -> str:
    """Return what does not work, "" = everything does."""
    try:
        signed = identity.signed(frame.ES256, frame.CHECKIN, 1, frame.encode_report(0, 0, 0, 0, 0, 0, 0, 0))
        if not p256_verify.verify(identity.public, frame.UP_CONTEXT + signed[:-64], signed[-64:]):
            return "a signature does not verify"
        settings = flash_records.read_file(folder + "/settings.json")
        if settings is not None:
            parse(settings.decode())
        written = os.urandom(64)
        flash_records.write_file(folder + _PROBE, written)
        if flash_records.read_file(folder + _PROBE) != written:
            return "the flash forgets what was written"
        flash_records.remove(folder + _PROBE)
    except (SiagaError, OSError, UnicodeError) as error:
        return str(error)
    return ""


def _tell_verdict(commands: "Commands", slots: "Slots") -> None:
    """Report how the trial ended: first the RECEIPT, then its traces are removed."""
    works = slots.boot.verdict == CONFIRMED
    if not works:
        commands.actions.tell("update failed after three starts: firmware %s runs again" % TEXT)
    result = frame.RESULT_DONE if works else frame.RESULT_FAILED
    job = commands.jobs.get(UPGRADE)
    if job is not None:
        commands.answer(job.counter, result)
    flash_records.remove(commands.folder + "/update")
    slots.settle()
    if job is not None:
        commands.finish(job, result)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.app.bundle_download import Update
    from siaga.app.commands import Commands, Job
    from siaga.app.firmware_slots import Slots
    from siaga.app.identity import Identity

    Updater = Callable[[], Update]

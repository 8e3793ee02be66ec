"""Cuts the power at every single program and erase operation of the button's flash, torn ones included, and looks at
what the next start finds. Runs under MicroPython with the real littlefs over a simulated NOR chip."""

import vfs
from nor import BLOCK, Chip, PowerCut

from siaga.app import flash_records
from siaga.app.acked_digests import Acked
from siaga.app.identity import Identity
from siaga.app.outbox import Outbox
from siaga.app.restore import INCIDENT_MAGIC, incident, load
from siaga.core import frame
from siaga.core.alarm import ACKED, STORED, next_state, since

BLOCKS = 24


def report(number, opening):
    return frame.encode_report(1000 + number, 1, 2, 3, 4, 5, 0, number - opening if opening else 0)


class Told:
    """What the button said before the power went."""

    def __init__(self):
        self.device_id = None
        self.last = 0
        self.kept = {}
        self.removed = set()
        self.owing = {}  # acknowledged, and being marked as evidence owed
        self.owed = {}  # marked
        self.bound = {}  # digests of acknowledged presses that later stages may name
        self.incident = b""
        self.incident_before = None


def live(told):
    """A start and a short life: presses kept, some acknowledged, an incident opened and moved on."""
    identity = Identity("/cut", lambda: b"")
    told.device_id = identity.device_id
    outbox = Outbox("/cut/outbox", identity.device_id, identity.counter, 1)
    load(outbox, 0)
    acked = Acked()
    state = incident("/cut/incident", identity.device_id, outbox, acked, 0, None)
    told.incident_before = flash_records.read_record("/cut/incident", INCIDENT_MAGIC)

    def step(event):
        """As Device does it: what changes is on the flash before anything else happens."""
        nonlocal state
        state, _ = next_state(state, event, 0)
        acked.since = since(state)
        record = identity.device_id + state.saved() + acked.saved()
        told.incident = record
        flash_records.write_record("/cut/incident", INCIDENT_MAGIC, record)
        told.incident_before = record

    def acknowledge(entry):
        acked.note(entry.kind, entry.counter, entry.body)
        step((ACKED, entry.kind, entry.counter, 1, None, 0))
        told.bound[entry.counter] = frame.event_digest(entry.kind, entry.counter, entry.body)

    for number in range(7):
        entry = outbox.keep(frame.PRESS, lambda counter: report(counter, state.opening), 0)
        assert entry.durable
        told.last = entry.counter
        told.kept[entry.counter] = entry.body
        step((STORED, frame.PRESS, entry.counter, False))
        if number % 3 == 1:
            oldest = outbox.entries[0]
            acknowledge(oldest)
            told.kept.pop(oldest.counter, None)
            outbox.remove(oldest)
            told.removed.add(oldest.counter)
        if number % 3 == 2:
            oldest = outbox.entries[0]
            acknowledge(oldest)
            told.owing[oldest.counter] = told.kept.pop(oldest.counter, oldest.body)
            outbox.owe(oldest, 1000 + number, 0)
            told.owed[oldest.counter] = (told.owing.pop(oldest.counter), 1000 + number)
    for entry in list(outbox.owed)[1:]:
        told.owed.pop(entry.counter, None)
        outbox.remove(entry)
        told.removed.add(entry.counter)
    identity.note_enrolled()


def look(told, before):
    """What the next start finds; everything told still holds."""
    identity = Identity("/cut", lambda: b"")
    if told.device_id is not None:
        assert identity.device_id == told.device_id, "another identity"
        assert identity.fresh == "", identity.fresh
    elif before is not None:
        assert identity.device_id == before, "another identity"
    outbox = Outbox("/cut/outbox", identity.device_id, identity.counter, 1)
    load(outbox, 0)
    assert outbox.rejected <= 1, outbox.rejected
    found = {entry.counter: entry.body for entry in outbox.entries}
    for counter in told.kept:
        assert found.get(counter) == told.kept[counter], f"press {counter} is lost"
    owed = {entry.counter: (entry.body, entry.owed) for entry in outbox.owed}
    for counter in told.owing:
        assert told.owing[counter] in (found.get(counter), owed.get(counter, b"?")[0]), f"press {counter} is lost"
        assert (counter in found) != (counter in owed)
    for counter in told.owed:
        assert counter not in found, f"press {counter} waits again"
        assert owed.get(counter) == told.owed[counter], f"the evidence of press {counter} is lost"
    for counter in told.removed:
        assert counter not in owed, f"evidence {counter} came back"
        assert counter not in found, f"press {counter} came back"
    assert identity.counter.next() > told.last, "a counter is used twice"
    record = flash_records.read_record("/cut/incident", INCIDENT_MAGIC)
    assert told.incident == b"" or record in (told.incident, told.incident_before)
    acked = Acked()
    state = incident("/cut/incident", identity.device_id, outbox, acked, 0, None)
    assert not told.kept or state.opening, "an incident is lost"
    for counter in sorted(told.bound)[-3:]:
        held = acked.find(counter)
        assert held is not None and held[2] == told.bound[counter], f"the digest of press {counter} is lost"
    return identity.device_id


def mount(chip):
    vfs.mount(vfs.VfsLfs2(chip, mtime=False), "/cut")


def enumerate_cuts(cells, device_id):
    """Live from this image, cut at operation 0, 1, 2, ... until a life gets through uncut. Returns how many, and the
    image after the uncut life."""
    cut = 0
    while True:
        chip = Chip(cells)
        mount(chip)
        chip.left, chip.insists = cut, True
        told = Told()
        try:
            live(told)
            whole = True
        except PowerCut:
            whole = False
        chip.insists = False
        vfs.umount("/cut")
        chip = Chip(chip.cells)
        mount(chip)
        after = look(told, device_id)
        vfs.umount("/cut")
        if whole:
            return cut, chip.cells, after
        cut += 1


blank = Chip(b"\xff" * (BLOCK * BLOCKS))
vfs.VfsLfs2.mkfs(blank)
first, cells, device_id = enumerate_cuts(blank.cells, None)
second, cells, device_id = enumerate_cuts(cells, device_id)
print("survived", first, second)

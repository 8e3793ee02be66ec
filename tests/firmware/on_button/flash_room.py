"""Identity, counters and outbox on a real littlefs in memory: what is missing, corrupt, full or worn out."""

import os

import vfs

from siaga.app import flash_records
from siaga.app.counter import BLOCK as COUNTERS
from siaga.app.identity import Identity
from siaga.app.outbox import LIMIT, OWED_LIMIT, POSITIONS, RESERVE, SETTLE_S, Outbox, OutboxFull
from siaga.app.restore import load
from siaga.core import frame, p256
from siaga.core.errors import SiagaError

BLOCK = 4096


class Ram:
    """Takes no writes while `worn` is set."""

    def __init__(self, blocks):
        self.cells = bytearray(b"\xff" * (BLOCK * blocks))
        self.blocks = blocks
        self.worn = False

    def readblocks(self, block, buffer, offset=0):
        start = block * BLOCK + offset
        buffer[:] = self.cells[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        if self.worn:
            return -5  # told, not raised: an exception would jump over what littlefs has to put in order
        start = block * BLOCK + offset
        self.cells[start : start + len(buffer)] = buffer
        return 0

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return BLOCK
        return -5 if op == 6 and self.worn else 0


ram = Ram(64)


def fresh():
    """An empty file system, and nothing left in it of one whose flash failed."""
    ram.cells[:] = b"\xff" * len(ram.cells)
    vfs.VfsLfs2.mkfs(ram)
    vfs.mount(vfs.VfsLfs2(ram, mtime=False), "/room")


def start():
    identity = Identity("/room", lambda: b"")
    outbox = Outbox("/room/outbox", identity.device_id, identity.counter, 1)
    load(outbox, 0)
    return identity, outbox


def body(counter):
    return frame.encode_report(counter, 1, 2, 3, 4, 5, 0, 0)


def test_body(counter):
    return frame.encode_report(counter, 1, 2, 3, 4, 5, frame.FLAG_TEST, 0)


def spoil(path, at):
    content = bytearray(flash_records.read_file(path))
    content[at] ^= 0x40
    flash_records.write_file(path, bytes(content))


def a_start_is_the_same_device_with_later_counters():
    identity, _ = start()
    assert identity.fresh == "first" and identity.counter.next() == 2
    last = 2
    for _ in range(5):
        for _ in range(COUNTERS * 2):
            last = identity.counter.next()
        again, _ = start()
        assert again.fresh == "" and again.device_id == identity.device_id and again.private == identity.private
        following = again.counter.next()
        assert last < following <= last + 2 * COUNTERS
        identity, last = again, following


def key_and_counter_live_and_die_together():
    """One record holds both: whichever byte of it changes, or if it is gone, there is a new key."""
    identity, _ = start()
    ids = {identity.device_id}
    for at in (0, 3, 4, 35, 36, 99, 100, 103, 104, 105, 108):
        spoil("/room/identity", at)
        identity, _ = start()
        assert "cannot be read" in identity.fresh and identity.device_id not in ids
        assert identity.counter.next() == 2
        ids.add(identity.device_id)
    for content in (b"", b"SGI1", flash_records.read_file("/room/identity")[:-1]):
        flash_records.write_file("/room/identity", content)
        identity, _ = start()
        assert identity.fresh != "" and identity.device_id not in ids
        ids.add(identity.device_id)


def the_presses_of_a_lost_key_go_on_under_the_new_one():
    identity, outbox = start()
    press = outbox.keep(frame.PRESS, body, 0)
    later = outbox.keep(frame.PRESS, lambda counter: body(counter)[:19] + b"\x00\x01", 0)
    outbox.keep(frame.PRESS, test_body, 0)
    outbox.keep(frame.CHECKIN, body, 0)
    os.remove("/room/identity")
    identity, outbox = start()
    assert identity.fresh == "key and counter are gone"
    assert [entry.kind for entry in outbox.entries] == [frame.PRESS, frame.PRESS]
    assert [entry.body for entry in outbox.entries] == [press.body, later.body[:19] + b"\0\0"]
    assert outbox.dropped == 2 and outbox.rejected == 0
    _, again = start()
    assert [entry.counter for entry in again.entries] == [entry.counter for entry in outbox.entries]
    assert again.dropped == 0


def torn_and_corrupt_entries_are_skipped_and_counted():
    _identity, outbox = start()
    entries = [outbox.keep(frame.PRESS, body, 0) for _ in range(6)]
    names = sorted(item[0] for item in os.ilistdir("/room/outbox"))
    folder = "/room/outbox/"
    spoil(folder + names[0], 9)
    flash_records.write_file(folder + names[1], flash_records.read_file(folder + names[1])[:-3])
    flash_records.write_file(folder + names[2], b"")
    os.rename(folder + names[3], folder + names[3][:8] + "0000ffff")
    with open(folder + "0123456700000001.new", "wb") as file:
        file.write(b"half")
    flash_records.write_file(folder + "what is this", b"?")
    _, after = start()
    assert [entry.counter for entry in after.entries] == [entry.counter for entry in entries[4:]]
    assert after.rejected == 5
    _, again = start()
    assert again.rejected == 0 and len(again.entries) == 2


def a_full_outbox_gives_up_what_matters_least_and_never_a_press():
    _identity, outbox = start()
    first = outbox.keep(frame.PRESS, body, 0)
    for _ in range(20):
        outbox.keep(frame.CHECKIN, body, 0)
    newest = [outbox.keep(frame.UPDATE, body, 0) for _ in range(40)][-POSITIONS:]
    assert [
        entry for entry in outbox.entries if entry.kind == frame.UPDATE
    ] == newest and outbox.dropped == 40 - POSITIONS
    outbox.dropped = 0
    while len(outbox.entries) < LIMIT:
        outbox.keep(frame.TAMPER, body, 0)
    for _ in range(20):
        outbox.keep(frame.TAMPER, body, 0)
    assert not outbox.holds(frame.CHECKIN) and outbox.dropped == 20
    try:
        outbox.keep(frame.CHECKIN, body, 0)
        raise AssertionError("a check-in displaced an update")
    except OutboxFull:
        pass
    updates = [entry.counter for entry in outbox.entries if entry.kind == frame.UPDATE]
    outbox.keep(frame.UPDATE, body, 0)
    assert updates[0] not in [entry.counter for entry in outbox.entries], "the oldest goes"
    for _ in range(LIMIT + RESERVE - 1):
        outbox.keep(frame.PRESS, body, 0)
    assert not outbox.holds(frame.UPDATE) and not outbox.holds(frame.TAMPER) and len(outbox.entries) == LIMIT + RESERVE
    try:
        outbox.keep(frame.PRESS, body, 0)
        raise AssertionError("without a limit")
    except OutboxFull as error:
        assert "wait already" in str(error)
    assert outbox.entries[0] is first
    _, again = start()
    assert len(again.entries) == LIMIT + RESERVE and again.entries[0].body == first.body


def a_flash_that_takes_nothing_more_still_lets_a_press_out():
    identity, outbox = start()
    kept = outbox.keep(frame.PRESS, body, 0)
    ram.worn = True
    counters = [kept.counter]
    for _ in range(COUNTERS // 2):
        entry = outbox.keep(frame.PRESS, body, 0)
        assert not entry.durable
        counters.append(entry.counter)
    try:
        outbox.keep(frame.CHECKIN, body, 0)
        raise AssertionError("a check-in was kept on a worn flash")
    except OutboxFull:
        pass
    try:
        while True:
            counters.append(outbox.keep(frame.PRESS, body, 0).counter)
    except OutboxFull as error:
        assert "reservation" in str(error)
    outbox.remove(outbox.entries[-1])
    ram.worn = False
    identity, outbox = start()
    assert [entry.counter for entry in outbox.entries] == [kept.counter]
    assert identity.counter.next() > max(counters), "a counter is used twice"


def evidence_owed_waits_for_nobody_and_gives_way_to_all_else():
    _, outbox = start()
    entries = [outbox.keep(frame.PRESS, body, 0) for _ in range(OWED_LIMIT + 2)]
    assert not entries[0].short
    for number, entry in enumerate(entries):
        outbox.owe(entry, 5000 + number, 100)
    assert outbox.entries == [] and not outbox.holds(frame.PRESS) and outbox.find(entries[-1].counter) is None
    assert outbox.owed == entries[2:] and outbox.dropped == 2, "bounded, the oldest gives way"
    assert outbox.find_owed(entries[-1].counter) is entries[-1] and entries[-1].since_ms == 100 + SETTLE_S * 1000
    waiting = outbox.keep(frame.PRESS, body, 0)
    _, again = start()
    assert [(entry.counter, entry.body, entry.owed) for entry in again.owed] == [
        (entry.counter, entry.body, entry.owed) for entry in entries[2:]
    ]
    assert [entry.counter for entry in again.entries] == [waiting.counter]
    assert again.entries[0].short, "an earlier run may have sent it in any form"
    again.remove(again.owed[0])
    while len(again.entries) + len(again.owed) < LIMIT:
        again.keep(frame.CHECKIN, body, 0)
    check_in = again.keep(frame.CHECKIN, body, 0)
    assert len(again.owed) == OWED_LIMIT - 2 and again.entries[-1] is check_in
    _, last = start()
    assert [entry.counter for entry in last.owed] == [entry.counter for entry in again.owed]
    spoil("/room/outbox/" + sorted(item[0] for item in os.ilistdir("/room/outbox"))[0], 12)
    _, last = start()
    assert last.rejected == 1 and len(last.owed) == OWED_LIMIT - 3
    for unix, wait_s in ((0, 0), (1, SETTLE_S), (last.owed[0].owed + 20, SETTLE_S - 20), (1 << 31, 0)):
        _, late = start()
        late.owed.clear()
        late.entries.clear()
        load(late, 700, unix)
        assert late.owed[0].since_ms == 700 + wait_s * 1000, "a restart does not make copies under way arrive"
    os.remove("/room/identity")
    _, other = start()
    assert other.owed == [] and [entry.kind for entry in other.entries] == [frame.PRESS], "no key, no signature"


def a_flash_that_takes_no_mark_keeps_no_press_that_seems_to_wait():
    _, outbox = start()
    entry = outbox.keep(frame.PRESS, body, 0)
    ram.worn = True
    try:
        outbox.owe(entry, 5000, 0)
        raise AssertionError("a worn flash let something go")
    except OSError as error:
        assert error.errno == 5
    ram.worn = False
    assert outbox.entries == [] and outbox.owed == []


def a_worn_flash_does_not_even_let_go_and_a_press_goes_out():
    """To make room something is removed, which a worn flash refuses too."""
    _, outbox = start()
    waiting = [outbox.keep(kind, body, 0) for kind in (frame.CHECKIN, frame.TAMPER, frame.UPDATE, frame.PRESS)]
    outbox.owe(waiting.pop(), 5000, 0)
    ram.worn = True
    press = outbox.keep(frame.PRESS, body, 0)
    assert outbox.entries == [press] and not press.durable
    ram.worn = False
    while len(outbox.entries) < LIMIT:
        outbox.keep(frame.TAMPER, body, 0)
    ram.worn = True
    assert outbox.keep(frame.CANCEL, body, 0) in outbox.entries
    ram.worn = False


def what_cannot_be_removed_stops_no_start():
    """A half-written file, an unreadable one and a lost key's press, on a flash that takes nothing more."""
    _, outbox = start()
    kept = outbox.keep(frame.PRESS, body, 0)
    for name in ("0123456700000001.new", "what is this"):
        with open("/room/outbox/" + name, "wb") as file:
            file.write(b"half")
    orphan = flash_records.seal(b"SGO1", b"\x00\x00\x00\x09" + bytes([frame.PRESS]) + body(9))
    flash_records.write_file("/room/outbox/0123456700000009", orphan)
    for _ in range(3):  # also where the counter is used up
        ram.worn = True
        _, outbox = start()
        assert kept.counter in [entry.counter for entry in outbox.entries]
        assert outbox.rejected >= 1
    ram.worn = False


def mac_keys_belong_to_one_gateway_and_one_device():
    from siaga.core import p256, p256_verify

    identity, _ = start()
    gateways = [p256.private_from(bytes([n]) * 48) for n in (1, 2)]
    for gateway in gateways + gateways:
        identity.meet(p256.public_key(gateway))
        shared = p256_verify.ecdh(gateway, identity.public)
        assert (identity.mac_up, identity.mac_down) == p256_verify.mac_keys(shared, identity.device_id)
    cached = identity.mac_up
    spoil("/room/mac", 60)
    identity.meet(p256.public_key(gateways[1]))
    assert identity.mac_up == cached
    os.remove("/room/identity")
    other, _ = start()
    other.meet(p256.public_key(gateways[1]))
    assert other.mac_up != cached
    try:
        other.meet(b"\x01" * 64)
        raise AssertionError("a point off the curve")
    except SiagaError:
        pass


def a_signature_is_made_again_the_same_after_a_restart():
    identity, outbox = start()
    entry = outbox.keep(frame.PRESS, body, 0)
    signed = identity.signed(frame.ES256, entry.kind, entry.counter, entry.body)
    enrol = identity.enrol_frame()
    again, outbox = start()
    found = outbox.find(entry.counter)
    assert again.signed(frame.ES256, found.kind, found.counter, found.body) == signed
    assert again.enrol_frame() == enrol


def the_enrol_is_signed_once_in_a_buttons_life():
    identity, _ = start()
    enrol = identity.enrol_frame()
    ram.worn = True  # nothing is written for it either
    sign, p256.sign = p256.sign, None
    try:
        again, _ = start()
        assert again.enrol_frame() == enrol
    finally:
        p256.sign = sign
        ram.worn = False
    for spoilt in (b"", flash_records.read_file("/room/enrol")[:-1], flash_records.seal(b"SGE1", bytes(len(enrol)))):
        flash_records.write_file("/room/enrol", spoilt)
        again, _ = start()
        assert again.enrol_frame() == enrol
        assert flash_records.unseal(b"SGE1", flash_records.read_file("/room/enrol")) == enrol
    spoil("/room/identity", 40)  # another identity: the frame of the one before is not its own
    other, _ = start()
    assert other.fresh and other.enrol_frame() != enrol and other.enrol_frame()[3:11] != enrol[3:11]
    ram.worn = True
    flash_full, _ = start()
    assert flash_full.enrol_frame() == other.enrol_frame()
    ram.worn = False


for check in (
    a_start_is_the_same_device_with_later_counters,
    key_and_counter_live_and_die_together,
    the_presses_of_a_lost_key_go_on_under_the_new_one,
    torn_and_corrupt_entries_are_skipped_and_counted,
    a_full_outbox_gives_up_what_matters_least_and_never_a_press,
    a_flash_that_takes_nothing_more_still_lets_a_press_out,
    evidence_owed_waits_for_nobody_and_gives_way_to_all_else,
    a_flash_that_takes_no_mark_keeps_no_press_that_seems_to_wait,
    a_worn_flash_does_not_even_let_go_and_a_press_goes_out,
    what_cannot_be_removed_stops_no_start,
    mac_keys_belong_to_one_gateway_and_one_device,
    a_signature_is_made_again_the_same_after_a_restart,
    the_enrol_is_signed_once_in_a_buttons_life,
):
    fresh()
    check()
    vfs.umount("/room")
    print("holds:", check.__name__)

"""What is sent next, on which bearer, how often and in which form. Pure: time and chance are arguments.

Bearers stand in the order in which they are preferred; a bearer's place in that list is its index everywhere here.
Nothing is assumed of a bearer but what it says of itself: that it is up, that it took a frame. So a bearer that loses
everything in silence is tried for ever, and a press so often that twenty good seconds of any bearer are enough
(tests/firmware/test_bearer_model.py).
"""

from micropython import const
from siaga.core import frame

# A press goes before all else; what took it back or was done to the button before where it is now.
_PRIORITY = {
    frame.PRESS: 0,
    frame.CANCEL: 1,
    frame.TAMPER: 1,
    frame.UPDATE: 2,
    frame.CHECKIN: 3,
    frame.RECEIPT: 4,
    frame.ENROL: 4,
}
# First and longest wait for the gateway's acknowledgement before the frame goes out again, milliseconds. A press rests
# 12 s at most: of twenty good seconds that leaves 8 for its way there and the answer's way back.
_WAITS = {
    frame.PRESS: (3000, 12000),
    frame.CANCEL: (3000, 60000),
    frame.TAMPER: (3000, 60000),
    frame.UPDATE: (5000, 60000),
    frame.CHECKIN: (10000, 300000),
    frame.RECEIPT: (10000, 300000),
    frame.ENROL: (5000, 30000),
}
# What a costly bearer carries, and how often again: a message centre keeps what it took, so that a repetition helps
# only against one that lost it. Twelve messages an hour are what a press is worth while nobody answers. An UPDATE has
# its own rule, see _costly_update_ms().
_COSTLY = {
    frame.PRESS: (30000, 300000),
    frame.CANCEL: (30000, 300000),
    frame.TAMPER: (60000, 1800000),
    frame.UPDATE: (60000, 300000),
}
# The longest wait of what cannot wait, once the battery is nearly empty.
_SPARSE_MS = const(120000)
# What was acknowledged already and is owed as evidence only: nobody waits for it.
_OWED_FIRST_MS = const(60000)
_OWED_LONGEST_MS = const(3600000)

# Without an acknowledgement for so long, the next bearer starts beside the first, and so on; the last of four a little
# earlier, so that it too has its answer within twenty seconds.
BESIDE_MS = const(5000)
_LATEST_MS = const(12000)
# Between two positions on a costly bearer, unless the later one says much more.
COSTLY_APART_MS = const(300000)
_MUCH_BETTER = const(4)

NEVER = const(-1)
EARLIER = const(-2)
_STATUS_BYTES = const(8)
_HEADER_BYTES = const(14)
# The ES256 form of a report.
LONG_BYTES = const(99)
# How uncertain a report without a position is, in metres, as it were.
_NOWHERE = const(1 << 20)


class Link:
    """One bearer as the policy sees it. up: whether it takes frames. limit: bytes that its payload takes now. costly:
    each frame is money. least_ms: how long it takes to answer; a repetition before that is waste, and on LoRaWAN
    collides with the answer. busy: a frame is being handed over. narrow: it may carry only the HS256-64 form."""

    def __init__(self, up: bool = False, limit: int = 65535, costly: bool = False, least_ms: int = 0) -> None:
        self.up = up
        self.limit = limit
        self.costly = costly
        self.least_ms = least_ms
        self.narrow = limit < LONG_BYTES
        self.busy = False
        # What was last told here: the newest UPDATE's counter, of which incident, how uncertain a place, when.
        self.newest = 0
        self.opening = 0
        self.accuracy = _NOWHERE
        self.told_ms = 0


class Waiting:
    """One frame that waits for its acknowledgement. since_ms: when it was kept. durable: whether it is on the flash,
    or can be made again at any time. signed: its ES256 form, once made. short: its HS256-64 form may have gone out.
    owed: -1, or it was acknowledged, at this time by the gateway's clock, and its ES256 form is still owed as
    evidence; since_ms is then from when it may go. Per bearer: how often it went out, when it may go (again), and
    taken, a bit that says whether somebody behind the bearer has it. first_ms: when it went out first, on whatever
    bearer; NEVER, or EARLIER = perhaps in an earlier run."""

    # In the class, so that an entry has only what changed: many may wait, and each is memory.
    taken = 0
    durable = True
    signed = None  # type: bytes | None
    short = False
    owed = -1
    first_ms = NEVER

    def __init__(self, kind: int, counter: int, body: bytes, since_ms: int, bearers: int) -> None:
        self.kind = kind
        self.counter = counter
        self.body = body
        self.since_ms = since_ms
        self.attempts = [0] * bearers
        self.due_ms = [since_ms] * bearers

    def owe(self, told: int, from_ms: int) -> None:
        """It was acknowledged; what is left to send is evidence."""
        self.owed = told
        self.since_ms = from_ms
        self.signed = None  # 99 bytes that can be made again
        self.taken = 0
        for index in range(len(self.due_ms)):
            self.attempts[index] = 0
            self.due_ms[index] = from_ms


def priority(kind: int) -> int:
    """0 goes first."""
    return _PRIORITY[kind]


def back_off_ms(attempt: int, first_ms: int, longest_ms: int, chance: int) -> int:
    """How long to wait after a failed attempt (0 = the first): doubling up to longest_ms, the upper half by chance.

    chance: any non-negative integer; the wait is between one half of the step and the whole of it.
    """
    step = first_ms
    while attempt > 0 and step < longest_ms:
        step *= 2
        attempt -= 1
    step = min(step, longest_ms)
    half = step // 2
    return half + chance % (step - half + 1)


def sent(entry: Waiting, index: int, link: Link, now_ms: int, chance: int, sparse: bool = False) -> None:
    """Note that a frame goes out on a bearer; it is due there again after its back-off. sparse: the battery is nearly
    empty."""
    if entry.owed >= 0:
        first_ms, longest_ms = _OWED_FIRST_MS, _OWED_LONGEST_MS
    else:
        first_ms, longest_ms = (_COSTLY if link.costly else _WAITS)[entry.kind]
        if sparse:
            longest_ms = max(longest_ms, _SPARSE_MS)
    wait_ms = back_off_ms(entry.attempts[index], first_ms, longest_ms, chance)
    if link.least_ms:
        # Chance here too: two buttons that met on the air must not meet again.
        wait_ms = max(wait_ms, link.least_ms + chance % (link.least_ms // 4 + 1))
    entry.due_ms[index] = now_ms + wait_ms
    entry.attempts[index] += 1
    if entry.owed < 0 and (entry.kind == frame.PRESS or entry.kind == frame.UPDATE):
        if entry.kind == frame.UPDATE:
            link.newest = max(link.newest, entry.counter)
        link.opening = _opening(entry)
        link.accuracy = _uncertainty(entry)
        link.told_ms = now_ms


def taken(entry: Waiting, index: int) -> None:
    """Somebody behind the bearer has the frame: a broker, a message centre."""
    entry.taken |= 1 << index


def renewed(entries: "list[Waiting]", index: int, link: Link, now_ms: int) -> None:
    """A bearer came up: whatever waits is due on it at once, except what was paid for already."""
    for entry in entries:
        if not (link.costly and entry.taken & 1 << index):
            entry.due_ms[index] = min(entry.due_ms[index], now_ms)


def form(kind: int, body_length: int, limit: int) -> "tuple[int, int] | None":
    """(suite, body length) in which a frame fits a payload limit, or None: ES256 where it fits, else HS256-64.

    A CHECKIN leaves out its status before it gives up its signature's form, and an ENROL is never anything but ES256.
    """
    lengths = [body_length]
    if kind == frame.CHECKIN and body_length == 29:
        lengths.append(body_length - _STATUS_BYTES)
    for suite in (frame.ES256, frame.HS256_64):
        if suite == frame.HS256_64 and kind == frame.ENROL:
            break
        for length in lengths:
            if _HEADER_BYTES + length + frame.tag_length(suite) <= limit:
                return suite, length
    return None


def is_test(entry: Waiting) -> bool:
    """Whether it is a test PRESS."""
    return entry.kind == frame.PRESS and bool(entry.body[18] & frame.FLAG_TEST)


def is_evidence(entry: Waiting) -> bool:
    """Whether its signature is wanted as evidence: a PRESS or CANCEL that is no test."""
    return entry.kind in (frame.PRESS, frame.CANCEL) and not is_test(entry)


def choose(entries: "list[Waiting]", links: "list[Link]", now_ms: int) -> "tuple[Waiting, int] | None":
    """The frame to send now and the index of its bearer, or None while nothing is due on a bearer that is not busy."""
    best = None  # type: tuple[Waiting, int] | None
    stalled_ms = _stalled_ms(entries)
    for entry in entries:
        if best is not None and not _goes_before(entry, best[0]):
            continue
        rank = 0
        for index in range(len(links)):
            link = links[index]
            if not link.up or not _takes(entry, index, link):
                continue
            if not link.busy and now_ms >= entry.due_ms[index]:
                opens_ms = _open_at(entry, link, rank, stalled_ms)
                if 0 <= opens_ms <= now_ms:
                    best = entry, index
                    break
            rank += 1
    return best


def wait_ms(entries: "list[Waiting]", links: "list[Link]", now_ms: int, longest_ms: int) -> int:
    """How long choose() will go on answering None if nothing happens; at most longest_ms, at least 0."""
    soonest = now_ms + longest_ms
    stalled_ms = _stalled_ms(entries)
    for entry in entries:
        rank = 0
        for index in range(len(links)):
            link = links[index]
            if not link.up or not _takes(entry, index, link):
                continue
            opens_ms = _open_at(entry, link, rank, stalled_ms)
            if opens_ms >= 0 and not link.busy:
                soonest = min(soonest, max(opens_ms, entry.due_ms[index]))
            rank += 1
    return max(0, soonest - now_ms)


def _takes(entry: Waiting, index: int, link: Link) -> bool:
    """Whether a bearer that is up is for this frame at all."""
    size = _HEADER_BYTES + len(entry.body) + 64
    if entry.owed >= 0:
        # Once by a text message; again for nothing only.
        return link.limit >= size and not (link.costly and entry.attempts[index])
    if link.costly and entry.kind not in _COSTLY:
        return False
    if entry.kind == frame.UPDATE and (link.costly or link.least_ms) and entry.counter < link.newest:
        return False  # where the holder was is not worth the airtime
    return link.limit >= size or form(entry.kind, len(entry.body), link.limit) is not None


def _open_at(entry: Waiting, link: Link, rank: int, stalled_ms: int) -> int:
    """From when a frame may use the bearer that stands at this rank among those that are up and for it; -1 = never.
    stalled_ms: since when the oldest UPDATE waits."""
    if entry.owed < 0:
        if _PRIORITY[entry.kind] <= 1:
            return entry.since_ms + min(rank * BESIDE_MS, _LATEST_MS)
        if entry.kind == frame.UPDATE:
            if link.costly:
                return _costly_update_ms(entry, link, stalled_ms + max(rank, 1) * BESIDE_MS)
            # There is always a newer one: whether the first bearer delivers, the oldest tells.
            return stalled_ms + rank * BESIDE_MS if rank else entry.since_ms
    return entry.since_ms if rank == 0 else -1


def _costly_update_ms(entry: Waiting, link: Link, opens_ms: int) -> int:
    """A patrol needs to know where, then whether that has changed: the first position of an incident goes, one that is
    a quarter as uncertain as the last one told here goes, and else one in five minutes."""
    if link.opening != _opening(entry) or _uncertainty(entry) * _MUCH_BETTER <= link.accuracy != 0:
        return opens_ms
    return max(opens_ms, link.told_ms + COSTLY_APART_MS)


def _stalled_ms(entries: "list[Waiting]") -> int:
    oldest = -1
    for entry in entries:
        if entry.kind == frame.UPDATE and (oldest < 0 or entry.since_ms < oldest):
            oldest = entry.since_ms
    return oldest


def _opening(entry: Waiting) -> int:
    return entry.counter - (entry.body[19] << 8 | entry.body[20])


def _uncertainty(entry: Waiting) -> int:
    """Metres; 65535 where that is not known, far more without a position."""
    body = entry.body
    return _NOWHERE if body[4:8] == b"\x80\0\0\0" else body[12] << 8 | body[13]


def _goes_before(a: Waiting, b: Waiting) -> bool:
    first, second = _PRIORITY[a.kind], _PRIORITY[b.kind]
    if first != second:
        return first < second
    if a.kind == b.kind == frame.UPDATE:
        return a.counter > b.counter  # where the holder is now matters more than where he was
    return a.counter < b.counter

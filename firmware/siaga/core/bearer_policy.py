"""What to send next, on which bearer, how often and in which form. Pure: time and chance are arguments.

Bearers are in order of preference; a bearer's place in that list is its index everywhere here. Nothing is assumed of a
bearer but what it reports: that it is up, that it took a frame. So a bearer that silently loses everything is tried for
ever, and a press so often that twenty good seconds of any bearer are enough
(tests/firmware/core/test_bearer_model.py).
"""

from micropython import const
from siaga.core import frame

# A press goes first; a cancel or tampering goes before positions.
_PRIORITY = {
    frame.PRESS: 0,
    frame.CANCEL: 1,
    frame.TAMPER: 1,
    frame.UPDATE: 2,
    frame.CHECKIN: 3,
    frame.RECEIPT: 4,
    frame.ENROL: 4,
}
# First and longest wait for the gateway's acknowledgement before a frame is repeated, milliseconds. A press waits 12 s
# at most: of twenty good seconds that leaves 8 for the round trip.
_WAITS = {
    frame.PRESS: (3000, 12000),
    frame.CANCEL: (3000, 60000),
    frame.TAMPER: (3000, 60000),
    frame.UPDATE: (5000, 60000),
    frame.CHECKIN: (10000, 300000),
    frame.RECEIPT: (10000, 300000),
    frame.ENROL: (5000, 30000),
}
# What a costly bearer carries, and how often it is repeated: an SMS centre keeps what it took, so a repeat helps only
# if it lost that. While nobody answers, a press is worth twelve messages an hour. UPDATE: _costly_update_ms().
_COSTLY = {
    frame.PRESS: (30000, 300000),
    frame.CANCEL: (30000, 300000),
    frame.TAMPER: (60000, 1800000),
    frame.UPDATE: (60000, 300000),
}
# The longest wait of urgent frames, once the battery is nearly empty.
_SPARSE_MS = const(120000)
# For what is already acknowledged and owed only as evidence: nobody waits for it.
_OWED_FIRST_MS = const(60000)
_OWED_LONGEST_MS = const(3600000)

# Without an acknowledgement for this long the next bearer joins the first, and so on; the last of four a little
# earlier, so that it too has its answer within twenty seconds.
BESIDE_MS = const(5000)
_LATEST_MS = const(12000)
# Between two positions on a costly bearer, unless the later one is much better.
COSTLY_APART_MS = const(300000)
_MUCH_BETTER = const(4)

NEVER = const(-1)
EARLIER = const(-2)
_STATUS_BYTES = const(8)
_HEADER_BYTES = const(14)
# The ES256 form of a report.
LONG_BYTES = const(99)
# The uncertainty assigned to a report without a position, metres.
_NOWHERE = const(1 << 20)


class Link:
    """One bearer as the policy sees it.

    up: whether it takes frames
    limit: bytes of payload it takes now
    costly: each frame costs money
    least_ms: how long it takes to answer; an earlier repeat is waste, and on LoRaWAN collides with the answer
    busy: a frame is being handed over
    narrow: it may carry only the HS256-64 form
    """

    def __init__(self, up: bool = False, limit: int = 65535, costly: bool = False, least_ms: int = 0) -> None:
        self.up = up
        self.limit = limit
        self.costly = costly
        self.least_ms = least_ms
        self.narrow = limit < LONG_BYTES
        self.busy = False
        # What was last sent here: the newest UPDATE's counter, its incident, its uncertainty, when.
        self.newest = 0
        self.opening = 0
        self.accuracy = _NOWHERE
        self.told_ms = 0


class Waiting:
    """One frame that awaits its acknowledgement.

    since_ms: when it was stored
    durable: it is on flash, or can be made again at any time
    signed: its ES256 form, once made
    short: its HS256-64 form may have been sent
    owed: -1, or when it was acknowledged by the gateway's clock: its ES256 form is still owed as evidence, and since_ms
        is then when it may be sent
    first_ms: when it was first sent, on any bearer; NEVER, or EARLIER = perhaps in an earlier run

    Per bearer: how often it was sent, when it may be sent (again), and taken, a bit that says whether somebody behind
    the bearer has it.
    """

    # In the class, so that an entry has only what changed: many may be pending, and each takes memory.
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
        """Mark as acknowledged; what is left to send is evidence."""
        self.owed = told
        self.since_ms = from_ms
        self.signed = None  # 99 bytes that can be made again
        self.taken = 0
        for index in range(len(self.due_ms)):
            self.attempts[index] = 0
            self.due_ms[index] = from_ms


def priority(kind: int) -> int:
    """Return a kind's priority; 0 goes first."""
    return _PRIORITY[kind]


def back_off_ms(attempt: int, first_ms: int, longest_ms: int, chance: int) -> int:
    """Return the wait after a failed attempt (0 = the first): doubling up to longest_ms, with jitter.

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
    """Note that a frame was sent on a bearer; it is due there again after its back-off. sparse: the battery is nearly
    empty."""
    if entry.owed >= 0:
        first_ms, longest_ms = _OWED_FIRST_MS, _OWED_LONGEST_MS
    else:
        first_ms, longest_ms = (_COSTLY if link.costly else _WAITS)[entry.kind]
        if sparse:
            longest_ms = max(longest_ms, _SPARSE_MS)
    wait_ms = back_off_ms(entry.attempts[index], first_ms, longest_ms, chance)
    if link.least_ms:
        # Jitter here too: two buttons that collided must not collide again.
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
    """Note that somebody behind the bearer has the frame: a broker, an SMS centre."""
    entry.taken |= 1 << index


def renewed(entries: "list[Waiting]", index: int, link: Link, now_ms: int) -> None:
    """Make everything pending due at once on a bearer that came up, except what was already paid for."""
    for entry in entries:
        if not (link.costly and entry.taken & 1 << index):
            entry.due_ms[index] = min(entry.due_ms[index], now_ms)


def form(kind: int, body_length: int, limit: int, by_mac: bool = False) -> "tuple[int, int] | None":
    """Return the (suite, body length) in which a frame fits a payload limit: ES256 if it fits, else HS256-64; None =
    none fits.

    by_mac: HS256-64 is enough. A CHECKIN drops its status before it gives up ES256, and an ENROL is always ES256.
    """
    lengths = [body_length]
    if kind == frame.CHECKIN and body_length == 29:
        lengths.append(body_length - _STATUS_BYTES)
    for suite in (frame.HS256_64,) if by_mac else (frame.ES256, frame.HS256_64):
        if suite == frame.HS256_64 and kind == frame.ENROL:
            break
        for length in lengths:
            if _HEADER_BYTES + length + frame.tag_length(suite) <= limit:
                return suite, length
    return None


def is_test(entry: Waiting) -> bool:
    """Return whether it is a test PRESS."""
    return entry.kind == frame.PRESS and bool(frame.flags_of(entry.body) & frame.FLAG_TEST)


def is_evidence(entry: Waiting) -> bool:
    """Return whether its signature is wanted as evidence: a PRESS or CANCEL that is no test."""
    return entry.kind in (frame.PRESS, frame.CANCEL) and not is_test(entry)


def choose(entries: "list[Waiting]", links: "list[Link]", now_ms: int) -> "tuple[Waiting, int] | None":
    """Return the frame to send now and the index of its bearer, or None while nothing is due on a free bearer."""
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
    """Return for how long choose() will answer None if nothing happens, ms: at least 0, at most longest_ms."""
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
    """Return whether a bearer that is up may carry this frame at all."""
    size = _HEADER_BYTES + len(entry.body) + 64
    if entry.owed >= 0:
        # By SMS only once; repeats only where they are free.
        return link.limit >= size and not (link.costly and entry.attempts[index])
    if link.costly and entry.kind not in _COSTLY:
        return False
    if entry.kind == frame.UPDATE and (link.costly or link.least_ms) and entry.counter < link.newest:
        return False  # a past position is not worth the airtime
    return link.limit >= size or form(entry.kind, len(entry.body), link.limit) is not None


def _open_at(entry: Waiting, link: Link, rank: int, stalled_ms: int) -> int:
    """Return from when a frame may use the bearer of this rank among those that are up and may carry it; -1 = never.
    stalled_ms: since when the oldest UPDATE has been pending."""
    if entry.owed < 0:
        if _PRIORITY[entry.kind] <= 1:
            return entry.since_ms + min(rank * BESIDE_MS, _LATEST_MS)
        if entry.kind == frame.UPDATE:
            if link.costly:
                return _costly_update_ms(entry, link, stalled_ms + max(rank, 1) * BESIDE_MS)
            # There is always a newer one: the oldest shows whether the first bearer delivers.
            return stalled_ms + rank * BESIDE_MS if rank else entry.since_ms
    return entry.since_ms if rank == 0 else -1


def _costly_update_ms(entry: Waiting, link: Link, opens_ms: int) -> int:
    """Return from when an UPDATE may use a costly bearer.

    A patrol needs the position, then changes of it: an incident's first position is sent, one a quarter as uncertain as
    the last one sent here, and otherwise one in five minutes.
    """
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
    return entry.counter - frame.opening_of(entry.body)


def _uncertainty(entry: Waiting) -> int:
    """Return metres; 65535 if unknown, far more without a position."""
    accuracy = frame.accuracy_of(entry.body)
    return _NOWHERE if accuracy is None else accuracy


def _goes_before(a: Waiting, b: Waiting) -> bool:
    first, second = _PRIORITY[a.kind], _PRIORITY[b.kind]
    if first != second:
        return first < second
    if a.kind == b.kind == frame.UPDATE:
        return a.counter > b.counter  # the present position matters more than past ones
    return a.counter < b.counter

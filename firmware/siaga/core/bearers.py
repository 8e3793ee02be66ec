"""What is sent next, on which bearer, how often and in which form. Pure: time and chance are arguments.

Bearers stand in the order in which they are preferred; a bearer's place in that list is its index everywhere here.
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
# First and longest wait for the gateway's acknowledgement before the frame goes out again, milliseconds.
_WAITS = {
    frame.PRESS: (3000, 30000),
    frame.CANCEL: (3000, 60000),
    frame.TAMPER: (3000, 60000),
    frame.UPDATE: (5000, 60000),
    frame.CHECKIN: (10000, 300000),
    frame.RECEIPT: (10000, 300000),
    frame.ENROL: (5000, 30000),
}
# Without an acknowledgement for so long, the next bearer starts beside the first.
BESIDE_MS = const(5000)
_STATUS_BYTES = const(8)


class Link:
    """One bearer as the policy sees it. limit: bytes that its payload takes now. up: whether it takes any."""

    def __init__(self, up: bool = False, limit: int = 65535) -> None:
        self.up = up
        self.limit = limit


class Waiting:
    """One frame that waits for its acknowledgement. since_ms: when it was kept. durable: whether it is on the flash,
    or can be made again at any time. signed: its ES256 form, once made. Per bearer: how often it went out, and when
    it may go (again)."""

    def __init__(self, kind: int, counter: int, body: bytes, since_ms: int, bearers: int) -> None:
        self.kind = kind
        self.counter = counter
        self.body = body
        self.since_ms = since_ms
        self.attempts = [0] * bearers
        self.due_ms = [since_ms] * bearers
        self.durable = True
        self.signed = None  # type: bytes | None


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


def sent(entry: Waiting, link: int, now_ms: int, chance: int) -> None:
    """Note that a frame went out on a bearer; it is due there again after its back-off."""
    first_ms, longest_ms = _WAITS[entry.kind]
    entry.due_ms[link] = now_ms + back_off_ms(entry.attempts[link], first_ms, longest_ms, chance)
    entry.attempts[link] += 1


def renewed(entries: "list[Waiting]", link: int, now_ms: int) -> None:
    """A bearer came up: whatever waits is due on it at once."""
    for entry in entries:
        entry.due_ms[link] = min(entry.due_ms[link], now_ms)


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
            if 14 + length + frame.tag_length(suite) <= limit:
                return suite, length
    return None


def _open_at(entry: Waiting, rank: int) -> int:
    """From when a frame may use the bearer that stands at this rank among those that are up; -1 = never."""
    if rank == 0:
        return entry.since_ms
    if _PRIORITY[entry.kind] > 1:
        return -1
    return entry.since_ms + rank * BESIDE_MS


def _goes_before(a: Waiting, b: Waiting) -> bool:
    first, second = _PRIORITY[a.kind], _PRIORITY[b.kind]
    if first != second:
        return first < second
    if a.kind == b.kind == frame.UPDATE:
        return a.counter > b.counter  # where the holder is now matters more than where he was
    return a.counter < b.counter


def choose(entries: "list[Waiting]", links: "list[Link]", now_ms: int) -> "tuple[Waiting, int] | None":
    """The frame to send now and the index of its bearer, or None while nothing is due."""
    best = None  # type: tuple[Waiting, int] | None
    rank = 0
    for index in range(len(links)):
        if not links[index].up:
            continue
        for entry in entries:
            opens = _open_at(entry, rank)
            if opens < 0 or now_ms < opens or now_ms < entry.due_ms[index]:
                continue
            if form(entry.kind, len(entry.body), links[index].limit) is None:
                continue
            if best is None or _goes_before(entry, best[0]):
                best = entry, index
        rank += 1
    return best


def wait_ms(entries: "list[Waiting]", links: "list[Link]", now_ms: int, longest_ms: int) -> int:
    """How long choose() will go on answering None if nothing happens; at most longest_ms, at least 0."""
    soonest = now_ms + longest_ms
    rank = 0
    for index in range(len(links)):
        if not links[index].up:
            continue
        for entry in entries:
            opens = _open_at(entry, rank)
            if opens >= 0 and form(entry.kind, len(entry.body), links[index].limit) is not None:
                soonest = min(soonest, max(opens, entry.due_ms[index]))
        rank += 1
    return max(0, soonest - now_ms)

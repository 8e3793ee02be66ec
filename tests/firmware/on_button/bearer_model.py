"""A model check of the bearer policy, with the firmware's own code and a clock that does not run.

The claim: whatever the bearers do, for however long, once one of them works for 20 s the press has been delivered and
acknowledged within those 20 s. Searched are all histories in which every 5 s each bearer does something else, press
times in between, back-offs at their shortest and their longest. States that can be told apart by nothing that matters
any more are one, so that the search ends although the histories do not.

Of the bearers before the one that is watched it matters only how many are up: they lose whatever they take. Those
behind it do not matter at all. Runs under CPython (imported by test_bearer_model.py) and under MicroPython.
"""

from siaga.core import bearer_policy, frame
from siaga.core.bearer_policy import Link, Waiting

SLOT_MS = 5000
WINDOW_MS = 20000
# The longest way there and back: at the press's longest rest it must still fit into the window.
FLIGHT_MS = 8000
# A bearer whose send failed is up again after so long at most (drivers/modem_bearer.py, while a press waits).
AGAIN_MS = 4000

DOWN = "down"
LOSES = "loses"  # says that it is up, takes everything, and nothing arrives
HANGS = "hangs"  # says that it is up, and is never done with a frame
REFUSES = "refuses"  # goes down over each frame, and comes up again
WORKS = "works"

PLAIN = "plain"
LORAWAN = "lorawan"
COSTLY = "costly"
# A message centre keeps what it took, and tells what it does not take: a text message is never lost in silence here.
DOES = {
    PLAIN: (DOWN, LOSES, HANGS, WORKS),
    LORAWAN: (DOWN, LOSES, HANGS, WORKS),
    COSTLY: (DOWN, REFUSES, HANGS, WORKS),
}
# Chance at its extremes: 0, and one less than a multiple of every span that a wait is drawn from.
LONGEST = 1
for _span in (1501, 3001, 6001, 2251, 2751, 15001, 30001, 60001, 120001, 150001):
    LONGEST *= _span
CHANCES = (0, LONGEST - 1)


class Violation(Exception):
    pass


def new_link(kind):
    if kind == LORAWAN:
        return Link(False, 53, least_ms=9000)
    return Link(False, 107, costly=True) if kind == COSTLY else Link()


class World:
    """One press, and the bearers: the last one is watched."""

    def __init__(self, before, kind):
        self.before = before
        self.kind = kind
        self.now = 0
        self.links = [new_link(PLAIN) for _ in range(before)] + [new_link(kind)]
        body = frame.encode_report(0, 1, 1, 5, 0, 50, 0, 0)
        self.entry = Waiting(frame.PRESS, 7, body, 0, before + 1)
        self.does = DOWN
        self.held = False  # the driver has the frame and is not done with it
        self.flights = []  # when an answer arrives, if it still works then
        self.up_ms = -1  # when a bearer that refused comes up again
        self.worked = 0
        self.acked = False

    def copy(self):
        other = object.__new__(World)
        other.before = self.before
        other.kind = self.kind
        other.now = self.now
        other.acked = False
        other.links = []
        for link in self.links:
            its = Link(False, link.limit, costly=link.costly, least_ms=link.least_ms)
            its.up = link.up
            its.busy = link.busy
            other.links.append(its)
        entry = self.entry
        its = other.entry = Waiting(entry.kind, entry.counter, entry.body, entry.since_ms, 0)
        its.attempts = list(entry.attempts)
        its.due_ms = list(entry.due_ms)
        its.taken = entry.taken
        other.does = self.does
        other.held = self.held
        other.flights = list(self.flights)
        other.up_ms = self.up_ms
        other.worked = self.worked
        return other

    def key(self):
        """What the future depends on."""
        entry, link, index = self.entry, self.links[-1], self.before
        return (
            min(self.now, 20000),
            max(0, entry.due_ms[index] - self.now),
            min(entry.attempts[index], 5 if self.kind == COSTLY else 3),
            entry.taken >> index & 1,
            sum(one.up for one in self.links),
            link.busy,
            self.does,
            self.held,
            tuple(max(at - self.now, 0) for at in self.flights[:1]),
            self.up_ms - self.now if self.up_ms >= 0 else -1,
            self.worked,
        )

    def turn(self, up, does):
        """From now on so many of the bearers before are up, and the watched one does this."""
        for index in range(self.before):
            self._up(index, index < up)
        link, before = self.links[-1], self.does
        self.does = does
        if does != WORKS:
            self.worked = 0
            if self.kind != COSTLY:
                self.flights = []
        self.up_ms = -1
        self._up(self.before, does != DOWN)
        if before == HANGS and does != HANGS:
            link.busy = False
            if self.held and does != DOWN:
                self._over()
            self.held = False

    def _up(self, index, up):
        link = self.links[index]
        came = up and not link.up
        link.up = up
        if came:
            bearer_policy.renewed([self.entry], index, link, self.now)

    def _over(self):
        """The watched bearer's driver is done with a frame."""
        link = self.links[-1]
        if self.does == WORKS:
            bearer_policy.taken(self.entry, self.before)
            self.flights.append(self.now + FLIGHT_MS)
        elif self.does == REFUSES:
            link.up = False
            self.up_ms = self.now + AGAIN_MS
        elif self.does == HANGS:
            self.held = True
            link.busy = self.kind == PLAIN  # the others have a queue, and take a frame at once

    def live(self, until, chance):
        """Until this moment, or the acknowledgement. Returns whether chance decided anything."""
        entry, links = self.entry, self.links
        drawn = False
        while True:
            chosen = bearer_policy.choose([entry], links, self.now)
            if chosen is not None:
                index = chosen[1]
                drawn = True
                bearer_policy.sent(entry, index, links[index], self.now, chance)
                if index == self.before and not self.held:
                    self._over()
                continue
            then = self.now + bearer_policy.wait_ms([entry], links, self.now, until - self.now)
            if self.does == WORKS:
                for at in self.flights:
                    then = min(then, max(at, self.now))
            if self.up_ms >= 0:
                then = min(then, self.up_ms)
            if self.does == WORKS:
                self.worked += then - self.now
            self.now = then
            if self.does == WORKS and any(at <= then for at in self.flights):
                self.acked = True
                return drawn
            if then >= until:
                return drawn
            if self.up_ms == then:
                self.up_ms = -1
                self._up(self.before, True)


def search(before, kind, offsets=(0, 1000, 2000, 3000, 4000), most=10**9):
    """How many states there are with so many bearers before the watched one. Raises Violation. most: give up there."""
    seen = set()
    begun = set()
    for offset in offsets:
        start = World(before, kind)
        frontier = [(start, [])]
        while frontier:
            world, path = frontier.pop()
            until = world.now + SLOT_MS if world.now else SLOT_MS - offset
            for up in range(before + 1):
                for does in DOES[kind]:
                    turned = world.copy()
                    turned.turn(up, does)
                    beginning = (until - turned.now, turned.key())
                    if beginning in begun:
                        continue  # others have come to the same slot by another way
                    begun.add(beginning)
                    for chance in CHANCES:
                        after = turned.copy()
                        drawn = after.live(until, chance)
                        key = None if after.acked else after.key()
                        if key is not None and key not in seen:
                            way = path + [(up, does, chance > 0)]  # noqa: RUF005 (MicroPython)
                            if after.worked >= WINDOW_MS:
                                raise Violation(f"press {offset} ms into a slot: {way}")
                            seen.add(key)
                            if len(seen) >= most:
                                return len(seen)
                            frontier.append((after, way))
                        if not drawn:
                            break  # another chance would lead to the same
    return len(seen)


if __name__ == "__main__":
    print("states", search(1, PLAIN, (0,)), search(1, LORAWAN, (0,)), search(1, COSTLY, (0,)))

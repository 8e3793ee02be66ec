"""The three ways in which a button spends its energy, and when it may sleep. Pure: time and facts are arguments."""

from micropython import const

# Awake for so long after the last thing that mattered: answers and commands may follow it.
LINGER_MS = const(5000)
# A check-in that nobody acknowledges is given up for now after so long awake, and tried again after the pauses below.
TRY_MS = const(120000)
_FIRST_PAUSE_S = const(1800)
# Below the battery's floor a press that waits is tried so often, and the chip sleeps between.
_FLOOR_PAUSE_S = const(600)


class Profile:
    """checkin_s: period of the check-ins. keepalive_s: of the modem's MQTT connection. sleeps: whether the chip sleeps
    while nothing goes on. modem_off: whether the modem is off meanwhile; else it sleeps too, registered and connected,
    and its ring line wakes the chip."""

    def __init__(self, checkin_s: int, keepalive_s: int, sleeps: bool, modem_off: bool) -> None:
        self.checkin_s = checkin_s
        self.keepalive_s = keepalive_s
        self.sleeps = sleeps
        self.modem_off = modem_off


PROFILES = {
    "installed": Profile(60, 60, False, False),
    # Each ping costs some ten seconds of radio; a network that forgets a silent connection sooner is found out by the
    # check-in that a wakened button sends while it is still being held.
    "ready": Profile(21600, 900, True, False),
    "deep": Profile(86400, 60, True, True),
}


def pause_s(failures: int, checkin_s: int) -> int:
    """How long to sleep with something still waiting: half an hour, doubling up to a check-in's period."""
    return min(_FIRST_PAUSE_S << min(failures, 16), max(checkin_s, _FIRST_PAUSE_S))


def sleep_s(
    profile: Profile,
    idle: bool,
    awake_ms: int,
    quiet_ms: int,
    waits: bool,
    urgent: bool,
    at_floor: bool,
    due_s: int,
    failures: int,
    checkin_s: int,
) -> int:
    """How long to sleep now, -1 = not at all.

    idle: no incident, no test, no hand on the button, no command or update under way, no mains. awake_ms: since this
    run began. quiet_ms: since the last thing that mattered. waits: something is in the outbox; urgent: a press or the
    like is. at_floor: the battery is at its floor. due_s: to the next check-in. failures: how often it slept before
    with something waiting.
    """
    if not profile.sleeps or not idle or quiet_ms < LINGER_MS:
        return -1
    if not waits:
        return max(due_s, 1)
    if awake_ms < TRY_MS or quiet_ms < TRY_MS // 2:
        return -1
    if urgent:
        return _FLOOR_PAUSE_S if at_floor else -1
    return min(pause_s(failures, checkin_s), max(due_s, 1)) if due_s > 0 else pause_s(failures, checkin_s)

"""The three power profiles, and when a button may sleep. Pure: time and facts are arguments."""

from micropython import const

# How long to stay awake after the last activity: answers and commands may follow it.
LINGER_MS = const(5000)
# A check-in without acknowledgement is given up for now after this long awake, and retried after the pauses below.
TRY_MS = const(120000)
_FIRST_PAUSE_S = const(1800)
# Below the battery's floor a pending press is tried this often, and the chip sleeps in between.
_FLOOR_PAUSE_S = const(600)


class Profile:
    """A power profile.

    checkin_s: period of the check-ins
    keepalive_s: of the modem's MQTT connection
    sleeps: whether the chip sleeps when idle
    modem_off: whether the modem is off meanwhile; else it sleeps too, registered and connected, and its ring line wakes
        the chip
    """

    def __init__(self, checkin_s: int, keepalive_s: int, sleeps: bool, modem_off: bool) -> None:
        self.checkin_s = checkin_s
        self.keepalive_s = keepalive_s
        self.sleeps = sleeps
        self.modem_off = modem_off


PROFILES = {
    "installed": Profile(60, 60, False, False),
    # Each ping costs some ten seconds of radio; a network that drops an idle connection sooner is detected by the
    # check-in that a woken button sends while it is still held.
    "ready": Profile(21600, 900, True, False),
    "deep": Profile(86400, 60, True, True),
}


def pause_s(failures: int, checkin_s: int) -> int:
    """Return how long to sleep with a frame pending: half an hour, doubling up to a check-in's period."""
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
    """Return how many seconds to sleep now, -1 = stay awake.

    idle: no incident, no test, no finger on the button, no command or update in progress, no mains
    awake_ms: since this run began
    quiet_ms: since the last activity
    waits: something is in the outbox
    urgent: it is a press or the like
    at_floor: the battery is at its floor
    due_s: to the next check-in
    failures: how often it slept before with something pending
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

"""What the app needs from a board. Each file in siaga/boards overrides it; what a board lacks keeps the default
here."""

from micropython import const

# Why the chip runs: causes().
POWER = "power"  # power-on
RESET = "reset"  # reset line, watchdog or the firmware itself
BUTTON = "button"  # from deep sleep: the button
INPUT = "input"  # from deep sleep: the external input
CASE = "case"  # from deep sleep: the case switch
MODEM = "modem"  # from deep sleep: the modem's ring line
TIMER = "timer"  # from deep sleep: its timer ran out

# The hardware watchdog, from the start on: without feed() for this long the board resets.
GUARD_MS = const(60000)

# Why run() returned (board.ended); the board then acts on it.
SLEEP = "sleep"
RESTART = "restart"


class EarlyEdges:
    """Edges of button and external input before sampling began.

    lines: for one or both, in awake_ms(): (active at the first sample, its time, [(time, active) of each edge])
    before_ms: how long the current hold had lasted before the first sample
    held_ms: the longest undecided hold of an earlier start
    lost: a hold was in progress at that start, and has ended
    """

    def __init__(self, lines: "list[tuple[bool, int, list[tuple[int, bool]]]]") -> None:
        self.lines = lines
        self.before_ms = 0
        self.held_ms = 0
        self.lost = False


class Board:
    """A board, as the app sees it.

    name: as a firmware bundle lists it
    folder: where the app's files are, on littlefs
    profile: power profile if the settings give none
    ended: why run() returned
    sleep_ms: with SLEEP, the longest sleep
    modem_sleeps: with SLEEP, whether the modem stays registered meanwhile, so that its lines have to be held
    network: Wi-Fi, None = the board has none
    modem, lorawan, receiver: the parts in board_parts.py, None = the board has none
    unfit: the board cannot carry the firmware, but tries to
    """

    name = ""
    folder = "/siaga"
    profile = "installed"
    ended = ""
    sleep_ms = 0
    modem_sleeps = False
    modem: "ModemParts | None" = None
    lorawan: "LorawanParts | None" = None
    receiver: "ReceiverParts | None" = None
    unfit = False

    def __init__(self, rtc: "Rtc", lamp: "Lamp", network: "Network | None") -> None:
        self.rtc = rtc
        self.lamp = lamp
        self.network = network

    def tell(self, event: str, facts: "dict[str, object]") -> None:
        """Write an event to the console: one JSON object a line, with its time."""

    def stamp_ms(self) -> int:
        """Return the time that tell() writes, Unix milliseconds."""
        return 0

    def causes(self) -> "tuple[str, ...]":
        """Return why the chip runs: all the causes above that coincided, manual ones first. Constant for the whole
        run."""
        return (RESET,)

    def woke_by(self) -> str:
        """Return the first of causes()."""
        return self.causes()[0]

    def awake_ms(self) -> int:
        """Return the milliseconds since power-on or wake-up."""
        return 0

    def early(self) -> "EarlyEdges | None":
        """Return the edges so far, None if nobody recorded them; from this call on the caller samples."""
        return None

    def note_hold(self, undecided: bool) -> None:
        """Note across resets that a hold is undecided; False clears the note."""

    def kept(self) -> bytes:
        """Return what keep() stored before a reset or deep sleep; b"" after a power cut."""
        return b""

    def keep(self, record: bytes) -> None:
        """Store a record of at most 256 bytes across resets and deep sleep, in memory without flash wear."""

    def pressed(self) -> bool:
        """Return whether the button's contact is closed now."""
        return False

    def alarm_input(self) -> bool:
        """Return whether the external input's contact (a bank's foot switch) is closed now."""
        return False

    def tamper_open(self) -> bool:
        """Return whether the case is open."""
        return False

    def external_power(self) -> bool:
        """Return whether mains or a charger is connected."""
        return False

    def lack(self) -> str:
        """Return why this board cannot carry the firmware, "" = it can. Called once, first of all."""
        return ""

    def memory(self) -> "tuple[int, int, int] | None":
        """Return the state of the memory beside Python's heap, in bytes: free, largest free block, lowest free ever.
        None = unknown."""
        return None

    def battery(self) -> "int | None":
        """Return the battery's charge in percent, None = unknown."""
        return None

    def fix(self) -> "tuple[int, int, int, int, int] | None":
        """Return the position, if the board itself knows it: latitude, longitude (degrees x 10^7), accuracy (metres,
        65535 = unknown), age (seconds), and a number that changes with every new fix. None = never known."""
        return None

    def noise(self) -> bytes:
        """Return chip-specific entropy for a new key. First makes sure that the port's random source is a good one."""
        return b""

    def offered_settings(self) -> "bytes | None":
        """Return the settings file that an installer offers at this start, unparsed; None = none."""
        return None

    def use(self, settings: "Settings") -> None:
        """Take the settings that apply from now on."""

    def feed(self) -> None:
        """Feed the watchdog: every task is alive."""

    def mark(self, call: int) -> None:
        """Note which call is in progress, 0 = none, where it survives a reset and costs nothing: 30 bits."""

    def marked(self) -> int:
        """Return which call was in progress at the reset before this start; 0 after a power cut."""
        return 0

    def left_out(self) -> bytes:
        """Return what leave_out() stored; it lasts until a power cut."""
        return b""

    def leave_out(self, record: bytes) -> None:
        """Store a record of at most 96 bytes across resets and deep sleep, as keep() does."""

    async def surroundings(self) -> None:
        """Run the board's own background work until the button is to stop; the reason is in ended."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.settings import Settings
    from siaga.drivers.board_parts import LorawanParts, ModemParts, Network, ReceiverParts
    from siaga.drivers.clock import Rtc
    from siaga.drivers.indicator import Lamp

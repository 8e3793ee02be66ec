"""What the app needs of a board. Each file in siaga/boards fills it in; what a board has not stays as it is here."""

from micropython import const
from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp
from siaga.drivers.parts import Network

# Why the chip runs: causes().
POWER = "power"  # the power came on
RESET = "reset"  # by the reset line, the watchdog or the firmware itself
BUTTON = "button"  # from deep sleep: the button
INPUT = "input"  # from deep sleep: the external input
CASE = "case"  # from deep sleep: the case switch
MODEM = "modem"  # from deep sleep: the modem's ring line
TIMER = "timer"  # from deep sleep: its time was over

# The processor's watchdog: without feed() for so long, from the start on, the board resets.
GUARD_MS = const(60000)

# Why run() came back: board.ended. The board then does what the word says.
SLEEP = "sleep"
RESTART = "restart"


class Early:
    """What button and external input did before anybody sampled them. lines: of both, or fewer, in awake_ms(): (acts at
    the first look, when that was, [(when, acts) of each change]). before_ms: how long the hold that goes on had lasted
    before the first look. held_ms: the longest one of a start before this one, which nobody has decided about. lost:
    one was under way then, and is over."""

    def __init__(self, lines: "list[tuple[bool, int, list[tuple[int, bool]]]]") -> None:
        self.lines = lines
        self.before_ms = 0
        self.held_ms = 0
        self.lost = False


class Board:
    """name: as a firmware bundle lists it. folder: where the app's files are, on littlefs. profile: how it is powered
    if the settings do not say. ended: why run() came back; with SLEEP, sleep_ms is how long at most, and modem_sleeps
    whether the modem stays registered meanwhile (its lines have to be held). network: Wi-Fi; modem, lorawan, receiver:
    the parts in drivers/parts.py; None = the board has none. unfit: it cannot carry the firmware, and tries to."""

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

    def __init__(self, rtc: Rtc, lamp: Lamp, network: "Network | None") -> None:
        self.rtc = rtc
        self.lamp = lamp
        self.network = network

    def tell(self, event: str, facts: "dict[str, object]") -> None:
        """Say something to whoever listens on the console: one JSON object a line, with its time."""

    def stamp_ms(self) -> int:
        """The time that tell() writes, Unix milliseconds."""
        return 0

    def causes(self) -> "tuple[str, ...]":
        """Why the chip runs: words above, all that came together, a hand's first. The same for the whole run."""
        return (RESET,)

    def woke_by(self) -> str:
        """The first of causes()."""
        return self.causes()[0]

    def awake_ms(self) -> int:
        """Milliseconds since the power came, or since what woke the chip."""
        return 0

    def early(self) -> "Early | None":
        """What the hand did until now, None where nobody watched; whoever asks watches from now on."""
        return None

    def note_hold(self, undecided: bool) -> None:
        """Have a hold that nobody has decided about outlive a reset; False: there is none any more."""

    def kept(self) -> bytes:
        """What keep() was given before a reset or deep sleep; b"" where the power was away."""
        return b""

    def keep(self, record: bytes) -> None:
        """Have a record of at most 256 bytes outlive a reset and deep sleep, in memory that costs no flash."""

    def pressed(self) -> bool:
        """The button's contact, now."""
        return False

    def alarm_input(self) -> bool:
        """The external input's contact (a bank's foot switch), now."""
        return False

    def tamper_open(self) -> bool:
        """Whether the case is open."""
        return False

    def external_power(self) -> bool:
        """Whether mains or a charger is there."""
        return False

    def lack(self) -> str:
        """Why this board cannot carry the firmware, "" = it can. Asked once, first of all."""
        return ""

    def memory(self) -> "tuple[int, int, int] | None":
        """Of the memory beside Python's heap: bytes free, the largest free block, the least that was ever free. None =
        not known."""
        return None

    def battery(self) -> "int | None":
        """Percent, None = unknown."""
        return None

    def fix(self) -> "tuple[int, int, int, int, int] | None":
        """Where the button is, if the board itself knows: latitude, longitude (degrees x 10^7), accuracy (metres,
        65535 = unknown), age (seconds), and a number that changes with every new fix. None = never known."""
        return None

    def noise(self) -> bytes:
        """What is peculiar to this chip, for a new key. Makes the port's random source a good one first."""
        return b""

    def offered_settings(self) -> "bytes | None":
        """The settings file that an installer hands over at this start, as it was written."""
        return None

    def use(self, settings: "Settings") -> None:
        """The settings that hold from now on."""

    def feed(self) -> None:
        """Everything that has to run does run."""

    def mark(self, call: int) -> None:
        """Note which call is under way, 0 = none, where a reset leaves it and it costs nothing: 30 bits."""

    def marked(self) -> int:
        """Which one was when the reset came that this start follows; 0 after a power cut."""
        return 0

    def left_out(self) -> bytes:
        """What leave_out() was given, until the power is cut."""
        return b""

    def leave_out(self, record: bytes) -> None:
        """Have a record of at most 96 bytes outlive a reset and deep sleep, as keep() does."""

    async def surroundings(self) -> None:
        """Whatever the board itself has to do all the time, until the button is to stop; the reason is in ended."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.chosen import Settings
    from siaga.drivers.parts import LorawanParts, ModemParts, ReceiverParts

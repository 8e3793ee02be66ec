"""What the app needs of a board. Each file in siaga/boards fills it in; what a board has not stays as it is here."""

from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp
from siaga.drivers.wifi_mqtt import Network


class Board:
    """folder: where the app's files are, on littlefs. ended: why run() came back."""

    folder = "/siaga"
    ended = ""

    def __init__(self, rtc: Rtc, lamp: Lamp, network: Network) -> None:
        self.rtc = rtc
        self.lamp = lamp
        self.network = network

    def tell(self, event: str, facts: "dict[str, object]") -> None:
        """Say something to whoever listens on the console: one JSON object a line, with its time."""

    def stamp_ms(self) -> int:
        """The time that tell() writes, Unix milliseconds."""
        return 0

    def powered_up(self) -> bool:
        """Whether this start is the power coming on, not a reset or a watchdog."""
        return False

    def pressed(self) -> bool:
        """The button's contact, now."""
        return False

    def tamper_open(self) -> bool:
        """Whether the case is open."""
        return False

    def external_power(self) -> bool:
        """Whether mains or a charger is there."""
        return False

    def battery(self) -> "int | None":
        """Percent, None = unknown."""
        return None

    def fix(self) -> "tuple[int, int, int, int, int] | None":
        """Where the button is: latitude, longitude (degrees x 10^7), accuracy (metres, 65535 = unknown), age
        (seconds), and a number that changes with every new fix. None = never known."""
        return None

    def noise(self) -> bytes:
        """What is peculiar to this chip, for a new key. Makes the port's random source a good one first."""
        return b""

    def offered_settings(self) -> "str | None":
        """Settings that an installer hands over at this start, as JSON text."""
        return None

    def use(self, settings: "Settings") -> None:
        """The settings that hold from now on."""

    def guard(self, timeout_ms: int) -> None:
        """Start the processor's watchdog: without feed() for so long the board resets."""

    def feed(self) -> None:
        """Everything that has to run does run."""

    async def surroundings(self) -> None:
        """Whatever the board itself has to do all the time, until the button is to stop; the reason is in ended."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.settings import Settings

"""The bearers and the receiver that this board carries and the settings ask for. Unused drivers are not imported: their
code takes memory."""

import binascii

from siaga.app.identity import ENROL_COUNTER
from siaga.core.errors import SiagaError
from siaga.core.hmac import broker_password

# The receiver stays on for this long after its last use, so that its next start is a hot one.
_LINGER_MS = 60000

_DOOR = "enrol"


class Login:
    """The broker login: from the settings, if they name a user; otherwise the button's own.

    Until it is enrolled (only then does a broker know it), it uses the shared enrolment login for every other
    connection to each broker, if the settings have its password, only to deliver its ENROL.
    """

    def __init__(self, settings: "Settings", identity: "Identity") -> None:
        self._settings = settings
        self._identity = identity
        self._at_door = False
        self._doors = set()  # type: set[int]

    def next(self, place: int) -> "tuple[str, str]":
        """Return user and password for the next connection to this broker. place: its index."""
        settings = self._settings
        if settings.mqtt_user:
            return settings.mqtt_user, settings.mqtt_password
        wants = bool(settings.mqtt_password) and not self._identity.enrolled
        self._at_door = wants and place not in self._doors
        self._doors.discard(place)
        if self._at_door:
            self._doors.add(place)
            return _DOOR, settings.mqtt_password
        return binascii.hexlify(self._identity.device_id).decode(), broker_password(self._identity.mac_up)

    def is_done(self, counter: int) -> bool:
        """Return whether the enrolment login has done its work, now that the broker has the frame with this counter."""
        return self._at_door and counter == ENROL_COUNTER


class Radios:
    """The board's radios.

    bearers: in order of preference
    tasks: (name, coroutine function) of the tasks to run
    located: position source, None = only the board knows
    tls: TLS of the link over the board's own network, None = there is none
    """

    def __init__(
        self,
        board: "Board",
        settings: "Settings",
        profile: "Profile",
        memory: "RtcMemory",
        clock: "Clock",
        owner: "Owner",
        identity: "Identity",
        tell: "Tell",
    ) -> None:
        self.bearers: "list[Bearer]" = []
        self.tasks: "list[tuple[str, Start]]" = []
        self.located: "LastKnownFix | None" = None
        self.modem: "Modem | None" = None
        self.voice: "Voice | None" = None
        self.tls: "ServerTls | None" = None
        self._board = board
        self._settings = settings
        self._profile = profile
        self._memory = memory
        self._clock = clock
        self._owner = owner
        self._tell = tell
        self._name = binascii.hexlify(identity.device_id).decode()
        self._login = Login(settings, identity)
        self._wanted_ms = -_LINGER_MS
        self._fix_number = 0
        ways = settings.ways(board.network, board.modem is not None, board.lorawan is not None)
        if not settings.mqtt_hosts:
            tell("error", what="setting mqtt_hosts is missing: no MQTT until it is set")
        elif "mqtt" not in ways and "lte" not in ways:
            tell("error", what="setting wifi_ssid is missing: no MQTT until it is set")
        if board.network is not None and "mqtt" in ways:
            self._add_wifi(board.network)
        if board.modem is not None:
            self._add_modem(board.modem)
        if board.lorawan is not None and "lorawan" in ways:
            self._add_lorawan(board.lorawan)
        if "sms" in ways:
            self._add_sms()
        if board.modem is not None and (settings.call_number or settings.answer_numbers):
            self._add_voice()
        if board.receiver is not None:
            self._add_receiver(board.receiver)
        self.tasks += [("bearer " + bearer.name, bearer.run) for bearer in self.bearers]
        if not self.bearers:
            tell(
                "error",
                what="this button reaches nobody: neither mqtt_hosts nor lorawan_app_key nor sms_numbers is of use",
            )

    def _add_wifi(self, network: "Network") -> None:
        from siaga.app.broker_addresses import KnownHosts
        from siaga.core.mqtt import Session
        from siaga.drivers.wifi_mqtt import WifiMqtt

        settings = self._settings
        if settings.mqtt_tls:
            from siaga.drivers.tls import ServerTls

            self.tls = ServerTls(settings.mqtt_ca, self._clock)
        session = Session(
            self._name,
            settings.mqtt_user,
            settings.mqtt_password,
            "siaga/v1/down/" + self._name,
            settings.mqtt_keepalive_s,
            settings.mqtt_reply_s * 1000,
        )
        session.login = self._login
        to = settings.brokers(), KnownHosts(self._board.folder), self.tls, settings.mqtt_server_name
        self.bearers.append(WifiMqtt(network, self._clock, self._owner, session, self._name, *to))

    def _add_modem(self, parts: "ModemParts") -> None:
        from siaga.app.sim_pin_record import SimRecord
        from siaga.drivers.simcom import Modem
        from siaga.drivers.simcom_sim import Access

        settings = self._settings
        store = SimRecord(self._board.folder)
        access = Access(settings.apn, settings.apn_user, settings.apn_password, settings.sim_pin, store)
        modem = self.modem = Modem(parts.uart, parts.power, self._clock, self._owner, access)
        modem.port.percent = parts.percent
        modem.on_told = lambda what: self._tell("log", what=what)
        modem.on_complaint = lambda what: self._tell("error", what=what)
        self.tasks.append(("modem", modem.run))
        if parts.has_gnss:
            from siaga.drivers.modem_gnss import ModemGnss

            located = ModemGnss(self._clock, self._memory.fix, self._memory.fix_ago_s)
            modem.receiver.on_position = located.on_position
            self.located = located
        if settings.mqtt_hosts:
            from siaga.drivers.simcom_client import Broker
            from siaga.drivers.simcom_mqtt import Lte

            broker = Broker(
                settings.brokers(),
                settings.mqtt_ca if settings.mqtt_tls else "",
                settings.mqtt_user,
                settings.mqtt_password,
                self._name,
                self._profile.keepalive_s,
            )
            broker.login = self._login
            lte = Lte(modem, self._clock, self._owner, broker, self._name)
            lte.resumes = self._memory.connected
            self.bearers.append(lte)

    def _add_sms(self) -> None:
        from siaga.drivers.simcom_sms import Sms

        assert self.modem is not None
        self.bearers.append(Sms(self.modem, self._clock, self._owner, self._settings.sms_numbers))

    def _add_voice(self) -> None:
        from siaga.drivers.simcom_voice import Voice

        assert self.modem is not None
        settings = self._settings
        allowed = not settings.silent or settings.call_when_silent
        numbers = settings.call_number, settings.answer_numbers
        self.voice = Voice(
            self.modem, self._clock, lambda step, why: self._tell("call", step=step, why=why), *numbers, allowed
        )
        self.tasks.append(("voice", self.voice.run))

    def _add_lorawan(self, parts: "LorawanParts") -> None:
        from siaga.core.lorawan import LorawanSettings
        from siaga.drivers.rak3172 import Rak3172

        settings = self._settings
        lorawan = LorawanSettings(
            settings.lorawan_app_key,
            settings.lorawan_join_eui or "0" * 16,
            settings.lorawan_dev_eui,
            settings.lorawan_band,
            settings.lorawan_dwell,
            settings.lorawan_adr,
            low_power=self._profile.sleeps,
        )
        self.bearers.append(Rak3172(parts.uart, self._clock, self._owner, lorawan, parts.reset))

    def _add_receiver(self, parts: "ReceiverParts") -> None:
        from siaga.drivers.gnss import Gnss

        receiver = Gnss(parts.uart, self._clock, self._memory.fix, parts.restart, self._memory.fix_ago_s)
        self.located = receiver
        self.tasks.append(("receiver", receiver.run))

    # Telephone calls

    def on_state(self, state: "State") -> None:
        """Take the alarm's state, after each step."""
        if self.voice is not None:
            self.voice.on_state(state)

    @property
    def calling(self) -> bool:
        """Return whether a call is in progress or still to be made: the button stays awake."""
        return self.voice is not None and self.voice.calls.busy

    # Position

    def fix(self) -> "tuple[int, int, int, int, int] | None":
        """Return the receiver's fix, or what the board itself knows; as Board.fix()."""
        fix = None if self.located is None else self.located.fix()
        return self._board.fix() if fix is None else fix

    def knows_place(self) -> bool:
        """Return whether searching is pointless: there is a fresh fix, or no receiver."""
        return self.located is None or self.located.is_fresh()

    @property
    def rejected(self) -> int:
        """Return the number of inputs refused since the start, for the check-in."""
        return 0 if self.located is None else self.located.rejected

    def locate(self, wanted: bool) -> None:
        """Say whether somebody wants a position now; call it a few times a second."""
        now_ms = self._clock.ms()
        if wanted:
            self._wanted_ms = now_ms
        on = now_ms - self._wanted_ms < _LINGER_MS
        if self.modem is not None:
            self.modem.receiver.wanted = on
        parts = self._board.receiver
        if parts is not None and parts.supply is not None:
            parts.supply.value(on)
        if self.located is not None:
            fix = self.located.fix()
            if fix is not None and fix[4] != self._fix_number:
                self._fix_number = fix[4]
                if self._clock.satellites(self.located.moment()):
                    self._tell("log", what="clock set by satellites: %d" % self._clock.unix())
                self._memory.keep_fix(self.located.saved())

    # Sleep

    async def rest(self) -> bool:
        """Prepare the radios for the chip's sleep, as the profile says. Returns whether the modem stays connected."""
        off = self._profile.modem_off
        lte = self._bearer("lte")
        connected = lte is not None and lte.policy.up
        for bearer in self.bearers:
            if bearer.name == "mqtt" or off and bearer.name == "lte":
                await bearer.close()
        parts = self._board.receiver
        if parts is not None and parts.supply is not None:
            parts.supply.value(0)
        if self.modem is None:
            return False
        try:
            return await self.modem.rest(off) and connected and not off
        except (SiagaError, OSError) as error:
            self._tell("log", what="the modem does not go to sleep: %s" % error)
            return False

    def rouse(self) -> None:
        """Undo rest(): the chip stays awake after all."""
        if self.modem is not None:
            self.modem.rouse()

    def _bearer(self, name: str) -> "Bearer | None":
        for bearer in self.bearers:
            if bearer.name == name:
                return bearer
        return None


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from siaga.app.board import Board
    from siaga.app.identity import Identity
    from siaga.app.rtc_memory import RtcMemory
    from siaga.app.settings import Settings
    from siaga.core.alarm import State
    from siaga.core.power_profile import Profile
    from siaga.drivers.bearer import Bearer, Owner
    from siaga.drivers.board_parts import LorawanParts, ModemParts, Network, ReceiverParts
    from siaga.drivers.clock import Clock
    from siaga.drivers.last_fix import LastKnownFix
    from siaga.drivers.simcom import Modem
    from siaga.drivers.simcom_voice import Voice
    from siaga.drivers.tls import ServerTls

    Start = Callable[[], Awaitable[None]]
    Tell = Callable[..., None]

"""The settings in force; their rules are in settings_rules.py."""

import binascii


class Settings:
    """The settings, as attributes. The defaults are in the class: an object has only what was set."""

    mqtt_hosts = []  # type: list[str]  # noqa: RUF012
    mqtt_port = 8883
    mqtt_tls = True
    mqtt_ca = ""
    mqtt_server_name = ""
    mqtt_user = ""
    mqtt_password = ""
    mqtt_keepalive_s = 30
    mqtt_reply_s = 10
    wifi_ssid = ""
    wifi_password = ""
    wifi_country = "ID"
    apn = ""
    apn_user = ""
    apn_password = ""
    sim_pin = ""
    sms_numbers = []  # type: list[str]  # noqa: RUF012
    call_number = ""
    answer_numbers = []  # type: list[str]  # noqa: RUF012
    call_when_silent = False
    lorawan_app_key = ""
    lorawan_join_eui = "0000000000000000"
    lorawan_dev_eui = ""
    lorawan_band = 9
    lorawan_dwell = True
    lorawan_adr = False
    profile = ""
    gateway_key = ""
    release_key = ""
    hold_ms = 2000
    cancel_hold_ms = 5000
    duress_hold_ms = 8000
    triple_tap = False
    no_ack_s = 20
    checkin_s = 0
    low_battery = 15
    battery_floor = 5
    silent = False
    language = "id"
    installed_position = None  # type: list[int] | None
    clock_floor = 0

    def brokers(self) -> "list[tuple[str, int]]":
        """Return name or address, and port, of each broker, in the order to try."""
        brokers = []
        for host in self.mqtt_hosts:
            name, _, port = host.partition(":")
            brokers.append((name, int(port or self.mqtt_port)))
        return brokers

    def ways(self, network: "Network | None", has_modem: bool, has_lorawan: bool) -> "list[str]":
        """Return the bearers that these settings give a board with these parts, preferred first; with none it reaches
        nobody."""
        ways = []
        if self.mqtt_hosts and network is not None:
            if self.wifi_ssid or not (has_modem or network.needs_ssid):
                ways.append("mqtt")
        if self.mqtt_hosts and has_modem:
            ways.append("lte")
        if self.lorawan_app_key and has_lorawan:
            ways.append("lorawan")
        if self.sms_numbers and has_modem:
            ways.append("sms")
        return ways

    def gateway_public(self) -> bytes:
        """Return the gateway's public key X || Y, b"" if none is set."""
        return binascii.unhexlify(self.gateway_key)

    def release_public(self) -> "list[bytes]":
        """Return the public keys X || Y that sign firmware; with none no update is accepted."""
        return [binascii.unhexlify(self.release_key)] if self.release_key else []


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.board_parts import Network

"""The settings that hold. Apart from their rules (settings.py), which are memory and wanted only at the start."""

import binascii


class Settings:
    """Attributes are the settings; their defaults stand here."""

    def __init__(self) -> None:
        self.mqtt_host = ""
        self.mqtt_port = 8883
        self.mqtt_tls = True
        self.mqtt_ca = ""
        self.mqtt_server_name = ""
        self.mqtt_user = ""
        self.mqtt_password = ""
        self.mqtt_keepalive_s = 30
        self.mqtt_reply_s = 10
        self.wifi_ssid = ""
        self.wifi_password = ""
        self.wifi_country = "ID"
        self.apn = ""
        self.apn_user = ""
        self.apn_password = ""
        self.sim_pin = ""
        self.sms_numbers = []  # type: list[str]
        self.call_number = ""
        self.answer_numbers = []  # type: list[str]
        self.call_when_silent = False
        self.lorawan_app_key = ""
        self.lorawan_join_eui = "0000000000000000"
        self.lorawan_dev_eui = ""
        self.lorawan_band = 9
        self.lorawan_dwell = True
        self.lorawan_adr = False
        self.profile = ""
        self.gateway_key = ""
        self.release_key = ""
        self.hold_ms = 2000
        self.cancel_hold_ms = 5000
        self.duress_hold_ms = 8000
        self.triple_tap = False
        self.no_ack_s = 20
        self.checkin_s = 0
        self.low_battery = 15
        self.battery_floor = 5
        self.silent = False
        self.language = "id"
        self.installed_position = None  # type: list[int] | None
        self.clock_floor = 0

    def gateway_public(self) -> bytes:
        """The gateway's public key X || Y, b"" where none is set."""
        return binascii.unhexlify(self.gateway_key)

    def release_public(self) -> "list[bytes]":
        """The public keys X || Y by which firmware is signed; none where no update is taken."""
        return [binascii.unhexlify(self.release_key)] if self.release_key else []

"""The text of a new installation's settings file."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from siaga_gateway.formats.mosquitto import GATEWAY

_EXAMPLE = """\
# Settings of the Siaga gateway. `siaga gateway settings` lists all of them.
name = "{name}"
data_dir = "{data_dir}"
mode = "{mode}"          # actual | exercise
{site}
# Where the buttons are: a circle about your province, so that an installed place with a lost minus sign is asked about.
{area}
# Everything is kept by SQLite in data_dir, unless PostgreSQL is named here; several workers need that.
{store}
[mqtt]
{broker}
# Frames by a LoRaWAN network server as well.
#
# [lorawan]
# network = "chirpstack"   # chirpstack | things_stack
# host = "chirpstack.example"

# Frames by text message as well: a modem with gammu-smsd, or an aggregator's webhook.
#
# [sms]
# spool = "gammu"            # gammu | smstools
# inbox = "/var/spool/gammu/inbox"
# outbox = "/var/spool/gammu/outbox"
#
# [sms.webhook]
# port = 8111
# provider = "twilio"        # generic | twilio | infobip | vonage | zenziva
# secret = "..."             # better in SIAGA_GATEWAY__SMS__WEBHOOK__SECRET
# public_url = "https://sms.example.org/sms"

[console]
host = "127.0.0.1"
port = 8110
{console}
# Figures for Prometheus, and answers for a load balancer.
#
# [metrics]
# port = 9110

# Where incidents are sent; as many as you like.
#
# [[outputs]]
# name = "cad"
# kind = "webhook"       # webhook | cap_http | cap_folder | dc09 | mqtt
# url = "https://cad.example/siaga"
# secret = "whsec_..."   # `siaga gateway webhook-secret` makes one

# How officers and stations are told; as many as you like.
#
# [[ways]]
# name = "ntfy"
# kind = "ntfy"          # ntfy | telegram | whatsapp | push | email | sms | phone | apprise
# url = "https://ntfy.example"
# token = "tk_..."       # better in SIAGA_GATEWAY__WAYS__NTFY__TOKEN
"""

_EXAMPLE_AREA = """\
#
# [area]
# latitude = -4.3
# longitude = 120.2
# radius_km = 350
"""

_EXAMPLE_STORE = """\
#
# [store]
# host = "/var/run/postgresql"
# dbname = "siaga"
"""

_EXAMPLE_SITE = """
# Whose gateway it is: what its pages are called, the time that its people live by (WIB: Asia/Jakarta, WITA:
# Asia/Makassar, WIT: Asia/Jayapura), and what the map shows, in degrees. These are South Sulawesi's.
#
# [site]
# name = "Polda Sulawesi Selatan"
# time_zone = "Asia/Makassar"
# languages = ["id", "en"]
# emergency_number = "110"
#
# [site.map]
# west = 118.7
# south = -7.8
# east = 122.2
# north = -1.8
"""

# The broker of this machine, as `broker-config` guards it.
_GUARDED = """\
user = "{user}"
password = "{password}"
retained_status = false

[broker]
passwords = "{folder}/passwords"

# The broker's certificate is looked at as the buttons see it.
[certificates]
servers = {servers}
{buttons}"""


@dataclass(frozen=True, slots=True)
class NewSettings:
    """What a settings file is made from. Whatever is None is left to an example in a comment."""

    name: str
    data_dir: Path
    mode: str = "actual"
    site: str | None = None
    time_zone: str | None = None
    area: tuple[str, str, int] | None = None  # latitude, longitude, degrees; radius, km
    database: str | None = None  # URL of PostgreSQL
    broker: Path | None = None  # folder of broker-config's files; None: a broker without a login, or another machine's
    broker_at: tuple[str, int] | None = None  # another machine's, by TLS
    broker_ca: Path | None = None
    console_host: str | None = None  # by which browsers know it, behind a proxy on this machine
    buttons_ca: Path | None = None  # authority that buttons are given
    watched: tuple[str, ...] = ("127.0.0.1:8883",)  # servers whose certificates are watched

    def text(self) -> str:
        """Return the file. A broker of this machine gets a new password."""
        return _EXAMPLE.format(
            name=self.name,
            data_dir=self.data_dir,
            mode=self.mode,
            site=self._site(),
            area=self._area(),
            store=_EXAMPLE_STORE if self.database is None else f"\n[store]\nurl = {_quoted(self.database)}\n",
            broker=self._broker(),
            console=self._console(),
        )

    def _site(self) -> str:
        """Return the section as given; an example where nothing is."""
        given = {"name": self.site, "time_zone": self.time_zone}
        if not any(given.values()):
            return _EXAMPLE_SITE
        return "\n[site]\n" + "".join(
            f"{key} = {_quoted(value)}\n" for key, value in given.items() if value is not None
        )

    def _area(self) -> str:
        if self.area is None:
            return _EXAMPLE_AREA
        latitude, longitude, radius_km = self.area
        return f"\n[area]\nlatitude = {latitude}\nlongitude = {longitude}\nradius_km = {radius_km}\n"

    def _broker(self) -> str:
        host, port = self.broker_at or ("127.0.0.1", 1883)
        at = f'host = "{host}"\nport = {port}\n'
        buttons = "" if self.buttons_ca is None else f'buttons = "{self.buttons_ca}"\n'
        if self.broker_at is not None:
            # Its password belongs into the environment: SIAGA_GATEWAY__MQTT__PASSWORD.
            ca = "" if self.broker_ca is None else f'ca = "{self.broker_ca}"\n'
            certificates = f"[certificates]\nservers = {json.dumps(self.watched)}\n{buttons}"
            return f'{at}tls = true\n{ca}user = "{GATEWAY}"\n\n{certificates}'
        if self.broker is None:
            return at
        return at + _GUARDED.format(
            user=GATEWAY,
            password=secrets.token_urlsafe(24),
            folder=self.broker,
            servers=json.dumps(self.watched),
            buttons=buttons,
        )

    def _console(self) -> str:
        if self.console_host is None:
            return ""
        return f'allowed_hosts = [{_quoted(self.console_host)}]\nproxies = ["127.0.0.1"]\n'


def _quoted(text: str) -> str:
    """Return a basic string of TOML."""
    return json.dumps(text, ensure_ascii=False)

"""The files of a Mosquitto 2.0 for the buttons: its configuration, logins, and access rules.

Written for 2.0.11, the version in Debian 12 (mosquitto.conf(5)); tested on the real one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

DOOR: Final = "enrol"  # the login by which a new button leaves its ENROL (PROTOCOL.md 4)
GATEWAY: Final = "gateway"
# The largest frame is an uplink of 143 bytes or a COMMAND with 255 bytes of arguments.
LARGEST_PAYLOAD: Final = 291
# A password of 128 random bits cannot be guessed, so more rounds would only slow down each login and each reload: on a
# reload the broker computes one hash for every connected button.
ROUNDS: Final = 1
LONGEST_KEEPALIVE_S: Final = 1800  # a sleeping button's modem uses 900
MOST_QUEUED: Final = 50_000
MOST_INFLIGHT: Final = 2_000
_DEVICE: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where clients of one kind connect."""

    port: int
    address: str | None = None  # None: all
    certificate: str | None = None  # PEM file; None: no TLS
    key: str | None = None  # PEM file
    connections: int = 1_000


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything that the configuration names. Paths are absolute."""

    gateway: str  # its name
    buttons: Listener
    gateways: Sequence[Listener]
    passwords: str
    rules: str
    gateway_passwords: str
    gateway_rules: str
    persistence: str
    pid_file: str
    log: str
    user: str


def configuration(layout: Layout) -> str:
    """Return the whole mosquitto.conf."""
    common = _COMMON.format(
        layout=layout,
        largest=LARGEST_PAYLOAD,
        keepalive=LONGEST_KEEPALIVE_S,
        queued=MOST_QUEUED,
        inflight=MOST_INFLIGHT,
    )
    return "\n\n".join([common, *_listeners(layout)])


def _listeners(layout: Layout) -> Iterable[str]:
    yield "\n".join(
        [
            "# The buttons. Its user name is a button's client identifier, so none can take another's connection over.",
            *_listener(layout.buttons, layout.passwords, layout.rules),
            "use_username_as_clientid true",
            "",
        ]
    )
    for listener in layout.gateways:
        yield "\n".join(
            [
                "# The gateway's own door, with passwords and rules of its own: no button comes in here. Its workers",
                "# share a user and have each a client identifier.",
                *_listener(listener, layout.gateway_passwords, layout.gateway_rules),
                "",
            ]
        )


def _listener(listener: Listener, passwords: str, rules: str) -> Iterable[str]:
    yield f"listener {listener.port}{'' if listener.address is None else ' ' + listener.address}"
    yield "protocol mqtt"
    yield f"max_connections {listener.connections}"
    yield "max_qos 1"
    if listener.certificate is not None:
        yield f"certfile {listener.certificate}"
        yield f"keyfile {listener.key}"
        yield "tls_version tlsv1.2"
    yield "allow_anonymous false"
    yield "allow_zero_length_clientid false"
    yield f"password_file {passwords}"
    yield f"acl_file {rules}"


_COMMON: Final = """\
# Mosquitto 2.0 for Siaga, written by `siaga gateway broker-config`. gateway/BROKER.md explains it; a change by hand is
# lost when it is written anew.

# Each listener has its own passwords and rules, below. Must stand first.
per_listener_settings true
user {layout.user}
pid_file {layout.pid_file}
log_dest file {layout.log}
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S
# One line for each login would bury the refusals.
connection_messages false

# Sessions, and what waits in them, outlive a restart. What came after the last save is lost by a SIGKILL or a power
# cut, although it was acknowledged: a button sends again until the gateway itself has answered.
persistence true
persistence_location {layout.persistence}
autosave_interval 60
# A button that is gone for good leaves a session behind.
persistent_client_expiration 60d

# What waits for one client, at most (50,000 frames are some 30 MB). Without a bound one button's login takes all the
# memory within a minute, and everybody's press waits behind it. What is more is dropped WITHOUT A WORD, after it was
# acknowledged: so the default of 1000 would not see an hour without the gateway through. A button sends again until the
# gateway itself has answered.
max_queued_messages {queued}
# How many the gateway has under way: it acknowledges after its commit, in order. With few of them each burst waits.
max_inflight_messages {inflight}
# No frame is larger. What is, or what the rules refuse, is thrown away, and 2.0.11 cuts its sender off.
message_size_limit {largest}
max_packet_size 1024
# Told to MQTT 5 clients; those of 3.1.1 keep their own.
max_keepalive {keepalive}
# Frames are never retained; a client that tries is cut off. The gateway sees that, and keeps its status to itself.
retain_available false
# Nothing under $SYS.
sys_interval 0
set_tcp_nodelay true
"""


def rules() -> str:
    """Return the acl_file of the buttons' listener.

    What it does not allow is refused, except that Mosquitto 2.0 accepts a forbidden subscription and then sends
    nothing.
    """
    return (
        "# Written by `siaga gateway broker-config`.\n"
        "# While `siaga gateway broker-door` is open: a button that is not enrolled yet leaves its ENROL, and reads "
        "nothing.\n"
        f"user {DOOR}\n"
        "topic write siaga/v1/up/+\n\n"
        "# Each button its own two topics.\n"
        "pattern write siaga/v1/up/%u\n"
        "pattern read siaga/v1/down/%u\n"
    )


def gateway_rules(gateway: str) -> str:
    """Return the acl_file of the gateway's listener. gateway: its name."""
    return (
        "# Written by `siaga gateway broker-config`.\n"
        f"user {GATEWAY}\n"
        "topic read siaga/v1/up/+\n"
        "topic write siaga/v1/down/+\n"
        f"topic readwrite siaga/v1/gateway/{gateway}/#\n"
    )


def password_line(user: str, password: str, salt: bytes, rounds: int = ROUNDS) -> str:
    """Return a line of a password file, without line end: PBKDF2 with SHA-512, as mosquitto_passwd 2.0 writes it."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"{user}:$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def is_device(user: str) -> bool:
    """Whether a user of the password file is a button; others are left alone."""
    return _DEVICE.fullmatch(user) is not None


RELOAD_SERVICE: Final = """\
# Written by `siaga gateway broker-config`.
[Unit]
Description=Have Mosquitto read the buttons' passwords anew
# By default systemd refuses the sixth within ten seconds, and then watches no more: whoever is shut out stayed in.
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/systemctl reload mosquitto.service
"""


def reload_path(passwords: str) -> str:
    """Return the systemd unit that watches the password file."""
    return (
        "# Written by `siaga gateway broker-config`.\n"
        "[Unit]\nDescription=Watch the buttons' passwords for Mosquitto\n"
        "StartLimitIntervalSec=0\n\n"
        f"[Path]\nPathChanged={passwords}\nTriggerLimitIntervalSec=0\nUnit=siaga-broker-reload.service\n\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )


def drop_in(configuration_path: str, connections: int) -> str:
    """Return the drop-in by which Debian's mosquitto.service uses this configuration and accepts this many
    connections."""
    return (
        "# Written by `siaga gateway broker-config`.\n"
        "[Service]\n"
        "ExecStart=\n"
        f"ExecStart=/usr/sbin/mosquitto -c {configuration_path}\n"
        f"LimitNOFILE={connections + 1024}\n"
        "Restart=always\nRestartSec=1\n"
    )

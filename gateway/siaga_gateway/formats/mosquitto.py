"""The files of a Mosquitto 2.0 that serves the buttons: what it is set to, who may log in, who may say and hear what.

Written against 2.0.11, as Debian 12 has it (mosquitto.conf(5)); what it does with them is tested on the real one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

DOOR: Final = "enrol"  # whom a new button connects as to leave its ENROL (PROTOCOL.md 4)
GATEWAY: Final = "gateway"
# The largest frame is an uplink of 143 bytes or a COMMAND with 255 bytes of arguments.
LARGEST_PAYLOAD: Final = 291
# A password of 128 random bits cannot be guessed, so more rounds would only make each login and each reload slower: on
# a reload the broker computes one for every button that is connected.
ROUNDS: Final = 1
LONGEST_KEEPALIVE_S: Final = 1800  # a sleeping button's modem has 900
_DEVICE: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where clients of one kind connect. certificate, key: PEM files; None: no TLS."""

    port: int
    address: str | None = None  # None: all
    certificate: str | None = None
    key: str | None = None
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
    """mosquitto.conf, whole."""
    return "\n\n".join(
        [_COMMON.format(layout=layout, largest=LARGEST_PAYLOAD, keepalive=LONGEST_KEEPALIVE_S), *_listeners(layout)]
    )


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

# The default of 1000 drops what is more WITHOUT A WORD, after it was acknowledged: an hour without the gateway would
# do.
max_queued_messages 0
max_inflight_messages 200
# No frame is larger. What is, or what the rules refuse, is thrown away, and 2.0.11 cuts its sender off.
message_size_limit {largest}
max_packet_size 1024
# Told to MQTT 5 clients; those of 3.1.1 keep their own.
max_keepalive {keepalive}
# Frames are never retained; a client that tries is cut off. The gateway must not either: mqtt.retained_status = false.
retain_available false
# Nothing under $SYS.
sys_interval 0
set_tcp_nodelay true
"""


def rules() -> str:
    """acl_file of the buttons' listener. What it does not allow is refused; a subscription that is not allowed
    Mosquitto 2.0 takes, and sends nothing."""
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
    """acl_file of the gateway's listener. gateway: its name."""
    return (
        "# Written by `siaga gateway broker-config`.\n"
        f"user {GATEWAY}\n"
        "topic read siaga/v1/up/+\n"
        "topic write siaga/v1/down/+\n"
        f"topic readwrite siaga/v1/gateway/{gateway}/#\n"
    )


def password_line(user: str, password: str, salt: bytes, rounds: int = ROUNDS) -> str:
    """A line of a password file, without its end: PBKDF2 with SHA-512, as mosquitto_passwd 2.0 writes it."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"{user}:$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def is_device(user: str) -> bool:
    """Whether a user of the password file is a button; others are left alone."""
    return _DEVICE.fullmatch(user) is not None


RELOAD_SERVICE: Final = """\
# Written by `siaga gateway broker-config`.
[Unit]
Description=Have Mosquitto read the buttons' passwords anew

[Service]
Type=oneshot
ExecStart=/bin/systemctl reload mosquitto.service
"""


def reload_path(passwords: str) -> str:
    """The systemd unit that watches the password file."""
    return (
        "# Written by `siaga gateway broker-config`.\n"
        "[Unit]\nDescription=Watch the buttons' passwords for Mosquitto\n\n"
        f"[Path]\nPathChanged={passwords}\nUnit=siaga-broker-reload.service\n\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )


def drop_in(configuration_path: str, connections: int) -> str:
    """What has Debian's mosquitto.service take this configuration, and as many connections."""
    return (
        "# Written by `siaga gateway broker-config`.\n"
        "[Service]\n"
        "ExecStart=\n"
        f"ExecStart=/usr/sbin/mosquitto -c {configuration_path}\n"
        f"LimitNOFILE={connections + 1024}\n"
        "Restart=always\nRestartSec=1\n"
    )

"""The real gammu-smsd from Debian, on gammu's own dummy phone: a phone whose messages are files in a folder.

Real are the daemon, its FILES backend and its spool folders; simulated is only the phone.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from waiting import RUNS_S

_STEP = 50  # characters in one line of a phone's message


def gammu_smsd_binary() -> str:
    """Path of gammu-smsd. Skips the test where it is missing, and says what to install."""
    found = shutil.which("gammu-smsd")
    if found is None:
        pytest.skip("gammu-smsd is missing. On Debian or Ubuntu: sudo apt-get install gammu-smsd")
    return found


class GammuSmsd:
    """One daemon on one phone, set up as gateway/README.md says; its folders may be used before it is started."""

    def __init__(self, folder: Path, inbox_format: str = "unicode", *, reports: bool = False) -> None:
        """reports: of deliveries. `inbox_format`: unicode, as the daemon has it without a setting, or standard."""
        self._binary = gammu_smsd_binary()
        self._folder = folder
        self._places = itertools.count(1)
        self._log = folder / "log"
        self.inbox, self.outbox = folder / "inbox", folder / "outbox"
        for each in (self.inbox, self.outbox, folder / "phone" / "sms" / "1"):
            each.mkdir(parents=True, exist_ok=True)
        self._config = folder / "smsdrc"
        self._config.write_text(
            f"""[gammu]
port = {folder}/phone
connection = none
model = dummy

[smsd]
service = files
logfile = {self._log}
debuglevel = 1
inboxpath = {self.inbox}/
outboxpath = {self.outbox}/
inboxformat = {inbox_format}
deliveryreport = {"sms" if reports else "no"}
transmitformat = 7bit
commtimeout = 1
receivefrequency = 1
loopsleep = 1
statusfrequency = 0
checksecurity = 0
checkbattery = 0
checksignal = 0
checknetwork = 0
""",
            encoding="utf-8",
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> GammuSmsd:
        self.process = subprocess.Popen(
            [self._binary, "--config", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        return self

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(RUNS_S)
            self.process = None

    def receive(self, number: str, text: str) -> None:
        """A message reaches the phone."""
        self._put("Deliver", number, text)

    def report(self, number: str) -> None:
        """The network says that this number has received a message."""
        self._put("Status_Report", number, "Delivered", "DeliveryStatus = 0", "MessageReference = 17")

    def _put(self, kind: str, number: str, text: str, *more: str) -> None:
        lines = [
            "[SMSBackup000]",
            f"PDU = {kind}",
            f"DateTime = {datetime.now(UTC):%Y%m%dT%H%M%SZ}",
            "State = UnRead",
            f'Number = "{number}"',
            *(
                f"Text{part:02} = {text[start : start + _STEP].encode('utf-16-be').hex().upper()}"
                for part, start in enumerate(range(0, len(text), _STEP))
            ),
            "Coding = Default_No_Compression",
            "Folder = 1",
            f"Length = {len(text)}",
            "Class = -1",
            *more,
        ]
        place = next(self._places)
        aside = self._folder / f"message-{place}"
        aside.write_text("\n".join(lines) + "\n", encoding="ascii")
        aside.replace(self._folder / "phone" / "sms" / "1" / str(place))

    def on_the_phone(self) -> list[Path]:
        """Messages that the daemon has not fetched."""
        return list((self._folder / "phone" / "sms" / "1").iterdir())

    def transmitted(self) -> list[tuple[str, str]]:
        """Number and text of each message that the daemon has sent, as it understood them, in order."""
        log = self.log()
        gone = set(re.findall(r"Transmitted (\S+) \(", log))
        found = re.findall(r'Found \d+ sms to "([^"]*)" with text "([^"]*)".*\n.*New message to send: (\S+)', log)
        return [(number, text) for number, text, name in found if name in gone]

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def __enter__(self) -> GammuSmsd:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

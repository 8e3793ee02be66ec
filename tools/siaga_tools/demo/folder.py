"""The demo's folder: temporary and removed at the end, or the user's own and kept. One demo at a time in each."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO, Final

from siaga_tools.demo import invented_town, site
from siaga_tools.demo.site import toml_string
from siaga_tools.messages import Trouble

_MARK: Final = "siaga-demo"  # file that says whose folder this is; also the lock
GATEWAY_NAME: Final = "peragaan.lampung"


class DemoFolder:
    """The paths of everything that the demo keeps."""

    def __init__(self, folder: Path | None) -> None:
        """Raises Trouble: `folder_unusable`, `folder_strange`, `folder_in_use`."""
        self.kept = folder is not None
        self._lock: IO[str] | None = None
        try:
            if folder is None:
                self.path = Path(tempfile.mkdtemp(prefix="siaga-demo-"))
            else:
                self.path = folder.expanduser().resolve()
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
                if any(self.path.iterdir()) and not (self.path / _MARK).exists():
                    raise Trouble("folder_strange", folder=self.path)
            self._lock = (self.path / _MARK).open("a")
            self.cap.mkdir(exist_ok=True)
            self.data.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Trouble("folder_unusable", folder=folder or "/tmp", why=error) from error  # noqa: S108
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Trouble("folder_in_use", folder=self.path) from error

    @property
    def settings(self) -> Path:
        return self.path / "siaga.toml"

    @property
    def data(self) -> Path:
        return self.path / "gateway"

    @property
    def cap(self) -> Path:
        return self.path / "cap"

    @property
    def gateway_log(self) -> Path:
        return self.path / "gateway.log"

    @property
    def firmware(self) -> Path:
        return self.path / "firmware"

    @property
    def streets(self) -> Path:
        return self.path / "invented-streets.pmtiles"

    def draw_streets(self) -> None:
        """Write the map tiles of the invented towns (some 50 KB)."""
        invented_town.write(self.streets, towns=site.TOWNS, least=site.STREETS_FROM)

    def flash(self, button: int) -> Path:
        return self.path / f"button-{button}.img"

    def button_settings(self, button: int) -> Path:
        return self.path / f"button-{button}.json"

    def close(self) -> None:
        """Release it; a temporary folder is removed with everything in it."""
        if self._lock is not None:
            self._lock.close()
        if not self.kept:
            shutil.rmtree(self.path, ignore_errors=True)

    def write_gateway_settings(
        self,
        *,
        broker_port: int,
        console_port: int,
        webhook_url: str,
        webhook_secret: str,
        language: str,
        dispatch: str = "",
        in_operation: bool = False,
    ) -> None:
        """Write siaga.toml of the demo's gateway. Everything it sends is marked as an exercise, but for a story's
        gateway: of one for exercises nobody can order a drill.

        dispatch: sections about whom it calls. in_operation: for the story.
        """
        settings = f"""\
# Written anew by each start of `siaga demo`.
name = {toml_string(GATEWAY_NAME)}
data_dir = {toml_string(str(self.data))}
mode = "{"actual" if in_operation else "exercise"}"
language = {toml_string(language)}

{site.settings(self.streets if self.streets.exists() else None)}
[mqtt]
host = "127.0.0.1"
port = {broker_port}

[console]
host = "127.0.0.1"
port = {console_port}

[[outputs]]
name = "webhook"
kind = "webhook"
url = {toml_string(webhook_url)}
secret = {toml_string(webhook_secret)}
trouble = false

[[outputs]]
name = "cap"
kind = "cap_folder"
folder = {toml_string(str(self.cap))}

{dispatch}"""
        self.settings.touch(mode=0o600)
        self.settings.write_text(settings, encoding="utf-8")

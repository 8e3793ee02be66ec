"""Where this program was installed from, and so the command that installs what is missing.

It never suggests plain `siaga`: that name is not ours on any package index, and whoever registered it would be
installed.
"""

from __future__ import annotations

import json
import shlex
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

_NAME: Final = "siaga"
UNKNOWN: Final = "/path/to/siaga"  # of the checkout or the wheel, if unknown


def install_command(extra: str = "", *, anew: bool = False, installed: Distribution | None = None) -> str:
    """Return the command to type. extra: an optional part, such as `demo`. anew: what is installed is broken.
    installed: for tests."""
    url, info = _origin(installed)
    path = _path(url)
    if path is not None and info.get("dir_info", {}).get("editable") and (path / "Makefile").is_file():
        # A checkout set up by `make setup`: its packages are the locked ones.
        return f"make -C {shlex.quote(str(path))} {'distclean ' if anew else ''}setup"
    source = str(path) if path is not None else f"{_NAME} @ {_requirement(url, info)}" if url else UNKNOWN
    if extra:
        source = f"{_NAME}[{extra}] @ {_requirement(url, info)}" if url and path is None else f"{source}[{extra}]"
    words = [sys.executable, "-m", "pip", "install", *(["--force-reinstall"] if anew else []), source]
    return shlex.join(words)


def _origin(installed: Distribution | None) -> tuple[str, dict[str, Any]]:
    """Return the address that pip recorded (PEP 610), and what it recorded beside it; "" if there is none."""
    try:
        text = (installed or distribution(_NAME)).read_text("direct_url.json")
        noted = json.loads(text) if text else {}
    except (PackageNotFoundError, ValueError):
        noted = {}
    return (noted.get("url", ""), noted) if isinstance(noted, dict) else ("", {})


def _path(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _requirement(url: str, info: dict[str, Any]) -> str:
    """Return it as pip takes it: a version control's address names the system."""
    vcs = info.get("vcs_info")
    if not vcs:
        return url
    return f"{vcs['vcs']}+{url}@{vcs['commit_id']}"

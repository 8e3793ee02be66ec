"""What a person is told to install comes from where this program came from, never from a name that nobody holds."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from siaga_tools.install_source import UNKNOWN, install_command
from source_files import ROOT, source_files

PIP = f"{shlex.quote(sys.executable)} -m pip install"


class Noted(Distribution):
    """An installation of which pip noted this, or nothing."""

    def __init__(self, direct_url: object = None) -> None:
        self._text = (
            None if direct_url is None else direct_url if isinstance(direct_url, str) else json.dumps(direct_url)
        )

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "direct_url.json" else None

    def locate_file(self, path: object) -> Path:
        raise NotImplementedError


def test_here_it_is_this_checkout() -> None:
    assert install_command("demo") == f"make -C {shlex.quote(str(ROOT))} setup"
    assert install_command(anew=True) == f"make -C {shlex.quote(str(ROOT))} distclean setup"
    help_of_make = subprocess.run(["make", "-C", ROOT, "-n", "setup"], capture_output=True, check=False)
    assert help_of_make.returncode == 0


def test_a_checkout_that_pip_installed_is_named(tmp_path: Path) -> None:
    noted = Noted({"url": f"file://{tmp_path}/my%20siaga", "dir_info": {}})
    assert install_command("demo", installed=noted) == f"{PIP} '{tmp_path}/my siaga[demo]'"
    assert install_command(anew=True, installed=noted) == f"{PIP} --force-reinstall '{tmp_path}/my siaga'"


def test_a_wheel_is_named() -> None:
    wheel = "/srv/siaga-0.1.0-py3-none-any.whl"
    noted = Noted({"url": f"file://{wheel}", "archive_info": {"hash": "sha256=00"}})
    assert install_command("demo", installed=noted) == f"{PIP} '{wheel}[demo]'"
    assert install_command(installed=noted) == f"{PIP} {wheel}"


def test_an_address_is_named_with_what_pip_needs_to_use_it() -> None:
    url = "https://git.example/siaga.git"
    noted = Noted({"url": url, "vcs_info": {"vcs": "git", "commit_id": "abc123"}})
    assert install_command("demo", installed=noted) == f"{PIP} 'siaga[demo] @ git+{url}@abc123'"
    wheel = "https://example.org/siaga-0.1.0-py3-none-any.whl"
    assert install_command(installed=Noted({"url": wheel, "archive_info": {}})) == f"{PIP} 'siaga @ {wheel}'"


@pytest.mark.parametrize("noted", [None, "", "no JSON", "[]", "{}"])
def test_where_nothing_is_noted_it_says_that_a_path_belongs_there(noted: str | None) -> None:
    assert install_command("demo", installed=Noted(noted)) == f"{PIP} '{UNKNOWN}[demo]'"
    assert install_command(installed=Noted(noted)) == f"{PIP} {UNKNOWN}"


def test_nothing_tells_anybody_to_install_siaga_by_its_name() -> None:
    """From an index, that is: whoever takes the name there would run their program at a police force."""
    bare = re.compile(
        r"""\b(pip3?|pipx|uv|uvx)\s+(install|add|run|tool install)\b[^\n`]*?"""
        r"""[ '"]siaga(\[[a-z,]+\])?(==[^\s'"`]+)?['"`\s.,]"""
    )
    found = []
    for path in (ROOT / name for name in source_files()):
        if path.suffix not in (".md", ".py", ".toml", ".sh", ".html", ".js", ".yml", ".service", ""):
            continue
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path}:{text[: hit.start()].count(chr(10)) + 1}: {hit[0]}" for hit in bare.finditer(text)]
    assert found == []
    assert bare.search("pip install 'siaga[demo]'.") and bare.search("pip install --upgrade siaga\n")

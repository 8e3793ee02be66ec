"""Where the gateway stands, what its clock is called and whom people call is the site's to say: no line of code, no
text and no template knows it. What is data stays: the demo's own place, the map, Indonesia's zones by their names."""

from __future__ import annotations

import re
import subprocess
from typing import Final

from micropython import ROOT

PLACES: Final = ("gateway/siaga_gateway", "tools/siaga_tools", "firmware/siaga", "firmware/main.py")
BY_NATURE: Final = (  # folders and files of data
    "gateway/siaga_gateway/web/static/map/",
    "gateway/siaga_gateway/web/static/vendor/",
    "tools/siaga_tools/demo/",
    "tools/siaga_tools/power/figures.toml",
)
KNOWN: Final = re.compile(r"lampung|\bWIB\b|Asia/Jakarta|\b110\b", re.IGNORECASE)
# Lines that may: a file, and what else stands there.
ALLOWED: Final = (
    ("gateway/siaga_gateway/config/site.py", r"FORMER_ZONE|_INDONESIAN|emergency_number: str"),
    ("gateway/siaga_gateway/bootstrap/setup/settings_text.py", r"^# (Whose gateway it is|emergency_number)"),
    ("gateway/siaga_gateway/catalogue/console.", r"^WIB = "),
    ("gateway/siaga_gateway/catalogue/", r"Asia/Makassar"),  # a list of the zones of Indonesia
    ("gateway/siaga_gateway/formats/list_cells.py", r"# 110, 113, 119"),  # numbers that a list of stations may have
    ("gateway/siaga_gateway/web/maintenance/views.py", r"_WEAK_DBM"),
    ("tools/siaga_tools/silicon/chip/pool.py", r"110,592"),
)


def test_no_line_of_code_knows_one_site() -> None:
    listed = subprocess.run(["git", "ls-files", *PLACES], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [name for name in listed.splitlines() if not name.startswith(BY_NATURE)]
    assert len(files) > 400
    found = []
    for name in files:
        lines = (ROOT / name).read_bytes().decode("utf-8", "replace").splitlines()
        for number, line in enumerate(lines, 1):
            allowed = any(name.startswith(file) and re.search(what, line) for file, what in ALLOWED)
            if KNOWN.search(line) and not allowed:
                found.append(f"{name}:{number}: {line.strip()[:80]}")
    assert found == []

"""Simulated silicon speaks over real ptys to the real firmware under real MicroPython."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

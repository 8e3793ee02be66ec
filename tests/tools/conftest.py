from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture(scope="module")
def runtime() -> Iterator[Path]:
    """A runtime folder of one's own; short, because a socket's path may not be long."""
    with TemporaryDirectory(prefix="siaga-t") as folder:
        yield Path(folder)

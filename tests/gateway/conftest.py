"""Every test of what the store does runs on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place, end_shared_server


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a new store is to be."""
    return Place(request.param, tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _databases_end() -> Iterator[None]:
    yield
    end_shared_server()

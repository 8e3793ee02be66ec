"""Every test of what the store does runs on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from databases import ENGINES, Place, end_shared_server
from gateway import sample_store
from gateway.watched_fleet import Fleet
from siaga_gateway.adapters.sql import SqlStore


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a new store is to be."""
    with Place(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def lend(tmp_path: Path) -> Iterator[Callable[[str], Place]]:
    """Where a new store is to be on an engine, for a fixture that needs one of it or none."""
    with ExitStack() as lent:
        yield lambda kind: lent.enter_context(Place(kind, tmp_path))


@pytest.fixture
def store(place: Place) -> Iterator[SqlStore]:
    """A new one, with one invented owner and one device."""
    made = sample_store.new_store(place)
    sample_store.with_device(made)
    yield made
    made.close()


@pytest.fixture
def fleet(place: Place) -> Iterator[Fleet]:
    """Of devices that are watched."""
    made = Fleet(place)
    yield made
    made.store.close()


@pytest.fixture(scope="session", autouse=True)
def _databases_end() -> Iterator[None]:
    yield
    end_shared_server()

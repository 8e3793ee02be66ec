"""What several modules here share."""

from __future__ import annotations

import pytest

from gateway.sql.stores_to_damage import Store, make_store


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("store"))

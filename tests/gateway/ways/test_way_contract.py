"""Every way passes the contract of its port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.outputs.http_receiver import Receiver
from gateway.ways.http_places import HttpPlace, ntfy_place, telegram_place, whatsapp_place
from gateway.ways.way_contract import WayContract


class TestServicesOverHttp(WayContract):
    @pytest.fixture(params=[ntfy_place, telegram_place, whatsapp_place])
    def place(self, request: pytest.FixtureRequest) -> Iterator[HttpPlace]:
        with Receiver() as receiver:
            place: HttpPlace = request.param(receiver)
            yield place
            place.way.close()

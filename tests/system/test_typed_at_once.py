"""The gateways of the tests: what several threads type at once is answered to each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from system.running_gateway import Gateway


def test_what_is_typed_in_several_threads_is_answered_to_each(tmp_path: Path) -> None:
    """Scenarios side by side start their installations at once; click's runner swaps the process's own stdout. A button
    was given another gateway's key, or none, and no scenario with it could end well."""
    gateways = [Gateway(tmp_path / str(number), 1883) for number in range(4)]
    keys = [gateway.public_hex for gateway in gateways]
    assert len(set(keys)) == 4
    with ThreadPoolExecutor(4) as threads:
        for _ in range(8):
            assert list(threads.map(lambda gateway: gateway.public_hex, gateways)) == keys

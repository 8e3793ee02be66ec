"""Tokens for programs as an administrator types them."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.cli.test_cli_accounts import BY, EN
from gateway.gateway_folder import Office
from siaga_gateway.domain.api_tokens import hash_of


def test_from_the_first_token_to_its_end(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.does("init", "--name", "siaga.test", "--data", str(office.data))
    assert "token make" in office.does("token", "list", *EN)
    assert "incidents.read" in office.refuses("token", "make", "CAD Contoh", *BY), "it says what there is"
    said = office.does("token", "make", "CAD Contoh", "--scope", "incidents.read", "--days", "30", *BY)
    token = said.splitlines()[-1]
    assert hash_of(token) is not None
    (listed,) = map(json.loads, office.does("token", "list", "--json").splitlines())
    assert (listed["name"], listed["scopes"], listed["serves"], listed["made_by"], listed["used_ms"]) == (
        "CAD Contoh",
        ["incidents.read"],
        True,
        "Dewi",
        None,
    )
    assert listed["expires_ms"] - listed["made_ms"] <= 30 * 86_400_000
    assert "last used never" in office.does("token", "list", *EN)
    assert token not in str(listed) and (hash_of(token) or "") not in str(listed)
    assert "no token 'Peta'" in office.refuses("token", "revoke", "Peta", *BY)
    assert "let in no more" in office.does("token", "revoke", "CAD Contoh", *BY)
    assert "revoked" in office.does("token", "list", *EN)

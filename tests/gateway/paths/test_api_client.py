"""A client generated from the API's description plays an incident at a running gateway."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_running_gateway import Observed

from brokers import embedded_broker
from gateway.enrolled_devices import enrolled_buttons
from gateway.stubborn_buttons import Crowd
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.api_tokens import GRANTABLE, hash_of
from siaga_gateway.service.accounts.token_book import TokenBook
from waiting import ENDS_S, RUNS_S, eventually

ROOT = Path(__file__).parents[3]
TOKEN = "siaga_" + "k" * 43
DAY_MS = 86_400_000
PICTURES_ARE_BYTES = "content_type_overrides: {image/jpeg: application/octet-stream}"  # as gateway/API.md says


def generated(folder: Path, document: dict[str, Any]) -> None:
    """Generate the package siaga_api into the folder."""
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    settings = f"post_hooks: []\npackage_name_override: siaga_api\n{PICTURES_ARE_BYTES}\n"
    (folder / "config.yml").write_text(settings, encoding="utf-8")
    command = [Path(sys.executable).with_name("openapi-python-client"), "generate", "--path", "openapi.json"]
    where = ["--meta", "none", "--output-path", "siaga_api", "--config", "config.yml", "--fail-on-warning"]
    done = subprocess.run([*command, *where], cwd=folder, capture_output=True, text=True, timeout=RUNS_S)
    assert done.returncode == 0, done.stdout + done.stderr


def _run_the_guides_commands(folder: Path, url: str) -> None:
    """Those of gateway/API.md that are marked to be run, as written; the last one assigns a unit to incident 1."""
    (folder / ".curlrc").write_text("insecure\nmax-time = 60\n", encoding="utf-8")
    guide = (ROOT / "gateway" / "API.md").read_text(encoding="utf-8")
    environment = {**os.environ, "CURL_HOME": str(folder), "SIAGA_URL": url, "SIAGA_TOKEN": TOKEN}
    said = []
    for block in guide.split("<!-- run -->\n")[1:]:
        lines = list(itertools.takewhile(lambda line: line.startswith("    "), block.splitlines()))
        command = ["bash", "-euc", "\n".join(lines)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUNS_S)
        assert done.returncode == 0, (lines, done.stderr)
        said.append(json.loads(done.stdout))
    me, page, assigned = said
    assert me["name"] == "API: CAD Contoh" and page["items"][0]["id"] == assigned["id"] == 1
    assert (assigned["state"], assigned["unit"]) == ("assigned", "Sabhara 12")


def test_a_generated_client_plays_an_incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded_broker() as port:
        gateway = Observed(tmp_path / "gateway", port).configure()
        buttons = enrolled_buttons(gateway.data, 1)
        with gateway:
            store = SqlStore(store_path(gateway.data), WallClock().now_ms())
            book = TokenBook(store, WallClock())
            scopes = [each.value for each in GRANTABLE]
            book.make("CAD Contoh", hash_of(TOKEN) or "", scopes, WallClock().now_ms() + DAY_MS, "Dewi")
            url = gateway.console.rstrip("/")
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            document = httpx.get(f"{url}/api/v1/openapi.json", headers=bearer, timeout=ENDS_S, verify=False)
            generated(tmp_path, document.json())
            monkeypatch.syspath_prepend(str(tmp_path))
            api = importlib.import_module("siaga_api")
            models = importlib.import_module("siaga_api.models")
            client = api.AuthenticatedClient(
                base_url=url,
                token=TOKEN,
                verify_ssl=False,
                timeout=httpx.Timeout(ENDS_S),
                raise_on_unexpected_status=True,
            )

            def call(tag: str, name: str, *args: Any, **more: Any) -> Any:
                return importlib.import_module(f"siaga_api.api.{tag}.{name}").sync(*args, client=client, **more)

            crowd = Crowd(port, buttons, pause_s=0.01, seed=7)
            crowd.start()
            eventually(lambda: bool(call("incidents", "list_incidents").items), "the press is an incident")
            crowd.finish(ENDS_S)
            number = call("incidents", "list_incidents").items[0].id
            assert call("steps", "see_incident", number, body=models.SeenBody()).state == models.IncidentState.SEEN
            _run_the_guides_commands(tmp_path, url)
            sent = models.AssignBody(unit="Sabhara 12", eta_minutes=8)
            assigned = call("steps", "assign_unit", number, body=sent)
            assert (assigned.state, assigned.unit, assigned.eta_minutes) == (
                models.IncidentState.ASSIGNED,
                "Sabhara 12",
                8,
            )
            assert (
                call("steps", "mark_on_scene", number, body=models.OnSceneBody()).state == models.IncidentState.ON_SCENE
            )
            call("steps", "add_note", number, body=models.NoteBody(note="Pintu terkunci."))
            ended = models.CloseBody(disposition=models.Disposition.VERIFIED, note="Selesai.")
            closed = call("steps", "close_incident", number, body=ended)
            assert (closed.state, closed.closed_by) == (models.IncidentState.CLOSED, "API: CAD Contoh")
            kinds = [each.kind for each in call("incidents", "get_timeline", number).items]
            assert {"closed", "on_scene", "assigned", "seen", "incident_opened"} <= set(kinds)
            assert "Pintu terkunci." in call("incidents", "get_incident", number).note
            told = store.incident(number)
            assert told is not None and told.closed_by == "API: CAD Contoh"
            book.revoke("CAD Contoh", "Dewi")
            at = f"{url}/api/v1/incidents/{number}"
            eventually(
                lambda: httpx.get(at, headers=bearer, timeout=ENDS_S, verify=False).status_code == 401, "it ends"
            )
            store.close()
            assert gateway.stop() == 0

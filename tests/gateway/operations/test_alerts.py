"""The alerts that installations start from: of figures that the gateway does have, readable for Prometheus."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from gateway.metrics_exposition import exposed

ALERTS = Path(__file__).parents[3] / "gateway" / "operations" / "alerts.yml"
DASHBOARD = ALERTS.with_name("grafana-dashboard.json")
README = ALERTS.parents[1] / "README.md"
_NAME = re.compile(r"\b(?:siaga|process)_[a-z_]+")


def test_every_alert_watches_a_figure_that_exists(tmp_path: Path) -> None:
    text = ALERTS.read_text(encoding="utf-8")
    expressions = re.findall(r"^ +expr: (.+)$", text, re.MULTILINE)
    assert len(expressions) == text.count("- alert: ") > 8
    found = exposed(tmp_path)
    for expression in expressions:
        names = _NAME.findall(expression) or re.findall(r"^up\{", expression)
        assert names, f"no figure in {expression}"
        for name in names:
            assert name == "up{" or name in found, f"{name} is no figure of the gateway"
        for label, value in re.findall(r'(\w+)=~?"([^"]+)"', expression):
            known = {given for labels in found.values() for given in labels.get(label, ())}
            assert label == "job" or set(value.split("|")) <= known, f'{label}="{value}" never occurs'


def test_the_dashboard_shows_figures_that_exist(tmp_path: Path) -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    found, places = exposed(tmp_path), set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24 and (place["x"], place["y"]) not in places
        places.add((place["x"], place["y"]))
        for target in panel["targets"]:
            names = _NAME.findall(target["expr"])
            assert names and set(names) <= set(found), f"{panel['title']}: {target['expr']}"
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert all(labels <= set(found[name]) for name in names), f"{panel['title']}: {labels}"
    assert len(places) == len({panel["id"] for panel in board["panels"]}) > 8


def test_prometheus_reads_the_alerts() -> None:
    """By its own checker where that is installed (Debian: prometheus); its form is checked in any case."""
    text = ALERTS.read_text(encoding="utf-8")
    assert "\t" not in text and all(len(line) <= 120 for line in text.splitlines())
    alerts = re.split(r"^      - alert: ", text, flags=re.MULTILINE)[1:]
    for alert in alerts:
        name, *lines = alert.splitlines()
        keys = [line.split(":")[0].strip() for line in lines if re.match(r"^ {8}\w", line)]
        assert re.fullmatch(r"Siaga\w+", name) and keys[0] == "expr" and keys[-2:] == ["labels", "annotations"], name
    if (promtool := shutil.which("promtool")) is not None:
        done = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_readme_explains_every_figure(tmp_path: Path) -> None:
    readme = README.read_text(encoding="utf-8")
    for name in exposed(tmp_path):
        if name.startswith("siaga_"):
            base = re.sub(r"_(bucket|count|sum)$", "", name)
            assert base in readme, f"gateway/README.md does not explain {base}"

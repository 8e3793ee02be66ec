# pip of a virtual environment on the copied machine (inside.sh puts the first line before it): one commit of the
# checkout gives one wheel, which is built where it is installed first and taken where it is installed again.
import subprocess
import sys
from pathlib import Path

from pip._internal.cli.main import main

WHEELS = Path("/tmp/wheels")


def git(tree, *words):
    done = subprocess.run(["git", "-C", tree, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def wheel_of(tree):
    """Return the wheel's path; the tree's own if it is not as committed."""
    if git(tree, "status", "--porcelain"):
        return tree
    room = WHEELS / git(tree, "rev-parse", "HEAD")
    if not room.is_dir():
        build = [sys.executable, sys.argv[0], "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", room, tree]
        subprocess.run(build, check=True)
    (wheel,) = room.glob("*.whl")
    return str(wheel)


tree, bracket, extras = sys.argv[-1].partition("[")
if sys.argv[1] == "install" and Path(tree, "pyproject.toml").is_file():
    sys.argv[-1] = wheel_of(tree) + bracket + extras
raise SystemExit(main())

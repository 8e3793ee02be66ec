#!/usr/bin/env python3
"""systemctl where no systemd runs: starts what units name, as the user that they name, with their environment.

None of their restrictions, no restarts, no timers. Installed into the copied machine of test_install_guide.py.
"""

import os
import pwd
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

FOLDERS = (Path("/etc/systemd/system"), Path("/lib/systemd/system"))
ROOM = Path("/run/stand-in")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def settings(unit: str) -> dict[str, list[str]]:
    file = next((folder / unit for folder in FOLDERS if (folder / unit).is_file()), None)
    if file is None:
        sys.exit(f"Unit {unit} could not be found.")
    found: dict[str, list[str]] = {}
    for part in (file, *sorted((FOLDERS[0] / f"{unit}.d").glob("*.conf"))):
        for line in part.read_text().splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                found[name] = [*found.get(name, []), value.strip()] if value.strip() else []
    return found


def pid_of(unit: str) -> int | None:
    try:
        pid = int((ROOM / f"{unit}.pid").read_text())
        os.kill(pid, 0)
    except PermissionError:  # somebody else's, and there
        return pid
    except (OSError, ValueError):
        return None
    return pid


def environment(unit: dict[str, list[str]]) -> dict[str, str]:
    found = {"PATH": PATH, "LANG": "C.UTF-8"}
    for file in unit.get("EnvironmentFile", []):
        path = Path(file.removeprefix("-"))
        if file.startswith("-") and not path.exists():
            continue
        lines = (line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
        found.update(line.split("=", 1) for line in lines)
    return found


def run(unit: dict[str, list[str]], line: str, **more: object) -> subprocess.Popen[bytes]:
    env = {**environment(unit), **more.pop("env", {})}
    words = [env.get(word[2:-1], "") if word.startswith("${") else word for word in shlex.split(line.lstrip("-"))]
    if user := unit.get("User"):
        env["HOME"] = pwd.getpwnam(user[-1]).pw_dir
        words = ["setpriv", f"--reuid={user[-1]}", f"--regid={unit.get('Group', user)[-1]}", "--init-groups", *words]
    folder = (unit.get("WorkingDirectory") or ["/"])[-1]
    umask = int((unit.get("UMask") or ["0022"])[-1], 8)
    return subprocess.Popen(words, env=env, cwd=folder, umask=umask, stdin=subprocess.DEVNULL, **more)  # type: ignore[call-overload,no-any-return]


def start(name: str) -> int:
    unit = settings(name)
    if any(not Path(path).exists() for path in unit.get("ConditionPathExists", [])) or pid_of(name):
        return 0
    if name.endswith(".timer"):
        settings(name.replace(".timer", ".service"))
        return 0
    for line in unit.get("ExecStartPre", []):
        run(unit, line).wait(600)
    if name.endswith(".path"):
        return in_background(name, lambda: watch(unit["PathChanged"][-1], unit["Unit"][-1]))
    kind = (unit.get("Type") or ["simple"])[-1]
    line = unit["ExecStart"][-1]
    if kind == "oneshot":
        return run(unit, line).wait(600)
    if kind == "forking":
        code = run(unit, line).wait(600)
        deadline = time.monotonic() + 600
        while not Path(unit["PIDFile"][-1]).exists() and time.monotonic() < deadline:
            time.sleep(0.02)  # no wait of a test: a program by itself
        (ROOM / f"{name}.pid").write_text(Path(unit["PIDFile"][-1]).read_text())
        return code
    return in_background(name, lambda: look_after(name, unit, line, kind == "notify"))


def in_background(name: str, work) -> int:  # type: ignore[no-untyped-def]
    """Until it says that it is ready; the exit code."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.close(reading)
        log = os.open(ROOM / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        null = os.open(os.devnull, os.O_RDONLY)
        for into, what in ((0, null), (1, log), (2, log)):
            os.dup2(what, into)
        for ready in work():
            if writing is not None:
                os.write(writing, b"1" if ready else b"0")
                os.close(writing)
                writing = None
        os._exit(0)
    os.close(writing)
    said = os.read(reading, 1)
    return 0 if said == b"1" else 1


def look_after(name: str, unit: dict[str, list[str]], line: str, notifies: bool):  # type: ignore[no-untyped-def]
    place = ROOM / f"{name}.notify"
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(place))
        place.chmod(0o777)
        told.settimeout(0.2)  # no deadline of a machine: between looks
        process = run(unit, line, env={"NOTIFY_SOCKET": str(place)} if notifies else {})
        (ROOM / f"{name}.pid").write_text(str(process.pid))
        if not notifies:
            yield True
        while process.poll() is None:
            try:
                text = told.recv(4096).decode()
            except TimeoutError:
                continue
            for each in text.splitlines():
                if each.startswith("STATUS="):
                    (ROOM / f"{name}.status").write_text(each.removeprefix("STATUS="))
            if "READY=1" in text.splitlines():
                yield True
        yield False


def watch(path: str, unit: str):  # type: ignore[no-untyped-def]
    (ROOM / "watch.pid").write_text(str(os.getpid()))

    def mark() -> object:
        try:
            found = Path(path).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    before = mark()
    yield True
    while True:
        time.sleep(0.2)  # no wait of a test: a program by itself
        if (now := mark()) != before:
            before = now
            start(unit)
            yield True


def stop(name: str) -> int:
    pid = pid_of(name)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 600
        while pid_of(name) and time.monotonic() < deadline:
            time.sleep(0.02)  # no wait of a test: a program by itself
    (ROOM / f"{name}.pid").unlink(missing_ok=True)
    return 0


def reload(name: str) -> int:
    unit, pid = settings(name), pid_of(name)
    if pid is None:
        return 1
    return run(unit, unit["ExecReload"][-1].replace("$MAINPID", str(pid))).wait(600)


def main() -> int:
    os.umask(0o022)
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    what, names = (words or ["list"])[0], [word if "." in word else f"{word}.service" for word in words[1:]]
    if what not in ("status", "is-active", "list") and os.geteuid():
        sys.exit("Failed: Access denied")
    if os.geteuid() == 0:
        ROOM.mkdir(exist_ok=True)
    if what == "enable" and "--now" in sys.argv:
        what = "start"
    code = 0
    for name in names:
        match what:
            case "start":
                code |= start(name)
            case "restart":
                code |= stop(name) | start(name)
            case "stop":
                code |= stop(name)
            case "reload":
                code |= reload(name)
            case "is-active":
                code |= 0 if pid_of(name) else 3
            case "status":
                status = ROOM / f"{name}.status"
                print(name, "active" if pid_of(name) else "inactive", status.read_text() if status.exists() else "")
            case _:
                settings(name)
    return code


sys.exit(main())

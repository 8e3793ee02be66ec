"""Strangers at the gateway's listeners (console, figures, webhook), and many who sign in, while buttons press.

`python tests/torture/strangers.py [--engine sqlite|postgresql] [--seconds N] [--part connections|sign-in|both]` prints
its counts as JSON, and exits with 1 where a press was lost, one in a hundred waited for more than a second, the process
that takes presses opened descriptors for strangers, a person did not get in, more passwords were checked than may be,
or the log was flooded.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

TESTS: Final = Path(__file__).resolve().parents[1]
for folder in (TESTS, TESTS / "torture"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

import httpx  # noqa: E402
from pressed_gateway import (  # noqa: E402
    LATE_S,
    Breach,
    Honest,
    Repeating,
    attacked,
    ended_well,
    installation,
    p99,
    report,
    running,
)
from stranger_process import Knock, command  # noqa: E402

from guarded_broker import GuardedBroker  # noqa: E402
from siaga_gateway.web.session.auth import hash_password  # noqa: E402
from siaga_gateway.web.session.sign_in import OF_NAME  # noqa: E402
from system.running_gateway import Gateway  # noqa: E402
from waiting import ENDS_S, eventually  # noqa: E402

HONEST: Final = 6
STRANGERS: Final = 400
SIGN_INS: Final = 60
PASSWORD: Final = "kopi robusta 7"
OFFICERS: Final = ("Rina Wulandari", "Budi Santoso")
PAGE_LATE_S: Final = 2.0  # for 99 of a hundred pages
_DESCRIPTORS: Final = 24  # beside those before: readers of the store, one connection to an output
_LOG_BYTES: Final = 200_000
_PAGE_S: Final = 20.0
_IN_S: Final = 60.0


class Person(Repeating):
    """An officer at a computer that is known: signs in, looks, signs out, again and again."""

    pause_s, longest_s = 0.2, _IN_S

    def __init__(self, gateway: Gateway, name: str) -> None:
        super().__init__()
        self.pages: list[float] = []
        self.signed_in: list[float] = []
        self._officer = name
        address = gateway.console.rstrip("/")
        # no deadline of a machine: a person's
        self._browser = httpx.Client(base_url=address, headers={"Origin": address}, timeout=_PAGE_S, trust_env=False)

    def go_round(self) -> None:
        self.sign_in()
        for path in ("/", "/incidents", "/session"):
            self._look(path)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self._browser.close()

    def sign_in(self) -> None:
        began = time.monotonic()
        while True:
            answer = self._ask("POST", "/sign-in", {"name": self._officer, "password": PASSWORD})
            if answer.status_code == 303:
                self.signed_in.append(time.monotonic() - began)
                return
            if time.monotonic() - began > _IN_S:
                raise Breach(f"{self._officer} does not get in: {answer.status_code} {answer.text[:300]}")
            time.sleep(0.5)  # no wait of a test: a person signs in again

    def _look(self, path: str) -> None:
        began = time.monotonic()
        answer = self._ask("GET", path)
        if answer.status_code != 200:
            raise Breach(f"{path} is answered with {answer.status_code}")
        self.pages.append(time.monotonic() - began)

    def _ask(self, method: str, path: str, data: dict[str, str] | None = None) -> httpx.Response:
        """As a browser does: a connection that was kept and is closed meanwhile is made anew."""
        began = time.monotonic()
        while True:
            try:
                return self._browser.request(method, path, data=data)
            except httpx.TransportError as error:
                if time.monotonic() - began > _PAGE_S:
                    raise Breach(f"{path} is not answered: {error!r}") from error
                time.sleep(0.05)  # no wait of a test: it connects again


class Course:
    """What is going on meanwhile, and what the attacks brought about."""

    def __init__(self, broker: GuardedBroker, honest: list[Honest], person: Person) -> None:
        self.gateway = broker.gateway
        self.honest = honest
        self.person = person
        self.attacks: dict[str, dict[str, int]] = {}
        assert broker.gateway.process is not None
        self._fd = Path(f"/proc/{broker.gateway.process.pid}/fd")
        self._before = self.descriptors()
        self.most = 0

    def descriptors(self) -> int:
        return len(list(self._fd.iterdir()))

    def attack(self, name: str, *knocks: Knock) -> None:
        seconds = max(each.seconds for each in knocks)
        self.attacks[name] = attacked(name, [command(each) for each in knocks], seconds, self._watch_descriptors)

    def _watch_descriptors(self) -> None:
        self.most = max(self.most, self.descriptors())

    def judge_descriptors(self) -> None:
        if self.most > self._before + _DESCRIPTORS:
            raise Breach(f"the process that takes presses has {self.most} descriptors, {self._before} before")


@contextmanager
def course(folder: Path, engine: str) -> Iterator[Course]:
    hashed = hash_password(PASSWORD)
    more = "".join(f'"{name}" = "{hashed}"\n' for name in OFFICERS)
    webhook = '[sms.webhook]\nport = 0\nsecret = "long enough a secret"\n'
    settings = f"\n[console.operators]\n{more}\n[metrics]\nport = 0\n\n{webhook}"
    with installation(folder, engine, HONEST, settings, proxies=True) as (broker, buttons):
        honest = [Honest(broker, button) for button in buttons]
        person = Person(broker.gateway, OFFICERS[0])
        found = Course(broker, honest, person)
        person.sign_in()
        with running([*honest, person]):
            yield found
        said = ended_well(broker.gateway)
        if len(said) > _LOG_BYTES:
            raise Breach(f"the log has {len(said)} bytes: {said[-2000:]}")
        found.judge_descriptors()


def _until_there(knock: Knock) -> Knock:
    """Each of its connections has been there."""
    return replace(knock, least=knock.count)


def connections(found: Course, seconds: float, strangers: int = STRANGERS) -> None:
    """seconds: of all its attacks together. Raises Breach."""
    ready = found.gateway.ready
    console, figures, webhook = (httpx.URL(ready[name]).port for name in ("console", "operations", "sms_webhook"))
    assert console and figures and webhook
    each = seconds / 3
    found.attack(
        "idle",
        _until_there(Knock("idle", console, strangers, each)),
        _until_there(Knock("idle", figures, strangers // 4, each)),
        _until_there(Knock("idle", webhook, strangers // 2, each)),
    )
    found.attack(
        "slow",
        _until_there(Knock("heads", console, strangers // 2, each)),
        _until_there(Knock("bodies", console, strangers // 2, each)),
        _until_there(Knock("bodies", webhook, strangers // 2, each)),
        _until_there(Knock("heads", figures, strangers // 8, each)),
    )
    found.attack(
        "much",
        _until_there(Knock("endless", console, strangers // 8, each)),
        _until_there(Knock("unread", console, strangers, each)),
    )
    ready_now = eventually(lambda: _readyz(found.gateway), "figures are answered")
    if not ready_now["ready"]:
        raise Breach(f"it is not ready: {ready_now}")


def _readyz(gateway: Gateway) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = httpx.get(
            f"{gateway.ready['operations']}/readyz", timeout=ENDS_S, trust_env=False
        ).json()
        return told
    except (httpx.TransportError, ValueError):
        return None


def sign_in(found: Course, seconds: float, at_once: int = SIGN_INS) -> None:
    """seconds: of all its attacks together. Raises Breach."""
    port = httpx.URL(found.gateway.console).port
    assert port
    found.attack("a name", Knock("guess", port, at_once, seconds / 2, OFFICERS, least=2 * at_once))
    found.attack("strangers", Knock("guess", port, at_once, seconds / 2, least=2 * at_once))
    for name in OFFICERS:
        checked = found.attacks["a name"].get(f"{name} 403", 0)
        if checked > OF_NAME.allowed:
            raise Breach(f"{checked} passwords of {name} were checked, {OF_NAME.allowed} may be")


def run(folder: Path, engine: str, part: str, seconds: float) -> dict[str, Any]:
    """The counts. Raises Breach."""
    with course(folder, engine) as found:
        PARTS[part](found, seconds)
    return counts(engine, found)


def counts(engine: str, found: Course) -> dict[str, Any]:
    presses = sorted(took for each in found.honest for _, took in each.waited)
    pages, entries = sorted(found.person.pages), sorted(found.person.signed_in)
    return {
        "engine": engine,
        "attacks": found.attacks,
        "presses": len(presses),
        "press_p99_s": round(p99(presses), 3),
        "press_longest_s": round(presses[-1], 3),
        "pages": len(pages),
        "page_p99_s": round(p99(pages), 3),
        "sign_ins": len(entries),
        "sign_in_longest_s": round(entries[-1], 3),
        "descriptors": found.most,
        "log_bytes": len(found.gateway.stderr()),
    }


PARTS: Final = {"connections": connections, "sign-in": sign_in}


def judge(found: dict[str, Any]) -> None:
    """Raises Breach where somebody waited for too long."""
    if found["press_p99_s"] > LATE_S:
        raise Breach(f"one press in a hundred waited for longer than {LATE_S} s: {json.dumps(found)}")
    if found["page_p99_s"] > PAGE_LATE_S:
        raise Breach(f"one page in a hundred took longer than {PAGE_LATE_S} s: {json.dumps(found)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=18, help="of each part (%(default)s)")
    parser.add_argument("--part", choices=[*PARTS, "both"], default="both")
    given = parser.parse_args()
    parts = PARTS if given.part == "both" else (given.part,)
    return report([partial(run, engine=given.engine, part=name, seconds=given.seconds) for name in parts], judge)


if __name__ == "__main__":
    sys.exit(main())

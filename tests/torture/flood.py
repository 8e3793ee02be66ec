"""Floods at the broker of `siaga gateway broker-config`, at full speed, while other buttons press.

`python tests/torture/flood.py [--engine sqlite|postgresql] [--seconds N]` prints its counts as JSON, and exits with 1
where a press was lost, one in a hundred waited for more than a second, the broker grew without bound, or the login that
floods was not shut out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

TESTS: Final = Path(__file__).resolve().parents[1]
for folder in (TESTS, TESTS / "torture"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

from flooder import Attack, command  # noqa: E402
from pressed_gateway import LATE_S, UP, Breach, Honest, attacked, ended_well, installation, p99, report, running  # noqa: E402

from guarded_broker import GuardedBroker  # noqa: E402
from pressing_button import PressingButton  # noqa: E402
from siaga_gateway.adapters.sql import open_store  # noqa: E402
from siaga_gateway.config.loading import load  # noqa: E402
from siaga_gateway.service.ingest.flood_protection import BACKLOG_S  # noqa: E402
from siaga_gateway.service.journal import kinds as journal  # noqa: E402
from waiting import eventually  # noqa: E402

FLOOD_KINDS: Final = (
    journal.BROKER_SHUT_OUT,
    journal.BROKER_LET_IN,
    journal.BROKER_FLOOD,
    journal.BROKER_DOOR_CLOSED,
)
HONEST: Final = 8
ROOM_MB: Final = 250  # for the broker: it holds 50,000 frames at most, of two queues


class Course:
    """Broker, gateway, honest buttons, and the attacks one after the other."""

    def __init__(self, broker: GuardedBroker, buttons: Sequence[PressingButton]) -> None:
        self.broker = broker
        self.attackers = list(buttons[HONEST:])
        self.honest = [Honest(broker, button) for button in buttons[:HONEST]]
        self.most_mb = 0
        self.attacks: dict[str, dict[str, int]] = {}
        self.calm: list[float] = []
        self.beside: list[float] = []

    def attack(self, name: str, how: str, seconds: float, *, qos: int = 0, password: str = "") -> str:
        """With the login of a button that has not flooded yet; whose."""
        button = self.attackers.pop()
        login = button.device_id.hex()
        self._attack(name, how, login, password or self.broker.password(button), login, seconds, qos)
        return login

    def attack_by_the_door(self, password: str, seconds: float, how: str = "frames") -> str:
        """Through the door for new buttons, under the name of a button that presses; whose."""
        victim = self.honest[0].login
        self._attack("the door", how, "enrol", password, victim, seconds, 0)
        return victim

    def _attack(self, name: str, how: str, user: str, password: str, device_id: str, seconds: float, qos: int) -> None:
        port, ca = self.broker.port, str(self.broker.ca)
        attack = Attack(how, port, ca, user, password, UP + device_id, seconds, qos)
        began = time.monotonic()
        self.attacks[name] = attacked(name, [command(attack)], seconds, self._watch_broker)
        self._take(began, self.beside)

    def rest(self, seconds: float) -> None:
        began = time.monotonic()
        time.sleep(seconds)
        self._take(began, self.calm)

    def _take(self, began: float, into: list[float]) -> None:
        into += [took for each in self.honest for made, took in list(each.waited) if made >= began]

    def _watch_broker(self) -> None:
        assert self.broker.process is not None
        status = Path(f"/proc/{self.broker.process.pid}/status").read_text()
        mb = next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS"))
        self.most_mb = max(self.most_mb, mb)

    def is_out(self, login: str) -> bool:
        return (journal.BROKER_SHUT_OUT, login) in self.told()

    def told(self) -> list[tuple[str, str]]:
        """What the journal says of floods: its kinds, each with its device."""
        store = open_store(load(self.broker.gateway.config), time.time_ns() // 1_000_000)
        try:
            return [
                (entry.kind, "" if entry.device_id is None else entry.device_id.hex())
                for entry in store.journal_of_kinds(FLOOD_KINDS, 0, 2**62)
            ]
        finally:
            store.close()


def run(folder: Path, engine: str, seconds: float, *, all_attacks: bool = True) -> dict[str, Any]:
    """The counts. seconds: of each attack. Raises Breach."""
    with installation(folder, engine, HONEST + 4) as (broker, buttons):
        course = Course(broker, buttons)
        with running(course.honest):
            course.rest(BACKLOG_S + 1)
            out = [course.attack("a login, QoS 1", "frames", seconds, qos=1)]
            if all_attacks:
                out.append(course.attack("a login, QoS 0", "frames", seconds))
                course.attack("wrong passwords", "logins", seconds, password="wrong")
                course.attack("large packets", "large", seconds)
        for login in out:
            eventually(lambda login=login: course.is_out(login), "the login that floods is shut out")
        refused = [name for name, found in course.attacks.items() if "login" in name and not found["refused"]]
        if refused:
            raise Breach(f"{refused} were let in again at once")
        ended_well(broker.gateway)
    beside, calm = sorted(course.beside), sorted(course.calm)
    found = {
        "engine": engine,
        "attacks": course.attacks,
        "presses_calm": len(calm),
        "presses_beside": len(beside),
        "calm_p99_s": round(p99(calm), 3),
        "beside_p50_s": round(beside[len(beside) // 2], 3),
        "beside_p99_s": round(p99(beside), 3),
        "beside_longest_s": round(beside[-1], 3),
        "broker_mb": course.most_mb,
    }
    if course.most_mb > ROOM_MB:
        raise Breach(f"the broker took {course.most_mb} MB: {json.dumps(found)}")
    return found


def judge(found: dict[str, Any]) -> None:
    """Raises Breach where others waited for too long."""
    if found["beside_p99_s"] > LATE_S:
        raise Breach(f"one press in a hundred waited for longer than {LATE_S} s: {json.dumps(found)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=8, help="of each attack (%(default)s)")
    given = parser.parse_args()
    return report([lambda folder: run(folder, given.engine, given.seconds)], judge)


if __name__ == "__main__":
    sys.exit(main())

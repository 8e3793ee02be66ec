"""Assembles what controls logins at the broker: passwords that follow the registry, suspension of flooding logins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from siaga_gateway.adapters.broker_access.mosquitto_file import PasswordFile
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.lifecycle_journal import note
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.service.fleet.broker_access import BrokerAccess, BrokerPasswords, Change
from siaga_gateway.service.fleet.login_suspension import LoginSuspensions, logins_out
from siaga_gateway.service.journal import kinds as journal


@dataclass(frozen=True, slots=True)
class BrokerLogins:
    access: Sequence[BrokerAccess]  # one per place where the broker keeps passwords; none: not managed here
    suspensions: LoginSuspensions

    def pieces(self) -> list[Piece]:
        each = [Piece(f"broker passwords {at}", one.start, one.stop) for at, one in enumerate(self.access, 1)]
        return [*each, Piece("suspended logins", self.suspensions.start, self.suspensions.stop)]


def make_broker_logins(base: Foundation) -> BrokerLogins:
    def changed(change: Change) -> None:
        facts: dict[str, object] = {"given": change.given, "withdrawn": change.withdrawn}
        note(base.store, base.clock, journal.BROKER_ACCESS, facts)

    access = [
        BrokerAccess(base.store, base.gateway_key, passwords, changed, lambda: logins_out(base.store))
        for passwords in _passwords(base)
    ]
    suspensions = LoginSuspensions(base.store, base.notifier, base.clock, base.worker)
    suspensions.serve(access)
    return BrokerLogins(access, suspensions)


def _passwords(base: Foundation) -> list[BrokerPasswords]:
    broker = base.settings.broker
    found: list[BrokerPasswords] = []
    if broker.passwords is not None:
        found.append(PasswordFile(broker.passwords, broker.pid_file))
    if broker.table:
        from siaga_gateway.adapters.broker_access.emqx_table import PasswordTable
        from siaga_gateway.adapters.mqtt.session_takeover import take_over

        found.append(PasswordTable(base.store, partial(take_over, base.settings.mqtt)))
    return found

"""Assembles the recurring checks of the installation: keys, broker passwords, certificates, daily jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from siaga_gateway.adapters.files.gateway_key import key_fault
from siaga_gateway.bootstrap.daily_jobs import certificate_watch, housekeeping, passwords_watch
from siaga_gateway.bootstrap.doctor.machine import machine_state
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.service.fleet.broker_access import BrokerAccess
from siaga_gateway.service.installation.certificate_health import CertificateWatch
from siaga_gateway.service.installation.key_health import PERSONAL, KeyWatch
from siaga_gateway.service.installation.machine_watch import MachineWatch
from siaga_gateway.service.scheduling.periodic_jobs import PeriodicJobs


@dataclass(frozen=True, slots=True)
class InstallationChecks:
    keys: KeyWatch
    certificates: CertificateWatch
    machine: MachineWatch
    daily: PeriodicJobs

    def pieces(self) -> list[Piece]:
        return [Piece("first look at the keys", self.keys.look), Piece("daily jobs", self.daily.start, self.daily.stop)]


def make_checks(base: Foundation, access: Sequence[BrokerAccess]) -> InstallationChecks:
    settings, store, notifier, clock = base.settings, base.store, base.notifier, base.clock
    faults = {
        PERSONAL: store.key_file_fault,
        "gateway_key": lambda: key_fault(settings.data_dir, base.gateway_key),
    }
    if settings.broker.passwords is not None:
        faults["broker_passwords"] = passwords_watch(settings.broker.passwords, access)
    keys = KeyWatch(store, clock, notifier, faults, tells=base.identity.first)
    certificates = certificate_watch(settings, store, notifier, clock)
    machine = MachineWatch(store, clock, notifier, partial(machine_state, settings.data_dir))
    watched = machine if base.identity.first else None
    daily = housekeeping(settings, store, notifier, clock, base.worker, certificates, base.survey, watched)
    return InstallationChecks(keys, certificates, machine, daily)

"""Who may do what at the console: permissions, and which of them each role has. Pure.

`web/session/route_table.py` says which permission each page and route needs. Whatever may be done is asked by
permission, never by role, so that a token for a program can hold permissions of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is at the console; the order in which roles are offered."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    REGISTRAR = "registrar"
    INSTALLER = "installer"
    DISPATCHER = "dispatcher"  # of one Polres: sees the calls of his jurisdiction
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """What may be done. `<what>.<how>`."""

    INCIDENTS_READ = "incidents.read"  # the queue, the live stream, each call, photographs, the map
    INCIDENTS_STEP = "incidents.step"  # every step on a call
    PROTOCOLS_CHANGE = "protocols.change"  # what operators go through at a call
    SHIFT_READ = "shift.read"  # who is on duty, handovers
    SHIFT_STEP = "shift.step"  # notes of the shift, its handover
    WALL_READ = "wall.read"  # the display on the wall: nothing personal
    IDENTITY_READ = "identity.read"  # an owner's NIK in full
    AREAS_READ = "areas.read"  # borders and stations on the map
    DELIVERIES_READ = "deliveries.read"
    DELIVERIES_STEP = "deliveries.step"
    DRILLS_READ = "drills.read"
    DRILLS_ORDER = "drills.order"
    PLACES_READ = "places.read"  # stations and responders with their numbers
    PLACES_STEP = "places.step"  # the code of a way to somebody
    PLACES_CHANGE = "places.change"  # lists of stations, responders and shifts: who is called
    MAINTENANCE_READ = "maintenance.read"
    MAINTENANCE_STEP = "maintenance.step"
    DEVICES_COMMAND = "devices.command"  # commands to one button that change nothing on it
    DEVICES_CHANGE = "devices.change"  # settings and an update: an address of the giver's choice
    DEVICES_LOCATE = "devices.locate"  # the command that asks it where it is
    OWNERS_READ = "owners.read"  # owners' records
    OWNERS_ADVISE = "owners.advise"  # advice to an owner, a longer hold
    OWNERS_DECIDE = "owners.decide"  # suspend, lift, dismiss, code words
    FIGURES_READ = "figures.read"
    REGISTRY_READ = "registry.read"  # owners, devices, quarantine
    REGISTRY_CHANGE = "registry.change"
    LISTS_BRING = "lists.bring"  # lists as files, of the kinds that one may change
    ENROLMENTS_ADD = "enrolments.add"  # a button by its own proof, for a registrar to confirm
    ACCOUNTS_CHANGE = "accounts.change"  # accounts, and everybody's sessions


_P = Permission
_READS: Final = frozenset(each for each in Permission if each.value.endswith(".read"))
_OPERATOR: Final = frozenset(
    {
        *(_P.INCIDENTS_READ, _P.INCIDENTS_STEP, _P.IDENTITY_READ, _P.AREAS_READ),
        *(_P.SHIFT_READ, _P.SHIFT_STEP, _P.WALL_READ),
        *(_P.DELIVERIES_READ, _P.DELIVERIES_STEP, _P.DRILLS_READ, _P.DRILLS_ORDER),
        *(_P.PLACES_READ, _P.PLACES_STEP, _P.MAINTENANCE_READ, _P.MAINTENANCE_STEP),
        *(_P.OWNERS_READ, _P.OWNERS_ADVISE, _P.FIGURES_READ),
    }
)
OF_ROLE: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.OPERATOR: _OPERATOR,  # all that every operator could do before there were roles
    Role.SUPERVISOR: _OPERATOR
    | {
        *(_P.OWNERS_DECIDE, _P.REGISTRY_READ, _P.PROTOCOLS_CHANGE, _P.DEVICES_COMMAND, _P.DEVICES_LOCATE),
        *(_P.PLACES_CHANGE, _P.LISTS_BRING, _P.DEVICES_CHANGE),
    },
    Role.REGISTRAR: frozenset(
        {
            *(_P.REGISTRY_READ, _P.REGISTRY_CHANGE, _P.OWNERS_READ, _P.OWNERS_ADVISE, _P.IDENTITY_READ),
            *(_P.PLACES_READ, _P.AREAS_READ, _P.MAINTENANCE_READ, _P.ENROLMENTS_ADD, _P.LISTS_BRING),
        }
    ),
    Role.INSTALLER: frozenset(
        {
            *(_P.MAINTENANCE_READ, _P.MAINTENANCE_STEP, _P.DEVICES_COMMAND, _P.AREAS_READ, _P.ENROLMENTS_ADD),
        }
    ),
    Role.DISPATCHER: frozenset(
        {
            *(_P.INCIDENTS_READ, _P.INCIDENTS_STEP, _P.IDENTITY_READ, _P.AREAS_READ),
            *(_P.SHIFT_READ, _P.SHIFT_STEP),
        }
    ),
    Role.AUDITOR: _READS - {_P.IDENTITY_READ},
    Role.ADMINISTRATOR: frozenset(Permission),
}
# A console without any account, on the gateway's own machine: whoever types a name.
WITHOUT_ACCOUNTS: Final = frozenset(Permission) - {
    *(_P.OWNERS_DECIDE, _P.ACCOUNTS_CHANGE, _P.DEVICES_COMMAND, _P.DEVICES_CHANGE, _P.DEVICES_LOCATE)
}

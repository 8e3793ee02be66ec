"""Who may ask for what: every route of the console's application, by method and path as it is declared.

A route that does not stand here is refused to everybody; tests/gateway/web/session/test_route_table.py fails until it
does, and tries every route as every role.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from siaga_gateway.domain.permissions import Permission


class Access(Enum):
    """What needs no permission of a role."""

    PUBLIC = "public"  # nobody need be signed in
    SIGNED_IN = "signed in"  # anybody who is


_P = Permission
ROUTES: Final[Mapping[tuple[str, str], Permission | Access]] = {
    # Pages for everybody
    ("GET", "/sign-in"): Access.PUBLIC,
    ("POST", "/sign-in"): Access.PUBLIC,
    ("POST", "/sign-out"): Access.PUBLIC,
    ("POST", "/language"): Access.PUBLIC,
    ("POST", "/theme"): Access.PUBLIC,
    ("GET", "/health"): Access.PUBLIC,
    ("GET", "/static/map/{name}.json"): Access.PUBLIC,
    ("GET", "/"): Access.SIGNED_IN,  # sends those who have no queue to their own page
    ("GET", "/session"): Access.SIGNED_IN,
    # Programs
    ("GET", "/api/v1/me"): Access.SIGNED_IN,
    ("GET", "/api/v1/openapi.json"): Access.SIGNED_IN,
    ("GET", "/api/docs"): Access.SIGNED_IN,  # a page for people
    ("GET", "/api/v1/site-profile"): Access.SIGNED_IN,
    ("GET", "/api/v1/events"): _P.INCIDENTS_READ,
    ("GET", "/api/v1/incidents"): _P.INCIDENTS_READ,
    ("GET", "/api/v1/incidents.geojson"): _P.INCIDENTS_READ,
    ("GET", "/api/v1/incidents.csv"): _P.INCIDENTS_READ,
    ("GET", "/api/v1/incidents/{incident_id}"): _P.INCIDENTS_READ,
    ("GET", "/api/v1/incidents/{incident_id}/timeline"): _P.INCIDENTS_READ,
    # A person and his photograph: their routes ask for identity.read too.
    ("GET", "/api/v1/incidents/{incident_id}/person"): _P.INCIDENTS_READ,
    ("GET", "/api/v1/incidents/{incident_id}/photograph"): _P.INCIDENTS_READ,
    ("GET", "/api/v1/incidents/{incident_id}/messages"): _P.INCIDENTS_READ,
    ("POST", "/api/v1/incidents/{incident_id}/messages"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/nik"): _P.IDENTITY_READ,
    ("POST", "/api/v1/incidents/{incident_id}/seen"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/acknowledge"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/resume"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/undo"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/assign"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/stand-down"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/on-scene"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/dispatch"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/real"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/called-back"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/close"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/correct"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/reopen"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/note"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/major"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/incidents/{incident_id}/leave-major"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/majors/{number}/seen"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/majors/{number}/assign"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/majors/{number}/close"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/majors/{number}/join"): _P.INCIDENTS_STEP,
    ("POST", "/api/v1/majors/{number}/leave"): _P.INCIDENTS_STEP,
    ("GET", "/api/v1/protocols"): _P.INCIDENTS_READ,
    ("POST", "/api/v1/protocols/{kind}"): _P.PROTOCOLS_CHANGE,
    ("GET", "/api/v1/owners"): _P.REGISTRY_READ,
    ("POST", "/api/v1/owners/search"): _P.REGISTRY_READ,
    ("GET", "/api/v1/enrolments"): _P.REGISTRY_READ,
    ("POST", "/api/v1/enrolments"): _P.ENROLMENTS_ADD,
    ("GET", "/api/v1/enrolments/{device_id}"): _P.ENROLMENTS_ADD,
    ("POST", "/api/v1/enrolments/{device_id}/confirm"): _P.REGISTRY_CHANGE,
    ("POST", "/api/v1/enrolments/{device_id}/refuse"): _P.REGISTRY_CHANGE,
    ("GET", "/api/v1/devices"): _P.MAINTENANCE_READ,
    ("GET", "/api/v1/devices/{device_id}"): _P.MAINTENANCE_READ,
    ("GET", "/api/v1/devices/{device_id}/commands"): _P.MAINTENANCE_READ,
    # Settings and an update: their routes ask for devices.change too.
    ("POST", "/api/v1/devices/{device_id}/commands"): _P.DEVICES_COMMAND,
    ("POST", "/api/v1/devices/{device_id}/commands/{number}/withdraw"): _P.DEVICES_COMMAND,
    ("POST", "/api/v1/devices/{device_id}/locate"): _P.DEVICES_LOCATE,
    ("GET", "/api/v1/owners/{owner_id}"): _P.OWNERS_READ,
    ("GET", "/api/v1/stations"): _P.PLACES_READ,
    ("GET", "/api/v1/stations.geojson"): _P.AREAS_READ,
    ("GET", "/api/v1/responders"): _P.PLACES_READ,
    ("GET", "/api/v1/maintenance/cases"): _P.MAINTENANCE_READ,
    ("POST", "/api/v1/maintenance/cases/{case_id}/close"): _P.MAINTENANCE_STEP,
    ("GET", "/api/v1/drills"): _P.DRILLS_READ,
    ("GET", "/api/v1/figures"): _P.FIGURES_READ,
    ("GET", "/api/v1/shift"): _P.SHIFT_READ,
    ("POST", "/api/v1/shift/notes"): _P.SHIFT_STEP,
    ("GET", "/api/v1/handovers"): _P.SHIFT_READ,
    ("POST", "/api/v1/handovers"): _P.SHIFT_STEP,
    ("GET", "/api/v1/handovers/{handover_id}"): _P.SHIFT_READ,
    ("POST", "/api/v1/handovers/{handover_id}/take"): _P.SHIFT_STEP,
    # The queue and its calls
    ("GET", "/live"): _P.INCIDENTS_READ,
    ("POST", "/presence"): _P.INCIDENTS_STEP,  # who only reads is at nothing
    ("GET", "/incidents"): _P.INCIDENTS_READ,
    ("GET", "/incidents/{incident_id}"): _P.INCIDENTS_READ,
    ("GET", "/search"): _P.INCIDENTS_READ,
    ("GET", "/incidents/{incident_id}/report"): _P.INCIDENTS_READ,
    ("GET", "/incidents/{incident_id}/calls"): _P.INCIDENTS_READ,
    ("GET", "/incidents/{incident_id}/nearest"): _P.INCIDENTS_READ,
    ("GET", "/incidents/{incident_id}/track.geojson"): _P.INCIDENTS_READ,
    ("GET", "/incidents/{incident_id}/photographs/{number}"): _P.INCIDENTS_READ,
    ("GET", "/incidents/{incident_id}/holder-photograph"): _P.INCIDENTS_READ,  # asks for identity.read too
    ("GET", "/map/units.geojson"): _P.INCIDENTS_READ,
    ("POST", "/map/find"): _P.INCIDENTS_READ,
    ("GET", "/feed"): _P.INCIDENTS_READ,
    ("GET", "/certificates"): _P.INCIDENTS_READ,
    ("POST", "/incidents/{incident_id}/nik"): _P.IDENTITY_READ,
    ("POST", "/incidents/{incident_id}/seen"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/acknowledge"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/resume"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/undo"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/assign"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/stand-down"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/on-scene"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/dispatch"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/real"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/close"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/reopen"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/correct"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/note"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/message"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/called-back"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/protocol"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/major"): _P.INCIDENTS_STEP,
    ("POST", "/incidents/{incident_id}/leave-major"): _P.INCIDENTS_STEP,
    ("POST", "/majors/{number}/seen"): _P.INCIDENTS_STEP,
    ("POST", "/majors/{number}/assign"): _P.INCIDENTS_STEP,
    ("POST", "/majors/{number}/close"): _P.INCIDENTS_STEP,
    # What operators go through at a call
    ("GET", "/protocols"): _P.INCIDENTS_READ,
    ("POST", "/protocols/{kind}"): _P.PROTOCOLS_CHANGE,
    # Shifts
    ("GET", "/shift"): _P.SHIFT_READ,
    ("GET", "/shift/waiting"): _P.SHIFT_READ,
    ("POST", "/shift/notes"): _P.SHIFT_STEP,
    ("POST", "/shift/handovers"): _P.SHIFT_STEP,
    ("GET", "/shift/handovers/{handover_id}"): _P.SHIFT_READ,
    ("POST", "/shift/handovers/{handover_id}/take"): _P.SHIFT_STEP,
    # The display on the wall
    ("GET", "/wall"): _P.WALL_READ,
    ("GET", "/wall/board"): _P.WALL_READ,
    ("POST", "/wall"): Access.PUBLIC,  # shows a token
    # What goes to other systems
    ("GET", "/deliveries"): _P.DELIVERIES_READ,
    ("POST", "/deliveries/{delivery_id}/send-again"): _P.DELIVERIES_STEP,
    ("POST", "/deliveries/{delivery_id}/passed-on"): _P.DELIVERIES_STEP,
    # Drills
    ("GET", "/drills"): _P.DRILLS_READ,
    ("POST", "/drills"): _P.DRILLS_ORDER,
    ("GET", "/drills/{drill_id}"): _P.DRILLS_READ,
    ("POST", "/drills/{drill_id}/end"): _P.DRILLS_ORDER,
    # Stations and people who are called
    ("GET", "/places"): _P.PLACES_READ,
    ("POST", "/places/try"): _P.PLACES_READ,
    ("POST", "/places/code"): _P.PLACES_STEP,
    ("GET", "/places/areas.geojson"): _P.AREAS_READ,
    ("GET", "/map/streets.pmtiles"): _P.AREAS_READ,
    # Maintenance
    ("GET", "/maintenance"): _P.MAINTENANCE_READ,
    ("GET", "/maintenance/map.geojson"): _P.MAINTENANCE_READ,
    ("GET", "/maintenance.csv"): _P.MAINTENANCE_READ,
    ("GET", "/maintenance/buttons/{device_id}"): _P.MAINTENANCE_READ,
    ("POST", "/maintenance/buttons/{device_id}/sim"): _P.MAINTENANCE_STEP,
    ("POST", "/maintenance/buttons/{device_id}/commands"): _P.DEVICES_COMMAND,
    ("POST", "/maintenance/buttons/{device_id}/commands/{number}/withdraw"): _P.DEVICES_COMMAND,
    ("POST", "/maintenance/buttons/{device_id}/locate"): _P.DEVICES_LOCATE,
    ("GET", "/maintenance/work"): _P.MAINTENANCE_READ,
    ("POST", "/maintenance/cases/{case_id}/close"): _P.MAINTENANCE_STEP,
    ("GET", "/signal"): _P.MAINTENANCE_READ,
    ("GET", "/signal.csv"): _P.MAINTENANCE_READ,
    ("GET", "/signal.geojson"): _P.MAINTENANCE_READ,
    # Owners. Who decides on a case, and agrees on code words, is also asked where that is done: it says whom to ask.
    ("GET", "/owners"): _P.OWNERS_READ,
    ("GET", "/owners/{owner_id}"): _P.OWNERS_READ,
    ("GET", "/owners/{owner_id}/record.csv"): _P.OWNERS_READ,
    ("GET", "/owners/{owner_id}/letters/{case_id}/{letter}"): _P.OWNERS_READ,
    ("POST", "/owners/cases/{case_id}/suspend"): _P.OWNERS_ADVISE,
    ("POST", "/owners/cases/{case_id}/{step}"): _P.OWNERS_ADVISE,
    ("POST", "/owners/{owner_id}/hold"): _P.OWNERS_ADVISE,
    ("POST", "/owners/{owner_id}/code-words"): _P.OWNERS_ADVISE,
    # Accounts, and everybody's own page
    ("GET", "/accounts"): _P.ACCOUNTS_CHANGE,
    ("POST", "/accounts"): _P.ACCOUNTS_CHANGE,
    ("POST", "/accounts/role"): _P.ACCOUNTS_CHANGE,
    ("POST", "/accounts/password"): _P.ACCOUNTS_CHANGE,
    ("POST", "/accounts/disable"): _P.ACCOUNTS_CHANGE,
    ("POST", "/accounts/enable"): _P.ACCOUNTS_CHANGE,
    ("POST", "/accounts/sign-out"): _P.ACCOUNTS_CHANGE,
    ("POST", "/accounts/tokens"): _P.ACCOUNTS_CHANGE,
    ("POST", "/accounts/tokens/revoke"): _P.ACCOUNTS_CHANGE,
    ("GET", "/account"): Access.SIGNED_IN,
    ("POST", "/account/password"): Access.SIGNED_IN,
    ("POST", "/account/sign-out"): Access.SIGNED_IN,
    # The registry
    ("GET", "/registry"): _P.REGISTRY_READ,
    ("POST", "/registry"): _P.REGISTRY_READ,  # a search
    ("GET", "/registry/new"): _P.REGISTRY_CHANGE,
    ("POST", "/registry/owners"): _P.REGISTRY_CHANGE,
    ("GET", "/registry/owners/{owner_id}"): _P.REGISTRY_READ,
    ("POST", "/registry/owners/{owner_id}"): _P.REGISTRY_CHANGE,
    ("POST", "/registry/owners/{owner_id}/consent"): _P.REGISTRY_CHANGE,
    ("POST", "/registry/owners/{owner_id}/devices/{device_id}"): _P.REGISTRY_CHANGE,
    # What was told for helpers, and the photograph: their routes ask for identity.read too.
    ("POST", "/registry/owners/{owner_id}/profile"): _P.REGISTRY_CHANGE,
    ("GET", "/registry/owners/{owner_id}/photograph"): _P.REGISTRY_READ,
    ("POST", "/registry/owners/{owner_id}/photograph"): _P.REGISTRY_CHANGE,
    ("POST", "/registry/owners/{owner_id}/photograph/remove"): _P.REGISTRY_CHANGE,
    ("GET", "/registry/owners/{owner_id}/form"): _P.REGISTRY_READ,
    ("GET", "/registry/form"): _P.REGISTRY_READ,
    ("GET", "/registry/waiting"): _P.REGISTRY_READ,
    ("POST", "/registry/devices/{device_id}/{step}"): _P.REGISTRY_CHANGE,
    # Which kinds of lists: their routes ask for registry.change or places.change too.
    ("GET", "/registry/imports"): _P.LISTS_BRING,
    ("POST", "/registry/imports"): _P.LISTS_BRING,
    ("GET", "/registry/imports/{list_id}"): _P.LISTS_BRING,
    ("GET", "/registry/imports/{list_id}/wrong.csv"): _P.LISTS_BRING,
    ("POST", "/registry/imports/{list_id}/apply"): _P.LISTS_BRING,
    ("POST", "/registry/imports/{list_id}/drop"): _P.LISTS_BRING,
    # The lock of the screen
    ("POST", "/lock"): Access.SIGNED_IN,
    ("GET", "/locked"): Access.SIGNED_IN,
    ("POST", "/unlock"): Access.SIGNED_IN,
    ("GET", "/ringing"): _P.INCIDENTS_READ,
    # Figures
    ("GET", "/figures"): _P.FIGURES_READ,
    ("GET", "/figures.csv"): _P.FIGURES_READ,
}
# What a session whose screen is locked may do, beside what is for everybody: hear that something rings, and open it.
# None of it tells anything of those who called; the stream has their calls' numbers, and who is at which. The wall is
# made for visitors' eyes, and goes on where it runs on an operator's session.
LOCKED_MAY: Final = frozenset(
    {
        ("GET", "/session"),
        ("GET", "/live"),
        ("GET", "/ringing"),
        ("POST", "/lock"),
        ("GET", "/locked"),
        ("POST", "/unlock"),
        ("GET", "/wall"),
        ("GET", "/wall/board"),
    }
)

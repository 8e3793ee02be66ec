"""The maintenance of the console that is asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.web.session.context import TheConsole
from siaga_gateway.web.session.error_answers import NotThere


def _maintenance(context: TheConsole) -> MaintenanceCases:
    if context.maintenance is None:
        raise NotThere("error.nothing_here")
    return context.maintenance


TheMaintenance = Annotated[MaintenanceCases, Depends(_maintenance)]

"""Whether a dispatcher of one station names calls of his own; whoever has no station may name each."""

from __future__ import annotations

from siaga_gateway.service.store import StoreDamaged
from siaga_gateway.web.session.context import ConsoleContext, NotPermitted
from siaga_gateway.web.session.error_answers import NotThere
from siaga_gateway.web.session.jurisdiction import JurisdictionReader


def check_own(context: ConsoleContext, number: int) -> None:
    """Check a call by its number. Raises: NotPermitted for another's, NotThere where there is none; StoreFailing."""
    if _sees(context, number):
        return
    if isinstance(context.reader, JurisdictionReader) and context.reader.is_anothers(number):
        raise NotPermitted("error.not_yours")
    raise NotThere("error.unknown_incident", id=number)


def check_own_major(context: ConsoleContext, number: int) -> None:
    """Check a major incident, by its number or that of a call: one of its calls is his. Raises: NotPermitted;
    StoreFailing."""
    if not (_sees(context, number) or any(each.cluster == number for each in context.reader.open_incidents())):
        raise NotPermitted("error.not_yours")


def _sees(context: ConsoleContext, number: int) -> bool:
    if context.session is None or context.session.jurisdiction is None:
        return True
    try:
        return context.reader.incident(number) is not None
    except StoreDamaged:
        return True  # in doubt: he is told that the call cannot be read

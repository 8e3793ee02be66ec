"""The streets of the console's map: is the site's file one of tiles, does its tile server answer?"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from siaga_gateway.adapters.reachability import reach
from siaga_gateway.bootstrap.streets import streets_of
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.site import SiteMapSettings
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.health_check import CheckResult, doubtful, good


def street_checks(settings: SiteMapSettings) -> Iterator[CheckResult]:
    """Yield nothing where the site has set no streets: coast and towns are always there."""
    if settings.streets is not None:
        try:
            found = streets_of(settings)()
        except SiagaError as error:
            cause = Localized("doctor.failed", why=error)
            yield doubtful("streets", settings.streets, cause, Localized("doctor.streets_mend"))
            return
        if found is not None:
            told = Localized("doctor.streets", schema=found.schema, least=found.least, deepest=found.deepest)
            yield good("streets", settings.streets, told)
    elif (origin := settings.tile_origin()) is not None:
        yield _server(origin)


def _server(origin: str) -> CheckResult:
    """Reach it from here. Browsers fetch the tiles themselves, and may stand in another network."""
    parts = urlsplit(origin)
    tls = parts.scheme == "https"
    try:
        reach(parts.hostname or "", parts.port or (443 if tls else 80), tls=tls)
    except (OSError, ssl.SSLError, ValueError) as error:
        cause = Localized("doctor.unreached_at", where=origin, why=error)
        return doubtful("streets", origin, cause, Localized("doctor.tiles_mend"))
    return good("streets", origin, Localized("doctor.reached", where=origin))

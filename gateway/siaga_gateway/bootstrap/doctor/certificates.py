"""Every certificate that the settings name, as it is now."""

from __future__ import annotations

from collections.abc import Iterator

from siaga_gateway.bootstrap.certificate_inventory import CertificateReader
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.certificate_expiry import State, standing
from siaga_gateway.domain.health_check import CheckResult, bad, doubtful, good


def certificate_checks(settings: Settings, now_ms: int) -> Iterator[CheckResult]:
    """now_ms: Unix ms."""
    unread: list[Localized] = []
    found = CertificateReader(settings, unread.append)()
    for each in found:
        found_as = standing(each, now_ms)
        state = Localized(f"commands.certificates.{found_as.state}", days=abs(found_as.days))
        cause = Localized("doctor.certificate", state=state, until=settings.local.moment(each.ends_ms))
        mend = Localized("doctor.certificate_buttons_mend" if each.for_buttons else "doctor.certificate_mend")
        match found_as.state:
            case State.VALID:
                yield good("certificates", each.name, cause)
            case State.ENDING:
                yield doubtful("certificates", each.name, cause, mend)
            case _:
                yield bad("certificates", each.name, cause, mend)
    for why in unread:
        yield bad("certificates", why.values["name"], why, Localized("doctor.certificate_unread_mend"))
    if not found and not unread:
        yield doubtful(
            "certificates", "", Localized("commands.certificates.none"), Localized("doctor.certificate_none_mend")
        )

"""For the administrator: the state of all the installation's certificates, checked now."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.certificate_inventory import CertificateReader
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import config_option, told_plainly
from siaga_gateway.cli.localized_commands import tell
from siaga_gateway.config.loading import load
from siaga_gateway.domain.certificate_expiry import State, standing


@click.command()
@config_option
@told_plainly
def certificates(config: Path) -> None:
    now_ms = WallClock().now_ms()
    settings = load(config)
    look = CertificateReader(settings)
    found = [standing(each, now_ms) for each in look()]
    for each in found:
        state = Localized(f"commands.certificates.{each.state}", days=abs(each.days))
        until = settings.local.moment(each.certificate.ends_ms)
        tell("certificates.line", name=each.certificate.name, state=state, until=until)
    if not found and not look.unread:
        tell("certificates.none")
    if look.unread or any(each.state is not State.VALID for each in found):
        sys.exit(1)

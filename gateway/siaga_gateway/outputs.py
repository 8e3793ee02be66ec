"""The outputs, made from the settings."""

from __future__ import annotations

import logging
from pathlib import Path

from siaga_gateway.adapters.folder_out import CapFolderOutput
from siaga_gateway.adapters.http_out import CapHttpOutput, WebhookOutput
from siaga_gateway.config import OutputSettings, Settings, SettingsError
from siaga_gateway.service.ports import Clock, Output
from siaga_gateway.service.store import DeliveryState, Store

log = logging.getLogger(__name__)


def make_output(output: OutputSettings, settings: Settings, clock: Clock) -> Output:
    """Raises SettingsError that names the output and what is wrong with it."""
    secret = None if output.secret is None else output.secret.get_secret_value()
    token = None if output.token is None else output.token.get_secret_value()
    try:
        match output.kind:
            case "webhook":
                return WebhookOutput(
                    output.name,
                    output.url or "",
                    secret or "",
                    output.tests,
                    clock=clock,
                    token=token,
                    ca_file=output.ca,
                    allow_plaintext=output.plaintext,
                    language=settings.language,
                    at_once=output.at_once,
                )
            case "cap_http":
                return CapHttpOutput(
                    output.name,
                    output.url or "",
                    output.tests,
                    clock=clock,
                    sender=output.sender,
                    secret=secret,
                    token=token,
                    ca_file=output.ca,
                    allow_plaintext=output.plaintext,
                    language=settings.language,
                    at_once=output.at_once,
                )
            case "cap_folder":
                return CapFolderOutput(
                    output.name,
                    output.folder or Path(),
                    output.tests,
                    sender=output.sender,
                    language=settings.language,
                )
    except ValueError as error:
        raise SettingsError(f"output {output.name!r}: {error}") from None


def warn_of_orphans(store: Store, outputs: list[Output]) -> None:
    """Messages for an output that the settings no longer name would wait for ever unseen: they are named in the log."""
    known = {output.name for output in outputs}
    waiting = {row.output for row in store.deliveries(states=[DeliveryState.PENDING], limit=10_000)} - known
    for name in sorted(waiting):
        log.warning("messages wait for the output %r, which the settings do not name: add it, or they stay", name)

"""Pings to a dead man's switch service, by setting."""

from __future__ import annotations

from collections.abc import Callable

from siaga_gateway.adapters.operations.asking import AskedAddress, why_not
from siaga_gateway.adapters.outputs.http_client import ExchangeFailed
from siaga_gateway.bootstrap.log_setup import language_of
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.service.scheduling.outside_pings import EVERY_S, OutsidePings


def ping_pieces(settings: Settings, wrong: Callable[[], str], every_s: float = EVERY_S) -> list[Piece]:
    """Return what pings; nothing without `watch.ping_url`. wrong: see OutsidePings. Raises: SettingsError."""
    watch = settings.watch
    if watch.ping_url is None:
        return []
    try:
        service = AskedAddress(
            watch.ping_url.get_secret_value(),
            ca_file=watch.ca,
            proxy=None if watch.proxy is None else watch.proxy.get_secret_value(),
            plaintext=watch.plaintext,
        )
    except SettingError as error:
        raise SettingsError("settings.ping", why=error) from None
    language = language_of(settings.language)

    def ping() -> str:
        try:
            answer = service.post() if watch.ping_method == "POST" else service.get()
        except ExchangeFailed as error:
            return f"{service.where}: {why_not(error, language)}"  # not the rest of the address: it is a secret
        return "" if 200 <= answer.status < 300 else f"{service.where}: HTTP {answer.status}"

    pings = OutsidePings(ping, wrong, every_s)
    return [Piece("connection of pings", stop=service.close), Piece("pings", pings.start, pings.stop)]

"""The console as one ASGI application; `main.py` gives it the store, the use cases and the bell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from siaga_gateway.domain.incident import Mode
from siaga_gateway.service.maintenance_desk import MaintenanceDesk
from siaga_gateway.service.ports import Bell, Clock, Disclosures, JournalReader, Operate, SignIns
from siaga_gateway.web import api, pages
from siaga_gateway.web import maintenance as pages_of_maintenance
from siaga_gateway.web.auth import Sessions, SignIn
from siaga_gateway.web.desk import Desk
from siaga_gateway.web.guard import Guard
from siaga_gateway.web.live import LiveStreams

STATIC: Final = Path(__file__).with_name("static")
LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost", "::1")


class VendorMissing(Exception):
    """The browser libraries were not built; the text names the command that does it."""


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What the settings say about the console."""

    gateway_name: str
    mode: Mode
    language: str  # of a browser that has not chosen yet: id | en
    # Name -> argon2 hash. Empty: whoever reaches the console types a name, so the settings allow loopback only then.
    operators: Mapping[str, str] = field(repr=False)
    secret: bytes = field(repr=False)  # 32 bytes or more, kept across restarts, or every restart signs everyone out
    hosts: tuple[str, ...] = LOOPBACK_HOSTS  # names and addresses under which browsers open it, without port
    tick_s: float = 5.0
    watchdog_s: float = 15.0  # silence after which the page calls the link dead


def create_app(
    *,
    reader: JournalReader,
    operate: Operate,
    disclosures: Disclosures,
    sign_ins: SignIns,
    bell: Bell,
    options: ConsoleOptions,
    clock: Clock,
    maintenance: MaintenanceDesk | None = None,
) -> FastAPI:
    """The console. `reader`, `operate`, `disclosures` and `sign_ins` are called from threads; `bell` from the event
    loop.

    Raises VendorMissing where static/vendor was not built. Before the server waits for its connections to end, call
    `end_streams`: a live stream never ends by itself.
    """
    if not (STATIC / "vendor" / "vendor.json").is_file():
        raise VendorMissing(
            "the console's browser libraries are missing: run `python gateway/build_vendor.py` in the project's folder"
        )
    streams = LiveStreams(reader, bell, clock, options.tick_s)
    app = FastAPI(title="Siaga", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = Desk(
        reader=reader,
        operate=operate,
        disclosures=disclosures,
        clock=clock,
        streams=streams,
        sessions=Sessions(options.secret, options.operators, clock),
        sign_in=SignIn(options.operators, clock),
        sign_ins=sign_ins,
        gateway_name=options.gateway_name,
        mode=options.mode,
        language=options.language,
        passwords=bool(options.operators),
        watchdog_ms=round(options.watchdog_s * 1000),
        maintenance=maintenance,
    )
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(pages.router)
    app.include_router(api.router)
    app.include_router(pages_of_maintenance.router)
    pages.add_refusals(app)
    app.add_middleware(Guard, hosts=options.hosts, failed=pages.failed)
    return app


def end_streams(app: FastAPI) -> None:
    """End every live stream, so that a stopping server need not wait for open consoles; from the event loop."""
    desk: Desk = app.state.desk
    desk.streams.close()

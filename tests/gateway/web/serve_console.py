"""A console in its own process on a FileBook: `python -m gateway.web.serve_console JOURNAL PORT OPTIONS-AS-JSON`.

Prints one JSON line when it listens; SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import sys
import threading
from pathlib import Path

from siaga_gateway.bootstrap.quick_imports import own_process, quick_imports

own_process()
with quick_imports():  # as the gateway starts its own
    import uvicorn

    from gateway.fake_account_store import FakeAccountStore
    from gateway.fake_ports import ManualClock, RunningClock
    from gateway.reports.counted_calls import NOW_MS
    from gateway.sample_site import MAKASSAR, SITE
    from gateway.web.console_fakes import FakeBell, on_book
    from gateway.web.file_book import FileBook
    from gateway.web.maintenance_fleet import fleet_desk, open_fleet
    from siaga_gateway.adapters.files.street_file import StreetFile
    from siaga_gateway.config.site import SiteMapSettings
    from siaga_gateway.domain.incident import Mode
    from siaga_gateway.domain.value import copied
    from siaga_gateway.service.fleet.coverage_survey import CoverageReport
    from siaga_gateway.service.reports.figure_reports import FigureReports
    from siaga_gateway.web.app import ConsoleOptions, end_streams


async def serve(journal: Path, port: int, settings: dict[str, object]) -> None:
    notifier = FakeBell()
    book = FileBook(notifier, journal)
    given = {"site": SITE, "mode": Mode.ACTUAL, "language": "id", "secret": b"k" * 32}
    folder = settings.pop("fleet", None)
    clock = RunningClock()
    if settings.pop("makassar", False):
        settings["site"] = MAKASSAR
    if settings.pop("unbounded", False):  # as without [site.map]
        settings["site"] = copied(SITE, bounds=None)
    if (file := settings.pop("streets", None)) is not None:
        given |= {"streets": StreetFile(Path(str(file))).read, "street_file": Path(str(file))}
    if (tiles := settings.pop("tiles", None)) is not None:
        server = SiteMapSettings.model_validate({"attribution": "Contoh", **dict(tiles)})  # type: ignore[call-overload]
        given |= {"streets": server.tile_server, "tile_origin": server.tile_origin()}
    counted = settings.pop("figures", None)
    now_ms = ManualClock(NOW_MS)
    figures = None if counted is None else FigureReports(open_fleet(Path(str(counted))), now_ms, SITE.local)
    signals = None if folder is None else CoverageReport(open_fleet(Path(str(folder))), clock)
    maintenance = None if folder is None else fleet_desk(open_fleet(Path(str(folder))), notifier, clock)
    options = ConsoleOptions(**{**given, **settings, "mode": Mode(settings.get("mode", "actual"))})  # type: ignore[arg-type]
    accounts = FakeAccountStore(journal.with_suffix(".accounts"))
    app = on_book(book, notifier, clock, options, maintenance, figures, signals, accounts)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen()  # from here on nobody is refused
    threading.Thread(target=book.follow_for_ever, daemon=True).start()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=500))

    def stop() -> None:
        end_streams(app)
        server.should_exit = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    await server.serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])))

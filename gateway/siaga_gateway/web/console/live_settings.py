"""What a page that stays open, and rings, is told by the server: for settings.js."""

from __future__ import annotations

from typing import Any, Final

from siaga_gateway.domain.permissions import Permission
from siaga_gateway.web.session.auth import SESSION_MS, SESSION_WARNING_MS, Session
from siaga_gateway.web.session.context import ConsoleContext

_ZONE_KNOWN_MS: Final = 366 * 86_400_000  # before and after now: a page is open for a shift, and shows what is kept


def live_settings(context: ConsoleContext, session: Session, language: str) -> dict[str, Any]:
    """Return it, without texts; `last` is for whoever has shown rows of the journal."""
    now_ms = context.clock.now_ms()
    spans = context.site.local.spans(now_ms - _ZONE_KNOWN_MS, now_ms + _ZONE_KNOWN_MS)
    return {
        "language": language,
        "last": None,
        "now": now_ms,
        "watchdog": context.watchdog_ms,
        "session_ends": session.signed_in_ms + SESSION_MS,
        "session_warning": SESSION_WARNING_MS,
        "silent": Permission.INCIDENTS_STEP not in session.permissions,
        "troubles": sorted(context.troubles()),
        "zone": [(span.from_ms, span.offset_s, span.label) for span in spans],
    }

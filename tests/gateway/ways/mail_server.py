"""A real mail server on loopback (aiosmtpd), which can be told to refuse, to hang, and to want TLS and a login."""

from __future__ import annotations

import asyncio
import email
import ssl
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from brokers import free_port
from waiting import ENDS_S

USER, PASSWORD = "siaga", "hidden-password"


class Mailboxes:
    """Serves while it is entered. `replies` holds what it answers to a step (MAIL, RCPT, DATA) in place of yes;
    `hangs_at` is a step to which it never answers."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, login: bool = False) -> None:
        self.replies: dict[str, str] = {}
        self.hangs_at: str | None = None
        self._emails: list[bytes] = []
        self._login = login
        self.port = free_port()
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=login,
            authenticator=_authenticate,
            ready_timeout=ENDS_S,
        )

    def __enter__(self) -> Mailboxes:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    @property
    def emails(self) -> list[EmailMessage]:
        return [email.message_from_bytes(each, _class=EmailMessage, policy=default) for each in self._emails]

    def forget(self) -> None:
        self._emails.clear()

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._step("MAIL")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._step("RCPT")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = await self._step("DATA")
        if reply.startswith("2"):
            content = envelope.content
            self._emails.append(content if isinstance(content, bytes) else str(content).encode())
        return reply

    async def _step(self, name: str) -> str:
        while self.hangs_at == name:
            await asyncio.sleep(0.02)
        return self.replies.get(name, "250 OK")


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=known)

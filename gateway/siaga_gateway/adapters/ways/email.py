"""Email by SMTP with TLS, one connection a message, within one deadline."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from siaga_gateway.adapters.outputs.common import checked_deadline
from siaga_gateway.adapters.outputs.http_post import trusted
from siaga_gateway.adapters.ways.call_slots import CallSlots
from siaga_gateway.catalogue import text
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.formats.email_message import email_bytes, mailbox, message_id, reply_meaning
from siaga_gateway.formats.service_message import AddressUnusable, Meaning
from siaga_gateway.formats.text_rules import one_line
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import Clock, NotDelivered

Security = Literal["tls", "starttls", "plain"]
_FAILED: Final = {Meaning.DEAD: "dead", Meaning.LATER: "later", Meaning.REFUSED: "refused"}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where email is handed over, and as whom."""

    host: str
    port: int
    security: Security
    sender: str  # our address
    name: str  # shown beside it
    user: str | None = None
    password: str | None = None
    ca_file: Path | None = None


class EmailWay:
    """Implements service.dispatch.ways.Way."""

    kind = ContactWay.EMAIL
    # Some mailboxes show one Message-ID once, most do not.
    repeats_recognised = False

    def __init__(
        self,
        name: str,
        server: MailServer,
        *,
        budget: Budget,
        clock: Clock,
        language: str,
        deadline_s: float,
        at_once: int,
    ) -> None:
        """language: of the results' texts. Raises: ValueError, which names the wrong setting and a right one."""
        self.name = name
        self.budget = budget
        self.at_once = at_once
        self._server = server
        self._clock = clock
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self._tls = None if server.security == "plain" else trusted(server.ca_file, None)
        self._slots = CallSlots(name, at_once)

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        until = time.monotonic() + self._deadline_s
        server = self._server
        try:
            to = mailbox(address)
            email = email_bytes(message, server.sender, server.name, to, key, self._clock.now_ms())
        except AddressUnusable as error:
            why = error.say(self._language)
            return NotDelivered(text("formats.way.address", self._language, why=why), permanent=True)
        except Exception as error:
            return NotDelivered(self._say("delivery.unexpected", why=type(error).__name__))
        if self._tls is not None:
            self._tls.renew()
        attempt = _Attempt(server, None if self._tls is None else self._tls.context, until)
        try:
            return self._judge(self._within(attempt, to, email, until), to, key)
        except Exception as error:
            return self._failure(error, attempt)

    def close(self) -> None:
        """Nothing is kept open."""

    def _within(self, attempt: _Attempt, to: str, email: bytes, until: float) -> _Reply:
        try:
            return self._slots.call(lambda: attempt.hand_over(to, email), until)
        finally:
            attempt.hang_up()  # a server that drips for ever loses its connection, and the thread ends

    def _judge(self, reply: _Reply, to: str, key: str) -> HandedOver | NotDelivered:
        said = one_line(reply.said.replace(to, "…"), 120)
        told = {"where": self._server.host, "said": f"{reply.code} {said}"}
        meaning = reply_meaning(reply.code, reply.said, to_recipient=reply.to_recipient)
        if meaning is Meaning.TAKEN:
            return HandedOver(self._say("mail.taken", **told), message_id(key, self._server.sender))
        return NotDelivered(self._say(f"mail.{_FAILED[meaning]}", **told), permanent=meaning is Meaning.DEAD)

    def _failure(self, error: Exception, attempt: _Attempt) -> NotDelivered:
        where = f"{self._server.host}:{self._server.port}"
        why = one_line(str(error), 120) or type(error).__name__
        match error:
            # smtplib tells of its socket's deadline as of a server that hung up.
            case TimeoutError() | smtplib.SMTPServerDisconnected(__context__=TimeoutError()):
                name, told = "delivery.too_slow", {"where": where, "seconds": f"{self._deadline_s:g}"}
            case ssl.SSLCertVerificationError():
                name, told = "delivery.certificate", {"where": where, "why": error.verify_message}
            case socket.gaierror():
                name, told = "delivery.no_name", {"host": self._server.host, "why": why}
            case smtplib.SMTPServerDisconnected() if attempt.connected:
                name, told = "delivery.broke_off", {"where": where, "why": why}
            case smtplib.SMTPNotSupportedError():
                name, told = "mail.unable", {"where": where}
            case smtplib.SMTPResponseException():
                raw = error.smtp_error
                words = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
                meaning = reply_meaning(error.smtp_code, words)
                said = f"{error.smtp_code} {one_line(words, 120)}"
                name, told = f"mail.{_FAILED.get(meaning, 'refused')}", {"where": where, "said": said}
            case OSError() | smtplib.SMTPException():
                name, told = "delivery.no_connection", {"where": where, "why": why}
            case _:
                name, told = "delivery.unexpected", {"why": type(error).__name__}
        return NotDelivered(self._say(name, **told), unknown=attempt.sent)

    def _say(self, name: str, **values: object) -> str:
        return text(f"formats.{name}", self._language, **values)


@dataclass(frozen=True, slots=True)
class _Reply:
    code: int
    said: str
    to_recipient: bool = False


class _Attempt:
    """One connection. `hand_over` runs in a thread of its own; `hang_up` ends it from another."""

    def __init__(self, server: MailServer, tls: ssl.SSLContext | None, until: float) -> None:
        self._server = server
        self._tls = tls
        self._until = until
        self._client: smtplib.SMTP | None = None
        self.connected = False
        self.sent = False  # whether the server may have the email

    def hand_over(self, to: str, email: bytes) -> _Reply:
        """Raises: OSError, smtplib.SMTPException."""
        server = self._server
        # Its own name as the machine has it would be looked up, perhaps for minutes.
        own = server.sender.rpartition("@")[2]
        if server.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, own, timeout=self._left(), context=self._tls
            )
        else:
            client = smtplib.SMTP(server.host, server.port, own, timeout=self._left())
        self._client, self.connected = client, True
        if server.security == "starttls":
            client.starttls(context=self._tls)
        client.ehlo_or_helo_if_needed()
        if server.user is not None:
            client.login(server.user, server.password or "")
        code, said = client.mail(server.sender)
        if code != 250:
            return _Reply(code, _text(said))
        code, said = client.rcpt(to)
        if code not in (250, 251):
            return _Reply(code, _text(said), to_recipient=True)
        if client.sock is not None:
            client.sock.settimeout(self._left())
        self.sent = True
        try:
            code, said = client.data(email)
        except smtplib.SMTPDataError:
            self.sent = False  # it did not want the email at all
            raise
        if code != 250:
            self.sent = False
        with suppress(OSError, smtplib.SMTPException):
            client.quit()
        return _Reply(code, _text(said))

    def hang_up(self) -> None:
        """Thread-safe."""
        connection = None if self._client is None else self._client.sock
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                connection.close()

    def _left(self) -> float:
        return max(0.1, self._until - time.monotonic())


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace")

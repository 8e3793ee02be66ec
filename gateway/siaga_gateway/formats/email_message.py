"""A message to one person as an email (RFC 5322), and what a mail server's replies mean (RFC 5321, RFC 3463). Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.formats.service_message import AddressUnusable, Meaning, short_name, with_link
from siaga_gateway.formats.text_rules import one_line

# ASCII: a mailbox with other letters needs servers that all know SMTPUTF8.
_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64})*"
_MAILBOX: Final = re.compile(rf"{_LOCAL}@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z0-9-]+", re.ASCII)
_LONGEST: Final = 254
_DETAIL: Final = re.compile(r"\b([245])\.([0-9]{1,3})\.([0-9]{1,3})\b")
_RELAY: Final = re.compile(r"relay|policy|block|spam|denied|reject", re.IGNORECASE)


def mailbox(address: str) -> str:
    """Return the address of a mailbox. Raises: AddressUnusable."""
    written = address.strip()
    if len(written) > _LONGEST or not _MAILBOX.fullmatch(written):
        raise AddressUnusable("way.mailbox")
    return written


def email_bytes(message: PersonalMessage, sender: str, name: str, address: str, key: str, now_ms: int) -> bytes:
    """Return the whole email. sender: our address. name: the site's. Its Message-ID comes from the key: a repetition
    is the same email, and some mailboxes show it once."""
    email = EmailMessage(policy=SMTP)
    email["From"] = Address(one_line(name, 60), addr_spec=sender)
    email["To"] = Address(addr_spec=address)
    email["Subject"] = one_line(message.title, 200) or "-"
    email["Date"] = datetime.fromtimestamp(now_ms / 1_000, UTC)
    email["Message-ID"] = message_id(key, sender)
    if message.withdraws is not None and re.fullmatch(r"<[!-;=?-~]{1,200}>", message.withdraws):
        email["In-Reply-To"] = email["References"] = message.withdraws
    email["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    if message.urgent:
        email["Importance"] = "high"
        email["X-Priority"] = "1"
    lines = [one_line(line) for line in with_link(message).splitlines()]
    email.set_content("\n".join(lines) + "\n", cte="quoted-printable")
    email["Content-Language"] = message.language  # setting the content takes such headers away
    return email.as_bytes()


def message_id(key: str, sender: str) -> str:
    return f"<{short_name(key)}@{sender.rpartition('@')[2]}>"


def reply_meaning(code: int, said: str, *, to_recipient: bool = False) -> Meaning:
    """Return what a server's reply means. to_recipient: to RCPT TO, and so about the address."""
    if 200 <= code < 300:
        return Meaning.TAKEN
    if 400 <= code < 500:
        return Meaning.LATER
    detail = _DETAIL.search(said)
    if not to_recipient:
        return Meaning.REFUSED
    if detail is not None:
        subject = (detail[2], detail[3])
        # 5.1.x: no such mailbox or domain; but 5.1.7 and 5.1.8 are about us. 5.2.1: closed.
        dead = (subject[0] == "1" and subject[1] not in ("7", "8")) or subject == ("2", "1")
        return Meaning.DEAD if dead else Meaning.REFUSED
    return Meaning.DEAD if code in (550, 551, 553) and not _RELAY.search(said) else Meaning.REFUSED

"""The authorities that TLS connections trust, and our own certificate: files that may be renewed while it runs."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from siaga_gateway.catalogue.localized import Localized

log = logging.getLogger(__name__)


class TlsAuthorities:
    """Use `context` for connections, and call `renew` before each.

    An authority added to the file is trusted from then on; one removed, until the next start (OpenSSL cannot remove one
    from a context).
    """

    def __init__(self, ca: Path | None) -> None:
        """ca: PEM file; None: the machine's authorities. Raises: OSError, ssl.SSLError."""
        self._ca = ca
        self._seen = _mark(ca)
        self._own: tuple[Path, Path] | None = None
        self._own_seen: tuple[object, object] | None = None
        self.context = ssl.create_default_context(cafile=None if ca is None else str(ca))
        if ca is None and not _believes_anybody(self.context):
            log.error(Localized("log.certificate.no_authorities"))

    def show(self, certificate: Path, key: Path) -> None:
        """Show this certificate to servers that ask for one. Raises: OSError, ssl.SSLError."""
        seen = (_mark(certificate), _mark(key))
        # Tried apart first: with a new certificate and an old key OpenSSL would forget the pair that it has.
        for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self.context):
            # A key under a password would have OpenSSL ask for it at the terminal, for ever.
            context.load_cert_chain(certificate, key, password=lambda: b"")
        self._own, self._own_seen = (certificate, key), seen

    def renew(self) -> None:
        """Never raises: an unreadable file leaves what was read from it as it is, and is read again later."""
        self._renew_own()
        mark = _mark(self._ca)
        if self._ca is None or mark is None or mark == self._seen:
            return
        try:
            self.context.load_verify_locations(cafile=str(self._ca))
        except (OSError, ssl.SSLError) as error:
            log.warning(Localized("log.certificate.unread", name="ca", file=self._ca, why=error))
            return
        self._seen = mark
        log.info(Localized("log.certificate.authorities", file=self._ca))

    def _renew_own(self) -> None:
        if self._own is None:
            return
        seen = (_mark(self._own[0]), _mark(self._own[1]))
        if None in seen or seen == self._own_seen:
            return
        try:
            self.show(*self._own)
        except (OSError, ssl.SSLError) as error:  # perhaps one of the two is new already
            log.warning(Localized("log.certificate.unread", name="client_certificate", file=self._own[0], why=error))
            return
        log.info(Localized("log.certificate.shown", file=self._own[0]))


def _believes_anybody(context: ssl.SSLContext) -> bool:
    """Whether the context trusts anything. OpenSSL loads from a folder only on demand: a folder counts if it is not
    empty."""
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath
    try:
        return folder is not None and any(Path(folder).iterdir())
    except OSError:
        return False


def _mark(file: Path | None) -> tuple[int, int, int] | None:
    """Return the file's identity and modification time; None if it is missing."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size

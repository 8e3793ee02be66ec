"""Signs CAP messages: an enveloped XML signature (XML-DSig), so that a receiver need not trust the way it came.

Imports signxml and lxml: whoever signs nothing does without.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree  # type: ignore[import-untyped]
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.signer import XMLSigner

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SettingError

log = logging.getLogger(__name__)

_SHORTEST_RSA: Final = 2048  # bits


class CapSigner:
    """Signs with a certificate and its key, read anew when their files are renewed. Thread-safe."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """PEM files; the certificate's may hold those of authorities behind it. Raises: SettingError."""
        self._files = certificate, key
        self._lock = threading.Lock()
        self._seen = self._mark()
        self._pair = _read(certificate, key)

    def sign(self, document: bytes) -> bytes:
        """Return the document with a signature as the last child of its root; nothing else in it is changed."""
        chain, key = self._current()
        is_rsa = isinstance(key, rsa.RSAPrivateKey)
        signer = XMLSigner(
            SignatureConstructionMethod.enveloped,
            SignatureMethod.RSA_SHA256 if is_rsa else SignatureMethod.ECDSA_SHA256,
            DigestAlgorithm.SHA256,
            # Exclusive: it holds too where the message is put into another document.
            CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        signed = signer.sign(etree.fromstring(document, parser), key=key, cert=chain)
        written: bytes = etree.tostring(signed, encoding="utf-8", xml_declaration=True)
        return written + b"\n"

    def _current(self) -> tuple[list[x509.Certificate], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]:
        """Return what the files hold; what was read before while they are of no use, as amid a renewal."""
        with self._lock:
            mark = self._mark()
            if mark != self._seen:
                try:
                    self._pair = _read(*self._files)
                except SettingError as error:
                    log.warning(
                        Localized("log.certificate.unread", name="signing_certificate", file=self._files[0], why=error)
                    )
                self._seen = mark
            return self._pair

    def _mark(self) -> list[tuple[int, int, int] | None]:
        return [_mark(file) for file in self._files]


def _mark(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(
    certificate: Path, key: Path
) -> tuple[list[x509.Certificate], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]:
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        private = load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:  # a TypeError: it has a password
        raise SettingError("output.signing", certificate=certificate, own_key=key, why=error) from None
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise SettingError("output.signing_kind", own_key=key)
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < _SHORTEST_RSA:
        raise SettingError("output.signing_kind", own_key=key)
    if private.public_key() != chain[0].public_key():
        raise SettingError("output.signing_pair", certificate=certificate, own_key=key)
    return chain, private

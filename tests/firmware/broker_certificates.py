"""A certificate authority and a broker's certificate, made anew for a test."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """pem: what a button gets as mqtt_ca; der: the same as its TLS reads it."""

    def __init__(
        self, name: str, begins: datetime.datetime | None = None, ends: datetime.datetime | None = None
    ) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins or now - 100 * DAY)
            .not_valid_after(ends or now + 100 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.der = self._certificate.public_bytes(serialization.Encoding.DER)
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(
        self,
        folder: Path,
        server: str,
        last_day: int = 90,
        *,
        begins: datetime.datetime | None = None,
        ends: datetime.datetime | None = None,
    ) -> list[str]:
        """A certificate for that server name; the lines of a Mosquitto listener that uses it."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, server)]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins or now - 90 * DAY)
            .not_valid_after(ends or now + last_day * DAY)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(server)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "broker.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "broker.key").write_bytes(private)
        return [f"certfile {folder / 'broker.pem'}", f"keyfile {folder / 'broker.key'}"]

"""Signed CAP, verified by xmlsec1: a program that has nothing in common with what signed it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from gateway.fake_ports import ManualClock
from gateway.outputs.cap_reading import check_prose, read, tree
from gateway.outputs.receiver_certificates import Authority
from gateway.outputs.sample_incidents import SENT_MS, closed, opened
from siaga_gateway.adapters.outputs.xml_signature import CapSigner
from siaga_gateway.bootstrap.certificate_inventory import places
from siaga_gateway.bootstrap.outputs import make_output
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.formats import cap
from siaga_gateway.service.ports import Delivered
from waiting import RUNS_S

Files = tuple[Path, Path]


@pytest.fixture(scope="module")
def rsa_files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("rsa")
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "siaga.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return _written(folder, made.public_bytes(serialization.Encoding.PEM), key)


def _written(folder: Path, certificate: bytes, key: object) -> Files:
    files = folder / "own.pem", folder / "own.key"
    files[0].write_bytes(certificate)
    files[1].write_bytes(_pem(key))
    return files


def _pem(key: object, password: bytes | None = None) -> bytes:
    how = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)  # type: ignore[attr-defined]
    assert isinstance(pem, bytes)
    return pem


@pytest.fixture
def verified(tmp_path: Path) -> Callable[[bytes, Path], bool]:
    """Whether xmlsec1 finds a document signed by whom this file of authorities trusts."""
    program = shutil.which("xmlsec1")
    if program is None:
        pytest.skip("xmlsec1 is missing. On Debian or Ubuntu: sudo apt-get install xmlsec1")

    def judge(document: bytes, trusted: Path) -> bool:
        file = tmp_path / "signed.xml"
        file.write_bytes(document)
        done = subprocess.run(
            [program, "--verify", "--trusted-pem", str(trusted), "--enabled-key-data", "x509", str(file)],
            capture_output=True,
            timeout=RUNS_S,
            check=False,
        )
        return done.returncode == 0

    return judge


def test_what_is_signed_is_cap_and_verified_by_another_program(
    rsa_files: Files, tmp_path: Path, verified: Callable[[bytes, Path], bool]
) -> None:
    authority = Authority(tmp_path, "authority")
    for (certificate, key), trusted in ((rsa_files, rsa_files[0]), (authority.client("own"), authority.file)):
        signer = CapSigner(certificate, key)
        for notice in (opened(), closed(None, note='Tôi <&> "x" 🚨 مرحبا')):
            plain = cap.document(notice, sender="siaga.example")
            signed = signer.sign(plain)
            assert verified(signed, trusted)
            root = tree(signed)
            assert str(read(signed)["cap_id"]) == f"siaga.lampung-17.k7q2-{notice.sequence}"
            assert root[-1].tag == "{http://www.w3.org/2000/09/xmldsig#}Signature"
            root.remove(root[-1])
            check_prose(root)
            assert etree.tostring(root, method="c14n") == etree.tostring(etree.fromstring(plain), method="c14n")


def test_a_changed_word_or_a_strangers_key_is_found(
    rsa_files: Files, tmp_path: Path, verified: Callable[[bytes, Path], bool]
) -> None:
    signed = CapSigner(*rsa_files).sign(cap.document(opened()))
    changed = signed.replace(b"Severe", b"Minor", 1)
    assert changed != signed and not verified(changed, rsa_files[0])
    assert not verified(signed, Authority(tmp_path, "stranger").file)


def test_a_renewed_pair_signs_from_then_on_and_half_a_pair_changes_nothing(
    tmp_path: Path, verified: Callable[[bytes, Path], bool]
) -> None:
    authority, later = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    certificate, key = authority.client("own")
    signer = CapSigner(certificate, key)
    new_certificate, new_key = later.client("renewed")
    os.replace(new_certificate, certificate)
    assert verified(signer.sign(cap.document(opened())), authority.file)
    os.replace(new_key, key)
    assert verified(signer.sign(cap.document(opened())), later.file)
    key.unlink()
    assert verified(signer.sign(cap.document(opened())), later.file)


def test_both_kinds_of_output_sign(rsa_files: Files, tmp_path: Path, verified: Callable[[bytes, Path], bool]) -> None:
    (tmp_path / "cap").mkdir()
    text = f'[[outputs]]\nname = "share"\nkind = "cap_folder"\nfolder = "cap"\n{_lines(rsa_files)}'
    text += f'[[outputs]]\nname = "alerting"\nkind = "cap_http"\nurl = "http://127.0.0.1:1"\n{_lines(rsa_files)}'
    config = tmp_path / "siaga.toml"
    config.write_text(f'name = "siaga.test"\ndata_dir = "data"\n{text}', encoding="utf-8")
    settings = load(config, {})
    share, alerting = (make_output(each, settings, ManualClock(SENT_MS)) for each in settings.outputs)
    assert isinstance(share.deliver(opened(), "k"), Delivered)
    assert verified((tmp_path / "cap" / "k.cap.xml").read_bytes(), rsa_files[0])
    assert verified(alerting._encode(opened(), "k"), rsa_files[0])  # type: ignore[attr-defined]
    alerting.close()
    assert [(place.name, place.file) for place in places(settings)] == [
        ("outputs.share.signing_certificate", rsa_files[0]),
        ("outputs.alerting.signing_certificate", rsa_files[0]),
    ]


def _lines(files: Files) -> str:
    return f'signing_certificate = "{files[0]}"\nsigning_key = "{files[1]}"\n'


def test_what_cannot_sign_is_refused_at_the_start(rsa_files: Files, tmp_path: Path) -> None:
    certificate, own_key = rsa_files
    other = tmp_path / "other.key"
    for key, says in (
        (b"nothing", "must be PEM files, the key without a password"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), "is not the key of signing_certificate"),
        (_pem(ed25519.Ed25519PrivateKey.generate()), "must be RSA from 2048 bits, or EC"),
        (_pem(rsa.generate_private_key(65537, 1024)), "must be RSA from 2048 bits, or EC"),
        (_pem(ec.generate_private_key(ec.SECP256R1()), b"secret"), "the key without a password"),
    ):
        other.write_bytes(key)
        with pytest.raises(SettingError, match=says):
            CapSigner(certificate, other)
    with pytest.raises(SettingError, match="cannot be used"):
        CapSigner(tmp_path / "none.pem", own_key)
    config = tmp_path / "siaga.toml"
    config.write_text(
        'name = "siaga.test"\ndata_dir = "data"\n[[outputs]]\nname = "share"\nkind = "cap_folder"\nfolder = "cap"\n'
        f'signing_key = "{own_key}"\n',
        encoding="utf-8",
    )
    with pytest.raises(SettingsError, match="signing_certificate and signing_key belong together"):
        load(config, {})

"""For whoever holds evidence: checks a frame with the button's public key. Needs neither gateway nor settings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from siaga_gateway.cli.common import told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, say, tell
from siaga_gateway.domain.evidence import EvidenceError, checked, public_der, signed_bytes


@click.group(cls=LocalizedGroup)
def frame() -> None:
    pass


@frame.command(name="verify")
@click.option("--key", required=True)
@click.option("--frame", "frame_hex", required=True)
@click.option("--signature")
@click.option("--openssl", "folder", type=click.Path(file_okay=False, path_type=Path))
@told_plainly
def verify(key: str, frame_hex: str, signature: str | None, folder: Path | None) -> None:
    public, raw = _bytes("key", key), _bytes("frame", frame_hex)
    signed = None if signature is None else _bytes("signature", signature)
    found = checked(raw, signed, public)
    when = "-" if found.happened_s is None else datetime.fromtimestamp(found.happened_s, UTC).isoformat()
    tell(
        "frame.told",
        device=found.device_id.hex(),
        kind=found.kind.name,
        counter=found.counter,
        time=when,
        hash=found.sha256,
    )
    if folder is not None and (parts := signed_bytes(raw, signed)) is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (("signed.bin", parts[0]), ("signature.der", parts[1]), ("key.der", public_der(public))):
            (folder / name).write_bytes(content)
        tell("frame.openssl", folder=folder)
    if found.signed is None:
        tell("frame.mac")
        raise SystemExit(3)
    if not found.signed:
        raise EvidenceError("evidence.forged")
    click.echo(say("frame.good"))


def _bytes(what: str, text: str) -> bytes:
    """Raises: EvidenceError."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise EvidenceError("evidence.no_hex", what=what) from None

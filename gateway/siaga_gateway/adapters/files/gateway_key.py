"""The gateway's private key on disk: readable by its owner only, written atomically."""

from __future__ import annotations

import os
from pathlib import Path

from siaga_gateway.config.loading import SettingsError
from siaga_gateway.domain.frame_authentication import GatewayKey, KeyFormatError


def key_path(data_dir: Path) -> Path:
    return data_dir / "gateway-key.pem"


def write_key(data_dir: Path, key: GatewayKey) -> None:
    """Write the key with mode 0600, atomically even across a power cut. Raises: OSError."""
    path = key_path(data_dir)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, key.to_pem())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)


def read_key(data_dir: Path) -> GatewayKey:
    """Raises: SettingsError if there is no usable key, or others could read it."""
    path = key_path(data_dir)
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError("key.open", path=path)
        return GatewayKey.from_pem(path.read_bytes())
    except FileNotFoundError:
        raise SettingsError("key.none", path=path) from None
    except OSError as error:
        raise SettingsError("file.unread", path=path, why=error) from None
    except KeyFormatError as error:
        raise SettingsError("file.at", path=path, why=error) from None


def key_fault(data_dir: Path, key: GatewayKey) -> str | None:
    """Return why the next start would not find the key now in use; None: it would."""
    try:
        found = read_key(data_dir)
    except SettingsError as error:
        return str(error)
    return (
        None if found.to_pem() == key.to_pem() else str(SettingsError("gateway_key.another", path=key_path(data_dir)))
    )

"""The gateway's private key on disk: readable by its owner only, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from siaga_gateway.config import SettingsError
from siaga_gateway.domain.verify import GatewayKey, KeyFormatError


def key_path(data_dir: Path) -> Path:
    return data_dir / "gateway-key.pem"


def write_key(data_dir: Path, key: GatewayKey) -> None:
    """Write the key with mode 0600; a power cut leaves none or all of it. Raises OSError."""
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
    """Raises SettingsError where there is no usable key, or others could read it."""
    path = key_path(data_dir)
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"{path}: others can read the gateway's key; mend it by `chmod 600 {path}`")
        return GatewayKey.from_pem(path.read_bytes())
    except FileNotFoundError:
        raise SettingsError(f"{path}: no key; `siaga gateway init` makes one, or restore it from your copy") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except KeyFormatError as error:
        raise SettingsError(f"{path}: {error}") from None

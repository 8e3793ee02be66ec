"""The fields that identify a frame in a log line, so that it can be found in the journal and in the store."""

from __future__ import annotations


def of_frame(device_id: bytes | None, counter: object = None) -> dict[str, object]:
    """Return `extra` for a log call. counter: None if the line concerns the device as a whole."""
    return {"device": None if device_id is None else device_id.hex(), "counter": counter}

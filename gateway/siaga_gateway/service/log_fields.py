"""What a log line says of a frame, beside its words: by these two anyone finds it in the journal and in the store."""

from __future__ import annotations


def of_frame(device_id: bytes | None, counter: object = None) -> dict[str, object]:
    """For `extra`. counter: None where the line concerns the device as a whole."""
    return {"device": None if device_id is None else device_id.hex(), "counter": counter}

"""The errors that the button's own code raises; anything else that escapes is a bug."""


class SiagaError(Exception):
    """Any failure that this firmware foresees. The text says what is wrong and how to fix it."""


class FrameError(SiagaError):
    """Bytes that are no valid frame, or values from which none can be made. reason: a short stable code, for counting
    and for tests: "length", "version", "suite", "kind", "addressee", "tag", "stage", "counter", "result"."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason

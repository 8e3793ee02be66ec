"""The firmware's version, as reported by a CHECKIN and the start message."""

VERSION = (0, 1, 0)
TEXT = "%d.%d.%d" % VERSION

# Unix seconds of this release; stands in for a clock that was never set when a certificate's dates are checked.
BUILT = 1795392000

"""The firmware's version, as a CHECKIN and the start message tell it."""

VERSION = (0, 1, 0)
TEXT = "%d.%d.%d" % VERSION

# Unix seconds of this release. A clock that was never set counts as this when a certificate's dates are checked.
BUILT = 1795392000

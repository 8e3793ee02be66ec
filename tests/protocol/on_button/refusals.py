"""Under MicroPython: arguments from which nothing can be made are refused, by name. Prints how many were."""

from siaga.core import frame, hmac, p256, p256_verify
from siaga.core.errors import FrameError, SiagaError

OWN = b"\x01" * 8
BODY = frame.encode_report(0, 0, 0, 0, 0, 0, 0, 0)
SCALARS = (0, -1, p256.N, p256.N + 1, 2**256)
count = 0


def refused(kind, words, call, *arguments):
    """call(*arguments) raises exactly this kind, and its text holds the words."""
    global count
    try:
        call(*arguments)
    except Exception as error:
        if type(error) is not kind or words not in str(error):
            raise
        count += 1
        return error
    raise AssertionError(repr(call) + " took " + repr(arguments))


def refused_frame(reason, words, call, *arguments):
    error = refused(FrameError, words, call, *arguments)
    if error.reason != reason or not isinstance(error, SiagaError):
        raise AssertionError(error.reason + " is not " + reason)


for d in SCALARS:
    refused(SiagaError, "between 1 and N - 1", p256.public_key, d)
    refused(SiagaError, "between 1 and N - 1", p256.sign, d, b"")
    refused(SiagaError, "between 1 and N - 1", p256_verify.ecdh, d, p256.public_key(1))
for size in (0, 1, 32, 39):
    refused(SiagaError, "at least 40 random bytes, not " + str(size), p256.private_from, bytes(size))
for size in (0, 33, 63, 65):
    refused(SiagaError, "64 bytes, not " + str(size), p256_verify.ecdh, 1, bytes(size))
    refused(SiagaError, "64 bytes, not " + str(size), p256_verify.verify, bytes(size), b"", bytes(64))
    refused_frame("length", "64 bytes, not " + str(size), frame.device_id, bytes(size))
for length in (0, -1, 255 * 32 + 1):
    refused(ValueError, "1 to 8160 bytes, not " + str(length), p256_verify.hkdf_sha256, b"", b"", b"", length)

for suite in (0, frame.HS256_128, 4, -1, 17):
    refused_frame("suite", "not suite " + str(suite), frame.unsigned, suite, frame.PRESS, OWN, 1, BODY)
for kind in (0, 8, 0x81, 0x82, -1, 257):
    refused_frame("kind", "kind " + str(kind), frame.unsigned, frame.ES256, kind, OWN, 1, BODY)
refused_frame("suite", "ENROL", frame.unsigned, frame.HS256_64, frame.ENROL, OWN, 1, bytes(64))
for size in (0, 7, 9):
    refused_frame("length", "8 bytes, not " + str(size), frame.unsigned, 1, frame.PRESS, bytes(size), 1, BODY)
for counter in (-1, 2**32, 2**40):
    refused_frame("counter", "enrol anew", frame.unsigned, 1, frame.PRESS, OWN, counter, BODY)
    refused_frame("counter", "u32", frame.encode_receipt, counter, 0)
for result in (-1, 3, 256):
    refused_frame("result", "not " + str(result), frame.encode_receipt, 1, result)
for kind in range(1, 8):
    for size in (0, 4, 6, 20, 22, 28, 30, 63, 65):
        refused_frame("length", "not " + str(size) + " bytes", frame.unsigned, 1, kind, OWN, 1, bytes(size))
refused_frame("length", "not 29 bytes", frame.unsigned, 1, frame.PRESS, OWN, 1, bytes(29))
for suite in (0, 4, 15):
    refused_frame("suite", "suite " + str(suite), frame.tag_length, suite)

if [frame.tag_length(suite) for suite in (1, 2, 3)] != [64, 8, 16]:
    raise AssertionError("tag lengths")
if hmac.equal(b"", b"a") or hmac.equal(b"ab", b"abc") or hmac.equal(b"ab", b"aB") or not hmac.equal(b"", b""):
    raise AssertionError("equal")
everything = frame.flags(
    test=True,
    silent=True,
    duress=True,
    external_power=True,
    moving=True,
    tamper_open=True,
    low_battery=True,
    restarted=True,
    source=frame.SOURCE_INSTALLED,
    trigger=frame.TRIGGER_FALL,
)
if everything != 0x0FFF or frame.flags() != 0 or frame.flags(duress=True, trigger=frame.TRIGGER_EXTERNAL) != 0x804:
    raise AssertionError("flags")
ends = (p256.private_from(bytes(40)), p256.private_from((p256.N - 2).to_bytes(64, "big")))
if ends != (1, p256.N - 1) or p256.private_from((p256.N - 1).to_bytes(40, "big")) != 1:
    raise AssertionError("private_from")
print(count)

"""Under MicroPython: hold the button's code against the shared vectors.

    MICROPYPATH=firmware micropython tests/protocol/on_button/check_vectors.py tests/vectors

Prints one JSON object a file: its name, how many vectors were checked, and the names of those that failed, with why.
"""

import binascii
import json
import sys

from siaga.core import frame, hmac, p256, p256_verify
from siaga.core.errors import FrameError, SiagaError

FOLDER = sys.argv[1]
unhex = binascii.unhexlify


def vectors(name):
    """One object a line, so that no more than one is in memory."""
    with open(FOLDER + "/" + name) as file:
        for line in file:
            line = line.strip().rstrip(",")
            if line not in ("[", "]"):
                yield json.loads(line)


KEYS = {key["name"]: key for key in vectors("keys.json")}
PRIVATE = int(KEYS["device"]["private"], 16)
DEVICE_ID = unhex(KEYS["device"]["device_id"])
MAC_UP = unhex(KEYS["shared"]["mac_up"])
MAC_DOWN = unhex(KEYS["shared"]["mac_down"])


def same(what, got, wanted):
    if got != wanted:
        raise AssertionError(what + " is " + repr(got) + ", not " + repr(wanted))


def check_keys(key):
    if "private" in key:
        same("public key", p256.public_key(int(key["private"], 16)).hex(), key["public"])
    if "device_id" in key:
        same("device_id", frame.device_id(unhex(key["public"])).hex(), key["device_id"])
    if "shared_x" in key:
        shared = p256_verify.ecdh(PRIVATE, unhex(KEYS["gateway"]["public"]))
        same("shared x", shared.hex(), key["shared_x"])
        up, down = p256_verify.mac_keys(shared, DEVICE_ID)
        same("MAC keys", (up.hex(), down.hex()), (key["mac_up"], key["mac_down"]))
        same("broker password", hmac.broker_password(up), key["broker_password"])


def check_hmac(vector):
    tag = unhex(vector["tag"])
    got = hmac.hmac_sha256(unhex(vector["key"]), unhex(vector["message"]))
    same("HMAC length", len(got), 32)
    same("HMAC", got[: len(tag)], tag)
    same("equal", hmac.equal(got[: len(tag)], tag), True)


def check_hkdf(vector):
    got = p256_verify.hkdf_sha256(unhex(vector["ikm"]), unhex(vector["salt"]), unhex(vector["info"]), vector["length"])
    same("OKM", got.hex(), vector["okm"])


def check_ecdsa(vector):
    public = unhex(vector["public"])
    message = unhex(vector["message"])
    if "private" in vector:
        private = int(vector["private"], 16)
        same("public key", p256.public_key(private), public)
        same("signature", p256.sign(private, message).hex(), vector["signature"])
    same("verdict", p256_verify.verify(public, message, unhex(vector["signature"])), vector["valid"])


def check_ecdh(vector):
    try:
        shared = p256_verify.ecdh(int(vector["private"], 16), unhex(vector["public"])).hex()
    except SiagaError:
        shared = None
    same("shared x", shared, vector["shared_x"])
    if shared is None:
        try:
            p256_verify.verify(unhex(vector["public"]), b"", bytes(64))
        except SiagaError:
            return
        raise AssertionError("verify takes a key that ecdh refuses")


def check_encodings(vector):
    if "report" in vector:
        body = frame.encode_report(*vector["report"])
    else:
        version, *rest = vector["status"]
        body = frame.encode_status(tuple(version), *rest)
    same("body", body.hex(), vector["body"])


def check_uplinks(vector):
    kind = vector["kind"]
    if "report" in vector:
        body = unhex(vector["body"])
        if vector["as_sent"]:
            report = vector["report"]
            body = frame.encode_report(
                report["time"],
                report["latitude"],
                report["longitude"],
                report["accuracy"],
                report["fix_age"],
                report["battery"],
                report["flags"],
                report["opening"],
            )
            if "status" in vector:
                status = vector["status"]
                body += frame.encode_status(
                    tuple(status["version"]),
                    status["signal"],
                    status["bearer"],
                    status["waiting"],
                    status["uptime_hours"],
                    status["restarts"],
                    status["rejected"],
                )
    elif kind == frame.ENROL:
        body = unhex(vector["public_key"])
    else:
        body = frame.encode_receipt(vector["receipt"]["down_counter"], vector["receipt"]["result"])
    same("body", body.hex(), vector["body"])
    unsigned = frame.unsigned(vector["suite"], kind, DEVICE_ID, vector["counter"], body)
    if vector["suite"] == frame.ES256:
        tag = p256.sign(PRIVATE, frame.UP_CONTEXT + unsigned)
    else:
        tag = hmac.hmac_sha256(MAC_UP, frame.UP_CONTEXT + unsigned)[: frame.tag_length(frame.HS256_64)]
    same("frame", (unsigned + tag).hex(), vector["frame"])
    same("SMS", binascii.b2a_base64(unsigned + tag).decode().rstrip("\n"), vector["sms"])


def genuine(down, digest=b""):
    """As Identity.verified() has it."""
    covered = frame.DOWN_CONTEXT + down.signed + digest
    tag = hmac.hmac_sha256(MAC_DOWN, covered)[: frame.tag_length(frame.HS256_128)]
    return down.device_id == DEVICE_ID and hmac.equal(tag, down.tag)


def check_downlinks(vector):
    down = frame.decode_down(unhex(vector["frame"]))
    digest = b""
    if "about" in vector:
        about = vector["about"]
        digest = frame.event_digest(about["kind"], down.counter, unhex(about["body"]))
        same("digest", digest.hex(), about["digest"])
    for field in ("kind", "counter", "time", "stage", "eta", "code"):
        same(field, getattr(down, field), vector.get(field))
    same("arguments", None if down.arguments is None else down.arguments.hex(), vector.get("arguments"))
    same("verdict", genuine(down, digest), True)


def check_acks(vector):
    uplink = unhex(vector["uplink"])
    body = uplink[14 : -frame.tag_length(uplink[0] & 15)]
    digest = frame.event_digest(uplink[1], int.from_bytes(uplink[10:14], "big"), body)
    same("verdict", genuine(frame.decode_down(unhex(vector["ack"])), digest), vector["valid"])


def check_refused(vector):
    try:
        frame.decode_down(unhex(vector["frame"]))
    except FrameError as error:
        same("reason", error.reason, vector["reason"])
        same("a text", len(str(error)) > 10, True)
        return
    raise AssertionError("taken")


def check_forged(vector):
    raw = unhex(vector["frame"])
    if vector["way"] == "down":
        same("verdict", genuine(frame.decode_down(raw)), False)
    elif raw[0] & 15 == frame.ES256:
        public = unhex(KEYS["device"]["public"])
        same("verdict", p256_verify.verify(public, frame.UP_CONTEXT + raw[:-64], raw[-64:]), False)
    else:
        tag = hmac.hmac_sha256(MAC_UP, frame.UP_CONTEXT + raw[:-8])[:8]
        same("verdict", hmac.equal(tag, raw[-8:]), False)


CHECKS = (
    ("keys.json", check_keys),
    ("hmac.json", check_hmac),
    ("hkdf.json", check_hkdf),
    ("ecdsa.json", check_ecdsa),
    ("ecdh.json", check_ecdh),
    ("encodings.json", check_encodings),
    ("uplinks.json", check_uplinks),
    ("downlinks.json", check_downlinks),
    ("acks.json", check_acks),
    ("refused_downlinks.json", check_refused),
    ("forged.json", check_forged),
)

for name, check in CHECKS:
    checked = 0
    failed = []
    for vector in vectors(name):
        checked += 1
        try:
            check(vector)
        except Exception as error:
            failed.append(vector["name"] + ": " + repr(error))
    print(json.dumps({"file": name, "checked": checked, "failed": failed}))

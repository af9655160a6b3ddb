#!/usr/bin/env python3
"""Keyward's envelope (docs/formats/envelope.md) a second time, as an oracle for the Swift one.

Only the AES and ChaCha20 primitives come from a library. Nothing here is constant time.

  envelope.py seal   JSON lines in, one envelope in hexadecimal a line out
  envelope.py open   JSON lines in, one plaintext in hexadecimal or `refused` a line out
"""
import hashlib, hmac, json, os, struct, sys
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SUITES = {1: ("aes-256-ctr", 32), 2: ("aes-128-ctr", 16), 3: ("chacha20", 32)}


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf_expand(prk, info, count):
    out = block = b""
    while len(out) < count:
        block = mac(prk, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:count]


def record(label, *fields):
    out = b""
    for field in (label,) + fields:
        if isinstance(field, int):
            field = struct.pack(">Q", field)
        elif isinstance(field, str):
            field = field.encode()
        out += struct.pack(">I", len(field)) + field
    return out


def stream(suite, key, data):
    if suite == 3:
        cipher = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None)
    else:
        cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16)))
    return cipher.encryptor().update(data)


def message_keys(suite, key, salt):
    name, length = SUITES[suite]
    if len(key) < 32:
        key = mac(bytes(32), key)
    keys = hkdf_expand(key, b"keyward/v1/message/" + name.encode() + salt, length + 32)
    return keys[:length], keys[length:]


def tag_of(mac_key, header, aad, body):
    covered = record("keyward/v1/envelope", header, aad)
    return mac(mac_key, struct.pack(">Q", len(covered)) + covered + body)


def seal(suite, key, version, aad, plaintext, salt=None):
    header = struct.pack(">BI", suite, version) + (salt or os.urandom(24))
    cipher_key, mac_key = message_keys(suite, key, header[5:])
    body = stream(suite, cipher_key, plaintext)
    return header + body + tag_of(mac_key, header, aad, body)


def open_(suite, key, aad, envelope):
    if len(envelope) < 61 or envelope[0] != suite or len(key) != SUITES[suite][1]:
        return None
    header, body, tag = envelope[:29], envelope[29:-32], envelope[-32:]
    cipher_key, mac_key = message_keys(suite, key, header[5:])
    if not hmac.compare_digest(tag, tag_of(mac_key, header, aad, body)):
        return None
    return stream(suite, cipher_key, body)


def message_aad(case):
    h = bytes.fromhex
    return record("keyward/v1/aad/message", h(case["store"]), h(case["key_id"]), case["version"],
                  h(case["context"]))


def main():
    h = bytes.fromhex
    for line in sys.stdin:
        case = json.loads(line)
        if sys.argv[1] == "seal":
            print(seal(case["suite"], h(case["key"]), case["version"], message_aad(case),
                       h(case["plaintext"])).hex())
        else:
            text = open_(case["suite"], h(case["key"]), message_aad(case), h(case["envelope"]))
            print("refused" if text is None else text.hex())


if __name__ == "__main__":
    main()

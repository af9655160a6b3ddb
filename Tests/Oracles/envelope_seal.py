#!/usr/bin/env python3
"""The whole way down the key hierarchy (docs/key-hierarchy.md) a second time, as an oracle.

  envelope_seal.py open   JSON lines in, the material of a key version in hexadecimal a line out

A line has the seal record, what opens it (`file` or `passphrase` in hexadecimal, or `shares`, a list
of share texts), a keyring term and a piece of material with its context.
"""
import hashlib, hmac, json, struct, sys
from envelope import hkdf_expand, mac, open_, record
from shamir import check, combine, parse


def fields_of(data):
    fields = []
    while data:
        length = struct.unpack(">I", data[:4])[0]
        fields.append(data[4:4 + length])
        data = data[4 + length:]
    return fields


def hkdf(key, salt, info):
    return hkdf_expand(mac(salt, key), info, 32)


def root_key(seal, secret):
    label, store, kind, a, b, c, text, salt, value, checks, wrapped = fields_of(seal)
    assert label == b"keyward/v1/seal"
    numbers = [int.from_bytes(field, "big") for field in (a, b, c)]
    if "shares" in secret:
        shares = [parse(share) for share in secret["shares"]]
        for share in shares:
            assert share[0].hex().encode() == text and list(share[2:4]) == numbers[:2]
            assert checks[share[1] * 16 - 16:share[1] * 16] == check(*share)
        key = combine([(share[1], share[4]) for share in shares])
    elif "passphrase" in secret:
        key = hashlib.scrypt(bytes.fromhex(secret["passphrase"]), salt=salt, n=1 << numbers[0],
                             r=numbers[1], p=numbers[2], maxmem=1 << 30, dklen=32)
    else:
        key = bytes.fromhex(secret["file"])
    kek = hkdf(key, salt, record("keyward/v1/kek", kind, store))
    assert mac(kek, b"keyward/v1/kcv")[:8] == value, "wrong secret"
    parameters = record("keyward/v1/seal-parameters", *fields_of(seal)[1:-1])
    return open_(1, kek, record("keyward/v1/aad/seal", parameters), wrapped)


def main():
    for line in sys.stdin:
        case = json.loads(line)
        h = bytes.fromhex
        root = root_key(h(case["seal"]), case["secret"])
        wrapping = hkdf_expand(root, b"keyward/v1/root/term-wrapping", 32)
        store, term = h(case["store"]), h(case["term"])
        number = int.from_bytes(term[1:5], "big")
        key = open_(1, wrapping, record("keyward/v1/aad/term", store, number, case["created_at"]), term)
        aad = record("keyward/v1/aad/material", store, h(case["key_id"]), case["version"],
                     case["type"], case["never_exportable"])
        print(open_(1, key, aad, h(case["material"])).hex())


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Shamir's sharing and the share text (docs/formats/shares.md) a second time, as an oracle.

Written the other way round than the Swift code on purpose: logarithm tables, whole arrays. It leaks
through the cache and is for tests only.

  shamir.py combine   lines of `x:hex x:hex …` in, one secret in hexadecimal a line out
  shamir.py split     lines of `secret threshold count` in, `x:hex x:hex …` a line out
  shamir.py parse     share texts in, `set index threshold count payload` or `refused` a line out
  shamir.py emit      lines of `set index threshold count payload` in, one share text a line out
"""
import base64, hashlib, hmac, os, struct, sys

EXP, LOG = [0] * 510, [0] * 256
value = 1
for power in range(255):
    EXP[power] = EXP[power + 255] = value
    LOG[value] = power
    value ^= value << 1          # times the generator 3
    if value & 0x100:
        value ^= 0x11B


def times(a, b):
    return EXP[LOG[a] + LOG[b]] if a and b else 0


def over(a, b):
    return EXP[LOG[a] + 255 - LOG[b]] if a else 0


def split(secret, threshold, count):
    rows = [secret] + [os.urandom(len(secret)) for _ in range(threshold - 1)]
    shares = []
    for x in range(1, count + 1):
        y, power = bytes(len(secret)), 1
        for row in rows:
            y = bytes(a ^ times(b, power) for a, b in zip(y, row))
            power = times(power, x)
        shares.append((x, y))
    return shares


def combine(shares):
    secret = bytes(len(shares[0][1]))
    for x, y in shares:
        weight = 1
        for other, _ in shares:
            if other != x:
                weight = times(weight, over(other, other ^ x))
        secret = bytes(a ^ times(b, weight) for a, b in zip(secret, y))
    return secret


def record(label, *fields):
    out = b""
    for field in (label.encode(),) + fields:
        if isinstance(field, int):
            field = struct.pack(">Q", field)
        out += struct.pack(">I", len(field)) + field
    return out


def checksum(set_id, index, threshold, count, payload):
    text = record("keyward/v1/share/checksum", set_id, index, threshold, count, b"\1")
    return hmac.new(payload, text, hashlib.sha256).digest()[:6]


def check(set_id, index, threshold, count, payload):
    text = record("keyward/v1/share/check", set_id, index, threshold, count)
    return hmac.new(payload, text, hashlib.sha256).digest()[:16]


def emit(set_id, index, threshold, count, payload):
    fields = bytes([1]) + set_id + bytes([index, threshold, count]) + payload
    fields += checksum(set_id, index, threshold, count, payload)
    digits = base64.b32encode(fields).decode().lower()
    return "kwshare1-" + "-".join(digits[i:i + 5] for i in range(0, 80, 5))


def parse(text):
    digits = text.strip().lower().replace("-", "").replace(" ", "")
    if not digits.startswith("kwshare1") or len(digits) != 88:
        return None
    fields = base64.b32decode(digits[8:].upper())
    set_id, (index, threshold, count), payload = fields[1:9], fields[9:12], fields[12:44]
    if fields[0] != 1 or fields[44:] != checksum(set_id, index, threshold, count, payload):
        return None
    return set_id, index, threshold, count, payload


def point(text):
    x, y = text.split(":")
    return int(x), bytes.fromhex(y)


def main():
    for line in sys.stdin:
        words = line.split()
        if sys.argv[1] == "combine":
            print(combine([point(word) for word in words]).hex())
        elif sys.argv[1] == "split":
            shares = split(bytes.fromhex(words[0]), int(words[1]), int(words[2]))
            print(" ".join("%d:%s" % (x, y.hex()) for x, y in shares))
        elif sys.argv[1] == "parse":
            share = parse(line)
            print("%s %d %d %d %s" % (share[0].hex(), *share[1:4], share[4].hex())
                  if share else "refused")
        else:
            print(emit(bytes.fromhex(words[0]), *map(int, words[1:4]), bytes.fromhex(words[4])))


if __name__ == "__main__":
    main()

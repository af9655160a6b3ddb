#!/usr/bin/env python3
"""Writes the vectors of Tests/Vectors/envelope, always the same: envelope_vectors.py FOLDER"""
import hashlib, os, sys
from envelope import SUITES, hkdf_expand, message_keys, record, seal, tag_of


def some(name, count):
    return hkdf_expand(hashlib.sha256(b"keyward vectors").digest(), name.encode(), count)


STORE, KEY_ID, KMS_ID = some("store", 16), some("key id", 16), "kw1.abcdefghijklmnopqrstuvwxyz"
SEED, SALT, WHEN = some("seed", 32), some("salt", 24), 1795437296789


def message(store=STORE, key_id=KEY_ID, version=7, context=b"tenant-a"):
    fields = dict(purpose="message", store=store.hex(), key_id=key_id.hex(), version=version,
                  context=context.hex())
    return record("keyward/v1/aad/message", store, key_id, version, context), fields


def put(name, comment, expect, suite, key, envelope, bound=message(), plaintext=SEED):
    aad, fields = bound
    head = dict(dict(comment=comment, expect=expect, suite=suite, key=key.hex(), version=7),
                **fields, aad=aad.hex(), plaintext=plaintext.hex())
    text = "".join("%s: %s\n" % (field, value) for field, value in head.items())
    body = envelope.hex()
    lines = [body[i:i + 64] for i in range(0, len(body), 64)]
    with open(os.path.join(sys.argv[1], name + ".txt"), "w") as file:
        file.write(text + "\n" + "\n".join(lines) + "\n")


def main():
    aad = message()[0]
    keys = {suite: some("key %d" % suite, SUITES[suite][1]) for suite in SUITES}
    for suite, key in keys.items():
        name, good = SUITES[suite][0], seal(suite, key, 7, aad, SEED, SALT)
        put("success-" + name, "A 32-byte seed makes 93 bytes", "success", suite, key, good)
        for size in (0, 1, 16, 17, 4096):
            text = some("plaintext", size)
            put("success-%s-%d" % (name, size), "%d bytes of plaintext" % size, "success", suite, key,
                seal(suite, key, 7, aad, text, SALT), plaintext=text)
        put("refused-%s-wrong-key" % name, "Another key", "refused", suite,
            some("another key", len(key)), good)

    key, good = keys[1], seal(1, keys[1], 7, aad, SEED, SALT)
    for what, at in [("suite", 0), ("version", 4), ("salt-first", 5), ("salt-last", 28),
                     ("ciphertext-first", 29), ("ciphertext-last", 60), ("tag-first", 61),
                     ("tag-last", 92)]:
        bad = bytearray(good)
        bad[at] ^= 1
        put("refused-flipped-" + what, "A bit of byte %d flipped" % at, "refused", 1, key, bytes(bad))
    for what, cut in [("empty", b""), ("header-only", good[:29]), ("below-overhead", good[:60]),
                      ("no-ciphertext", good[:29] + good[61:]), ("last-byte", good[:-1])]:
        put("refused-truncated-" + what, "Cut to %d bytes" % len(cut), "refused", 1, key, cut)
    put("refused-extended", "A byte too many", "refused", 1, key, good + b"\0")

    other = seal(3, key, 7, aad, SEED, SALT)
    put("refused-wrong-suite", "Made as ChaCha20; the key says AES-256", "refused", 1, key, other)
    put("refused-suite-byte-changed", "Made as ChaCha20, byte 0 changed to AES-256", "refused", 1, key,
        b"\1" + other[1:])
    put("refused-unknown-suite", "Suite 0x7f", "refused", 1, key, b"\x7f" + good[1:])
    for what, bound in [("store", message(store=some("store 2", 16))),
                        ("key-id", message(key_id=some("key id 2", 16))),
                        ("version", message(version=8)),
                        ("context", message(context=b"tenant-b")),
                        ("no-context", message(context=b""))]:
        put("refused-wrong-" + what, "Opened for another " + what, "refused", 1, key, good, bound)

    # A stream cipher turns any body into something under any key, so the tag alone has to commit to
    # the key. One envelope, two keys: it opens under the first. Under the second it would need the
    # second key's tag, and then it does not open under the first.
    second = some("second key", 32)
    both = good[:61] + tag_of(message_keys(1, second, SALT)[1], good[:29], aad, good[29:61])
    put("commitment-first-key", "One envelope, its key", "success", 1, key, good)
    put("commitment-second-key", "The same envelope, a second key", "refused", 1, second, good)
    put("commitment-second-tag", "The first key's body with the second key's tag", "refused", 1, key,
        both)

    ids = dict(store=STORE.hex(), key_id=KEY_ID.hex())
    for purpose, aad, fields in [
        ("kms", record("keyward/v1/aad/kms", STORE, KEY_ID, 7, KMS_ID), dict(ids, kms_key_id=KMS_ID)),
        ("material", record("keyward/v1/aad/material", STORE, KEY_ID, 7, "aes-256", 1),
         dict(ids, type="aes-256", never_exportable=1)),
        ("term", record("keyward/v1/aad/term", STORE, 7, WHEN), dict(ids, created_at=WHEN)),
        ("audit-signing-key", record("keyward/v1/aad/audit-signing-key", STORE, "kw.example/log"),
         dict(ids, origin="kw.example/log")),
        ("backup-chunk", record("keyward/v1/aad/backup-chunk", KEY_ID, 3, 1),
         dict(backup=KEY_ID.hex(), index=3, final=1)),
    ]:
        put("purpose-" + purpose, "Bound as " + purpose, "success", 1, key,
            seal(1, key, 7, aad, SEED, SALT), (aad, dict(purpose=purpose, **fields)))


if __name__ == "__main__":
    main()

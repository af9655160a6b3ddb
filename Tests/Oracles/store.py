"""Verifies a store's database, anchor and backup, written from docs/storage.md and
docs/formats/backup.md alone. Needs `cryptography`.

usage: store.py database ROOT_KEY_HEX DATABASE ANCHOR
       store.py backup ROOT_KEY_HEX BACKUP OUT     (writes the database to OUT)

Prints what it counted; a check that fails is an error.
"""

import hashlib
import hmac
import sqlite3
import struct
import sys

TABLES = {
    "meta": "name",
    "seals": "slot",
    "keyring_terms": "number",
    "keys": "id",
    "key_versions": "key_id, number",
    "records": "kind, id",
}


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def expand(key, info, length):
    """HKDF-Expand with SHA-256 (RFC 5869 section 2.3)."""
    out, block = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = mac(key, block + info + bytes([number]))
        out += block
    return out[:length]


def subkey(root, purpose):
    return expand(root, b"keyward/v1/root/" + purpose.encode(), 32)


def field(value):
    if isinstance(value, int):
        value = struct.pack(">Q", value & (2**64 - 1))
    elif isinstance(value, str):
        value = value.encode()
    return struct.pack(">I", len(value)) + value


def record(label, *values):
    return field(label) + b"".join(field(value) for value in values)


def column(value):
    if value is None:
        return b"\0"
    if isinstance(value, int):
        return b"\1" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\2" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"\3" + value.encode()
    return b"\4" + value


def check_database(root, path, anchor_path):
    row_key, set_key = subkey(root, "row-mac"), subkey(root, "set-digest")
    state_key, anchor_key = subkey(root, "state-mac"), subkey(root, "anchor-mac")
    database = sqlite3.connect(path)
    store = database.execute("SELECT value FROM meta WHERE name = 'store_id'").fetchone()[0]
    count, digests = 0, {}
    for table, order in TABLES.items():
        total = 0
        for row in database.execute(f"SELECT * FROM {table} ORDER BY {order}"):
            *columns, stored = row
            expected = mac(row_key, record(f"keyward/v1/row/{table}", store, *map(column, columns)))
            assert expected == stored, (table, row)
            total += int.from_bytes(mac(set_key, stored), "little")
            count += 1
        digests[table] = (total % 2**256).to_bytes(32, "little")
    counter, size, frontier, set_macs, state_mac = database.execute(
        "SELECT counter, audit_size, frontier, set_macs, mac FROM state WHERE id = 1"
    ).fetchone()
    assert set_macs == b"".join(
        mac(state_key, record("keyward/v1/set", store, table, counter, digest))
        for table, digest in digests.items()
    )
    body = record("keyward/v1/state", store, 2, counter, size, frontier, set_macs)
    assert state_mac == mac(state_key, body)
    slot = record("keyward/v1/anchor", store, counter)
    slot = (slot + mac(anchor_key, slot)).ljust(512, b"\0")
    content = open(anchor_path, "rb").read()
    offset = 512 * (counter & 1)
    assert len(content) == 1024 and content[offset : offset + 512] == slot
    print(f"{count} rows, counter {counter}, {size} entries")


def open_envelope(key, aad, envelope):
    """The envelope of docs/formats/envelope.md, suite 1: AES-256-CTR and HMAC-SHA-256."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    header, body, tag = envelope[:29], envelope[29:-32], envelope[-32:]
    assert header[0] == 1
    keys = expand(key, b"keyward/v1/message/aes-256-ctr" + header[5:], 64)
    bound = record("keyward/v1/envelope", header, aad)
    assert mac(keys[32:], struct.pack(">Q", len(bound)) + bound + body) == tag
    cipher = Cipher(algorithms.AES(keys[:32]), modes.CTR(bytes(16))).decryptor()
    return cipher.update(body) + cipher.finalize()


def fields(data):
    while data:
        length = struct.unpack(">I", data[:4])[0]
        yield data[4 : 4 + length]
        data = data[4 + length :]


def open_backup(root, path, out):
    data = open(path, "rb").read()
    assert data[:8] == b"KWBACKUP"
    length = struct.unpack(">I", data[8:12])[0]
    header, data = data[12 : 12 + length], list(fields(data[12 + length :]))
    label, identity, store, _, counter, seals, *rest = fields(header)
    assert label == b"keyward/v1/backup" and len(identity) == len(store) == 16
    assert len(rest) == 2 * int.from_bytes(seals, "big")
    key, binding = subkey(root, "backup"), hashlib.sha256(header).digest()
    with open(out, "wb") as file:
        for index, chunk in enumerate(data):
            last = int(index == len(data) - 1)
            file.write(open_envelope(key, record("keyward/v1/aad/backup-chunk", binding, index, last), chunk))
    print(f"{len(data)} chunks, counter {int.from_bytes(counter, 'big')}")


if __name__ == "__main__":
    command, root, *paths = sys.argv[1:]
    {"database": check_database, "backup": open_backup}[command](bytes.fromhex(root), *paths)

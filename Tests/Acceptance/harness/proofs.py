"""RFC 6962 in Python: leaf hashes, roots, inclusion and consistency, written from the RFC (§2.1)."""
import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves):
    """The Merkle tree hash by its recursive definition."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node(root(leaves[:split]), root(leaves[split:]))


def included(index, size, digest, path):
    """The root that an inclusion proof leads to (RFC 9162 §2.1.3.2); None if it is malformed."""
    if index >= size:
        return None
    first, last = index, size - 1
    for other in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            digest = node(other, digest)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            digest = node(digest, other)
        first, last = first >> 1, last >> 1
    return digest if last == 0 else None


def consistent(old_size, new_size, old_root, new_root, path):
    """Whether the new tree begins with the old one (RFC 9162 §2.1.4.2)."""
    if old_size == new_size:
        return not path and old_root == new_root
    path = list(path)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old, new = node(other, old), node(other, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = node(new, other)
        first, last = first >> 1, last >> 1
    return old == old_root and new == new_root and last == 0


def signed_head(note, verifier):
    """(size, root) of a checkpoint whose Ed25519 signature holds (C2SP signed-note)."""
    name, hint, key = verifier.split("+", 2)
    raw = base64.b64decode(key, validate=True)
    assert raw[0] == 1 and hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == hint
    body, _, signatures = note.rpartition("\n\n")
    body += "\n"
    dash, signer, blob = signatures.strip().split(" ")
    blob = base64.b64decode(blob, validate=True)
    assert (dash, signer, blob[:4].hex()) == ("\u2014", name, hint)
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(blob[4:], body.encode())
    origin, size, digest = body.split("\n")[:3]
    assert origin == name
    return int(size), base64.b64decode(digest, validate=True)


def export_entries(export):
    """The entries of an export as canonical bytes, each checked against its hash."""
    entries = []
    for line in export.decode().split("\n"):
        if line.startswith("e "):
            _, digest, text = line.split(" ", 2)
            assert leaf(text.encode()).hex() == digest
            entries.append(text.encode())
    assert [json.loads(entry)["index"] for entry in entries] == list(range(len(entries)))
    return entries

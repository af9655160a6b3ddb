"""A second verifier of audit log exports, written from docs/formats/audit-log.md alone.

usage: audit_verify.py EXPORT VERIFIER-KEY   (the export may be - for standard input)

Prints a line for each finding, or `ok <entries> <checkpoints>`; exit code 1 or 0.
It shares no code with Keyward; of `cryptography` it uses Ed25519 alone."""
import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ORDER = ("v index time request principal source address token approval operation resource "
         "key kms_uid outcome reason rule details").split()


def sha256(data):
    return hashlib.sha256(data).digest()


def sizes(start, end):
    """The sizes of the perfect aligned subtrees that cover start..<end, from the left."""
    while start < end:
        size = 1 << (end - start).bit_length() - 1
        yield (size := min(size, start & -start) if start else size)
        start += size


class Range:
    """Hashes of perfect subtrees over leaves start..<end, as (size, hash)."""

    def __init__(self, start, parts=()):
        self.start, self.end, self.parts = start, start, []
        for size, digest in parts:
            self.add(size, digest)

    def add(self, size, digest):
        self.end += size
        while self.parts and self.parts[-1][0] == size and self.end % (2 * size) == 0:
            digest = sha256(b"\x01" + self.parts.pop()[1] + digest)
            size *= 2
        self.parts.append((size, digest))

    def head(self):
        """(size, root): the subtrees joined from the right."""
        digest = self.parts[-1][1] if self.parts else sha256(b"")
        for _, left in reversed(self.parts[:-1]):
            digest = sha256(b"\x01" + left + digest)
        return self.end, digest


class Verifier:
    def __init__(self, vkey):
        self.name, hint, key = vkey.split("+", 2)
        raw = base64.b64decode(key, validate=True)
        self.id = sha256(self.name.encode() + b"\n" + raw)[:4]
        assert raw[0] == 1 and self.id.hex() == hint, "not an Ed25519 verifier key"
        self.vkey, self.key = vkey, Ed25519PublicKey.from_public_bytes(raw[1:])
        self.findings, self.checkpoints, self.entries, self.frontier = [], 0, 0, None

    def find(self, what, line):
        self.findings.append(f"{what}: before entry {self.part.end}, line {line}")

    def signed(self, text):
        body, _, signatures = text.rpartition("\n\n")
        valid, body = False, body + "\n"
        for signature in signatures.splitlines():
            dash, name, blob = signature.split(" ")
            blob = base64.b64decode(blob, validate=True)
            if dash == "\u2014" and name == self.name and blob[:4] == self.id:
                self.key.verify(blob[4:], body.encode())
                valid = True
        origin, size, root = body.split("\n")[:3]
        assert valid and origin == self.name and size == str(int(size)), "not by this log"
        self.checkpoints += 1
        return int(size), base64.b64decode(root, validate=True)

    def checkpoint(self, text, line):
        head = self.signed(text)
        anchored = self.frontier and self.frontier.head() == head
        if self.tree and self.tree.head() == head and anchored:
            self.covered = head[0]
            return
        if self.tree or self.covered != head[0]:
            self.find(f"entries from {self.covered} on do not lead to this checkpoint", line)
        self.tree, self.covered = self.frontier if anchored else None, head[0]
        if not anchored:
            self.find("nothing vouches for what follows", line)

    def stored(self, kind, fields):
        count = 2 if kind == "range" else 1
        start, end = ([0] + [int(field) for field in fields[:count]])[-2:]
        hashes = [bytes.fromhex(field) for field in fields[count:]]
        stored = Range(start, zip(sizes(start, end), hashes, strict=True))
        if kind == "frontier":
            self.frontier = stored
            return
        agrees = (start, stored.parts) == (self.part.start, self.part.parts)
        for size, digest in self.part.parts if self.tree else []:
            self.tree.add(size, digest)
        self.part = Range(self.part.end)
        assert agrees, "range hashes"

    def entry(self, rest):
        self.entries += 1
        stored, _, text = rest.partition(" ")
        leaf, index = sha256(b"\x00" + text.encode()), self.part.end
        self.part.add(1, leaf)
        assert leaf.hex() == stored, "the entry does not fit its hash"
        entry = json.loads(text)
        keys = [ORDER.index(key) for key in entry]
        assert json.dumps(entry, separators=(",", ":")) == text, "not canonical"
        assert keys == sorted(keys) and entry["index"] == index, "wrong keys or index"

    def run(self, lines):
        start = int(lines[3].split()[1])
        self.tree, self.part, self.covered = None if start else Range(0), Range(start), start
        header = f"keyward-audit-export 1\norigin {self.name}\nkey {self.vkey}\nfirst {start}"
        if lines[:4] != header.split("\n"):
            self.find("header", 1)
        note, ended = [], False
        for number, line in enumerate(lines[4:], 5):
            try:
                if line.startswith("|"):
                    note.append(line[1:])
                    continue
                text, note = "\n".join(note) + "\n", []
                if text != "\n":
                    self.checkpoint(text, number)
                kind, _, rest = line.partition(" ")
                assert not ended and kind in ("e", "range", "frontier", "end"), "unknown line"
                if kind == "e":
                    self.entry(rest)
                elif kind == "end":
                    ended = int(rest) == self.part.end
                else:
                    self.stored(kind, rest.split(" "))
            except (ValueError, AssertionError, KeyError, AttributeError, InvalidSignature) as why:
                self.find(repr(why), number)
        if not ended or self.covered != self.part.end or not self.checkpoints:
            self.find("cut, or not covered by a checkpoint", len(lines))


verifier = Verifier(sys.argv[2])
with (sys.stdin if sys.argv[1] == "-" else open(sys.argv[1], encoding="utf-8")) as file:
    verifier.run(file.read().split("\n")[:-1])
print("\n".join(verifier.findings) or f"ok {verifier.entries} {verifier.checkpoints}")
sys.exit(1 if verifier.findings else 0)

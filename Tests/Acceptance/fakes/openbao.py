"""The transit engine of OpenBao and Vault, for imported keys."""
import base64
import hashlib
import hmac
import os
import re

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from . import openers
from .aws import wrapping_key
from .base import Fake, Refusal

RAW = {"aes128-gcm96": 16, "aes256-gcm96": 32, "chacha20-poly1305": 32, "xchacha20-poly1305": 32}
CURVES = {"ecdsa-p256": "secp256r1", "ecdsa-p384": "secp384r1", "ecdsa-p521": "secp521r1"}
RSA = {"rsa-2048": 2048, "rsa-3072": 3072, "rsa-4096": 4096}
HASHES = ("SHA1", "SHA224", "SHA256", "SHA384", "SHA512")


def refuse(status, *words):
    raise Refusal(status, {"errors": list(words)})


class FakeOpenBao(Fake):
    name = "openbao"
    token = "s.KeywardFakeToken0123456789"
    mount = "transit"

    def __init__(self):
        super().__init__()
        self.keys, self.opened = {}, {}

    def greeting(self):
        return {"token": self.token, "mount": self.mount}

    def step(self, request):
        parts = request.path.split("/")[3:]
        return parts[-1] if parts[-1] in ("wrapping_key", "import", "import_version", "config") else parts[0]

    def throttled(self):
        return {"errors": ["request path is rate limited"]}

    def answer(self, request):
        if request.headers.get("X-Vault-Token") != self.token:
            refuse(403, "permission denied")
        match = re.fullmatch(rf"/v1/{self.mount}/(.+)", request.path)
        if not match:
            refuse(404, "no handler for route")
        parts = match[1].split("/")
        if parts == ["wrapping_key"] and request.method == "GET":
            return self.wrapped({"public_key": openers.pem(wrapping_key(4096))})
        if parts[0] == "keys" and len(parts) == 2 and request.method == "GET":
            return self.read(parts[1])
        if parts[0] == "keys" and request.method == "POST" and parts[2:] in (["import"], ["import_version"]):
            return self.take(parts[1], parts[2], request.json())
        if parts[0] == "hmac" and request.method == "POST":
            return self.mac(parts[1], parts[2] if len(parts) > 2 else "sha2-256", request.json())
        if parts[0] == "encrypt" and request.method == "POST":
            return self.encrypt(parts[1], request.json())
        refuse(404, "no handler for route")

    @staticmethod
    def wrapped(data):
        return {"request_id": "0", "lease_id": "", "renewable": False, "lease_duration": 0,
                "data": data, "wrap_info": None, "warnings": None, "auth": None}

    def key(self, name):
        if name not in self.keys:
            refuse(404)
        return self.keys[name]

    def read(self, name):
        key = self.key(name)
        versions = {}
        for number, material in enumerate(key["versions"], 1):
            if isinstance(material, bytes):
                versions[str(number)] = 1700000000
            elif isinstance(material, ed25519.Ed25519PrivateKey):
                raw = material.public_key().public_bytes_raw()
                versions[str(number)] = {"creation_time": "2026-01-01T00:00:00Z", "name": "ed25519",
                                         "public_key": base64.b64encode(raw).decode()}
            else:
                versions[str(number)] = {"creation_time": "2026-01-01T00:00:00Z", "name": key["type"],
                                         "public_key": openers.pem(material)}
        return self.wrapped({
            "name": name, "type": key["type"], "keys": versions, "latest_version": len(versions),
            "imported_key": True, "imported_key_allow_rotation": key["rotation"],
            "derived": False, "exportable": False})

    def take(self, name, verb, body):
        allowed = {"ciphertext", "hash_function"} | (
            {"type", "allow_rotation", "derived", "exportable", "allow_plaintext_backup"}
            if verb == "import" else {"version"})
        if set(body) - allowed:
            refuse(400, f"unknown fields: {set(body) - allowed}")
        if verb == "import" and name in self.keys:
            refuse(400, "the import path cannot be used with an existing key; use import-version to "
                   "rotate an existing imported key")
        if verb == "import_version" and name not in self.keys:
            refuse(400, f"no key found with name {name}; to import a new key, use the import/ endpoint")
        kind = body.get("type", "aes256-gcm96") if verb == "import" else self.keys[name]["type"]
        name_of_hash = body.get("hash_function", "SHA256")
        if name_of_hash not in HASHES:
            refuse(400, "unsupported hash function: " + name_of_hash)
        try:
            blob = base64.b64decode(body["ciphertext"], validate=True)
            material = openers.hybrid(wrapping_key(4096), blob, name_of_hash)
            value = self.parse(kind, material)
        except (ValueError, KeyError, openers.CannotOpen) as error:
            refuse(500, f"1 error occurred:\n\t* error unwrapping: {error}")
        if verb == "import":
            self.keys[name] = {"type": kind, "versions": [],
                               "rotation": body.get("allow_rotation", False)}
        self.keys[name]["versions"].append(value)
        self.opened[f"{name}/{len(self.keys[name]['versions'])}"] = material.hex()
        return 204, b""

    @staticmethod
    def parse(kind, material):
        if kind in RAW:
            if len(material) != RAW[kind]:
                raise openers.CannotOpen(f"invalid key size {len(material)} bytes for key type {kind}")
            return material
        if kind == "hmac":
            if not 32 <= len(material) <= 512:
                raise openers.CannotOpen("an HMAC key has 32 to 512 bytes")
            return material
        private = openers.private_key(material)
        fits = (isinstance(private, ed25519.Ed25519PrivateKey) if kind == "ed25519"
                else isinstance(private, rsa.RSAPrivateKey) and private.key_size == RSA[kind]
                if kind in RSA
                else isinstance(private, ec.EllipticCurvePrivateKey)
                and private.curve.name == CURVES.get(kind))
        if not fits:
            raise openers.CannotOpen(f"invalid key type: expected {kind}")
        return private

    def mac(self, name, algorithm, body):
        key = self.key(name)
        hashes = {"sha2-256": hashlib.sha256, "sha2-384": hashlib.sha384, "sha2-512": hashlib.sha512}
        version = body.get("key_version") or len(key["versions"])
        if key["type"] != "hmac" or algorithm not in hashes:
            refuse(400, "unsupported")
        mac = hmac.digest(key["versions"][version - 1], base64.b64decode(body["input"], validate=True),
                          hashes[algorithm])
        return self.wrapped({"hmac": f"vault:v{version}:{base64.b64encode(mac).decode()}"})

    def encrypt(self, name, body):
        key = self.key(name)
        version = body.get("key_version") or len(key["versions"])
        material, nonce = key["versions"][version - 1], os.urandom(12)
        if key["type"] in ("aes128-gcm96", "aes256-gcm96"):
            cipher = AESGCM(material)
        elif key["type"] == "chacha20-poly1305":
            cipher = ChaCha20Poly1305(material)
        else:
            refuse(400, "unsupported")
        sealed = nonce + cipher.encrypt(nonce, base64.b64decode(body["plaintext"], validate=True), None)
        return self.wrapped({"ciphertext": f"vault:v{version}:{base64.b64encode(sealed).decode()}",
                             "key_version": version})

    # For tests

    def material(self, key):
        return self.opened.get(key)

    def spoil(self, key):
        entry, number = self.keys[key.split("/")[0]], int(key.split("/")[1]) - 1
        material = entry["versions"][number]
        if isinstance(material, bytes):
            entry["versions"][number] = os.urandom(len(material))
        elif isinstance(material, rsa.RSAPrivateKey):
            entry["versions"][number] = rsa.generate_private_key(65537, material.key_size)
        elif isinstance(material, ed25519.Ed25519PrivateKey):
            entry["versions"][number] = ed25519.Ed25519PrivateKey.generate()
        else:
            entry["versions"][number] = ec.generate_private_key(material.curve)

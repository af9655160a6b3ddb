"""Azure Key Vault and Managed HSM as their documentation says, for bringing one's own key."""
import base64
import json
import os
import re
import urllib.parse
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from . import openers
from .aws import wrapping_key
from .base import Fake, Refusal

CURVES = {"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1", "P-256K": "secp256k1"}
OPERATIONS = {"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "export"}


def refuse(status, code, message=""):
    raise Refusal(status, {"error": {"code": code, "message": message}})


def decode(text):
    """Base64url without padding, in its one spelling."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError("not base64url without padding")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value):
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class FakeAzure(Fake):
    """One vault; `managed` makes it a Managed HSM, which takes AES too."""

    name = "azure"
    tenant, client_id = "11112222-3333-4444-5555-666677778888", "aaaabbbb-cccc-dddd-eeee-ffff00001111"
    client_secret = "S3cr8~keyward.fake+/=& secret"

    def __init__(self):
        super().__init__()
        self.keys, self.tokens, self.managed = {}, {}, False
        self.opened, self.bodies = {}, []
        self.make_kek("byok-kek", 4096)

    def greeting(self):
        return {"tenant": self.tenant, "client_id": self.client_id, "client_secret": self.client_secret}

    def step(self, request):
        parts = request.path.strip("/").split("/")
        if parts[-1] == "token":
            return "token"
        if request.method == "PUT":
            return "import"
        return {"GET": "get"}.get(request.method, parts[-1])

    def throttled(self):
        return {"error": {"code": "Throttled", "message": "slow down"}}

    def make_kek(self, name, bits, operations=("import",)):
        version = uuid.uuid4().hex
        self.keys.setdefault(name, {})[version] = {
            "private": wrapping_key(bits), "kty": "RSA-HSM", "ops": list(operations),
            "enabled": True, "attributes": {}}
        return self.kid(name, version)

    def kid(self, name, version):
        return f"{self.url}/keys/{name}/{version}"

    def answer(self, request):
        parts = request.path.strip("/").split("/")
        if parts[1:] == ["oauth2", "v2.0", "token"] and request.method == "POST":
            return self.token(parts[0], request)
        self.check_token(request)
        if not re.fullmatch(r"7\.[2-6]|20\d\d-\d\d-\d\d(-preview)?", request.parameters.get("api-version", "")):
            refuse(400, "BadParameter", "api-version")
        if parts[0] != "keys" or not 2 <= len(parts) <= 4:
            refuse(404, "NotFound")
        if request.method == "PUT" and len(parts) == 2:
            return self.put(parts[1], request.json())
        if request.method == "POST" and parts[2:] == ["create"]:
            return self.create(parts[1], request.json())
        if request.method == "GET" and parts[2:] == ["versions"]:
            return self.versions(parts[1], int(request.parameters.get("maxresults", "25")))
        version = self.find(parts[1], parts[2] if len(parts) > 2 else None)
        if request.method == "GET" and len(parts) <= 3:
            return self.bundle(parts[1], version)
        if request.method == "POST" and len(parts) == 4:
            return self.use(parts[1], version, parts[3], request.json())
        refuse(405, "MethodNotAllowed")

    # Tokens

    def token(self, tenant, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
        if request.headers["Content-Type"] != "application/x-www-form-urlencoded":
            raise Refusal(400, {"error": "invalid_request", "error_description": "not a form"})
        scope = ("https://managedhsm.azure.net" if self.managed else "https://vault.azure.net")
        if tenant != self.tenant or form.get("client_id") != self.client_id \
                or form.get("grant_type") != "client_credentials":
            raise Refusal(400, {"error": "unauthorized_client", "error_description": "AADSTS700016"})
        if form.get("client_secret") != self.client_secret:
            raise Refusal(401, {"error": "invalid_client", "error_description": "AADSTS7000215"})
        if form.get("scope") != scope + "/.default":
            raise Refusal(400, {"error": "invalid_scope", "error_description": form.get("scope", "")})
        text = f"eyJ.{encode(os.urandom(300))}.{encode(os.urandom(200))}"
        self.tokens[text] = self.now() + 3599
        return {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
                "access_token": text}

    def check_token(self, request):
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or self.tokens.get(text, 0) <= self.now():
            refuse(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")

    # Keys

    def find(self, name, version):
        versions = self.keys.get(name)
        if not versions or (version and version not in versions):
            refuse(404, "KeyNotFound", f"A key with (name/id) {name} was not found in this key vault.")
        return version or list(versions)[-1]

    def create(self, name, body):
        if body.get("kty") != "RSA-HSM" or body.get("key_ops") != ["import"]:
            refuse(400, "BadParameter", "this fake makes keys that wrap imports")
        kid = self.make_kek(name, body["key_size"])
        return self.bundle(name, kid.rsplit("/", 1)[1])

    def bundle(self, name, version):
        entry = self.keys[name][version]
        key = {"kid": self.kid(name, version), "kty": entry["kty"], "key_ops": entry["ops"]}
        private = entry["private"]
        if isinstance(private, rsa.RSAPrivateKey):
            numbers = private.public_key().public_numbers()
            key.update(n=number(numbers.n), e=number(numbers.e))
        elif isinstance(private, ec.EllipticCurvePrivateKey):
            numbers, size = private.public_key().public_numbers(), (private.key_size + 7) // 8
            key.update(crv=entry["crv"], x=encode(numbers.x.to_bytes(size, "big")),
                       y=encode(numbers.y.to_bytes(size, "big")))
        answer = {"key": key, "attributes": {
            "enabled": entry["enabled"], "created": int(self.now()), "updated": int(self.now()),
            "recoveryLevel": "Recoverable+Purgeable", **entry["attributes"]}}
        return {**answer, "tags": entry["tags"]} if entry.get("tags") else answer

    def versions(self, name, most):
        """One page, and whether there is another; a name that is not there has none."""
        items = []
        for version in list(self.keys.get(name, {}))[:most]:
            bundle = self.bundle(name, version)
            items.append({"kid": bundle["key"]["kid"], "attributes": bundle["attributes"],
                          **({"tags": bundle["tags"]} if "tags" in bundle else {})})
        more = len(self.keys.get(name, {})) > most
        return {"value": items, "nextLink": f"{self.url}/keys/{name}/versions?$skiptoken=x" if more else None}

    def put(self, name, body):
        self.bodies.append(body)
        key = body.get("key", {})
        unknown = set(body) - {"key", "Hsm", "attributes", "release_policy", "tags"}
        unknown |= set(key) - {"kty", "crv", "key_ops", "key_hsm"}
        if unknown or "key_hsm" not in key:
            refuse(400, "BadParameter", f"unknown or plain members: {unknown}")
        if not re.fullmatch(r"[0-9a-zA-Z-]{1,127}", name):
            refuse(400, "BadParameter", "name")
        kty = key["kty"]
        if kty not in ("RSA-HSM", "EC-HSM", "oct-HSM"):
            refuse(400, "BadParameter", f"kty {kty} is not one of an HSM")
        if kty == "oct-HSM" and not self.managed:
            refuse(400, "BadParameter", "oct-HSM is for Managed HSM")
        if not set(key.get("key_ops", [])) <= OPERATIONS:
            refuse(400, "BadParameter", "key_ops")
        try:
            byok = json.loads(decode(key["key_hsm"]))
            material = self.open(byok)
        except (ValueError, KeyError, TypeError) as error:
            refuse(400, "BadParameter", f"key_hsm: {error}")
        except openers.CannotOpen as error:
            refuse(400, "BadParameter", f"key_hsm cannot be unwrapped: {error}")
        tags = body.get("tags", {})
        if not all(isinstance(one, str) for one in tags.values()):
            refuse(400, "BadParameter", "tags")
        entry = {"kty": kty, "ops": key.get("key_ops", []), "enabled": True, "tags": tags,
                 "attributes": {name_: value for name_, value in body.get("attributes", {}).items()
                                if name_ in ("exp", "nbf", "exportable")}}
        if kty == "oct-HSM":
            if len(material) not in (16, 24, 32):
                refuse(400, "BadParameter", "an AES key has 16, 24 or 32 bytes")
            entry["private"] = material
        else:
            try:
                private = openers.private_key(material)
            except openers.CannotOpen as error:
                refuse(400, "BadParameter", str(error))
            if kty == "RSA-HSM" and not (isinstance(private, rsa.RSAPrivateKey)
                                         and private.key_size in (2048, 3072, 4096)):
                refuse(400, "BadParameter", "not an RSA key")
            if kty == "EC-HSM" and not (isinstance(private, ec.EllipticCurvePrivateKey)
                                        and private.curve.name == CURVES.get(key.get("crv"))):
                refuse(400, "BadParameter", "not a key of the curve")
            entry.update(private=private, crv=key.get("crv"))
        version = uuid.uuid4().hex
        self.keys.setdefault(name, {})[version] = entry
        self.opened[self.kid(name, version)] = material.hex()
        return self.bundle(name, version)

    def open(self, byok):
        if set(byok) != {"schema_version", "header", "ciphertext", "generator"} \
                or byok["schema_version"] != "1.0.0":
            raise ValueError("not a transfer blob of 1.0.0")
        header = byok["header"]
        if header.get("alg") != "dir" or header.get("enc") != "CKM_RSA_AES_KEY_WRAP":
            raise ValueError("alg or enc")
        match = re.fullmatch(re.escape(self.url) + r"/keys/([^/]+)/([0-9a-f]{32})", header["kid"])
        if not match or match[2] not in self.keys.get(match[1], {}):
            raise ValueError("kid is not the full identifier of a key here")
        entry = self.keys[match[1]][match[2]]
        if entry["ops"] != ["import"] or entry["kty"] != "RSA-HSM":
            raise ValueError("the key is not for import alone")
        return openers.hybrid(entry["private"], decode(byok["ciphertext"]), "SHA1")

    # Uses

    def use(self, name, version, verb, body):
        entry = self.keys[name][version]
        needed = {"wrapkey": "wrapKey", "unwrapkey": "unwrapKey"}.get(verb, verb)
        if needed not in entry["ops"]:
            refuse(403, "Forbidden", f"Operation {verb} is not permitted on this key.")
        private, value, alg = entry["private"], decode(body["value"]), body["alg"]
        answer = {"kid": self.kid(name, version)}
        if isinstance(private, bytes) and verb == "encrypt" and alg == f"A{len(private) * 8}GCM":
            nonce = os.urandom(12)
            sealed = AESGCM(private).encrypt(nonce, value, decode(body.get("aad", "")) or None)
            return {**answer, "value": encode(sealed[:-16]), "iv": encode(nonce), "tag": encode(sealed[-16:])}
        if isinstance(private, bytes) and alg == f"A{len(private) * 8}KW":
            return {**answer, "value": encode(
                aes_key_wrap(private, value) if verb == "wrapkey" else aes_key_unwrap(private, value))}
        if isinstance(private, rsa.RSAPrivateKey) and verb == "decrypt" and alg == "RSA-OAEP-256":
            return {**answer, "value": encode(private.decrypt(value, padding.OAEP(
                padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)))}
        refuse(400, "BadParameter", f"{verb} with {alg}")

    # For tests

    def material(self, key):
        return self.opened.get(key)

    def manage(self):
        self.managed = True

    def spoil(self, key):
        name, version = key.split("/")[-2:]
        entry = self.keys[name][version]
        private = entry["private"]
        if isinstance(private, bytes):
            entry["private"] = os.urandom(len(private))
        elif isinstance(private, rsa.RSAPrivateKey):
            entry["private"] = rsa.generate_private_key(65537, private.key_size)
        else:
            entry["private"] = ec.generate_private_key(private.curve)

    def seen(self):
        return self.bodies

"""Google Cloud KMS as its documentation says, for import jobs and imported versions.

The bodies must pass the strict JSON reader of google-cloud-kms where that package is installed.
"""
import base64
import datetime
import hashlib
import hmac
import os
import re
import urllib.parse

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import openers
from .aws import wrapping_key
from .base import Fake, Refusal

try:
    from google.cloud import kms_v1
except ImportError:
    kms_v1 = None

METHODS = {"RSA_OAEP_3072_SHA1_AES_256": (3072, "SHA1", True),
           "RSA_OAEP_4096_SHA1_AES_256": (4096, "SHA1", True),
           "RSA_OAEP_3072_SHA256_AES_256": (3072, "SHA256", True),
           "RSA_OAEP_4096_SHA256_AES_256": (4096, "SHA256", True),
           "RSA_OAEP_3072_SHA256": (3072, "SHA256", False),
           "RSA_OAEP_4096_SHA256": (4096, "SHA256", False)}
MACS = {"HMAC_SHA1": 20, "HMAC_SHA224": 28, "HMAC_SHA256": 32, "HMAC_SHA384": 48, "HMAC_SHA512": 64}
CURVES = {"EC_SIGN_P256_SHA256": "secp256r1", "EC_SIGN_P384_SHA384": "secp384r1",
          "EC_SIGN_SECP256K1_SHA256": "secp256k1"}
PURPOSES = {"ENCRYPT_DECRYPT": r"GOOGLE_SYMMETRIC_ENCRYPTION", "ASYMMETRIC_SIGN": r"(RSA_SIGN|EC_SIGN)_.*",
            "ASYMMETRIC_DECRYPT": r"RSA_DECRYPT_.*", "MAC": r"HMAC_.*",
            "RAW_ENCRYPT_DECRYPT": r"AES_(128|256)_(GCM|CBC|CTR)"}
SCOPE = "https://www.googleapis.com/auth/cloudkms"
DAY = 86400


def refuse(code, status, message=""):
    raise Refusal(code, {"error": {"code": code, "status": status, "message": message}})


def strict(kind, value):
    """Reads a body as google-cloud-kms does, unknown fields and enum names refused."""
    if kms_v1 is None:
        return
    import json
    try:
        getattr(kms_v1, kind).from_json(json.dumps(value), ignore_unknown_fields=False)
    except Exception as error:
        refuse(400, "INVALID_ARGUMENT", f"{kind}: {error}")


class FakeGoogle(Fake):
    name = "google"
    ring = "projects/keyward-test/locations/europe-west1/keyRings/ring"
    email = "exporter@keyward-test.iam.gserviceaccount.com"

    def __init__(self):
        super().__init__()
        self.account_key = rsa.generate_private_key(65537, 2048)
        self.tokens, self.jobs, self.keys, self.assertions = {}, {}, {}, set()
        self.opened, self.lag = {}, 1

    def greeting(self):
        return {"service_account": {
            "type": "service_account", "project_id": "keyward-test",
            "private_key_id": "0123456789abcdef0123456789abcdef01234567",
            "private_key": self.account_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()).decode(),
            "client_email": self.email, "client_id": "100000000000000000000",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": f"{self.url}/token"}, "ring": self.ring}

    def step(self, request):
        if request.path == "/token":
            return "token"
        if request.path.endswith(":import"):
            return "import"
        last = request.path.split("/")
        if last[-1] == "cryptoKeyVersions":
            return "list"
        if request.method == "POST":
            return "use" if ":" in last[-1] else f"create-{last[-1]}"
        return "public-key" if last[-1] == "publicKey" else f"get-{last[-2]}"

    def throttled(self):
        return {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded"}}

    def answer(self, request):
        if request.path == "/token":
            return self.token(request)
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or self.tokens.get(text, 0) <= self.now():
            refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        match = re.fullmatch(rf"/v1/{re.escape(self.ring)}/(.+)", request.path)
        if not match:
            refuse(404, "NOT_FOUND", request.path)
        rest = match[1]
        if rest == "importJobs" and request.method == "POST":
            return self.create_job(request)
        if found := re.fullmatch(r"importJobs/([A-Za-z0-9_-]{1,63})", rest):
            return self.job(found[1])
        if rest == "cryptoKeys" and request.method == "POST":
            return self.create_key(request)
        if found := re.fullmatch(r"cryptoKeys/([^/:]+)", rest):
            return self.key_resource(found[1])
        if found := re.fullmatch(r"cryptoKeys/([^/:]+)/cryptoKeyVersions", rest):
            return self.versions(found[1])
        if found := re.fullmatch(r"cryptoKeys/([^/:]+)/cryptoKeyVersions:import", rest):
            return self.take(found[1], request.json())
        if found := re.fullmatch(r"cryptoKeys/([^/:]+)/cryptoKeyVersions/(\d+)(/publicKey|:macSign|:rawEncrypt)?", rest):
            return self.version(found[1], int(found[2]), found[3] or "", request)
        refuse(404, "NOT_FOUND", request.path)

    def token(self, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            raise Refusal(400, {"error": "unsupported_grant_type"})
        text = form.get("assertion", "")
        try:
            claims = jwt.decode(text, self.account_key.public_key(), ["RS256"],
                                audience=f"{self.url}/token", issuer=self.email,
                                options={"require": ["exp", "iat", "iss", "aud"],
                                         "verify_exp": False, "verify_iat": False})
            assert claims["scope"] == SCOPE and claims["exp"] - claims["iat"] <= 3600
            assert claims["iat"] <= self.now() < claims["exp"]
            assert jwt.get_unverified_header(text)["kid"] == "0123456789abcdef0123456789abcdef01234567"
        except Exception as error:
            raise Refusal(400, {"error": "invalid_grant", "error_description": repr(error)})
        token = "ya29." + base64.urlsafe_b64encode(os.urandom(200)).decode()
        self.tokens[token] = self.now() + 3599
        return {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    # Jobs

    def create_job(self, request):
        body, name = request.json(), request.parameters.get("importJobId", "")
        strict("ImportJob", body)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,63}", name):
            refuse(400, "INVALID_ARGUMENT", "importJobId")
        if name in self.jobs:
            refuse(409, "ALREADY_EXISTS", f"ImportJob {name} already exists.")
        if body.get("importMethod") not in METHODS:
            refuse(400, "INVALID_ARGUMENT", "importMethod")
        if body.get("protectionLevel") not in ("SOFTWARE", "HSM"):
            refuse(400, "INVALID_ARGUMENT", "protectionLevel")
        self.jobs[name] = {"method": body["importMethod"], "level": body["protectionLevel"],
                           "until": self.now() + 3 * DAY, "asked": 0, "imports": 0}
        return self.job(name, count=False)

    def job(self, name, count=True):
        job = self.jobs.get(name)
        if job is None:
            refuse(404, "NOT_FOUND", f"ImportJob {self.ring}/importJobs/{name} not found.")
        job["asked"] += count
        state = ("EXPIRED" if job["until"] <= self.now()
                 else "PENDING_GENERATION" if job["asked"] < 1 + self.lag else "ACTIVE")
        answer = {"name": f"{self.ring}/importJobs/{name}", "importMethod": job["method"],
                  "protectionLevel": job["level"], "state": state,
                  "createTime": self.time(job["until"] - 3 * DAY), "expireTime": self.time(job["until"])}
        if state == "ACTIVE":
            answer["publicKey"] = {"pem": openers.pem(wrapping_key(METHODS[job["method"]][0]))}
        return answer

    @staticmethod
    def time(seconds):
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"

    # Keys

    def create_key(self, request):
        body, name = request.json(), request.parameters.get("cryptoKeyId", "")
        strict("CryptoKey", body)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,63}", name):
            refuse(400, "INVALID_ARGUMENT", "cryptoKeyId")
        if name in self.keys:
            refuse(409, "ALREADY_EXISTS", f"CryptoKey {name} already exists.")
        if not body.get("importOnly") or request.parameters.get("skipInitialVersionCreation") != "true":
            refuse(400, "INVALID_ARGUMENT", "this fake makes keys for import alone")
        template = body.get("versionTemplate", {})
        if not re.fullmatch(PURPOSES.get(body.get("purpose"), "-"), template.get("algorithm", "")):
            refuse(400, "INVALID_ARGUMENT", "algorithm and purpose do not fit")
        self.keys[name] = {"purpose": body["purpose"], "algorithm": template["algorithm"],
                           "level": template.get("protectionLevel", "SOFTWARE"), "versions": []}
        return self.key_resource(name)

    def key_resource(self, name):
        key = self.keys.get(name)
        if key is None:
            refuse(404, "NOT_FOUND", f"CryptoKey {name} not found.")
        return {"name": f"{self.ring}/cryptoKeys/{name}", "purpose": key["purpose"], "importOnly": True,
                "versionTemplate": {"algorithm": key["algorithm"], "protectionLevel": key["level"]}}

    def take(self, name, body):
        strict("ImportCryptoKeyVersionRequest", body)
        if set(body) - {"algorithm", "importJob", "wrappedKey", "cryptoKeyVersion"}:
            refuse(400, "INVALID_ARGUMENT", "unknown fields")
        key = self.keys.get(name)
        if key is None:
            refuse(404, "NOT_FOUND", f"CryptoKey {name} not found.")
        job = self.jobs.get(body["importJob"].rsplit("/", 1)[1])
        if job is None or not body["importJob"].startswith(self.ring + "/importJobs/"):
            refuse(404, "NOT_FOUND", "importJob")
        if job["until"] <= self.now():
            refuse(400, "FAILED_PRECONDITION", "ImportJob is expired.")
        if job["level"] != key["level"]:
            refuse(400, "INVALID_ARGUMENT", "the protection levels of job and key differ")
        if not re.fullmatch(PURPOSES[key["purpose"]], body["algorithm"]):
            refuse(400, "INVALID_ARGUMENT", "algorithm does not fit the key's purpose")
        if body["algorithm"] == "EC_SIGN_SECP256K1_SHA256" and key["level"] != "HSM":
            refuse(400, "INVALID_ARGUMENT", "secp256k1 is for HSM keys")
        bits, hash_name, is_hybrid = METHODS[job["method"]]
        job["imports"] += 1
        entry = {"algorithm": body["algorithm"], "asked": 0, "failure": None, "value": None,
                 "job": body["importJob"], "made": self.now()}
        try:
            opener = openers.hybrid if is_hybrid else openers.direct
            material = opener(wrapping_key(bits), base64.b64decode(body["wrappedKey"]), hash_name)
            entry["value"] = self.parse(body["algorithm"], material)
        except (openers.CannotOpen, ValueError) as error:
            entry["failure"] = f"Unable to unwrap: {error}"
            material = b""
        reused = body.get("cryptoKeyVersion")
        if reused:
            number = int(reused.rsplit("/", 1)[1])
            old = key["versions"][number - 1]
            if not old["failure"]:
                refuse(400, "FAILED_PRECONDITION", "the version is not reimportEligible")
            key["versions"][number - 1] = entry
        else:
            key["versions"].append(entry)
            number = len(key["versions"])
        self.opened[f"{self.ring}/cryptoKeys/{name}/cryptoKeyVersions/{number}"] = material.hex()
        return self.describe(name, number)

    @staticmethod
    def parse(algorithm, material):
        if algorithm in MACS:
            if len(material) != MACS[algorithm]:
                raise ValueError(f"{algorithm} has {MACS[algorithm]} bytes")
            return material
        if algorithm == "GOOGLE_SYMMETRIC_ENCRYPTION" or algorithm.startswith("AES_"):
            wanted = 16 if algorithm.startswith("AES_128") else 32
            if len(material) != wanted:
                raise ValueError(f"{algorithm} has {wanted} bytes")
            return material
        private = openers.private_key(material)
        if algorithm == "EC_SIGN_ED25519":
            fits = isinstance(private, ed25519.Ed25519PrivateKey)
        elif algorithm in CURVES:
            fits = isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name == CURVES[algorithm]
        else:
            bits = int(re.search(r"_(2048|3072|4096)", algorithm)[1])
            fits = isinstance(private, rsa.RSAPrivateKey) and private.key_size == bits
        if not fits:
            raise ValueError(f"not a key of {algorithm}")
        return private

    def describe(self, name, number):
        key = self.keys[name]
        entry = key["versions"][number - 1]
        entry["asked"] += 1
        answer = {"name": f"{self.ring}/cryptoKeys/{name}/cryptoKeyVersions/{number}",
                  "algorithm": entry["algorithm"], "protectionLevel": key["level"],
                  "importJob": entry["job"], "createTime": self.time(entry["made"])}
        if entry["asked"] <= self.lag:
            answer["state"] = "PENDING_IMPORT"
        elif entry["failure"]:
            answer.update(state="IMPORT_FAILED", importFailureReason=entry["failure"],
                          reimportEligible=True)
        else:
            answer.update(state="ENABLED", importTime=self.time(self.now()))
        return answer

    def versions(self, name):
        if name not in self.keys:
            refuse(404, "NOT_FOUND", f"CryptoKey {name} not found.")
        count = len(self.keys[name]["versions"])
        return {"cryptoKeyVersions": [self.describe(name, one + 1) for one in range(count)],
                "totalSize": count} if count else {}

    def version(self, name, number, verb, request):
        key = self.keys.get(name)
        if key is None or not 1 <= number <= len(key["versions"]):
            refuse(404, "NOT_FOUND", "version")
        if not verb:
            return self.describe(name, number)
        entry = key["versions"][number - 1]
        if entry["asked"] <= self.lag or entry["failure"]:
            refuse(400, "FAILED_PRECONDITION", "the version is not enabled")
        value = entry["value"]
        full = f"{self.ring}/cryptoKeys/{name}/cryptoKeyVersions/{number}"
        if verb == "/publicKey" and not isinstance(value, bytes):
            return {"name": full, "pem": openers.pem(value), "algorithm": entry["algorithm"]}
        if verb == ":macSign" and entry["algorithm"] in MACS:
            body = request.json()
            strict("MacSignRequest", body)
            mac = hmac.digest(value, base64.b64decode(body["data"]),
                              entry["algorithm"].split("_")[1].lower())
            return {"name": full, "mac": base64.b64encode(mac).decode(), "protectionLevel": key["level"]}
        if verb == ":rawEncrypt" and entry["algorithm"].endswith("_GCM"):
            body = request.json()
            strict("RawEncryptRequest", body)
            nonce = os.urandom(12)
            sealed = AESGCM(value).encrypt(
                nonce, base64.b64decode(body["plaintext"]),
                base64.b64decode(body.get("additionalAuthenticatedData", "")) or None)
            return {"name": full, "ciphertext": base64.b64encode(sealed).decode(), "tagLength": 16,
                    "initializationVector": base64.b64encode(nonce).decode()}
        refuse(400, "FAILED_PRECONDITION", f"{verb} of {entry['algorithm']}")

    # For tests

    def material(self, key):
        return self.opened.get(key)

    def forget(self):
        self.jobs.clear()

    def imports(self):
        return {name: job["imports"] for name, job in self.jobs.items()}

    def spoil(self, key):
        match = re.search(r"cryptoKeys/([^/]+)/cryptoKeyVersions/(\d+)", key)
        entry = self.keys[match[1]]["versions"][int(match[2]) - 1]
        value = entry["value"]
        if isinstance(value, bytes):
            entry["value"] = os.urandom(len(value))
        elif isinstance(value, rsa.RSAPrivateKey):
            entry["value"] = rsa.generate_private_key(65537, value.key_size)
        elif isinstance(value, ed25519.Ed25519PrivateKey):
            entry["value"] = ed25519.Ed25519PrivateKey.generate()
        else:
            entry["value"] = ec.generate_private_key(value.curve)

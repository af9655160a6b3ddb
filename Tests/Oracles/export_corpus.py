"""First inputs for the fuzzers of key export, written by other tools into Tests/Corpus.

Usage: export_corpus.py FOLDER. The form of each input is that of its target in
Sources/KeywardExport/Fuzzing. RSA keys are of 2048 bits, since a fuzzer pays for each bit a million
times; private ones have numbers that are no primes, which is found at once, where the proof of a prime
takes long.
"""
import base64
import hashlib
import json
import os
import pathlib
import sys

import export_files as files
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, ed448, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jwcrypto import jwe, jwk

KINDS = ["blob", "byok", "parameters", "request", "pkcs8", "raw", "jwe"]
PROVIDERS = ["aws", "azure", "azure-managed-hsm", "google", "openbao", "vault", "oci",
             "ibm-key-protect", "ibm-hpcs", "alibaba", "tencent"]
ALGORITHMS = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1",
              "RSA_AES_KEY_WRAP_SHA_224", "RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_384",
              "RSA_AES_KEY_WRAP_SHA_512", "AES_KW", "AES_KWP"]
TYPES = ["aes-128", "aes-256", "chacha20-poly1305", "ec-p256", "ec-p384", "ec-p521", "ec-secp256k1",
         "ed25519", "hmac-sha256", "hmac-sha384", "hmac-sha512", "opaque", "rsa-2048", "rsa-3072",
         "rsa-4096", "x25519"]
ENCODINGS = ["raw", "base64", "base64url"]
KID = "https://vault.example/keys/kek/" + "0123456789abcdef" * 2
SHARED = b"\x4b" * 32
LONGEST = 2000

PRIVATE, PUBLIC = serialization.PrivateFormat, serialization.PublicFormat
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
CURVES = [ec.generate_private_key(curve()) for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1,
                                                         ec.SECP256K1)]
EDWARDS = [ed25519.Ed25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()]


def composite():
    """An RSA key that fits together, of numbers that are no primes."""
    def number():
        return int.from_bytes(b"\xc1" + os.urandom(126) + b"\x05", "big")
    p, q = number(), number()
    while p - q < 1 << 1000 or (p * q).bit_length() != 2048:
        p, q = number(), number()
    n, phi = p * q, (p - 1) * (q - 1)
    try:
        d = pow(65537, -1, phi)
        public = rsa.RSAPublicNumbers(65537, n)
        return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public
                                     ).private_key(unsafe_skip_rsa_key_validation=True)
    except ValueError:
        return composite()


def spki(key, encoding=DER):
    return key.public_key().public_bytes(encoding, PUBLIC.SubjectPublicKeyInfo)


class Corpus:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def add(self, target, raw):
        raw = raw.encode() if isinstance(raw, str) else raw
        assert len(raw) <= LONGEST + 48, (target, len(raw))
        folder = self.folder / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha1(raw).hexdigest()).write_bytes(raw)


def wrapping_keys(corpus):
    rsa_key = files.RSA[2048]
    for key in [rsa_key, *CURVES[:2], EDWARDS[0]]:
        corpus.add("wrapping-key-spki", spki(key))
        corpus.add("wrapping-key-pem", spki(key, PEM))
    pkcs1 = rsa_key.public_key().public_bytes(DER, PUBLIC.PKCS1)
    for odd in [pkcs1, spki(rsa_key)[:-1], spki(rsa_key) + b"\0", spki(ed448.Ed448PrivateKey.generate()),
                spki(dsa.generate_private_key(1024)),
                rsa.generate_private_key(3, 2048).public_key().public_bytes(
                    DER, PUBLIC.SubjectPublicKeyInfo)]:
        corpus.add("wrapping-key-spki", odd)
    pem = spki(rsa_key, PEM)
    for odd in [pem.replace(b"\n", b"\r\n"), pem + pem, b"\n\n" + pem.replace(b"\n", b" \t\n"),
                pem.replace(b"PUBLIC", b"RSA PUBLIC"), pem[:-3], pem.replace(b"=", b""),
                rsa_key.public_key().public_bytes(PEM, PUBLIC.PKCS1)]:
        corpus.add("wrapping-key-pem", odd)


def parameters(corpus):
    key, token = files.RSA[2048], files.b64(os.urandom(48))
    pem = spki(key, PEM).decode()
    aws = {"KeyId": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab", "ImportToken": token,
           "PublicKey": files.b64(spki(key)), "ParametersValidTo": 1795000000.123}
    number = key.public_key().public_numbers().n.to_bytes(256, "big")
    kek = {"kid": KID, "kty": "RSA-HSM", "key_ops": ["import"], "n": files.url(number), "e": "AQAB"}
    job = {"name": "projects/p/locations/l/keyRings/r/importJobs/j", "state": "ACTIVE",
           "importMethod": "RSA_OAEP_3072_SHA256_AES_256", "protectionLevel": "HSM",
           "expireTime": "2026-12-01T10:00:00.123456Z",
           "publicKey": {"pem": spki(files.RSA[3072], PEM).decode()}}
    ibm = {"payload": files.b64(pem.encode()), "nonce": files.b64(os.urandom(12)),
           "expirationDate": "2026-12-01T10:00:00Z"}
    transit = {"data": {"public_key": pem}}
    forms = {
        "aws": [aws, aws | {"ParametersValidTo": "2026-12-01T10:00:00.123000+01:00"},
                aws | {"PublicKey": token, "ImportToken": aws["PublicKey"]},
                aws | {"ImportToken": "-_" * 20}, aws | {"PublicKey": files.b64(spki(CURVES[0]))}],
        "azure": [{"key": kek}, kek, pem, {"key": kek | {"key_ops": ["import", "sign"]}},
                  {"key": kek | {"kid": KID[:-33]}}, {"key": kek | {"n": files.b64(number)}}],
        "azure-managed-hsm": [{"key": kek}],
        "google": [job, job | {"state": "EXPIRED"}, job | {"importMethod": "RSA_OAEP_4096_SHA256"},
                   job | {"importMethod": "HPKE_KEM_XWING_HKDF_SHA256_AES_256_GCM"}],
        "openbao": [transit, pem, {"public_key": pem}], "vault": [transit],
        "oci": [{"data": {"public-key": pem, "id": "ocid1.key.oc1..aaaa"}}, {"publicKey": pem}],
        "ibm-key-protect": [ibm], "ibm-hpcs": [ibm | {"nonce": ""}],
        "alibaba": [{"KeyId": "k", "PublicKey": aws["PublicKey"], "ImportToken": token,
                     "TokenExpireTime": "2026-12-01T10:00:00Z"}],
        "tencent": [{"Response": {"KeyId": "k", "PublicKey": aws["PublicKey"],
                                  "ImportToken": token, "ParametersValidTo": 1795000000}},
                    {"KeyId": "k", "PublicKey": aws["PublicKey"], "ImportToken": token,
                     "ParametersValidTo": 400000000000}]}
    for provider, answers in forms.items():
        for answer in answers:
            text = answer if isinstance(answer, str) else json.dumps(answer)
            corpus.add("parameters-json", bytes([PROVIDERS.index(provider) + 1]) + text.encode())


def keys(corpus):
    wrong = composite()
    for key in [wrong, *CURVES, *EDWARDS]:
        corpus.add("pkcs8", key.private_bytes(DER, PRIVATE.PKCS8, files.CLEAR))
        text = jwk.JWK.from_pyca(key).export_private()
        corpus.add("jwk", text)
        corpus.add("jwk", json.dumps(json.loads(text) | {"kid": "\u00e9\\", "use": "sig"}, indent=1))
    for size in (16, 32, 48, 64):
        corpus.add("jwk", jwk.JWK(kty="oct", k=files.url(os.urandom(size))).export())
    pair = json.loads(jwk.JWK.from_pyca(CURVES[0]).export_private())
    for change in [{"y": pair["x"]}, {"d": "AA"}, {"crv": "P-384"}, {"kty": "OKP"}]:
        corpus.add("jwk", json.dumps(pair | change))
    corpus.add("jwk", jwk.JWK.from_pyca(CURVES[0]).export_public())
    corpus.add("jwk", '{"kty":"oct","k":"AAAA","k":"AAAA"}')
    locked = serialization.BestAvailableEncryption(b"password")
    for key in (wrong, CURVES[0]):
        corpus.add("pkcs8", key.private_bytes(DER, PRIVATE.TraditionalOpenSSL, files.CLEAR))
        corpus.add("pkcs8", key.private_bytes(PEM, PRIVATE.PKCS8, files.CLEAR))
    corpus.add("pkcs8", CURVES[0].private_bytes(PEM, PRIVATE.TraditionalOpenSSL, files.CLEAR))
    corpus.add("pkcs8", CURVES[0].private_bytes(DER, PRIVATE.PKCS8, locked))
    corpus.add("pkcs8", CURVES[0].private_bytes(PEM, PRIVATE.PKCS8, locked))
    corpus.add("pkcs8", spki(CURVES[0]))
    explicit = files.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                             "-pkeyopt", "ec_param_enc:explicit", "-outform", "DER")
    corpus.add("pkcs8", explicit)
    for key in (EDWARDS[0], CURVES[0]):
        der = key.private_bytes(DER, PRIVATE.PKCS8, files.CLEAR)
        for odd in (der[:-1], der + b"\n", files.b64(der), base64.encodebytes(der)):
            corpus.add("pkcs8", odd)


def jwes(corpus):
    content = b'{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw"}'
    mine = jwk.JWK.from_pyca(x25519.X25519PrivateKey.from_private_bytes(SHARED))
    shared = jwk.JWK(kty="oct", k=files.url(SHARED))
    rsa_key, curve = jwk.JWK.from_pyca(files.RSA[2048]), jwk.JWK.from_pyca(CURVES[0])
    for alg, enc, key in [("A256KW", "A256GCM", shared), ("ECDH-ES+A256KW", "A256GCM", mine),
                          ("ECDH-ES+A256KW", "A256GCM", curve), ("RSA-OAEP-256", "A256GCM", rsa_key),
                          ("RSA-OAEP", "A256GCM", rsa_key), ("RSA1_5", "A256GCM", rsa_key),
                          ("dir", "A256GCM", shared), ("A256KW", "A256CBC-HS512", shared),
                          ("ECDH-ES", "A128GCM", curve)]:
        made = jwe.JWE(content, json.dumps({"alg": alg, "enc": enc, "cty": "jwk+json"}),
                       algs=[alg, enc])
        made.add_recipient(key)
        text = made.serialize(compact=True)
        corpus.add("jwe", text)
        if alg == "A256KW":
            corpus.add("jwe", text + "\n")
            corpus.add("jwe", text[:-2])
            corpus.add("jwe", text.replace(".", "=.", 1))
            corpus.add("jwe", made.serialize())
            corpus.add("jwe", text.rsplit(".", 1)[0])
            none = files.url(json.dumps({"alg": "none", "enc": "A256GCM"}).encode())
            corpus.add("jwe", none + text[text.index("."):])


def tink(corpus):
    from tink import aead, json_proto_keyset_format, mac, new_keyset_handle, signature
    aead.register(), mac.register(), signature.register()

    class Sealer(aead.Aead):
        def encrypt(self, plaintext, associated_data):
            nonce = os.urandom(12)
            return nonce + AESGCM(SHARED).encrypt(nonce, plaintext, associated_data)

        def decrypt(self, ciphertext, associated_data):
            return AESGCM(SHARED).decrypt(ciphertext[:12], ciphertext[12:], associated_data)

    for template in [aead.aead_key_templates.AES256_GCM, aead.aead_key_templates.AES128_GCM,
                     mac.mac_key_templates.HMAC_SHA256_256BITTAG,
                     signature.signature_key_templates.ED25519,
                     signature.signature_key_templates.ECDSA_P256]:
        handle = new_keyset_handle(template)
        text = json_proto_keyset_format.serialize_encrypted(handle, Sealer(), b"")
        corpus.add("tink", text)
        corpus.add("tink", json_proto_keyset_format.serialize_encrypted(handle, Sealer(), b"other"))
        corpus.add("tink", text.replace("=", ""))
        corpus.add("tink", text[:-1])


def imports(corpus):
    blob = files.hybrid(2048, os.urandom(32))
    header = {"kid": KID, "alg": "dir", "enc": "CKM_RSA_AES_KEY_WRAP"}
    right = {"schema_version": "1.0.0", "header": header, "ciphertext": files.url(blob),
             "generator": "a tool 1.0"}
    for change in [{}, {"schema_version": "2.0.0"}, {"generator": ""}, {"header": header | {"kid": "kek"}},
                   {"header": header | {"alg": "RSA-OAEP"}}, {"ciphertext": files.url(blob[:-1])},
                   {"ciphertext": files.b64(blob + b"\xff" * 16)}, {"ciphertext": files.b64(blob) + "\n"},
                   {"ciphertext": blob.hex()}, {"ciphertext": "not base64!"}, {"header": None}]:
        corpus.add("byok", json.dumps(right | change))
    corpus.add("byok", json.dumps(right)[:-3])
    body = {"KeyId": "k\u00e9", "ImportToken": files.b64(os.urandom(48)),
            "EncryptedKeyMaterial": files.b64(blob),
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    expires = {"ExpirationModel": "KEY_MATERIAL_EXPIRES"}
    for change in [{}, expires, expires | {"ValidTo": 1795000000}, expires | {"ValidTo": 1e9},
                   expires | {"ValidTo": "2027-01-01T00:00:00Z"}, expires | {"ValidTo": 1.9e9},
                   {"ExpirationModel": "x"}, {"EncryptedKeyMaterial": files.b64(blob[:-1])},
                   {"ImportToken": "-_" * 20}, {"KeyId": 1}]:
        corpus.add("import-body", json.dumps(body | change))


def checks(corpus):
    """One file of each kind with each of the findings, under the hints that bring it."""
    seen = set()
    for file in sorted(files.make(), key=lambda file: len(file["file"])):
        raw, hints = bytes.fromhex(file["file"]), file["hints"]
        mark = (file["kind"], tuple(file["codes"]), hints.get("ask"), hints.get("provider"))
        is_whole_rsa = file["kind"] == "pkcs8" and len(raw) > 1000 and \
            not {"key_is_pkcs1", "key_is_multi_prime", "key_has_pss_identifier"} & set(file["codes"])
        if mark in seen or len(raw) > LONGEST or is_whole_rsa:
            continue
        seen.add(mark)

        def place(values, name):
            return values.index(hints[name]) + 1 if name in hints else 0
        sizes = place([2048, 3072, 4096], "wrappingKeyBits") | place(ENCODINGS, "encoding") << 3
        sizes |= 0x80 if hints.get("protectionLevel") else 0
        corpus.add("export-check", bytes([
            place(KINDS, "ask"), place(PROVIDERS, "provider"), sizes, place(ALGORITHMS, "algorithm"),
            place(TYPES, "keyType")]) + raw)


def answers(corpus):
    """What the fakes of the providers answer, in the order in which the calls ask."""
    statuses = {200: 0, 204: 1, 400: 2, 403: 4, 404: 5, 500: 8}
    spki64 = files.b64(spki(files.RSA[2048]))
    mine = {"KeyId": "arn:aws:kms:eu-west-1:1:key/k", "ImportToken": "AAAA", "PublicKey": spki64,
            "ParametersValidTo": 1795000000.5}
    material = "ab" * 32

    def aws(state="Enabled", **more):
        return {"KeyMetadata": {"KeyId": "k", "Arn": "arn:aws:kms:eu-west-1:1:key/k", "Origin": "EXTERNAL",
                                "KeySpec": "SYMMETRIC_DEFAULT", "KeyState": state,
                                "CurrentKeyMaterialId": material} | more}
    rotations = {"Rotations": [{"KeyMaterialId": material, "ImportState": "IMPORTED",
                                "KeyMaterialState": "PENDING_ROTATION", "KeyMaterialDescription": "m",
                                "ValidTo": 1795000000}], "Truncated": False}
    replicas = aws(MultiRegion=True, MultiRegionConfiguration={
        "MultiRegionKeyType": "PRIMARY", "PrimaryKey": {"Region": "eu-west-1"},
        "ReplicaKeys": [{"Region": "us-east-1", "Arn": "arn:aws:kms:us-east-1:1:key/k"}]})
    error = {"__type": "com.amazonaws.kms#ExpiredImportTokenException", "message": "over"}
    number = files.RSA[2048].public_key().public_numbers().n.to_bytes(256, "big")
    vault = "https://v.example/keys/"
    kek = {"key": {"kid": vault + "kek/" + "0123456789abcdef" * 2, "kty": "RSA-HSM",
                   "key_ops": ["import"], "n": files.url(number), "e": "AQAB"},
           "attributes": {"enabled": True, "exp": 1795000000}}
    point = CURVES[0].public_key().public_numbers()
    pair = {"key": {"kid": vault + "k/" + "0123456789abcdef" * 2, "kty": "EC-HSM", "crv": "P-256",
                    "x": files.url(point.x.to_bytes(32, "big")), "key_ops": ["sign"],
                    "y": files.url(point.y.to_bytes(32, "big"))},
            "attributes": {"enabled": True}, "tags": {"keyward-export": "m"}}
    listed = {"value": [{"kid": pair["key"]["kid"], "attributes": {"enabled": True, "created": 1789999999},
                         "tags": pair["tags"]}], "nextLink": None}
    unknown = {"error": {"code": "KeyNotFound", "message": "none"}}
    ring = "projects/p/locations/l/keyRings/r"
    key = {"name": ring + "/cryptoKeys/k", "purpose": "MAC", "versionTemplate": {
        "protectionLevel": "HSM", "algorithm": "HMAC_SHA256"}}
    job = {"name": ring + "/importJobs/keyward-3072-sha256-hsm-20260921", "state": "ACTIVE",
           "importMethod": "RSA_OAEP_3072_SHA256", "protectionLevel": "HSM",
           "expireTime": "2026-12-01T10:00:00Z",
           "publicKey": {"pem": spki(files.RSA[3072], PEM).decode()}}
    version = {"name": ring + "/cryptoKeys/k/cryptoKeyVersions/2", "state": "ENABLED",
               "algorithm": "HMAC_SHA256", "createTime": "2026-09-21T10:00:00Z"}
    versions = {"cryptoKeyVersions": [version], "totalSize": 1}
    signed = {"name": version["name"], "mac": "AQEB", "macCrc32c": "1", "verifiedDataCrc32c": True}
    missing = {"error": {"code": 404, "status": "NOT_FOUND", "message": "none"}}
    transit = {"data": {"name": "k", "type": "aes256-gcm96", "imported_key": True, "latest_version": 2,
                        "keys": {"1": 1789999999, "2": 1789999999}}}
    pem = {"data": {"public_key": spki(files.RSA[2048], PEM).decode()}}
    sealed = {"data": {"ciphertext": "vault:v1:" + files.b64(os.urandom(40)), "plaintext": "AAAA",
                       "hmac": "vault:v1:AAAA"}}
    none = {"errors": []}
    # Destination, call, answers.
    for party, call, given in [
            (0, 0, [aws("PendingImport"), mine]), (0, 1, [aws(), mine, {}, aws(), rotations, aws()]),
            (0, 2, [{"KeyId": "k", "KeyMaterialId": material}, aws(), rotations, aws()]),
            (0, 2, [(400, error)]), (0, 3, [aws("Disabled"), rotations]), (0, 3, [(500, {})]),
            (0, 4, [aws(), rotations]), (0, 5, [replicas, rotations, rotations, {}, {}]),
            (1, 0, [kek]), (1, 0, [(404, unknown), kek]), (1, 1, [kek, pair, pair, pair, pair]),
            (1, 2, [pair, pair, pair]), (1, 3, [pair, pair]), (1, 4, [listed, pair, pair]),
            (1, 4, [pair, pair, pair]), (1, 3, [(403, unknown)]),
            (2, 0, [key, versions, job]), (2, 0, [(404, missing), key, (404, missing), job]),
            (2, 2, [version, version, signed]), (2, 2, [version | {"state": "PENDING_IMPORT"}] * 3),
            (2, 3, [version, signed]), (2, 4, [versions, version, signed]), (2, 3, [(403, missing)]),
            (3, 0, [transit, pem]), (3, 0, [(404, none), pem]), (3, 2, [transit, (204, {}), transit]),
            (3, 2, [transit, (500, {"errors": ["cannot unwrap"]})]),
            (3, 3, [transit, sealed, sealed]), (3, 4, [transit, sealed, sealed])]:
        parts = []
        for answer in given:
            status, body = answer if isinstance(answer, tuple) else (200, answer)
            # A zero ends an answer, so 200 is one of the other bytes that stand for it.
            code = statuses[status] or 10
            parts.append(bytes([code]) + json.dumps(body, separators=(",", ":")).encode())
        corpus.add("provider-answers", bytes([party | call << 2]) + b"\0".join(parts))


if __name__ == "__main__":
    out = Corpus(sys.argv[1])
    wrapping_keys(out), parameters(out), keys(out), jwes(out), tink(out), imports(out), checks(out)
    answers(out)

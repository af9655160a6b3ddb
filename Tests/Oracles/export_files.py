"""Files of exports as other tools write them, right and wrong; for `keyward export check`.

Usage: export_files.py OUT. Writes a JSON list of {"name", "file" (hexadecimal), "hints", "kind",
"codes"}: the codes that a check must find, of errors and warnings alike; none for a right file.
"""
import base64
import datetime
import json
import os
import subprocess
import sys

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from jwcrypto import jwe, jwk, jws

FILES = []
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
CLEAR = serialization.NoEncryption()
PKCS8 = serialization.PrivateFormat.PKCS8
TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL
RSA = {bits: rsa.generate_private_key(65537, bits) for bits in (2048, 3072, 4096)}
CURVE = ec.generate_private_key(ec.SECP256R1())


def add(name, file, codes=(), kind=None, **hints):
    if isinstance(file, str):
        file = file.encode()
    FILES.append({"name": name, "file": file.hex(), "codes": sorted(codes), "kind": kind,
                  "hints": hints})


def add_json(name, value, codes=(), kind=None, **hints):
    add(name, json.dumps(value, indent=2), codes, kind, **hints)


def b64(raw):
    return base64.b64encode(raw).decode()


def url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, check=True, capture_output=True).stdout


def pkcs8(key):
    return key.private_bytes(DER, PKCS8, CLEAR)


def spki(bits, encoding=DER):
    return RSA[bits].public_key().public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def oaep(bits, raw, digest=hashes.SHA256):
    return RSA[bits].public_key().encrypt(raw, padding.OAEP(
        mgf=padding.MGF1(digest()), algorithm=digest(), label=None))


def hybrid(bits, raw, digest=hashes.SHA256):
    key = os.urandom(32)
    return oaep(bits, key, digest) + keywrap.aes_key_wrap_with_padding(key, raw)


def keys():
    for name, key in [("rsa-2048", RSA[2048]), ("rsa-3072", RSA[3072]), ("ec-p256", CURVE),
                      ("ec-p384", ec.generate_private_key(ec.SECP384R1())),
                      ("ec-p521", ec.generate_private_key(ec.SECP521R1())),
                      ("ec-secp256k1", ec.generate_private_key(ec.SECP256K1())),
                      ("ed25519", ed25519.Ed25519PrivateKey.generate())]:
        add(f"{name} by cryptography", pkcs8(key), kind="pkcs8", keyType=name)
    by_openssl = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    der = openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=by_openssl)
    add("rsa by openssl", der, kind="pkcs8", keyType="rsa-2048")
    add("another type", der, ["key_spec_mismatch"], "pkcs8", keyType="ec-p256")
    add("a key the provider does not take", pkcs8(ed25519.Ed25519PrivateKey.generate()),
        ["key_type_not_importable"], "pkcs8", provider="oci")
    add("P-521 under direct OAEP of 2048 bits", pkcs8(ec.generate_private_key(ec.SECP521R1())),
        ["direct_overflow"], "pkcs8", provider="aws", algorithm="RSAES_OAEP_SHA_256",
        wrappingKeyBits=2048)
    add("rsa under direct OAEP", der, ["wrapping_not_for_key"], "pkcs8", provider="aws",
        algorithm="RSAES_OAEP_SHA_256")
    add("PEM by openssl", by_openssl, ["key_is_pem"], "pkcs8")
    add("PEM of PKCS#1", openssl("rsa", "-traditional", data=by_openssl),
        ["key_is_pem", "key_is_pkcs1"], "pkcs8")
    add("PKCS#1 by openssl", openssl("rsa", "-traditional", "-outform", "DER", data=by_openssl),
        ["key_is_pkcs1"], "pkcs8")
    add("SEC 1 by cryptography", CURVE.private_bytes(DER, TRADITIONAL, CLEAR), ["key_is_sec1"],
        "pkcs8")
    add("PEM of SEC 1", CURVE.private_bytes(PEM, TRADITIONAL, CLEAR), ["key_is_pem", "key_is_sec1"],
        "pkcs8")
    locked = serialization.BestAvailableEncryption(b"password")
    add("encrypted PKCS#8", CURVE.private_bytes(DER, PKCS8, locked), ["key_is_encrypted"], "pkcs8")
    add("encrypted PEM", CURVE.private_bytes(PEM, PKCS8, locked),
        ["key_is_encrypted", "key_is_pem"], "pkcs8")
    explicit = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                       "-pkeyopt", "ec_param_enc:explicit")
    add("explicit curve by openssl",
        openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=explicit),
        ["key_has_explicit_parameters"], "pkcs8")
    pss = openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")
    add("RSASSA-PSS by openssl",
        openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=pss),
        ["key_has_pss_identifier"], "pkcs8")
    primes = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                     "-pkeyopt", "rsa_keygen_primes:3")
    add("three primes by openssl",
        openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=primes),
        ["key_is_multi_prime"], "pkcs8")
    add("cut", der[:-5], ["key_invalid"], "pkcs8")
    add("with a line end", der + b"\n", ["key_invalid"], "pkcs8")
    changed = bytearray(der)
    changed[-10] ^= 1
    add("one bit changed", bytes(changed), ["key_invalid"], "pkcs8")
    add("base64 of PKCS#8", b64(der), ["material_is_text"], "pkcs8")
    add("base64 of PKCS#8 in lines", base64.encodebytes(der), ["material_is_text"], "pkcs8")
    add("a public key where a private one is due", spki(2048), ["key_invalid"], ask="pkcs8")
    raw = os.urandom(32)
    add("AES-256", b"\x00" + raw[1:], kind="raw", ask="raw", keyType="aes-256", provider="aws")
    add("hex", raw.hex(), ["material_is_text"], "raw", ask="raw", keyType="aes-256")
    add("base64 with a line end", b64(raw) + "\n", ["material_is_text"], "raw", ask="raw")
    add("33 bytes", b"\x00" + raw, ["material_length"], "raw", ask="raw", keyType="aes-256")


def blobs():
    aes, pair = os.urandom(32), pkcs8(CURVE)
    direct = oaep(4096, aes)
    add("direct", direct, kind="blob", wrappingKeyBits=4096, algorithm="RSAES_OAEP_SHA_256")
    for bits in RSA:
        for kind, raw in [("aes-256", aes), ("ec-p256", pair), ("rsa-2048", pkcs8(RSA[2048])),
                          ("rsa-3072", pkcs8(RSA[3072])), ("rsa-4096", pkcs8(RSA[4096]))]:
            add(f"hybrid {bits} {kind}", hybrid(bits, raw), kind="blob", wrappingKeyBits=bits,
                keyType=kind, algorithm="RSA_AES_KEY_WRAP_SHA_256")
    blob = hybrid(4096, aes)
    due = {"wrappingKeyBits": 4096, "keyType": "aes-256", "algorithm": "RSA_AES_KEY_WRAP_SHA_256"}
    add("nothing known", blob, kind="blob")
    add("cut by 1", blob[:-1], ["blob_length"], "blob")
    add("cut by 8", blob[:-8], ["blob_length"], "blob", **due)
    add("with a line end", blob + b"\n", ["blob_length"], "blob", **due)
    add("8 bytes more", blob + bytes(8), ["kw_instead_of_kwp"], "blob", **due)
    add("direct with more", direct + b"\n", ["blob_length"], "blob", wrappingKeyBits=4096,
        algorithm="RSAES_OAEP_SHA_256")
    add("direct for another size", oaep(2048, aes), ["wrapping_key_size"], "blob",
        wrappingKeyBits=4096, algorithm="RSAES_OAEP_SHA_256")
    add("hybrid for another size", hybrid(2048, aes), ["wrapping_key_size"], "blob", **due)
    add("direct where hybrid is due", direct, ["blob_length"], "blob", **due)
    add("a size Google does not have", hybrid(2048, aes), ["wrapping_key_size"], "blob",
        provider="google", wrappingKeyBits=2048)
    add("an algorithm Azure does not have", blob, ["wrapping_not_offered"], "blob",
        provider="azure", algorithm="RSA_AES_KEY_WRAP_SHA_256")
    key = os.urandom(32)
    padded = aes + bytes([8]) * 8
    add("KW over PKCS#7", oaep(4096, key) + keywrap.aes_key_wrap(key, padded),
        ["kw_instead_of_kwp"], "blob", **due)
    add("hex inside", hybrid(4096, aes.hex().encode()), ["material_is_text"], "blob", **due)
    add("base64 inside", hybrid(4096, b64(aes).encode()), ["material_is_text"], "blob", **due)
    due["keyType"] = "ec-p256"
    add("SEC 1 inside", hybrid(4096, CURVE.private_bytes(DER, TRADITIONAL, CLEAR)),
        ["key_is_sec1"], "blob", **due)
    add("PEM inside", hybrid(4096, CURVE.private_bytes(PEM, PKCS8, CLEAR)), ["key_is_pem"], "blob",
        **due)
    for bits in RSA:
        due["keyType"] = f"rsa-{bits}"
        add(f"PKCS#1 of {bits} inside",
            hybrid(4096, RSA[bits].private_bytes(DER, TRADITIONAL, CLEAR)), ["key_is_pkcs1"],
            "blob", **due)
        add(f"PEM of {bits} inside", hybrid(4096, RSA[bits].private_bytes(PEM, PKCS8, CLEAR)),
            ["key_is_pem"], "blob", **due)
    add("base64", b64(blob), ["blob_is_text"], "blob")
    add("base64 in lines", base64.encodebytes(blob), ["blob_is_text"], "blob")
    add("hex", blob.hex(), ["blob_is_text"], "blob")
    add("base64 where it is due", b64(blob), kind="blob", encoding="base64", ask="blob")
    add("lines where base64 is due", base64.encodebytes(blob), ["base64_variant"], "blob",
        encoding="base64")
    add("base64url where base64 is due", url(blob + b"\xff" * 16), ["base64_variant"], "blob",
        encoding="base64")
    add("bytes where base64 is due", blob, ["blob_is_binary"], "blob", encoding="base64")
    add("a key that nothing wraps", pkcs8(RSA[2048]), ["material_not_wrapped"], "blob", ask="blob")
    add("the same in base64", b64(pkcs8(RSA[2048])), ["material_not_wrapped"], "blob", ask="blob")
    kek = os.urandom(32)
    add("KW", keywrap.aes_key_wrap(kek, aes), kind="blob", algorithm="AES_KW", keyType="aes-256")
    add("KWP", keywrap.aes_key_wrap_with_padding(kek, pair), kind="blob", algorithm="AES_KWP",
        keyType="ec-p256")
    add("KW of what has no such length", keywrap.aes_key_wrap_with_padding(kek, pair),
        ["format_not_for_key"], "blob", algorithm="AES_KW", keyType="ec-p256")
    add("KWP, cut", keywrap.aes_key_wrap_with_padding(kek, pair)[:-3], ["blob_length"], "blob",
        algorithm="AES_KWP")


def when(hours, form=None):
    time = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return time.isoformat() if form is None else time.strftime(form)


def parameters():
    token = os.urandom(900)
    aws = {"KeyId": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
           "ImportToken": b64(token), "PublicKey": b64(spki(4096)), "ParametersValidTo": when(20)}
    add_json("AWS", aws, kind="parameters", wrappingKeyBits=4096)
    add_json("AWS, seconds", aws | {"ParametersValidTo": 4102444800.123}, kind="parameters")
    add_json("AWS, expired", aws | {"ParametersValidTo": when(-1)}, ["parameters_expired"],
             "parameters")
    add_json("AWS, swapped", aws | {"PublicKey": aws["ImportToken"],
                                    "ImportToken": aws["PublicKey"]},
             ["parameters_mixed"], "parameters")
    add_json("AWS, smaller key", aws | {"PublicKey": b64(spki(2048))}, ["wrapping_key_size"],
             "parameters", wrappingKeyBits=4096)
    curve = CURVE.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    add_json("AWS, a curve", aws | {"PublicKey": b64(curve)}, ["parameters_unreadable"],
             "parameters")
    add_json("AWS, PKCS#1", aws | {"PublicKey": b64(RSA[4096].public_key().public_bytes(
        DER, serialization.PublicFormat.PKCS1))}, ["parameters_unreadable"], "parameters")
    odd = b"\xfb\xff" + token[1:]
    add_json("AWS, base64url", aws | {"ImportToken": url(odd)}, ["base64_variant"], "parameters")
    add_json("AWS, no token", {k: v for k, v in aws.items() if k != "ImportToken"},
             ["parameters_unreadable"], "parameters")
    add_json("AWS, no time", {k: v for k, v in aws.items() if k != "ParametersValidTo"},
             ["parameters_unreadable"], "parameters")
    add_json("AWS, SHA-1 asked for", aws, ["sha1_avoidable"], "parameters",
             algorithm="RSA_AES_KEY_WRAP_SHA_1")
    add("AWS, cut", json.dumps(aws)[:-40], ["parameters_unreadable"], "parameters", provider="aws")
    google = {"name": "projects/p/locations/global/keyRings/r/importJobs/j",
              "importMethod": "RSA_OAEP_4096_SHA256_AES_256", "protectionLevel": "HSM",
              "state": "ACTIVE", "expireTime": when(48, "%Y-%m-%dT%H:%M:%S.%fZ"),
              "publicKey": {"pem": spki(4096, PEM).decode()}}
    add_json("Google", google, kind="parameters")
    add_json("Google, level of the key", google, kind="parameters", protectionLevel="HSM")
    add_json("Google, another level", google, ["protection_level_mismatch"], "parameters",
             protectionLevel="SOFTWARE")
    add_json("Google, expired by time", google | {"expireTime": when(-1)}, ["parameters_expired"],
             "parameters")
    add_json("Google, expired by state", google | {"state": "EXPIRED"}, ["import_job_not_active"],
             "parameters")
    add_json("Google, key of another size", google | {"publicKey": {"pem": spki(3072, PEM).decode()}},
             ["wrapping_key_size"], "parameters")
    add_json("Google, SHA-1", google | {"importMethod": "RSA_OAEP_4096_SHA1_AES_256"},
             ["sha1_avoidable"], "parameters")
    add_json("Google, wrapped with SHA-1 as its sample does", google, ["parameters_mixed"],
             "parameters", algorithm="RSA_AES_KEY_WRAP_SHA_1")
    add_json("Google, HPKE", google | {"importMethod": "HPKE_KEM_XWING_HKDF_SHA256_AES_256_GCM"},
             ["import_method_unsupported"], "parameters")
    number = RSA[4096].public_key().public_numbers().n.to_bytes(512, "big")
    kid = "https://v.vault.azure.net/keys/kek/" + "0123456789abcdef" * 2
    kek = {"kid": kid, "kty": "RSA-HSM", "key_ops": ["import"], "n": url(number), "e": "AQAB"}
    add_json("Azure", {"key": kek}, kind="parameters")
    add_json("Azure, PEM", spki(4096, PEM).decode().strip(), ["parameters_unreadable"],
             "parameters", ask="parameters", provider="azure")
    add("Azure, PEM", spki(4096, PEM), kind="parameters", ask="parameters", provider="azure")
    add_json("Azure, no version", {"key": kek | {"kid": kid.rsplit("/", 1)[0]}},
             ["kek_unversioned"], "parameters")
    add_json("Azure, more operations", {"key": kek | {"key_ops": ["import", "wrapKey"]}},
             ["kek_operations"], "parameters")
    add_json("Azure, a software key", {"key": kek | {"kty": "RSA"}}, ["parameters_unreadable"],
             "parameters")
    transit = {"data": {"public_key": spki(4096, PEM).decode()}}
    add_json("OpenBao", transit, kind="parameters")
    add_json("OpenBao, smaller key", {"data": {"public_key": spki(2048, PEM).decode()}},
             ["wrapping_key_size"], "parameters")
    vault = {"kind": "parameters", "provider": "vault"}
    add_json("Vault", transit, **vault)
    add("Vault, PEM", spki(4096, PEM), ask="parameters", **vault)
    add_json("Vault, no key", {"data": {}}, ["parameters_unreadable"], **vault)
    oci = {"data": {"public-key": spki(4096, PEM).decode(), "id": "ocid1.key.oc1.eu-frankfurt-1.a"}}
    add_json("OCI", oci, kind="parameters")
    add_json("OCI, smaller key", {"data": {"public-key": spki(2048, PEM).decode()}},
             ["wrapping_key_size"], "parameters")
    add_json("OCI, SHA-1, which it does not take", oci, ["wrapping_not_offered"], "parameters",
             algorithm="RSA_AES_KEY_WRAP_SHA_1")
    hpcs = {"payload": b64(spki(4096, PEM)), "nonce": b64(os.urandom(16)),
            "expirationDate": when(0.1, "%Y-%m-%dT%H:%M:%SZ")}
    add_json("HPCS", hpcs, kind="parameters", provider="ibm-hpcs")
    add_json("HPCS, no nonce", hpcs | {"nonce": ""}, ["parameters_unreadable"], "parameters",
             provider="ibm-hpcs")
    add_json("HPCS, expired", hpcs | {"expirationDate": when(-1, "%Y-%m-%dT%H:%M:%SZ")},
             ["parameters_expired"], "parameters", provider="ibm-hpcs")
    tencent = {"KeyId": "k", "PublicKey": b64(spki(2048)), "ImportToken": b64(token),
               "ParametersValidTo": 4102444800}
    add_json("Tencent, command line", tencent, kind="parameters", provider="tencent")
    add_json("Tencent, API", {"Response": tencent}, kind="parameters")
    add_json("Tencent, larger key", {"Response": tencent | {"PublicKey": b64(spki(3072))}},
             ["wrapping_key_size"], "parameters")
    add_json("Tencent, swapped", {"Response": tencent | {
        "PublicKey": tencent["ImportToken"], "ImportToken": tencent["PublicKey"]}},
        ["parameters_mixed"], "parameters")
    add_json("IBM", {"payload": b64(spki(4096, PEM)), "nonce": b64(os.urandom(12)),
                     "expirationDate": when(0.1, "%Y-%m-%dT%H:%M:%SZ")}, kind="parameters")
    add_json("Alibaba, expired", {"KeyId": "k", "PublicKey": b64(spki(2048)),
                                  "ImportToken": b64(token),
                                  "TokenExpireTime": when(-30, "%Y-%m-%dT%H:%M:%SZ")},
             ["parameters_expired"], "parameters")


def requests():
    """What botocore sends for ImportKeyMaterial."""
    import botocore.session
    from botocore.serialize import create_serializer
    model = botocore.session.get_session().get_service_model("kms")
    operation = model.operation_model("ImportKeyMaterial")

    def request(blob, **more):
        values = {"KeyId": "k", "ImportToken": os.urandom(900), "EncryptedKeyMaterial": blob} | more
        return json.loads(create_serializer("json").serialize_to_request(values, operation)["body"])

    blob = hybrid(4096, os.urandom(32))
    due = {"wrappingKeyBits": 4096, "keyType": "aes-256", "algorithm": "RSA_AES_KEY_WRAP_SHA_256"}
    for_ever = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    ends = {"ExpirationModel": "KEY_MATERIAL_EXPIRES"}

    def days(count):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=count)

    add_json("request", request(blob, **for_ever), kind="request", **due)
    add_json("request that ends", request(blob, **ends, ValidTo=days(300)), kind="request", **due)
    for name, body, code in [
            ("no model", request(blob), "expiration_model_missing"),
            ("no end", request(blob, **ends), "valid_until_past"),
            ("past end", request(blob, **ends, ValidTo=days(-1)), "valid_until_past"),
            ("far end", request(blob, **ends, ValidTo=days(400)), "valid_until_too_far"),
            ("a cut blob", request(blob[:-1], **for_ever), "blob_length"),
            ("base64url", request(blob, **for_ever) | {"EncryptedKeyMaterial": url(
                blob + b"\xff" * 16)}, "base64_variant")]:
        add_json(f"request with {name}", body, [code], "request", **due)


def byok():
    blob = hybrid(3072, os.urandom(32), hashes.SHA1)
    kid = "https://v.vault.azure.net/keys/kek/" + "0123456789abcdef" * 2
    header = {"kid": kid, "alg": "dir", "enc": "CKM_RSA_AES_KEY_WRAP"}
    right = {"schema_version": "1.0.0", "header": header, "ciphertext": url(blob),
             "generator": "a tool 1.0"}
    add_json("byok", right, kind="byok", wrappingKeyBits=3072, keyType="aes-256")
    for name, value, code in [
            ("schema_version", "2.0.0", "byok_field"), ("generator", "", "byok_field"),
            ("header", header | {"alg": "RSA-OAEP"}, "byok_field"),
            ("header", header | {"enc": "A256GCM"}, "byok_field"),
            ("header", header | {"kid": kid.rsplit("/", 1)[0]}, "kek_unversioned"),
            ("header", header | {"kid": "kek"}, "kek_unversioned"),
            ("ciphertext", b64(blob + bytes([255] * 16)), "base64_variant"),
            ("ciphertext", url(blob[:-1]), "blob_length"),
            ("ciphertext", "not base64!", "byok_field")]:
        add_json(f"byok with another {name}: {code}", right | {name: value}, [code], "byok")
    add_json("byok for another key", right, ["wrapping_key_size"], "byok", wrappingKeyBits=4096,
             keyType="aes-256")
    add("byok, cut", json.dumps(right)[:-3], ["byok_field"], "byok", ask="byok")


def token(alg, key, enc="A256GCM"):
    made = jwe.JWE(b'{"kty":"oct","k":"AAAA"}',
                   json.dumps({"alg": alg, "enc": enc, "cty": "jwk+json"}),
                   algs=[alg, enc])
    made.add_recipient(key)
    return made.serialize(compact=True)


def jwes():
    pair, curve = jwk.JWK.from_pyca(RSA[2048].public_key()), jwk.JWK.from_pyca(CURVE.public_key())
    shared = jwk.JWK(kty="oct", k=url(os.urandom(32)))
    right = token("RSA-OAEP-256", pair)
    add("JWE RSA-OAEP-256", right, kind="jwe")
    add("JWE with a line end", right + "\n", kind="jwe")
    add("JWE ECDH-ES+A256KW", token("ECDH-ES+A256KW", curve), kind="jwe")
    add("JWE A256KW, CBC", token("A256KW", shared, "A256CBC-HS512"), kind="jwe")
    add("JWE RSA-OAEP", token("RSA-OAEP", pair), ["sha1_avoidable"], "jwe")
    add("JWE RSA1_5", token("RSA1_5", pair), ["jwe_algorithm"], "jwe")
    add("JWE dir", token("dir", shared), ["jwe_algorithm"], "jwe")
    head, *rest = right.split(".")
    none = url(json.dumps({"alg": "none", "enc": "A256GCM"}).encode())
    add("JWE none", ".".join([none, *rest]), ["jwe_algorithm"], "jwe")
    other = url(json.dumps({"alg": "RSA-OAEP-256", "enc": "A256CTR"}).encode())
    add("JWE without authentication", ".".join([other, *rest]), ["jwe_algorithm"], "jwe")
    add("JWE for another key", right, ["blob_length"], "jwe", wrappingKeyBits=4096)
    add("JWE, cut", right[:-2], ["blob_length"], "jwe")
    add("JWE of 4 parts", right.rsplit(".", 1)[0], ["jwe_form"], "jwe")
    add("JWE with padding", ".".join([head + "=" * (-len(head) % 4 or 4), *rest]),
        ["base64_variant" if len(head) % 4 else "jwe_form"], "jwe")
    signed = jws.JWS(b"{}")
    signed.add_signature(shared, None, json.dumps({"alg": "HS256"}))
    add("JWS", signed.serialize(compact=True), ["jwe_form"], "jwe")


def make():
    keys(), blobs(), parameters(), requests(), byok(), jwes()
    return FILES


if __name__ == "__main__":
    with open(sys.argv[1], "w") as out:
        json.dump(make(), out)

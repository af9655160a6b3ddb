"""The crypto oracle: answers batches of operations with the `cryptography` package.

A line of stdin is a JSON array of requests, a line of stdout the array of answers. Byte strings are
hex. A request has `op` and its arguments; an answer is {"out": ...} or {"error": name}.
"""
import hashlib
import hmac
import json
import struct
import sys

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

import crypto_weak_keys

HASHES = {
    "sha1": hashes.SHA1, "sha224": hashes.SHA224, "sha256": hashes.SHA256, "sha384": hashes.SHA384,
    "sha512": hashes.SHA512, "sha512_224": hashes.SHA512_224, "sha512_256": hashes.SHA512_256,
}
CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1,
          "secp256k1": ec.SECP256K1}


def unhex(request, name):
    return bytes.fromhex(request[name])


def hash_of(request, name="hash"):
    return HASHES[request[name]]()


def aead(r):
    return {"aes128GCM": AESGCM, "aes256GCM": AESGCM,
            "chacha20Poly1305": ChaCha20Poly1305}[r["algorithm"]](unhex(r, "key"))


# Keyward's message encryption, from its description alone.
def message_keys(cipher, key, salt):
    size = {"aes-128-ctr": 16, "aes-256-ctr": 32, "chacha20": 32}[cipher]
    assert len(key) == size and len(salt) == 24
    info = b"keyward/v1/message/" + cipher.encode() + salt
    if len(key) < 32:
        okm = HKDF(hashes.SHA256(), size + 32, salt=None, info=info).derive(key)
    else:
        okm = HKDFExpand(hashes.SHA256(), size + 32, info=info).derive(key)
    return okm[:size], okm[size:]


def message_stream(cipher, key, data):
    if cipher == "chacha20":
        context = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    else:
        context = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return context.update(data) + context.finalize()


def message_tag(key, aad, body):
    return hmac.digest(key, struct.pack(">Q", len(aad)) + aad + body, "sha256")


def message_seal(r):
    enc, mac = message_keys(r["cipher"], unhex(r, "key"), unhex(r, "salt"))
    body = message_stream(r["cipher"], enc, unhex(r, "data"))
    return body + message_tag(mac, unhex(r, "aad"), body)


def message_open(r):
    enc, mac = message_keys(r["cipher"], unhex(r, "key"), unhex(r, "salt"))
    body, tag = unhex(r, "data")[:-32], unhex(r, "data")[-32:]
    if not hmac.compare_digest(tag, message_tag(mac, unhex(r, "aad"), body)):
        raise ValueError("tag")
    return message_stream(r["cipher"], enc, body)


PRIVATE = {}


def private(r):
    data = r["private"]
    if data not in PRIVATE:
        PRIVATE[data] = serialization.load_der_private_key(bytes.fromhex(data), None)
    return PRIVATE[data]


def public(r):
    return serialization.load_der_public_key(unhex(r, "public"))


def oaep(r):
    return padding.OAEP(padding.MGF1(hash_of(r, "mgf1")), hash_of(r), unhex(r, "label") or None)


def pss(r):
    return padding.PSS(padding.MGF1(hash_of(r)), hash_of(r).digest_size)


def ecdsa_sign(r):
    key = private(r)
    signature = key.sign(unhex(r, "data"), ec.ECDSA(hash_of(r)))
    if r["encoding"] == "der":
        return signature
    size = (key.curve.key_size + 7) // 8
    return b"".join(n.to_bytes(size, "big") for n in utils.decode_dss_signature(signature))


def ecdsa_verify(r):
    key, signature = public(r), unhex(r, "signature")
    if r["encoding"] == "p1363":
        size = (key.curve.key_size + 7) // 8
        assert len(signature) == 2 * size
        signature = utils.encode_dss_signature(
            int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))
    key.verify(signature, unhex(r, "data"), ec.ECDSA(hash_of(r)))
    return b""


def agree(r):
    key, peer = private(r), public(r)
    if isinstance(key, x25519.X25519PrivateKey):
        return key.exchange(peer)
    return key.exchange(ec.ECDH(), peer)


def generate(r):
    name = r["algorithm"]
    if name.startswith("rsa"):
        key = rsa.generate_private_key(65537, int(name[3:]))
    elif name == "ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
    elif name == "x25519":
        key = x25519.X25519PrivateKey.generate()
    else:
        key = ec.generate_private_key(CURVES[name]())
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


OPERATIONS = {
    "aead-seal": lambda r: aead(r).encrypt(unhex(r, "nonce"), unhex(r, "data"), unhex(r, "aad")),
    "aead-open": lambda r: aead(r).decrypt(unhex(r, "nonce"), unhex(r, "data"), unhex(r, "aad")),
    "message-seal": message_seal,
    "message-open": message_open,
    "kw-wrap": lambda r: keywrap.aes_key_wrap(unhex(r, "key"), unhex(r, "data")),
    "kw-unwrap": lambda r: keywrap.aes_key_unwrap(unhex(r, "key"), unhex(r, "data")),
    "kwp-wrap": lambda r: keywrap.aes_key_wrap_with_padding(unhex(r, "key"), unhex(r, "data")),
    "kwp-unwrap": lambda r: keywrap.aes_key_unwrap_with_padding(unhex(r, "key"), unhex(r, "data")),
    "hkdf": lambda r: HKDF(hash_of(r), r["count"], unhex(r, "salt"), unhex(r, "info")).derive(
        unhex(r, "key")),
    "hmac": lambda r: hmac.digest(unhex(r, "key"), unhex(r, "data"), r["hash"]),
    "digest": lambda r: hashlib.new(r["hash"], unhex(r, "data")).digest(),
    "scrypt": lambda r: Scrypt(unhex(r, "salt"), r["count"], 1 << r["logN"], r["r"], r["p"]).derive(
        unhex(r, "key")),
    "oaep-encrypt": lambda r: public(r).encrypt(unhex(r, "data"), oaep(r)),
    "oaep-decrypt": lambda r: private(r).decrypt(unhex(r, "data"), oaep(r)),
    "pss-sign": lambda r: private(r).sign(unhex(r, "data"), pss(r), hash_of(r)),
    "pss-verify": lambda r: public(r).verify(
        unhex(r, "signature"), unhex(r, "data"), pss(r), hash_of(r)) or b"",
    "pkcs1-sign": lambda r: private(r).sign(unhex(r, "data"), padding.PKCS1v15(), hash_of(r)),
    "pkcs1-verify": lambda r: public(r).verify(
        unhex(r, "signature"), unhex(r, "data"), padding.PKCS1v15(), hash_of(r)) or b"",
    "ecdsa-sign": ecdsa_sign,
    "ecdsa-verify": ecdsa_verify,
    "ed25519-sign": lambda r: private(r).sign(unhex(r, "data")),
    "ed25519-verify": lambda r: public(r).verify(unhex(r, "signature"), unhex(r, "data")) or b"",
    "agree": agree,
    "generate": generate,
    "weak-private": lambda r: crypto_weak_keys.weak_private(r["kind"]),
    "weak-public": lambda r: crypto_weak_keys.weak_public(r["kind"]),
    "public": lambda r: private(r).public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
}


def answer(request):
    try:
        return {"out": OPERATIONS[request["op"]](request).hex()}
    except Exception as error:
        return {"error": type(error).__name__}


def main():
    for line in sys.stdin:
        print(json.dumps([answer(r) for r in json.loads(line)]), flush=True)


if __name__ == "__main__":
    main()

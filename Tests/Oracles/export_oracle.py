"""Opens and judges what the export core makes, with implementations that are not Keyward's.

Usage: export_oracle.py JOBS ANSWERS. A job is {"op": name, ...} and its answer whatever the function
below returns, or {"error": text}. Bytes are hexadecimal.
"""
import base64
import json
import os
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from Crypto.Cipher import AES, PKCS1_OAEP
from Crypto.Hash import SHA1, SHA224, SHA256, SHA384, SHA512
from Crypto.PublicKey import RSA
from Crypto.Signature import pss

DIGESTS = {"sha1": (SHA1, hashes.SHA1), "sha224": (SHA224, hashes.SHA224),
           "sha256": (SHA256, hashes.SHA256), "sha384": (SHA384, hashes.SHA384),
           "sha512": (SHA512, hashes.SHA512)}
loaded = {}


def wrapping_key(der):
    if der not in loaded:
        raw = bytes.fromhex(der)
        loaded[der] = (RSA.import_key(raw), serialization.load_der_private_key(raw, None))
    return loaded[der]


def open_blob(job):
    """The material by PyCryptodome, and by cryptography."""
    blob = bytes.fromhex(job["blob"])
    pycryptodome_key, cryptography_key = wrapping_key(job["key"])
    pycryptodome_hash, cryptography_hash = DIGESTS[job["hash"]]
    size = cryptography_key.key_size // 8
    head, tail = blob[:size], blob[size:]
    first = PKCS1_OAEP.new(pycryptodome_key, hashAlgo=pycryptodome_hash,
                           mgfunc=lambda x, y: pss.MGF1(x, y, pycryptodome_hash)).decrypt(head)
    second = cryptography_key.decrypt(head, padding.OAEP(
        mgf=padding.MGF1(cryptography_hash()), algorithm=cryptography_hash(), label=None))
    if job["envelope"] == "hybrid":
        assert len(first) == len(second) == 32
        first = AES.new(first, AES.MODE_KWP).unseal(tail)
        second = keywrap.aes_key_unwrap_with_padding(second, tail)
    else:
        assert tail == b""
    return {"pycryptodome": first.hex(), "cryptography": second.hex()}


def open_wrap(job):
    """AES-KW and AES-KWP by PyCryptodome, and by cryptography."""
    kek, blob = bytes.fromhex(job["kek"]), bytes.fromhex(job["blob"])
    if job["padded"]:
        first = AES.new(kek, AES.MODE_KWP).unseal(blob)
        second = keywrap.aes_key_unwrap_with_padding(kek, blob)
    else:
        first = AES.new(kek, AES.MODE_KW).unseal(blob)
        second = keywrap.aes_key_unwrap(kek, blob)
    return {"pycryptodome": first.hex(), "cryptography": second.hex()}


def pkcs8(job):
    """The canonical PKCS#8 of a key that comes in any form."""
    key = serialization.load_der_private_key(bytes.fromhex(job["key"]), None)
    return {"der": as_pkcs8(key).hex()}


def as_pkcs8(key):
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def make_keys(job):
    """Fresh keys as PKCS#8, and as the traditional form that is not."""
    out = []
    for _ in range(job["count"]):
        kind = job["kind"]
        if kind.startswith("rsa-"):
            key = rsa.generate_private_key(65537, int(kind[4:]))
        elif kind == "ed25519":
            key = ed25519.Ed25519PrivateKey.generate()
        elif kind == "x25519":
            key = x25519.X25519PrivateKey.generate()
        else:
            key = ec.generate_private_key({"ec-p256": ec.SECP256R1(), "ec-p384": ec.SECP384R1(),
                                           "ec-p521": ec.SECP521R1(),
                                           "ec-secp256k1": ec.SECP256K1()}[kind])
        out.append(as_pkcs8(key).hex())
    return {"keys": out}


def jwe(job):
    """The JWK inside a JWE, and the PKCS#8 or bytes that it stands for, by jwcrypto."""
    from jwcrypto import jwe as jwe_, jwk
    if "recipient" in job:
        pem = serialization.load_der_private_key(bytes.fromhex(job["recipient"]), None)
        key = jwk.JWK.from_pyca(pem)
    else:
        key = jwk.JWK(kty="oct", k=url(bytes.fromhex(job["kek"])))
    token = jwe_.JWE()
    token.deserialize(job["jwe"], key)
    header = json.loads(token.objects["protected"])
    assert header["cty"] == "jwk+json", header
    return {"alg": header["alg"], **jwk_content(token.payload)}


def jwk_content(payload):
    from jwcrypto import jwk
    inner = jwk.JWK.from_json(payload.decode())
    if inner["kty"] == "oct":
        return {"material": unurl(inner["k"]).hex()}
    pem = inner.export_to_pem(private_key=True, password=None)
    return {"material": as_pkcs8(serialization.load_pem_private_key(pem, None)).hex()}


def url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unurl(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_jwk(job):
    """A JWK of a key, written by jwcrypto."""
    from jwcrypto import jwk
    raw = bytes.fromhex(job["material"])
    if job["pair"]:
        key = jwk.JWK.from_pyca(serialization.load_der_private_key(raw, None))
    else:
        key = jwk.JWK(kty="oct", k=url(raw))
    return {"jwk": key.export().encode().hex()}


def encrypted_pkcs8(job):
    key = serialization.load_der_private_key(bytes.fromhex(job["file"]), bytes.fromhex(job["password"]))
    return {"material": as_pkcs8(key).hex()}


def pkcs12(job):
    from cryptography.hazmat.primitives.serialization import pkcs12 as p12
    key, certificate, more = p12.load_key_and_certificates(
        bytes.fromhex(job["file"]), bytes.fromhex(job["password"]))
    assert not more
    assert certificate.public_key() == key.public_key()
    return {"material": as_pkcs8(key).hex()}


def tink_keyset(job):
    """Uses a keyset with Tink, and undoes what it did with the key alone."""
    import tink
    from tink import aead, json_proto_keyset_format, mac, secret_key_access, signature
    aead.register(), mac.register(), signature.register()
    text = bytes.fromhex(job["keyset"]).decode()
    if "kek" in job:
        class Raw(aead.Aead):
            def encrypt(self, plaintext, associated_data):
                raise NotImplementedError

            def decrypt(self, ciphertext, associated_data):
                return AESGCM(bytes.fromhex(job["kek"])).decrypt(
                    ciphertext[:12], ciphertext[12:], associated_data)
        handle = json_proto_keyset_format.parse_encrypted(text, Raw(), b"")
    else:
        handle = json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
    material, kind = bytes.fromhex(job["material"]), job["type"]
    message = b"a message"
    if kind.startswith("aes"):
        sealed = handle.primitive(aead.Aead).encrypt(message, b"aad")
        assert sealed[0] == 1 and int.from_bytes(sealed[1:5], "big") == job["id"]
        assert AESGCM(material).decrypt(sealed[5:17], sealed[17:], b"aad") == message
    elif kind.startswith("hmac"):
        import hmac
        tag = handle.primitive(mac.Mac).compute_mac(message)
        assert hmac.new(material, message, kind[5:]).digest() == tag[5:]
    else:
        signed = handle.primitive(signature.PublicKeySign).sign(message)
        public = serialization.load_der_private_key(material, None).public_key()
        if kind == "ed25519":
            public.verify(signed[5:], message)
        else:
            digest = {"ec-p256": hashes.SHA256, "ec-p384": hashes.SHA384,
                      "ec-p521": hashes.SHA512}[kind]
            public.verify(signed[5:], message, ec.ECDSA(digest()))
    return {"ok": True}


def ibm_nonce(job):
    """The nonce that IBM would open with the material."""
    material, sealed, iv = (bytes.fromhex(job[name]) for name in ["material", "sealed", "iv"])
    if job["cbc"]:
        cipher = AES.new(material, AES.MODE_CBC, iv)
        from Crypto.Util.Padding import unpad
        return {"nonce": unpad(cipher.decrypt(sealed), 16).hex()}
    cipher = AES.new(material, AES.MODE_GCM, nonce=iv)
    return {"nonce": cipher.decrypt_and_verify(sealed[:-16], sealed[-16:]).hex()}


def aws_body(job):
    """The wire form of ImportKeyMaterial, by botocore, after its own validation."""
    import datetime
    import botocore.session
    from botocore.serialize import create_serializer
    from botocore.validate import ParamValidator
    ours = json.loads(bytes.fromhex(job["body"]))
    model = botocore.session.get_session().get_service_model("kms")
    operation = model.operation_model("ImportKeyMaterial")
    parameters = dict(ours)
    for name in ["ImportToken", "EncryptedKeyMaterial"]:
        parameters[name] = base64.b64decode(parameters[name], validate=True)
    if "ValidTo" in parameters:
        parameters["ValidTo"] = datetime.datetime.fromtimestamp(
            parameters["ValidTo"], datetime.timezone.utc)
    report = ParamValidator().validate(parameters, operation.input_shape)
    assert not report.has_errors(), report.generate_report()
    request = create_serializer("json").serialize_to_request(parameters, operation)
    theirs = json.loads(request["body"])
    assert ours == theirs, (ours, theirs)
    return {"ok": True}


def azure_body(job):
    """The body that azure-keyvault-keys sends to import the same file, against ours."""
    import datetime
    from azure.core.credentials import AccessToken
    from azure.keyvault.keys import JsonWebKey, KeyClient, KeyReleasePolicy

    class Credential:
        def get_token(self, *scopes, **kwargs):
            return AccessToken("token", 2 ** 40)

    class Sent(Exception):
        pass

    class Pipeline:
        def run(self, request, **kwargs):
            raise Sent(request.content)

    client = KeyClient("https://vault.vault.azure.net", Credential())
    client._client._client._pipeline = Pipeline()
    options = job["options"]
    at = lambda name: (datetime.datetime.fromtimestamp(options[name], datetime.timezone.utc)
                       if name in options else None)
    release = KeyReleasePolicy(bytes.fromhex(options["policy"])) if "policy" in options else None
    key = JsonWebKey(kty=options["kty"], crv=options.get("crv"), key_ops=options["ops"],
                     t=bytes.fromhex(job["file"]))
    try:
        client.import_key("name", key, hardware_protected=True, enabled=True,
                          tags=options.get("tags"), not_before=at("nbf"), expires_on=at("exp"),
                          exportable=options.get("exportable"), release_policy=release)
        raise AssertionError("nothing was sent")
    except Sent as sent:
        body = sent.args[0]
    theirs = json.loads(body)
    ours = json.loads(bytes.fromhex(job["body"]))
    assert ours == theirs, (ours, theirs)
    return {"ok": True}


def google_body(job):
    """Google's own strict reader takes the body and finds the blob in it."""
    from google.cloud import kms
    body = json.loads(bytes.fromhex(job["body"]))
    request = kms.ImportCryptoKeyVersionRequest.from_json(
        json.dumps({"parent": "projects/p/locations/l/keyRings/r/cryptoKeys/k", **body}),
        ignore_unknown_fields=False)
    return {"blob": request.wrapped_key.hex(), "algorithm": request.algorithm.name,
            "job": request.import_job, "version": request.crypto_key_version}


class Token:
    """A SoftHSM2 token in a folder of its own."""
    shared = None

    def __init__(self):
        import PyKCS11
        self.P = PyKCS11
        folder = tempfile.mkdtemp(prefix="keyward-softhsm-")
        os.mkdir(f"{folder}/tokens")
        with open(f"{folder}/softhsm2.conf", "w") as file:
            file.write(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = f"{folder}/softhsm2.conf"
        self.library = PyKCS11.PyKCS11Lib()
        self.library.load("/usr/lib/softhsm/libsofthsm2.so")
        slot = self.library.getSlotList()[0]
        self.library.initToken(slot, "1234", "keyward")
        slot = self.library.getSlotList()[0]
        session = self.library.openSession(slot, PyKCS11.CKF_SERIAL_SESSION | PyKCS11.CKF_RW_SESSION)
        session.login("1234", PyKCS11.CKU_SO)
        session.initPin("1234")
        session.logout()
        session.login("1234")
        self.session = session
        self.keys = {}

    def wrapping_key(self, der):
        """The private RSA key, made an object of the token."""
        P = self.P
        if der not in self.keys:
            numbers = wrapping_key(der)[1].private_numbers()
            big = lambda n: n.to_bytes((n.bit_length() + 7) // 8, "big")
            self.keys[der] = self.session.createObject([
                (P.CKA_CLASS, P.CKO_PRIVATE_KEY), (P.CKA_KEY_TYPE, P.CKK_RSA),
                (P.CKA_TOKEN, False), (P.CKA_UNWRAP, True), (P.CKA_PRIVATE, True),
                (P.CKA_MODULUS, big(numbers.public_numbers.n)),
                (P.CKA_PUBLIC_EXPONENT, big(numbers.public_numbers.e)),
                (P.CKA_PRIVATE_EXPONENT, big(numbers.d)), (P.CKA_PRIME_1, big(numbers.p)),
                (P.CKA_PRIME_2, big(numbers.q)), (P.CKA_EXPONENT_1, big(numbers.dmp1)),
                (P.CKA_EXPONENT_2, big(numbers.dmq1)), (P.CKA_COEFFICIENT, big(numbers.iqmp))])
        return self.keys[der]

    def aes(self, value):
        P = self.P
        return self.session.createObject([
            (P.CKA_CLASS, P.CKO_SECRET_KEY), (P.CKA_KEY_TYPE, P.CKK_AES), (P.CKA_TOKEN, False),
            (P.CKA_UNWRAP, True), (P.CKA_WRAP, True), (P.CKA_VALUE, value)])

    def unwrap(self, kek, mechanism, blob, kind):
        P = self.P
        if kind == "raw":
            template = [(P.CKA_CLASS, P.CKO_SECRET_KEY), (P.CKA_KEY_TYPE, P.CKK_GENERIC_SECRET),
                        (P.CKA_TOKEN, False), (P.CKA_EXTRACTABLE, True), (P.CKA_SENSITIVE, False)]
        elif kind == "aes":
            template = [(P.CKA_CLASS, P.CKO_SECRET_KEY), (P.CKA_KEY_TYPE, P.CKK_AES),
                        (P.CKA_TOKEN, False), (P.CKA_EXTRACTABLE, True), (P.CKA_SENSITIVE, False),
                        (P.CKA_UNWRAP, True)]
        else:
            template = [(P.CKA_CLASS, P.CKO_PRIVATE_KEY),
                        (P.CKA_KEY_TYPE, P.CKK_RSA if kind == "rsa" else P.CKK_EC),
                        (P.CKA_TOKEN, False), (P.CKA_EXTRACTABLE, True), (P.CKA_SENSITIVE, False),
                        (P.CKA_SIGN, True)]
        return self.session.unwrapKey(kek, blob, template, mechanism)

    def value(self, handle, attribute):
        return bytes(self.session.getAttributeValue(handle, [attribute])[0])


def byok_blob(job):
    """The blob of a whole .byok file, read as Azure's specification says."""
    file = json.loads(bytes.fromhex(job["byok"]))
    assert set(file) == {"schema_version", "header", "ciphertext", "generator"} and file["generator"]
    assert file["schema_version"] == "1.0.0"
    assert file["header"] == {"kid": job["kid"], "alg": "dir", "enc": "CKM_RSA_AES_KEY_WRAP"}
    assert not set(file["ciphertext"]) & set("+/=")
    return unurl(file["ciphertext"])


def softhsm(job):
    """A blob unwrapped inside a token: the value of a secret key, or the numbers of a pair."""
    token = Token.shared = Token.shared or Token()
    P = token.P
    blob = byok_blob(job) if "byok" in job else bytes.fromhex(job["blob"])
    material = bytes.fromhex(job["material"])
    kwp = P.Mechanism(P.CKM_AES_KEY_WRAP_PAD, None)
    if "kek" in job:
        kek = token.aes(bytes.fromhex(job["kek"]))
        mechanism = kwp if job["padded"] else P.Mechanism(P.CKM_AES_KEY_WRAP, None)
        handle = token.unwrap(kek, mechanism, blob, job["kind"])
    else:
        private = token.wrapping_key(job["key"])
        size = wrapping_key(job["key"])[1].key_size // 8
        oaep = P.RSAOAEPMechanism(P.CKM_SHA_1, P.CKG_MGF1_SHA1)
        if job["envelope"] == "hybrid":
            ephemeral = token.unwrap(private, oaep, blob[:size], "aes")
            assert len(token.value(ephemeral, P.CKA_VALUE)) == 32
            handle = token.unwrap(ephemeral, kwp, blob[size:], job["kind"])
        else:
            handle = token.unwrap(private, oaep, blob, job["kind"])
    if job["kind"] in ("raw", "aes"):
        assert token.value(handle, P.CKA_VALUE) == material
        return {"ok": True}
    number = lambda attribute: int.from_bytes(token.value(handle, attribute), "big")
    expected = serialization.load_der_private_key(material, None).private_numbers()
    if job["kind"] == "rsa":
        found = [number(a) for a in [P.CKA_MODULUS, P.CKA_PRIVATE_EXPONENT, P.CKA_PRIME_1, P.CKA_PRIME_2]]
        assert found == [expected.public_numbers.n, expected.d, expected.p, expected.q]
    else:
        assert number(P.CKA_VALUE) == expected.private_value
    return {"ok": True}


OPERATIONS = {f.__name__: f for f in [
    open_blob, open_wrap, pkcs8, make_keys, jwe, make_jwk, encrypted_pkcs8, pkcs12, tink_keyset,
    ibm_nonce, aws_body, azure_body, google_body, softhsm]}


def answer(job):
    try:
        return OPERATIONS[job["op"]](job)
    except Exception as error:  # the test says which errors it expects
        import traceback
        return {"error": f"{type(error).__name__}: {error}",
                "trace": traceback.format_exc()[-600:]}


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        jobs = json.load(file)
    with open(sys.argv[2], "w") as file:
        json.dump([answer(job) for job in jobs], file)

"""The identity oracle: keys, JSON Web Tokens, certificates and revocation lists by PyJWT and `cryptography`.

A line of stdin is a JSON array of requests, a line of stdout the array of answers: {"out": ...} or
{"error": name}. Keys and certificates are kept by name. Tokens that PyJWT makes are what a genuine
issuer makes; `raw` signs whatever text it is given, for those that no library makes.
"""
import base64
import datetime
import hashlib
import hmac
import json
import sys

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEYS, CERTIFICATES = {}, {}
CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1,
          "secp256k1": ec.SECP256K1}
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
USAGES = ("digital_signature content_commitment key_encipherment data_encipherment key_agreement "
          "key_cert_sign crl_sign encipher_only decipher_only").split()
PURPOSES = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH,
            "code": ExtendedKeyUsageOID.CODE_SIGNING,
            "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number64(number, length=None):
    return url64(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def make_key(r):
    kind = r["type"]
    if kind.startswith("rsa"):
        key = rsa.generate_private_key(public_exponent=r.get("exponent", 65537),
                                       key_size=int(kind[3:]))
    elif kind == "ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        key = ec.generate_private_key(CURVES[kind]())
    KEYS[r["name"]] = key
    return "ok"


def jwk(r):
    public = KEYS[r["key"]].public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        out = {"kty": "RSA", "n": number64(numbers.n), "e": number64(numbers.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        numbers, size = public.public_numbers(), (public.curve.key_size + 7) // 8
        names = {256: "P-256", 384: "P-384", 521: "P-521"}
        name = "secp256k1" if public.curve.name == "secp256k1" else names[public.curve.key_size]
        out = {"kty": "EC", "crv": name, "x": number64(numbers.x, size),
               "y": number64(numbers.y, size)}
    else:
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        out = {"kty": "OKP", "crv": "Ed25519", "x": url64(raw)}
    out.update(r.get("fields", {}))
    return json.dumps(out)


def signature(key, alg, message):
    if alg == "none":
        return b""
    digest = HASHES.get(alg[2:], hashes.SHA256)()
    if alg.startswith("RS"):
        return key.sign(message, padding.PKCS1v15(), digest)
    if alg.startswith("PS"):
        salt = digest.digest_size
        return key.sign(message, padding.PSS(padding.MGF1(digest), salt), digest)
    if alg.startswith("ES"):
        size = (key.curve.key_size + 7) // 8
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return key.sign(message)


def raw(r):
    """Signs texts; `sign` says how, whatever the header says."""
    header, payload = r["header"].encode(), bytes.fromhex(r["payload"])
    message = url64(header) + "." + url64(payload)
    how = r["sign"]
    if how == "hmac-pem":  # algorithm confusion: the public key as an HMAC secret
        secret = KEYS[r["key"]].public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        tag = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    elif how == "hmac-der":
        secret = KEYS[r["key"]].public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        tag = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    elif how == "hmac-empty":
        tag = hmac.new(b"", message.encode(), hashlib.sha256).digest()
    elif how == "der":
        tag = KEYS[r["key"]].sign(message.encode(), ec.ECDSA(hashes.SHA256()))
    else:
        tag = signature(KEYS.get(r["key"]), how, message.encode())
    return message + "." + url64(tag)


def token(r):
    return jwt.encode(r["claims"], KEYS[r["key"]], algorithm=r["alg"], headers=r.get("header"))


def accepts(r):
    """Whether PyJWT takes a token, whatever its times: `yes`, or the name of what is wrong."""
    try:
        jwt.decode(r["token"], KEYS[r["key"]].public_key(), algorithms=[r["alg"]],
                   audience=r["audience"], issuer=r["issuer"],
                   options={"verify_exp": False, "verify_nbf": False, "verify_iat": False})
    except jwt.InvalidTokenError as error:
        return type(error).__name__
    return "yes"


def moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(r):
    key = KEYS[r["key"]]
    issuer = CERTIFICATES.get(r.get("issuer"))
    signer = KEYS[r["signer"]] if "signer" in r else issuer[1] if issuer else key
    issuer_name = (name_of(r["issuer_name"]) if "issuer_name" in r
                   else issuer[0].subject if issuer else name_of(r["subject"]))
    builder = (x509.CertificateBuilder().subject_name(name_of(r["subject"]))
               .issuer_name(issuer_name).public_key(key.public_key())
               .serial_number(r.get("serial", x509.random_serial_number()))
               .not_valid_before(moment(r["from"])).not_valid_after(moment(r["to"])))
    if "ca" in r:
        builder = builder.add_extension(
            x509.BasicConstraints(ca=r["ca"], path_length=r.get("path_length")), critical=True)
    if "usage" in r:
        builder = builder.add_extension(
            x509.KeyUsage(**{name: name in r["usage"] for name in USAGES}), critical=True)
    if "purposes" in r:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([PURPOSES[name] for name in r["purposes"]]), critical=False)
    names = [x509.UniformResourceIdentifier(name) for name in r.get("uris", [])]
    names += [x509.DNSName(name) for name in r.get("dns", [])]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if "permitted" in r:
        builder = builder.add_extension(
            x509.NameConstraints([x509.DNSName(name) for name in r["permitted"]], None),
            critical=True)
    if r.get("unknown_critical"):
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, b"\x05\x00"), critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = builder.sign(signer, digest)
    CERTIFICATES[r["name"]] = (made, key)
    return made.public_bytes(serialization.Encoding.DER).hex()


def revocations(r):
    issuer, key = CERTIFICATES[r["issuer"]]
    builder = (x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
               .last_update(moment(r["from"])).next_update(moment(r["to"])))
    for name in r["revoked"]:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(CERTIFICATES[name][0].serial_number)
            .revocation_date(moment(r["from"])).build())
    if r.get("delta"):
        builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
    if r.get("part"):
        builder = builder.add_extension(
            x509.IssuingDistributionPoint(None, None, True, False, None, False, False),
            critical=True)
    signer = KEYS[r["signer"]] if "signer" in r else key
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.DER).hex()


def fingerprint(r):
    spki = KEYS[r["key"]].public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


OPERATIONS = {"key": make_key, "jwk": jwk, "raw": raw, "jwt": token, "accepts": accepts,
              "certificate": certificate, "crl": revocations, "fingerprint": fingerprint}

for line in sys.stdin:
    answers = []
    for request in json.loads(line):
        try:
            answers.append({"out": OPERATIONS[request["op"]](request)})
        except Exception as error:  # the name of the exception is the answer
            answers.append({"error": f"{type(error).__name__}: {error}"})
    print(json.dumps(answers), flush=True)

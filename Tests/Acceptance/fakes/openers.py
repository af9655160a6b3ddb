"""Opens envelopes and reads key material, strictly, without Keyward's code."""
from Crypto.Cipher import AES
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

HASHES = {"SHA1": hashes.SHA1, "SHA224": hashes.SHA224, "SHA256": hashes.SHA256,
          "SHA384": hashes.SHA384, "SHA512": hashes.SHA512}


class CannotOpen(Exception):
    pass


def direct(private, blob, name):
    """RSAES-OAEP with MGF1 of the same hash."""
    if len(blob) * 8 != private.key_size:
        raise CannotOpen("not the length of the modulus")
    kind = HASHES[name]
    try:
        return private.decrypt(blob, padding.OAEP(padding.MGF1(kind()), kind(), None))
    except ValueError as error:
        raise CannotOpen(str(error)) from error


def hybrid(private, blob, name):
    """CKM_RSA_AES_KEY_WRAP: an AES-256 key under OAEP, then the material under AES-KWP."""
    size = private.key_size // 8
    if len(blob) < size + 24:
        raise CannotOpen("too short")
    key = direct(private, blob[:size], name)
    if len(key) != 32:
        raise CannotOpen("not an AES-256 key inside")
    try:
        return AES.new(key, AES.MODE_KWP).unseal(blob[size:])
    except ValueError as error:
        raise CannotOpen(str(error)) from error


def private_key(der):
    """Exactly a PrivateKeyInfo with rsaEncryption, a named curve or Ed25519; else CannotOpen."""
    try:
        key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    except Exception as error:
        raise CannotOpen("not a DER private key") from error
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        again = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption())
        if again == der:
            return key
    raise CannotOpen("not a canonical PKCS#8 PrivateKeyInfo")


def spki(key):
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

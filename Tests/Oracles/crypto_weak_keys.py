"""Keys that must not be taken: weak, inconsistent, or spelled in another way."""
import random

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dh, dsa, ec, ed448, rsa

DER, PKCS8, SPKI = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                    serialization.PublicFormat.SubjectPublicKeyInfo)
PLAIN = serialization.NoEncryption()
RSA_OID = bytes.fromhex("2a864886f70d010101")
PSS_OID = bytes.fromhex("2a864886f70d01010a")
EC_OID = bytes.fromhex("2a8648ce3d0201")
P256_OID = bytes.fromhex("2a8648ce3d030107")
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                  "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")


def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def integer(value):
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def sequence(*parts):
    return tlv(0x30, *parts)


def private_info(algorithm, key, *more):
    return sequence(integer(0), algorithm, tlv(4, key), *more)


def public_info(algorithm, key, unused=0):
    return sequence(algorithm, tlv(3, bytes([unused]), key))


RSA_ALGORITHM = sequence(tlv(6, RSA_OID), tlv(5))
P256_ALGORITHM = sequence(tlv(6, EC_OID), tlv(6, P256_OID))
EXPLICIT_P256 = sequence(tlv(6, EC_OID), sequence(
    integer(1), sequence(tlv(6, bytes.fromhex("2a8648ce3d0101")), integer(P)),
    sequence(tlv(4, (P - 3).to_bytes(32, "big")), tlv(4, B.to_bytes(32, "big"))),
    tlv(4, G), integer(N), integer(1)))


def is_prime(n):
    if any(n % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(12):
        x = pow(random.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        if not any((x := x * x % n) == n - 1 for _ in range(s - 1)):
            return False
    return True


def prime(bits, start=None):
    n = start or random.getrandbits(bits) | 3 << (bits - 2) | 1
    while not (is_prime(n) and n % 65537 != 1):
        n += 2
    return n


def rsa_numbers(p, q, e=65537, phi=None):
    d = pow(e, -1, phi or (p - 1) * (q - 1))
    return [0, p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]


def rsa_info(numbers, *more, algorithm=RSA_ALGORITHM):
    return private_info(algorithm, sequence(*map(integer, numbers), *more))


def library_rsa(bits=2048, e=65537):
    return rsa.generate_private_key(e, bits)


def good_numbers():
    key = library_rsa().private_numbers()
    return rsa_numbers(key.p, key.q)


def weak_rsa(kind):
    if kind == "rsa-1024":
        return rsa_info(rsa_numbers(prime(512), prime(512)))
    if kind == "rsa-e3":
        return library_rsa(e=3).private_bytes(DER, PKCS8, PLAIN)
    if kind == "rsa-composite-p":
        a, b, q = prime(512), prime(512), prime(1024)
        return rsa_info(rsa_numbers(a * b, q, phi=(a - 1) * (b - 1) * (q - 1)))
    if kind == "rsa-uneven-primes":
        return rsa_info(rsa_numbers(prime(1200), prime(848)))
    if kind == "rsa-close-primes":
        p = prime(1024)
        return rsa_info(rsa_numbers(p, prime(1024, p + 2)))
    if kind == "rsa-three-primes":
        p, q, r = prime(683), prime(683), prime(682)
        numbers = rsa_numbers(p, q, phi=(p - 1) * (q - 1) * (r - 1))
        d = numbers[3]
        numbers[0], numbers[1] = 1, p * q * r
        other = sequence(integer(r), integer(d % (r - 1)), integer(pow(p * q, -1, r)))
        return rsa_info(numbers, sequence(other))
    numbers = good_numbers()
    if kind == "rsa-wrong-d":
        numbers[3] += 2
    if kind == "rsa-wrong-qinv":
        numbers[8] += 1
    if kind == "rsa-pss-oid":
        return rsa_info(numbers, algorithm=sequence(tlv(6, PSS_OID)))
    return rsa_info(numbers)


def ec_info(scalar, point=None, algorithm=P256_ALGORITHM):
    public = [tlv(0xA1, tlv(3, b"\0", point))] if point else []
    return private_info(algorithm, sequence(
        integer(1), tlv(4, scalar.to_bytes(32, "big")), *public))


def point_of(key, form=serialization.PublicFormat.UncompressedPoint):
    return key.public_key().public_bytes(serialization.Encoding.X962, form)


def weak_private(kind):
    if kind.startswith("rsa-"):
        return weak_rsa(kind)
    key = ec.generate_private_key(ec.SECP256R1())
    scalar = key.private_numbers().private_value
    if kind == "attributes":
        attribute = sequence(tlv(6, bytes.fromhex("2a864886f70d010914")), tlv(0x31, tlv(12, b"a")))
        return private_info(
            P256_ALGORITHM, sequence(integer(1), tlv(4, scalar.to_bytes(32, "big"))),
            tlv(0xA0, attribute))
    makers = {
        "ec-good": lambda: ec_info(scalar, point_of(key)),
        "ec-p224": lambda: ec.generate_private_key(ec.SECP224R1()).private_bytes(
            DER, PKCS8, PLAIN),
        "ec-brainpool": lambda: ec.generate_private_key(ec.BrainpoolP256R1()).private_bytes(
            DER, PKCS8, PLAIN),
        "ec-zero": lambda: ec_info(0),
        "ec-order": lambda: ec_info(N),
        "ec-wrong-public": lambda: ec_info(scalar, G),
        "ec-explicit": lambda: ec_info(scalar, point_of(key), EXPLICIT_P256),
        "ec-compressed": lambda: ec_info(
            scalar, point_of(key, serialization.PublicFormat.CompressedPoint)),
        "ed448": lambda: ed448.Ed448PrivateKey.generate().private_bytes(DER, PKCS8, PLAIN),
        "dsa": lambda: dsa.generate_private_key(1024).private_bytes(DER, PKCS8, PLAIN),
        "dh": lambda: dh.generate_parameters(2, 512).generate_private_key().private_bytes(
            DER, PKCS8, PLAIN),
        "encrypted": lambda: key.private_bytes(
            DER, PKCS8, serialization.BestAvailableEncryption(b"pass")),
        "pem": lambda: key.private_bytes(serialization.Encoding.PEM, PKCS8, PLAIN),
        "pkcs1": lambda: library_rsa().private_bytes(
            DER, serialization.PrivateFormat.TraditionalOpenSSL, PLAIN),
        "sec1": lambda: key.private_bytes(
            DER, serialization.PrivateFormat.TraditionalOpenSSL, PLAIN),
    }
    return makers[kind]()


def rsa_public(n, e, algorithm=RSA_ALGORITHM):
    return public_info(algorithm, sequence(integer(n), integer(e)))


def weak_public(kind):
    n = good_numbers()[1]
    key = ec.generate_private_key(ec.SECP256R1())
    point = point_of(key)
    compressed = point_of(key, serialization.PublicFormat.CompressedPoint)
    good = public_info(P256_ALGORITHM, point)
    makers = {
        "rsa-good": lambda: rsa_public(n, 65537),
        "rsa-1024": lambda: rsa_public(prime(512) * prime(512), 65537),
        "rsa-e3": lambda: rsa_public(n, 3),
        "rsa-even-e": lambda: rsa_public(n, 65538),
        "rsa-long-e": lambda: rsa_public(n, 2**256 + 1),
        "rsa-no-null": lambda: rsa_public(n, 65537, sequence(tlv(6, RSA_OID))),
        "rsa-16384": lambda: rsa_public(random.getrandbits(16384) | 1 << 16383 | 1, 65537),
        "ec-good": lambda: good,
        "ec-off-curve": lambda: public_info(P256_ALGORITHM, point[:-1] + bytes([point[-1] ^ 1])),
        "ec-infinity": lambda: public_info(P256_ALGORITHM, b"\0"),
        "ec-compressed": lambda: public_info(P256_ALGORITHM, compressed),
        "ec-hybrid": lambda: public_info(P256_ALGORITHM, bytes([6 + point[-1] % 2]) + point[1:]),
        "ec-explicit": lambda: public_info(EXPLICIT_P256, point),
        "ec-p224": lambda: ec.generate_private_key(ec.SECP224R1()).public_key().public_bytes(
            DER, SPKI),
        "ed25519-short": lambda: public_info(sequence(tlv(6, bytes.fromhex("2b6570"))), bytes(31)),
        "unused-bits": lambda: public_info(P256_ALGORITHM, point[:-1] + b"\0", unused=1),
        "ber-length": lambda: b"\x30\x81" + good[1:],
    }
    return makers[kind]()

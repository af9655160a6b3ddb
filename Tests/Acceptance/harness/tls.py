"""Certificates, and HTTPS clients that trust them."""
import datetime
import http.client
import ipaddress
import os
import pathlib
import socket
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .api import API


class Authority:
    """An authority of the test's own, or a certificate that it signed."""

    def __init__(self, name, issuer=None, rsa_key=False, hosts=(), days=30, is_authority=True,
                 uri=None, client=False):
        self.key = (rsa.generate_private_key(65537, 2048) if rsa_key
                    else ec.generate_private_key(ec.SECP256R1()))
        now = datetime.datetime.now(datetime.timezone.utc)
        end = now + datetime.timedelta(days=days)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder().subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(min(now, end) - datetime.timedelta(days=1)).not_valid_after(end)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True))
        if client:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        if uri:
            builder = builder.add_extension(x509.SubjectAlternativeName(
                [x509.UniformResourceIdentifier(uri)]), critical=False)
        if hosts:
            names = [x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit()
                     else x509.DNSName(host) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        self.issuer = issuer
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())

    def sign(self, name, **options):
        return Authority(name, issuer=self, **{"is_authority": False, **options})

    def server(self, **options):
        return self.sign("keyward", hosts=("localhost", "127.0.0.1"), **options)

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption())

    def write(self, certificate, key):
        """Replaces two files, as certificate managers do: each whole, one after the other."""
        for path, data in ((certificate, self.pem), (key, self.key_pem)):
            new = pathlib.Path(f"{path}.new")
            new.touch(mode=0o600)
            new.write_bytes(data)
            os.rename(new, path)


def trusting(*authorities, own=None, folder=None, **versions):
    """A client context that trusts these authorities alone, with a certificate of its own."""
    context = ssl.create_default_context(cadata="".join(a.pem.decode() for a in authorities))
    for name, value in versions.items():
        setattr(context, name, value)
    if own:
        certificate, key = folder / "own.crt", folder / "own.key"
        own.write(certificate, key)
        context.load_cert_chain(certificate, key)
    return context


class Connection(http.client.HTTPSConnection):
    """HTTPS from an address of loopback that the test chooses."""

    def __init__(self, port, context, source, timeout):
        super().__init__("127.0.0.1", port, context=context, timeout=timeout,
                         source_address=(source, 0))


class SecureAPI(API):
    """The API over HTTPS; one connection at a time."""

    def __init__(self, port, context, source="127.0.0.1", timeout=60, headers=None):
        super().__init__("", timeout)
        self.port, self.context, self.source = port, context, source
        self.headers = headers or {}

    def clone(self):
        return SecureAPI(self.port, self.context, self.source, self.timeout, self.headers)

    def connect(self):
        return Connection(self.port, self.context, self.source, self.timeout)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def raw(port, context, source="127.0.0.1", timeout=30):
    """A TLS connection on which a test writes what it likes."""
    plain = socket.create_connection(("127.0.0.1", port), timeout, source_address=(source, 0))
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def read_all(connection):
    """All up to the end, however the connection ends."""
    data = b""
    try:
        while piece := connection.recv(1 << 16):
            data += piece
    except OSError:
        pass
    return data

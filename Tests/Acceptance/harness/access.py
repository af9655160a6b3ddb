"""Identities, policy and the table of routes, as the tests of access use them."""
import base64
import datetime
import hashlib
import json
import secrets
import time
import uuid

import jwt
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import ROOT
from .secret import frame
from .tls import Authority, SecureAPI, free_port, trusting

SCHEMA = ROOT / "schema" / "openapi.yaml"
AUDIENCE = "https://keyward.test"


def serve_https(store, more=""):
    """Lets a store that does not run yet serve HTTPS without bounds of rates."""
    store.authority = Authority("test authority")
    store.certificate, store.tls_key = store.folder / "tls.crt", store.folder / "tls.key"
    store.authority.server().write(store.certificate, store.tls_key)
    store.authority_file = store.folder / "authority.crt"
    store.authority_file.write_bytes(store.authority.pem)
    store.port = free_port()
    store.more += (
        f"https:\n  listen: 127.0.0.1:{store.port}\n  certificate: {store.certificate}\n"
        f"  key: {store.tls_key}\n  requests_per_principal: 0\n  requests_per_address: 0\n{more}")
    store.configure()
    store.context = trusting(store.authority)
    return store


def client(store, token=None, context=None, **headers):
    """A client over HTTPS, of a token or of nobody."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return SecureAPI(store.port, context or store.context, headers=headers)


def document(kind, name, **spec):
    """A document of policy; JSON is YAML."""
    return json.dumps({
        "apiVersion": "keyward.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})


def role(name, *rules):
    """A role; a rule is (operations, resources) or (operations, resources, effect)."""
    return document("Role", name, rules=[
        {"effect": rule[2] if len(rule) > 2 else "allow", "operations": rule[0],
         "resources": rule[1]} for rule in rules])


def binding(name, of, *subjects):
    return document("Binding", name, role=of, subjects=list(subjects))


def apply(api, *documents, **more):
    """Applies documents of policy as the caller of `api`; the plan."""
    text = "\n---\n".join(documents)
    answer = api.post("/api/v1/policy:apply",
                      data={"files": [{"name": "policy.yaml", "text": text}], **more})
    return api.must(answer, "policy apply").json


def token(api, name, **more):
    """A new token of that name; (token, accessor)."""
    answer = api.must(api.post("/api/v1/auth/tokens", data={"name": name, **more}), "a token").json
    return answer["token"], answer["info"]["accessor"]


def officer(store):
    """A token that may do everything."""
    api = store.api()
    apply(api, binding("test-officer", "security-officer", {"issuer": "tokens", "name": "officer"}))
    return token(api, "officer")[0]


class Wrapping:
    """An RSA key of a provider, and what AWS answers when it is asked for one."""

    def __init__(self):
        self.key = rsa.generate_private_key(65537, 4096)
        self.public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self):
        return hashlib.sha256(self.public).hexdigest()

    @property
    def parameters(self):
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=12)
        return json.dumps({
            "KeyId": f"arn:aws:kms:eu-central-1:111122223333:key/{uuid.uuid4()}",
            "PublicKey": base64.b64encode(self.public).decode(),
            "ImportToken": base64.b64encode(secrets.token_bytes(256)).decode(),
            "ParametersValidTo": end.isoformat()})

    def destination(self, api, name):
        """Makes a destination that this key is pinned in: wrapped under it, no key leaves plain."""
        body = {"provider": "aws", "region": "eu-central-1", "pinned_keys": [self.fingerprint]}
        return api.must(api.post(f"/api/v1/destinations/{name}:write", data=body), name)

    def prepared(self, api, key, destination):
        """What was prepared of an export of that key, as a bundle."""
        return api.must(api.post("/api/v1/exports", data={
            "key": key, "destination": destination, "mode": "bundle",
            "wrapping_algorithm": "RSAES_OAEP_SHA_256", "wrapping_key_bits": 4096,
            "parameters": self.parameters}), f"an export of {key}").json


def completion(export):
    """What completes an export: it says again what was prepared."""
    words = ("key", "destination", "algorithm", "wrapping_key_sha256", "version")
    return {**{word: export[word] for word in words},
            "valid_until": export.get("valid_until", "never")}


class Issuer:
    """An issuer of JWTs with a key of its own, on P-256."""

    def __init__(self, url="https://kubernetes.default.svc.cluster.local", kid=None):
        self.url, self.kid = url, kid or secrets.token_hex(8)
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def key_set(self):
        numbers = self.key.public_key().public_numbers()

        def coordinate(number):
            return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()

        return json.dumps({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": coordinate(numbers.x), "y": coordinate(numbers.y)}]})

    def registration(self, name="kubernetes", preset="kubernetes", **more):
        return {"name": name, "preset": preset, "url": self.url, "audiences": [AUDIENCE],
                "key_set": self.key_set, **more}

    def token(self, namespace="kube-system", account="kms", **claims):
        """A token as Kubernetes projects them for a service account."""
        now = int(time.time())
        body = {
            "iss": self.url, "aud": [AUDIENCE], "sub": f"system:serviceaccount:{namespace}:{account}",
            "iat": now, "nbf": now, "exp": now + 600, "jti": str(uuid.uuid4()),
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": {"name": account, "uid": str(uuid.uuid4())}},
            **claims}
        return jwt.encode({name: value for name, value in body.items() if value is not None},
                          self.key, algorithm="ES256", headers={"kid": self.kid})


class ClientAuthority:
    """An authority of client certificates with URI SANs."""

    def __init__(self, name):
        self.root = Authority(name)
        self.made = {}

    def revocations(self, *files, age=0):
        """A list, as PEM, that has these certificates on it and was made `age` seconds ago."""
        now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.root.certificate.subject)
            .last_update(now - datetime.timedelta(hours=1))
            .next_update(now + datetime.timedelta(days=1)))
        for file in files:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(self.made[file])
                .revocation_date(now).build())
        return builder.sign(self.root.key, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM).decode()

    def registration(self, name="nodes", **more):
        return {"name": name, "certificates": self.root.pem.decode(), "identity": "uri-san",
                "trust_domain": "test", **more}

    def certificate(self, folder, uri):
        """The files (certificate, key) of a new certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")]))
            .issuer_name(self.root.certificate.subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(
                [x509.UniformResourceIdentifier(uri)]), critical=False)
            .sign(self.root.key, hashes.SHA256()))
        files = folder / f"{secrets.token_hex(4)}.crt", folder / f"{secrets.token_hex(4)}.key"
        self.made[files[0]] = certificate.serial_number
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return files


class Route:
    """A row of the table of routes, as schema/openapi.yaml has it."""

    def __init__(self, method, path, entry, components):
        self.method, self.path, self.entry, self.components = method, path, entry, components
        self.operation = entry.get("x-keyward-operation")
        self.is_open = any(not way for way in entry.get("security", [])) or entry.get(
            "security") == []
        self.is_admin_only = entry.get("x-keyward-admin-socket-only", False)

    @property
    def name(self):
        return f"{self.method} {self.path}"

    @property
    def parameters(self):
        return [p for p in self.entry.get("parameters", []) if p.get("in") == "query"]

    def send(self, api, name="", **query):
        """Sends a request that is right in its form, about the object of that name."""
        for parameter in self.parameters:
            if parameter.get("required") and parameter["name"] not in query:
                query[parameter["name"]] = sample(parameter)
        if (self.operation or "").startswith("secret:"):
            # Nobody gets an environment that they do not name.
            query = {"environment": "there", **query}
        if self.operation == "key:import":
            # Without it the new version of a key is meant.
            query = {"type": "aes-256", **query}
        query = {key: value for key, value in query.items()
                 if any(key == parameter["name"] for parameter in self.parameters)}
        body, kind = None, None
        if "requestBody" in self.entry:
            (kind,) = self.entry["requestBody"]["content"]
            body = b"x" * 32
            if self.path.endswith(":put"):
                fields = [{"name": "x", "length": 1}]
                body = frame({"environment": "there", "fields": fields}, [b"x"])
            if kind == "application/json":
                body = json.dumps(self.body(name))
        return api.send(self.method, self.path.replace("{name}", name), body, kind, query)

    def body(self, name):
        """The smallest JSON body that has the form of the route's."""
        schema = self.entry["requestBody"]["content"]["application/json"]["schema"]
        what = schema.get("$ref", "").rsplit("/", 1)[-1]
        return {
            "CreateKeyRequest": {"name": name or "new/key", "type": "aes-256"},
            "UpdateKeyRequest": {"rotation_period": 86400},
            "WrappingKeyRequest": {"type": "rsa-3072"},
            "PolicyApplyRequest": {"files": []},
            "DecisionRequest": {"operation": "key:encrypt", "resource": f"keys/{name or 'x'}"},
            "LoginRequest": {"method": "jwt", "jwt": "a.b.c"},
            "TokenRequest": {"name": "made-by-a-test"},
            "ClusterDocument": {},
            "IssuerDocument": Issuer("https://issuer.test/").registration(name=None, preset="oidc"),
            "AuthorityDocument": ClientAuthority("a").registration(name=None),
            "MachineRoleDocument": {},
            "DestinationDocument": {"provider": "aws", "region": "eu-central-1"},
            "PrepareExportRequest": {
                "key": name or "new/key", "destination": "there", "mode": "bundle",
                "parameters": "{}"},
            "CompleteExportRequest": {
                "key": "new/key", "destination": "there", "algorithm": "RSAES_OAEP_SHA_256",
                "wrapping_key_sha256": "0" * 64, "valid_until": "never", "version": 1},
            "RenewExportRequest": {"parameters": "{}"},
            "EnvironmentDocument": {"name": name, "production": False},
            "FetchSecretsRequest": {"environment": "there", "references": ["kw://there/secret#x"]},
            "SecretVersionsRequest": {"environment": "there", "versions": [1]},
            "PromoteSecretRequest": {"from": "there", "to": "elsewhere"},
            "ReportOpeningsRequest": {"openings": [{
                "opened_at": "2026-01-31T18:00:00Z", "bundle": "0" * 64, "environment": "there",
                "by": "somebody", "references": ["kw://there/secret?version=1#x"]}]},
        }[what]


def sample(parameter):
    """A value that a required query parameter takes."""
    schema = parameter["schema"]
    if "enum" in schema:
        return schema["enum"][0]
    if "a-z0-9" in schema.get("pattern", ""):
        return "there"
    if schema.get("pattern", "").startswith("^once:"):
        return "once:" + "a" * 26
    return {"integer": 1, "boolean": "true"}.get(schema.get("type"), "AAAA")


def routes():
    """All rows of the table, in its order."""
    schema = yaml.safe_load(SCHEMA.read_text())
    return [Route(method.upper(), path, entry, schema["components"])
            for path, item in schema["paths"].items() for method, entry in item.items()]


def audit(api, start=0):
    """All entries from `start` on."""
    found = []
    while start is not None:
        page = api.must(api.get("/api/v1/audit", **{"from": start, "limit": 1000})).json
        found += page["entries"]
        start = page.get("next")
    return found

"""The commands of access, as a person or a pipeline types them: policy, tokens, logins, approvals."""
import base64
import datetime
import ipaddress
import json
import os
import pty
import re
import shlex
import socket
import ssl
import stat
import subprocess
import threading
import time

import jwt
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from harness.kms import failure_of

POLICY = """
apiVersion: keyward.dev/v1
kind: Role
metadata: {name: app-encrypter}
spec:
  rules:
    - {effect: allow, operations: ["key:encrypt", "key:decrypt"], resources: ["keys/app/**"]}
---
apiVersion: keyward.dev/v1
kind: Binding
metadata: {name: ci}
spec:
  role: app-encrypter
  subjects: [{issuer: tokens, name: ci}]
"""

APPROVERS = """
apiVersion: keyward.dev/v1
kind: Role
metadata: {name: approver}
spec:
  rules:
    - {effect: allow, operations: ["approval:*"], resources: [approvals]}
---
apiVersion: keyward.dev/v1
kind: Binding
metadata: {name: approvers}
spec:
  role: approver
  subjects: [{issuer: tokens, name: alice}, {issuer: tokens, name: bob}]
---
apiVersion: keyward.dev/v1
kind: ApprovalRule
metadata: {name: destroy-by-two}
spec:
  operations: ["key:destroy"]
  resources: ["keys/**"]
  require: {n: 2, of: [{issuer: tokens}]}
"""


class Desk:
    """Somebody's shell: an address, perhaps a token, a home of their own."""

    def __init__(self, store, name, **variables):
        self.store, self.home = store, store.folder / f"home-{name}"
        self.home.mkdir(exist_ok=True)
        self.variables = {
            "PATH": os.environ.get("PATH", ""), "SWIFT_BACKTRACE": "enable=no",
            "KEYWARD_ADDR": f"unix://{store.admin_path}", "HOME": str(self.home), **variables}

    def run(self, *arguments, data=None, expect=0, **options):
        """Standard output of a command that ends as expected; all of its words if it must fail."""
        result = subprocess.run(
            [self.store.binary, *map(str, arguments)], input=data, capture_output=True, timeout=90,
            env=self.variables, start_new_session=True, **options)
        words = (result.stdout + result.stderr).decode(errors="replace")
        assert result.returncode == expect, f"{arguments}: {result.returncode}: {words}"
        return words if expect else result.stdout.decode()

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, "-o", "json", **options))

    def json_of(self, status, *arguments):
        """What a command prints that ends with another status than 0."""
        return json.loads(self.run(*arguments, "-o", "json", expect=status))

    def file(self, name, text):
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def desk(store):
    """An officer on the admin socket."""
    return Desk(store, "officer")


def holder(desk, name, *options):
    """The shell of somebody with a token of that name, whose only place is a file."""
    path = desk.home / f"{name}.token"
    desk.run("auth", "token", "create", "--name", name, "--out", path, *options)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return Desk(desk.store, name, KEYWARD_TOKEN_FILE=str(path))


def apply(desk, text, *options):
    return desk.run("policy", "apply", "-f", desk.file("policy.yaml", text), "--yes", *options)


def test_a_policy_from_its_file_to_decisions(desk):
    path = desk.file("policy.yaml", POLICY)
    plan = desk.json("policy", "apply", "-f", path, "--dry-run")
    assert plan["base"] == 0 and plan.get("revision") is None
    assert {(c["action"], c["kind"], c["name"]) for c in plan["changes"]} == {
        ("create", "Role", "app-encrypter"), ("create", "Binding", "ci")}
    # Without a terminal to ask on and without --yes, nothing is done.
    words = desk.run("policy", "apply", "-f", path, expect=2)
    assert "+ create Role app-encrypter" in words and "--yes" in words
    assert desk.json("policy", "list") == []
    assert "revision 1" in desk.run("policy", "apply", "-f", path, "--yes")
    assert "Nothing to change" in desk.run("policy", "apply", "-f", path, "--yes")

    as_ci = ("--as", "tokens/ci")
    assert desk.run("policy", "can-i", "key:encrypt", "keys/app/db", *as_ci).startswith("yes")
    assert "no" in desk.run("policy", "can-i", "key:destroy", "keys/app/db", *as_ci, expect=5)
    why = desk.run("policy", "explain", "key:encrypt", "keys/other", *as_ci)
    assert "refused" in why and "ci/app-encrypter#0" in why
    answer = desk.json("policy", "explain", "key:encrypt", "keys/app/db", *as_ci)
    assert answer["allowed"] and answer["rule"] == "ci/app-encrypter#0"

    # What is printed can be applied again, from a folder and from standard input.
    text = desk.run("policy", "get")
    assert [d["metadata"]["name"] for d in yaml.safe_load_all(text)] == ["ci", "app-encrypter"]
    desk.file("folder/a.yaml", text)
    desk.file("folder/ignored.txt", "not: policy")
    assert "Nothing to change" in desk.run(
        "policy", "apply", "-f", desk.home / "folder", "--prune", "--yes")
    assert "Nothing to change" in desk.run(
        "policy", "apply", "-f", "-", "--prune", "--yes", data=text.encode())
    assert "app-encrypter" in desk.run("policy", "get", "role", "app-encrypter")
    desk.run("policy", "get", "Role", "none", expect=6)

    # Another revision than the one looked at is refused, and a role in use cannot go.
    assert "revision 1" in desk.run(
        "policy", "apply", "-f", path, "--yes", "--expect-revision", "7", expect=1)
    assert "app-encrypter" in desk.run(
        "policy", "delete", "Role", "app-encrypter", "--yes", expect=1)
    plan = desk.json("policy", "delete", "Binding", "ci", "--dry-run")
    assert [(c["action"], c["name"]) for c in plan["changes"]] == [("delete", "ci")]
    desk.run("policy", "delete", "Binding", "ci", "--yes")
    desk.run("policy", "can-i", "key:encrypt", "keys/app/db", *as_ci, expect=5)
    assert [r["revision"] for r in desk.json("policy", "list", "--revisions")][:2] == [2, 1]
    assert "name: ci" in desk.run("policy", "get", "--revision", "1")


def test_mistakes_in_files_have_their_place(desk):
    path = desk.file("bad.yaml", POLICY.replace("effect: allow", "efect: allow"))
    words = desk.run("policy", "apply", "-f", path, "--yes", expect=1)
    assert f"{path}:7:" in words and "efect" in words
    doubled = desk.file("cluster.yaml", "name: c\nenvironment: a\nenvironment: b\n")
    words = desk.run("auth", "cluster", "put", "-f", doubled, expect=2)
    assert f"{doubled}:2:1" in words and "'environment' is here and once more" in words
    unknown = desk.file("issuer.yaml", "name: i\npreset: oidc\nurl: https://x\naudiences: [a]\nkeyset: x\n")
    words = desk.run("auth", "issuer", "put", "-f", unknown, expect=2)
    assert f"{unknown}:5:1" in words and "keyset" in words
    absent = desk.file("absent.yaml", "name: i\npreset: oidc\nurl: https://x\naudiences: [a]\nkey_set_file: none.json\n")
    words = desk.run("auth", "issuer", "put", "-f", absent, expect=2)
    assert f"{absent}:5:15" in words and "none.json" in words


def test_the_tools_on_policies(desk):
    path = desk.file("policy.yaml", POLICY)
    apply(desk, POLICY)
    for name in ("app/db", "app/other", "secret"):
        desk.run("key", "create", name, "--type", "aes-256")
    ci = holder(desk, "ci")
    for name in ("app/db", "app/db"):
        ci.run("key", "encrypt", name, "--base64", data=b"x")
    ci.run("key", "encrypt", "secret", "--base64", data=b"x", expect=5)

    # diff: equivalent however it is written; otherwise an example that is true.
    written = desk.file("written.yaml", "---".join(reversed(POLICY.split("---"))).replace(
        'operations: ["key:encrypt", "key:decrypt"]', 'operations: ["key:decrypt", "key:encrypt"]'))
    assert desk.json("policy", "diff", "current", written)["equivalent"]
    desk.run("policy", "diff", "1", written, "--exit-code")
    wider = desk.file("wider.yaml", POLICY.replace("keys/app/**", "keys/**"))
    found = desk.json_of(7, "policy", "diff", path, wider, "--exit-code")
    assert not found["lost"] and found["gained"][0]["rule"] == "ci/app-encrypter#0"
    example = found["gained"][0]["example"]
    assert example["principal"]["name"] == "ci" and not example["resource"].startswith("keys/app/")
    question = (example["operation"], example["resource"], "--as", "tokens/ci")
    desk.run("policy", "can-i", *question, expect=5)
    apply(desk, wider.read_text())
    desk.run("policy", "can-i", *question)
    assert not desk.json("policy", "diff", "1", "2")["equivalent"]
    apply(desk, POLICY)

    # lint and test need no server.
    away = Desk(desk.store, "away", KEYWARD_ADDR="unix:///nowhere/keyward.sock")
    assert "Nothing found" in away.run("policy", "lint", path)
    broad = desk.file("broad.yaml", POLICY.replace(", name: ci", ""))
    assert "broad-subject" in away.run("policy", "lint", broad, "--strict", expect=7)
    tests = desk.file("tests.yaml", """
apiVersion: keyward.dev/v1
kind: PolicyTest
metadata: {name: ci}
spec:
  cases:
    - {principal: {kind: token, name: ci}, operation: "key:encrypt", resource: keys/app/x, expect: allow}
    - {principal: {kind: token, name: eve}, operation: "key:encrypt", resource: keys/app/x, expect: deny}
""")
    report = json.loads(away.run("policy", "test", "-f", path, "--tests", tests, "--full-coverage", "-o", "json"))
    assert report["cases"] == 2 and report["covered"] == ["ci/app-encrypter#0"]
    words = away.run("policy", "test", "-f", broad, "--tests", tests, expect=7)
    assert f"{tests}:8:" in words and "expected deny, got allow" in words

    # simulate: over the API and from an export the same, offline.
    narrow = desk.file("narrow.yaml", POLICY.replace("keys/app/**", "keys/app/other"))
    live = desk.json("policy", "simulate", "-f", narrow, "--since", "1h")
    changes = [(c["request"]["resource"], c["count"], c["allowed_after"]) for c in live["changes"]]
    assert changes == [("keys/app/db", 2, False)]
    log = desk.home / "audit.log"
    desk.run("audit", "export", "--out", log)
    kept = json.loads(away.run("policy", "simulate", "-f", narrow, "--export", log, "-o", "json"))
    assert kept["changes"] == live["changes"]
    away.run("policy", "simulate", "-f", path, "--export", log, "--exit-code")
    away.run("policy", "simulate", "-f", wider, "--export", log, "--exit-code", expect=7)
    assert away.run("policy", "simulate", "-f", path, "--export", path, expect=2)
    future = "2999-01-01T00:00:00Z"
    assert desk.json("policy", "simulate", "-f", narrow, "--since", future)["entries"] == 0

    # tighten: what was used stays, the rest goes.
    smaller = desk.file("smaller.yaml", desk.run("policy", "tighten"))
    proposal = list(yaml.safe_load_all(smaller.read_text()))
    role = next(d for d in proposal if d["kind"] == "Role")
    assert role["spec"]["rules"][0]["operations"] == ["key:encrypt"]
    assert role["spec"]["rules"][0]["resources"] == ["keys/app/db"]
    difference = desk.json("policy", "diff", "current", smaller)
    assert difference["lost"] and not difference["gained"]
    desk.run("policy", "simulate", "-f", smaller, "--exit-code")
    assert "key:decrypt" in away.run(
        "policy", "tighten", "-f", path, "--export", log, "--unused")


def test_a_token_does_what_policy_says_until_it_is_revoked(desk):
    apply(desk, POLICY)
    desk.run("key", "create", "app/db", "--type", "aes-256")
    ci = holder(desk, "ci", "--ttl", "1h", "--network", "10.0.0.0/8")
    # A token that is bound to networks has no use on a Unix socket, which has no address.
    ci.run("whoami", expect=5)
    ci = holder(Desk(desk.store, "officer2"), "ci", "--ttl", "1h")
    own = ci.json("whoami")
    assert (own["principal"]["issuer"], own["principal"]["name"]) == ("tokens", "ci")
    sealed = ci.run("key", "encrypt", "app/db", "--base64", data=b"hello")
    assert ci.run("key", "decrypt", "app/db", "--base64", data=sealed.encode()) == "hello"
    assert "forbidden" in ci.run("key", "rotate", "app/db", expect=5)
    assert ci.run("policy", "can-i", "key:encrypt", "keys/app/db").startswith("yes")
    ci.run("policy", "can-i", "key:rotate", "keys/app/db", expect=5)
    # To ask about others is a right of its own.
    ci.run("policy", "can-i", "key:rotate", "keys/app/db", "--as", "tokens/alice", expect=5)

    accessor = own["token"]["accessor"]
    assert accessor in desk.run("auth", "token", "list")
    assert desk.json("auth", "token", "show", accessor)["principal"]["name"] == "ci"
    assert ci.json("auth", "token", "renew", "--increment", "30m")["accessor"] == accessor
    desk.run("auth", "token", "revoke", accessor)
    assert "unauthenticated" in ci.run("whoami", expect=5)
    token = (desk.store.folder / "home-officer2" / "ci.token").read_text().strip()
    assert token not in desk.store.log()
    # A file that others can read is refused.
    path = desk.home / "open.token"
    path.write_text(token)
    path.chmod(0o644)
    assert "chmod 600" in Desk(desk.store, "x", KEYWARD_TOKEN_FILE=str(path)).run("whoami", expect=1)


def test_questions_about_an_inherited_secret(desk):
    desk.run("environment", "put", "base")
    desk.run("environment", "put", "dev", "--inherits", "base")
    desk.run("secret", "put", "app/db", "--env", "base", "--field", "password=-", data=b"value")
    apply(desk, """
apiVersion: keyward.dev/v1
kind: Role
metadata: {name: readers}
spec:
  rules:
    - {effect: allow, operations: ["secret:read"], resources: ["secrets/dev/**"]}
    - {effect: forbid, operations: ["secret:read"], resources: ["secrets/base/**"]}
---
apiVersion: keyward.dev/v1
kind: Binding
metadata: {name: ci}
spec: {role: readers, subjects: [{issuer: tokens, name: ci}]}
""")
    question = ("secret:read", "secrets/dev/app/db")
    words = desk.run("policy", "can-i", *question)
    assert words.startswith("yes") and "inherited from secrets/base/app/db" in words
    answer = desk.json_of(5, "policy", "can-i", *question, "--as", "tokens/ci")
    assert answer["rule"] == "ci/readers#1" and answer["inherited_from"] == "secrets/base/app/db"
    words = desk.run("policy", "explain", *question, "--as", "tokens/ci")
    assert "ci/readers#1 forbids it there" in words and "secrets/base/app/db" in words
    # What answers the question is what decides the read.
    ci = holder(desk, "ci")
    assert "secrets/base/app/db" in ci.run("secret", "get", "app/db", "--env", "dev", expect=5)
    desk.run("secret", "put", "app/db", "--env", "dev", "--field", "password=-", data=b"own")
    assert "inherited" not in ci.run("policy", "can-i", *question)
    assert ci.run("secret", "get", "app/db", "--env", "dev", "--field", "password") == "own"


def test_an_approval_from_request_to_use(desk):
    apply(desk, POLICY + "---" + APPROVERS)
    for name in ("app/old", "app/older"):
        desk.run("key", "create", name, "--type", "aes-256")
    alice, bob, ci = holder(desk, "alice"), holder(desk, "bob"), holder(desk, "ci")
    asked = ("key", "destroy", "app/old", "--all-versions", "--after", "1d")
    words = desk.run(*asked, expect=5)
    # The commands that come next, as they are printed.
    said = [shlex.split(line.split(":", 1)[1])[1:] for line in words.splitlines()
            if re.search(r":\s+keyward ", line)]
    approve, again = said
    identifier = approve[-1]
    assert again == [*asked, "--approval", identifier]
    # Asked once more, it is the same request.
    assert identifier in desk.run(*asked, expect=5)
    shown = alice.json("approval", "show", identifier)
    assert shown["state"] == "pending" and shown["operation"] == "key:destroy"
    assert shown["resource"] == "keys/app/old" and "2 of" in shown["requirements"][0]

    desk.run(*approve, expect=5)
    ci.run(*approve, expect=5)
    desk.run(*again, expect=5)
    alice.run(*approve)
    desk.run(*again, expect=5)
    assert bob.json(*approve)["state"] == "approved"
    # It is of just that request.
    other = ["app/older" if word == "app/old" else word for word in again]
    assert "not of this request" in desk.run(*other, expect=5)
    later = ["2d" if word == "1d" else word for word in again]
    assert "not of this request" in desk.run(*later, expect=5)
    desk.run(*again)
    assert "used" in desk.run(*again, expect=5)
    assert [a["state"] for a in desk.json("approval", "list")] == ["used"]

    words = desk.run("key", "destroy", "app/older", "--all-versions", expect=5)
    denied = re.search(r"apr-\w+", words).group()
    assert alice.json("approval", "deny", denied)["state"] == "denied"
    assert "denied" in desk.run(
        "key", "destroy", "app/older", "--all-versions", "--approval", denied, expect=5)
    assert [a["id"] for a in desk.json("approval", "list", "--state", "denied")] == [denied]


def test_a_policy_change_under_approval(desk):
    rule = APPROVERS.replace("key:destroy", "policy:apply").replace("keys/**", "policy")
    apply(desk, rule.replace("n: 2", "n: 1"))
    alice = holder(desk, "alice")
    path = desk.file("more.yaml", POLICY)
    words = desk.run("policy", "apply", "-f", path, "--yes", expect=5)
    identifier = re.search(r"apr-\w+", words).group()
    alice.run("approval", "approve", identifier)
    # The body is the same bytes in another process, or the approval would not be of it.
    assert "revision 2" in desk.run("policy", "apply", "-f", path, "--yes", "--approval", identifier)


def test_shares_lift_a_rule_whose_approvers_are_gone(stores):
    store = stores()
    store.start(ready=False)
    shares = store.api().init("key-file", shares=3, threshold=2)
    store.wait()
    desk = Desk(store, "officer")
    rule = APPROVERS.replace("key:destroy", "policy:apply").replace("keys/**", "policy")
    apply(desk, rule)
    path = desk.file("more.yaml", POLICY)
    assert "destroy-by-two" in desk.run("policy", "can-i", "policy:apply", "policy")
    desk.run("policy", "apply", "-f", path, "--yes", expect=5)
    files = [desk.file(f"share-{number}", share) for number, share in enumerate(shares)]
    for file in files:
        file.chmod(0o600)

    def lift(files, *more, who=desk, **options):
        return who.run("policy", "lift", "destroy-by-two", *(f"--share-file={file}" for file in files), *more, **options)

    assert "fewer shares than the threshold" in lift(files[:1], expect=1)
    # A token does not count there, not even that of somebody who may less.
    alice = holder(desk, "alice")
    assert json.loads(lift(files[1:], "-o", "json", who=alice))["revision"] == 2
    assert "revision 3" in desk.run("policy", "apply", "-f", path, "--yes")
    assert "No approval rule" in lift(files[:2], expect=6)
    entries = [entry for entry in desk.json("audit", "list") if entry["operation"] == "policy:apply"]
    assert [entry["outcome"] for entry in entries[-3:]] == ["allowed", "allowed", "not_found"], entries
    for entry, indices in ((entries[-3], [2, 3]), (entries[-1], [1, 2])):
        rule, quorum, used = json.loads(base64.b64decode(entry["encoded"]))["details"][:3]
        assert rule == {"kind": "approval_rule", "rule": "destroy-by-two"}
        assert (quorum["threshold"], used["kind"], used["indices"]) == (2, "shares", indices), entry


def test_a_passphrase_makes_shares_under_approval_alone(stores):
    """With them the rule could be lifted, so its approvers have to agree to the rekey."""
    store = stores(seal="passphrase").start(ready=False)
    words = b"seven quiet bridges over slate"
    store.api().init("passphrase", shares=3, threshold=2, passphrase=words)
    store.api().unseal(words)
    desk = Desk(store, "officer")
    rule = APPROVERS.replace("key:destroy", "policy:apply").replace("keys/**", "policy")
    apply(desk, rule.replace("n: 2", "n: 1"))
    alice = holder(desk, "alice")
    known, made = desk.file("known", words.decode()), desk.home / "made"
    known.chmod(0o600)
    rekey = ["operator", "rekey", "--passphrase-file", known, "--shares", 3, "--threshold", 2, "--out", made]
    identifier = re.search(r"apr-\w+", desk.run(*rekey, expect=5)).group()
    assert not made.exists() and not desk.json("operator", "status")["rekey_pending"]
    (reached,) = alice.json("approval", "show", identifier)["reached"]
    assert (reached["operation"], reached["resource"]) == ("policy:apply", "policy")
    alice.run("approval", "approve", identifier)
    desk.run(*rekey, "--approval", identifier)
    status = desk.json("operator", "status")
    assert status["seal"] == "shamir" and not status["rekey_pending"]
    assert "revision 2" in desk.run("policy", "lift", "destroy-by-two", "--share-file", made)


def test_no_share_is_read_for_another_machine(desk):
    """A lift is for the admin socket: to an https address nothing is read, and nobody is called."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        there = f"https://127.0.0.1:{server.getsockname()[1]}"
        for more, variables in ((["--addr", there], {}), ([], {"KEYWARD_ADDR": there})):
            somebody = Desk(desk.store, "somebody", **variables)
            words = somebody.run("policy", "lift", "any", "--share-file", desk.home / "none", *more, expect=2)
            assert "no share was read or sent" in words and "admin.sock" in words
            # From standard input neither: what is there is left to the next.
            words = somebody.run("policy", "lift", "any", "--share-file", "-", *more, data=b"kwshare1-x\n", expect=2)
            assert "no share was read or sent" in words
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_cluster_by_options_and_by_file(desk):
    key = ec.generate_private_key(ec.SECP256R1())
    desk.file("jwks.json", json.dumps({"keys": [jwk(key, "k1")]}))
    authority = certificate("node ca", key)
    desk.file("ca.pem", authority.public_bytes(serialization.Encoding.PEM).decode())
    shown = desk.json(
        "auth", "cluster", "put", "prod-eu", "--environment", "prod",
        "--issuer-url", "https://prod-eu.example.org", "--audience", "keyward",
        "--jwks-file", desk.home / "jwks.json", "--ca-file", desk.home / "ca.pem",
        "--names", "kms-plugin")
    assert shown["issuers"][0]["preset"] == "kubernetes"
    assert shown["authorities"][0]["identity"] == "dns-san"
    assert desk.json("auth", "cluster", "list") == ["prod-eu"]
    # As it is printed it can be put again; and a file names the files beside it.
    text = desk.run("auth", "cluster", "get", "prod-eu", "-o", "yaml")
    desk.run("auth", "cluster", "put", "-f", "-", data=text.encode())
    assert desk.json("auth", "cluster", "get", "prod-eu") == shown
    path = desk.file("cluster.yaml", """
name: prod-eu
environment: prod
issuers:
  - {name: kubernetes, preset: kubernetes, url: "https://prod-eu.example.org",
     audiences: [keyward], key_set_file: jwks.json}
authorities:
  - {name: node-ca, identity: dns-san, certificates_file: ca.pem, names: [kms-plugin]}
""")
    desk.run("auth", "cluster", "put", "-f", path, cwd="/")
    assert desk.json("auth", "cluster", "get", "prod-eu") == shown
    # A key of one cluster cannot be another's as well.
    desk.run("auth", "cluster", "put", "prod-us", "-f", desk.file(
        "us.yaml", path.read_text().replace("prod-eu", "prod-us")), expect=1)
    desk.run("auth", "cluster", "delete", "prod-eu")
    desk.run("auth", "cluster", "get", "prod-eu", expect=6)


def jwk(key, identifier):
    found = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return {**found, "kid": identifier, "use": "sig", "alg": "ES256"}


def certificate(name, key, issuer=None, signer=None, names=(), usage=None):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder().subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))
    if issuer is None:
        builder = builder.add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(signer or key, hashes.SHA256())


def write_pem(path, made, key):
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    keys = path.with_suffix(".key")
    keys.touch(mode=0o600)
    keys.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return path, keys


class Secured:
    """A store with HTTPS and the authority that everybody here trusts."""

    def __init__(self, stores):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.authority = certificate("test ca", self.key)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.store = stores()
        ca = self.store.folder / "ca.pem"
        ca.write_bytes(self.authority.public_bytes(serialization.Encoding.PEM))
        chain, keys = self.issue("tls", [
            x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
            ExtendedKeyUsageOID.SERVER_AUTH)
        self.store.more = (
            f"https:\n  listen: 127.0.0.1:{port}\n  certificate: {chain}\n  key: {keys}\n"
            "  client_certificates: optional\n")
        self.store.configure()
        self.store.made()
        self.variables = {
            "KEYWARD_ADDR": f"https://127.0.0.1:{port}", "KEYWARD_CACERT": str(ca)}
        self.officer = Desk(self.store, "officer")

    def issue(self, name, names, usage):
        key = ec.generate_private_key(ec.SECP256R1())
        made = certificate(name, key, self.authority, self.key, names, usage)
        return write_pem(self.store.folder / f"{name}.pem", made, key)

    def desk(self, name, **variables):
        return Desk(self.store, name, **self.variables, **variables)


@pytest.fixture
def secured(stores):
    return Secured(stores)


def kept_token(desk):
    path = desk.home / ".config" / "keyward" / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path.read_text().splitlines()[0]


def test_login_by_machine_role(secured):
    officer, machine = secured.officer, secured.desk("machine")
    role = officer.json("auth", "role", "put", "backup", "--token-ttl", "10m",
                        "--secret-id-uses", "1", "--network", "127.0.0.0/8")
    secret = machine.home / "secret-id"
    info = officer.json("auth", "role", "secret-id", "backup", "--out", secret)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600 and "secret_id" not in info
    login = ("login", "--method", "role", "--role-id", role["role_id"], "--secret-id-file", secret)
    machine.run("whoami", expect=5)
    words = machine.run(*login)
    token = kept_token(machine)
    assert token.startswith("kwt_") and token not in words and "roles/backup" in words
    own = machine.json("whoami")
    assert own["principal"]["kind"] == "machine-role" and own["address"] == "127.0.0.1"
    # On the admin socket a user is who the kernel says, not who logged in some day.
    here = Desk(secured.store, "machine")
    assert here.json("whoami")["principal"]["kind"] == "unix-peer"
    # The secret id was good for one login, and a login that fails leaves the token that is there.
    machine.run(*login, expect=5)
    assert kept_token(machine) == token
    machine.run("logout")
    assert not (machine.home / ".config" / "keyward" / "token").exists()
    machine.run("whoami", expect=5)
    assert "unauthenticated" in secured.desk("x", KEYWARD_TOKEN=token).run("whoami", expect=5)
    listed = officer.json("auth", "role", "secret-ids", "backup")
    # What is used up is taken out every ten seconds.
    assert [(row["accessor"], row["uses_left"]) for row in listed] in ([(info["accessor"], 0)], [])
    issued = officer.json("auth", "role", "secret-id", "backup")
    officer.run("auth", "role", "revoke-secret-id", "backup", issued["info"]["accessor"])
    secret.write_text(issued["secret_id"])
    machine.run(*login, expect=5)


class Listener(threading.Thread):
    """A server with a certificate that the client trusts, which keeps what it is sent."""

    def __init__(self, chain, keys):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.heard = self.socket.getsockname()[1], []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, keys)
        self.start()

    def run(self):
        while True:
            try:
                with self.context.wrap_socket(self.socket.accept()[0], server_side=True) as peer:
                    self.heard.append(peer.recv(1 << 16))
                    peer.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                 b"Connection: close\r\n\r\n")
            except ssl.SSLError:
                self.heard.append(b"")
            except OSError:
                return

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join()


def test_a_token_of_login_goes_to_its_server_alone(secured):
    officer, machine = secured.officer, secured.desk("machine")
    role = officer.json("auth", "role", "put", "backup")
    secret = machine.home / "secret-id"
    officer.json("auth", "role", "secret-id", "backup", "--out", secret)
    machine.run("login", "--method", "role", "--role-id", role["role_id"], "--secret-id-file", secret)
    token, own = kept_token(machine), secured.variables["KEYWARD_ADDR"]
    other = Listener(*secured.issue("other", [x509.DNSName("localhost")],
                                    ExtendedKeyUsageOID.SERVER_AUTH))
    there = f"https://localhost:{other.port}"
    for command in (("whoami",), ("logout",), ("key", "list"), ("get", "kw://payments/db#password")):
        words = machine.run(*command, "--addr", there, expect=5)
        assert own in words and there in words and "keyward login" in words and token not in words
    assert other.heard == []
    # Named by hand it is the same file.
    path = machine.home / ".config/keyward/token"
    named = secured.desk("named", KEYWARD_TOKEN_FILE=str(path))
    named.run("whoami", "--addr", there, expect=5)
    named.run("whoami", "--addr", f"unix://{secured.store.admin_path}", expect=5)
    assert other.heard == []
    # Other authorities, by which somebody else could be that server.
    ca = machine.home / "ca.pem"
    ca.write_bytes(secured.authority.public_bytes(serialization.Encoding.PEM))
    assert machine.json("whoami", "--cacert", ca)["principal"]["name"] == "backup"
    ca.write_bytes(ca.read_bytes() + certificate("evil ca", secured.key).public_bytes(
        serialization.Encoding.PEM))
    assert "authorities" in machine.run("whoami", "--cacert", ca, expect=5)
    # In other words it is the same server.
    assert machine.json("whoami", "--addr", own + "/")["principal"]["name"] == "backup"
    # A token alone, as made by hand, is bound to none: the listener hears what this test listens for.
    path.write_text(token + "\n")
    machine.run("whoami", "--addr", there, expect=1)
    assert len(other.heard) == 1 and f"Authorization: Bearer {token}".encode() in other.heard[0]
    other.stop()


def test_login_by_jwt_of_a_cluster(secured):
    officer, pod = secured.officer, secured.desk("pod")
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("eu", "us")}
    for name, key in keys.items():
        path = officer.file(f"{name}.json", json.dumps({"keys": [jwk(key, "k1")]}))
        officer.run(
            "auth", "cluster", "put", f"prod-{name}", "--environment", "prod",
            "--issuer-url", "https://kubernetes.default.svc", "--audience", "keyward",
            "--jwks-file", path)
    apply(officer, """
apiVersion: keyward.dev/v1
kind: Role
metadata: {name: cluster-apps}
spec:
  rules:
    - {effect: allow, operations: ["key:encrypt", "key:show"], resources: ["keys/clusters/{cluster}/*"]}
---
apiVersion: keyward.dev/v1
kind: Binding
metadata: {name: apps}
spec:
  role: cluster-apps
  subjects: [{issuer: kubernetes, name: "system:serviceaccount:app:web", cluster: "*"}]
""")
    for name in ("eu", "us"):
        officer.run("key", "create", f"clusters/prod-{name}/db", "--type", "aes-256")
    now = int(time.time())
    claims = {
        "iss": "https://kubernetes.default.svc", "aud": ["keyward"], "iat": now, "nbf": now,
        "exp": now + 600, "sub": "system:serviceaccount:app:web",
        "kubernetes.io": {"namespace": "app", "serviceaccount": {"name": "web", "uid": "u-1"}}}
    text = jwt.encode(claims, keys["eu"], "ES256", {"kid": "k1"})
    path = pod.file("token.jwt", text + "\n")
    info = pod.json("login", "--method", "jwt", "--jwt-file", path, "--ttl", "5m")["info"]
    principal = info["principal"]
    assert (principal["issuer"], principal["cluster"], principal["environment"]) == (
        "kubernetes", "prod-eu", "prod")
    pod.run("key", "encrypt", "clusters/prod-eu/db", "--base64", data=b"x")
    pod.run("key", "encrypt", "clusters/prod-us/db", "--base64", data=b"x", expect=5)
    pod.run("policy", "can-i", "key:show", "keys/clusters/prod-eu/db")
    # The JWT itself also carries one request, and standard input one login.
    secured.desk("shot", KEYWARD_TOKEN=text).run("key", "show", "clusters/prod-eu/db")
    printed = secured.desk("printed")
    token = printed.run("login", "--method", "jwt", "--jwt-file", "-", "--print", data=text.encode())
    assert token.startswith("kwt_") and not (printed.home / ".config").exists()
    # A key that no cluster has.
    forged = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": "k1"})
    words = pod.run("login", "--method", "jwt", "--jwt-file", "-", data=forged.encode(), expect=5)
    assert "unauthenticated" in words and forged not in words


def test_login_by_certificate(secured):
    officer = secured.officer
    officer.run("auth", "authority", "put", "hosts", "--ca-file", secured.store.folder / "ca.pem",
                "--names", "*.example.org")
    # Who is in no binding gets no token.
    binding = officer.file("hosts.yaml", """
apiVersion: keyward.dev/v1
kind: Binding
metadata: {name: hosts}
spec:
  role: auditor
  subjects:
    - {issuer: hosts, name: backup.example.org}
    - {issuer: hosts, name: backup-host}
""")
    officer.run("policy", "apply", "--yes", "-f", binding)
    chain, key = secured.issue(
        "host", [x509.DNSName("backup.example.org")], ExtendedKeyUsageOID.CLIENT_AUTH)
    host = secured.desk("host", KEYWARD_CLIENT_CERT=str(chain), KEYWARD_CLIENT_KEY=str(key))
    info = host.json("login", "--method", "certificate")["info"]
    assert info["principal"]["issuer"] == "hosts"
    assert info["principal"]["name"] == "backup.example.org"
    assert host.json("whoami")["token"]["accessor"] == info["accessor"]
    # The token is of that certificate: without it, it is nothing.
    token = kept_token(host)
    secured.desk("thief", KEYWARD_TOKEN=token).run("whoami", expect=5)
    # A pinned key, its hash taken from the certificate.
    path = officer.file("pins.yaml", f"""
name: hosts
identity: pinned
certificates_file: {secured.store.folder}/ca.pem
pins:
  - {{name: backup-host, certificate_file: {chain}}}
""")
    host.run("logout")
    officer.run("auth", "authority", "put", "-f", path)
    assert host.json("login", "--method", "certificate")["info"]["principal"]["name"] == "backup-host"


def test_wrong_usage_is_told_before_the_server_is_asked(desk):
    away = Desk(desk.store, "away", KEYWARD_ADDR="unix:///nowhere/keyward.sock")
    for command in (
        ["login"], ["login", "--method", "jwt"], ["login", "--method", "role", "--role-id", "x"],
        ["login", "--method", "certificate", "--jwt-file", "x"],
        ["auth", "cluster", "put", "x"], ["auth", "cluster", "put", "X!", "--ca-file", "y"],
        ["auth", "issuer", "put", "x", "--preset", "oidc"],
        ["policy", "apply"], ["policy", "can-i", "key:encrypt"],
        ["policy", "can-i", "key:encrypt", "keys/x", "--cluster", "c"],
        ["approval", "approve", "apr-1"], ["key", "list", "--approval", "nonsense"],
        ["auth", "token", "revoke", "../tokens"],
    ):
        away.run(*command, expect=2)
    away.run("whoami", expect=3)
    for shell in ("bash", "zsh", "fish"):
        assert "can-i" in desk.run("completion", shell)


def test_a_kms_socket_with_a_principal_is_under_policy(stores):
    store = stores()
    store.kms_more["etcd"] = ["principal: {name: apiserver, cluster: prod-eu, environment: prod}"]
    store.configure()
    store.made()
    desk = Desk(store, "officer")
    with store.plugin() as plugin:
        assert failure_of(plugin.encrypt, b"s" * 32, uid="before")[0] == "PERMISSION_DENIED"
    apply(desk, """
apiVersion: keyward.dev/v1
kind: Role
metadata: {name: etcd}
spec:
  rules:
    - effect: allow
      operations: ["key:encrypt", "key:decrypt"]
      resources: ["keys/etcd"]
      conditions: [{attribute: cluster, in: [prod-eu]}]
---
apiVersion: keyward.dev/v1
kind: Binding
metadata: {name: apiservers}
spec:
  role: etcd
  subjects: [{issuer: kms, name: apiserver}]
""")
    with store.plugin() as plugin:
        sealed = plugin.encrypt(b"s" * 32, uid="after")
        assert plugin.open(sealed, uid="open") == b"s" * 32
    entries = [e for e in desk.json("audit", "list", "--limit", "1000")
               if e["operation"] in ("key:encrypt", "key:decrypt")]
    assert [e["outcome"] for e in entries] == ["forbidden", "allowed", "allowed"]
    assert entries[-1]["details"]["rule"] == "apiservers/etcd#0"
    # The key's own name would be the principal of a socket without one.
    store.stop()
    store.kms_more["etcd"] = ["principal: {name: etcd}"]
    store.configure()
    code, words = store.refuses()
    assert code == 2 and "give another name" in words


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_person_is_asked_on_the_terminal(desk, answer):
    """The plan first, then a question, of which only yes does something."""
    path = desk.file("policy.yaml", POLICY)
    child, terminal = pty.fork()
    if child == 0:
        os.execve(desk.store.binary, ["keyward", "policy", "apply", "-f", str(path)], desk.variables)
    words = b""
    try:
        while b"[y/N]" not in words:
            words += os.read(terminal, 4096)
        assert b"create Role app-encrypter" in words and b"Access gained" in words, words
        os.write(terminal, answer.encode() + b"\n")
        while True:
            words += os.read(terminal, 4096)
    except OSError:
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    done = [d["name"] for d in desk.json("policy", "list")]
    assert (code, done) == ((0, ["ci", "app-encrypter"]) if answer == "yes" else (1, [])), words

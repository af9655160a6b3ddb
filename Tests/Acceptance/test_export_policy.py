"""Who may bring a key out: provenance of the wrapping key, quorums bound to every word, and keys that never leave."""
import base64
import json
import os
import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fakes import openers
from fakes.aws import FakeAWS
from fakes.openbao import FakeOpenBao
from harness import clouds
from harness.access import apply, binding, document, role, routes, token
from harness.clouds import ask
from harness.server import write_private


def parameters(private, key="arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"):
    """What AWS answers when it is asked for parameters, with a wrapping key of the caller's own."""
    spki = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return json.dumps({
        "KeyId": key, "ImportToken": base64.b64encode(os.urandom(600)).decode(),
        "PublicKey": base64.b64encode(spki).decode(), "ParametersValidTo": 4102444800.0})


@pytest.fixture
def fakes():
    made = []

    def make(kind):
        made.append(kind())
        return made[-1]

    yield make
    for fake in made:
        fake.close()


@pytest.fixture(scope="module")
def own():
    """A wrapping key whose private half the caller has."""
    return rsa.generate_private_key(65537, 4096)


def someone(store, name, *operations):
    """A shell of somebody who may do these operations on everything, and no other."""
    file = store.folder / f"{name}.token"
    api = store.api()
    apply(api, role(f"role-{name}", [list(operations), ["**"]]),
          binding(f"binding-{name}", f"role-{name}", {"issuer": "tokens", "name": name}))
    write_private(file, token(api, name)[0].encode())
    return {"KEYWARD_TOKEN_FILE": str(file)}


def bundle(store, name, file, out, *more, expect=0, **options):
    return store.cli("export", "aws", name, "--to", "aws-prod", "--mode", "bundle", "--parameters", file,
                     "--wrapping-algorithm", "RSAES_OAEP_SHA_256", "--wrapping-key-bits", "4096",
                     "--out", out, *more, expect=expect, **options)


def test_a_wrapping_key_of_the_callers_own_is_plain_export(stores, fakes, own):
    """Refused and audited without the right; taken with it, or when an approved fingerprint is pinned."""
    store = clouds.served(stores, fakes(FakeAWS))
    data = os.urandom(32)
    name = clouds.imported(store, "app/key", "aes-256", data, rights="cloud-export,export")
    closed = clouds.imported(store, "app/closed", "aes-256", data)
    file = store.folder / "parameters.json"
    file.write_text(parameters(own))
    out = store.folder / "blob.json"
    carrier = someone(store, "carrier", "key:list", "key:cloud-export", "export:*")
    for attempt in ("first", "again"):
        words = bundle(store, name, file, out, expect=5, environment=carrier)
        assert "wrapping_key_supplied" in words, (attempt, words)
    assert not out.exists()
    refused = [entry for entry in store.api().audit()
               if (entry["outcome"], entry["resource"]) == ("wrapping_key_supplied", f"keys/{name}")]
    assert len(refused) == 2 and {entry["operation"] for entry in refused} == {"export:prepare"}
    # Not even a push can be made to use it: what was fetched is the server's own word.
    store.cli("export", "aws", name, "--to", "aws-prod", "--parameters", file, expect=2)
    answer = store.api().post("/api/v1/exports", data={
        "key": name, "destination": "aws-prod", "mode": "push", "parameters": file.read_text()})
    assert answer.status >= 400, answer.body
    # A key that may not be exported in plain is not, whoever asks.
    words = bundle(store, closed, file, out, expect=1)
    assert "export" in words and not out.exists(), words
    # With the right the blob opens with the private half, which is why it takes the right.
    bundle(store, name, file, out)
    body = json.loads(out.read_bytes())
    assert openers.direct(own, base64.b64decode(body["EncryptedKeyMaterial"]), "SHA256") == data
    # An approved fingerprint makes it the destination's own, for one who has the weaker right.
    pin = json.loads(store.cli("export", "list", "-o", "json"))[0]["wrapping_key_sha256"]
    clouds.destination(store, store.fakes[0], "--pinned-key", pin)
    bundle(store, name, file, store.folder / "pinned.json", environment=carrier)
    assert json.loads(store.cli("export", "list", "-o", "json"))[0]["provenance"] == "pinned"
    other = store.folder / "other.json"
    other.write_text(parameters(rsa.generate_private_key(65537, 4096)))
    words = bundle(store, name, other, store.folder / "other.out", expect=5, environment=carrier)
    assert "wrapping_key_supplied" in words and not (store.folder / "other.out").exists(), words


def test_a_quorum_is_void_by_one_changed_byte(stores, fakes):
    """Each bound word: key, version, destination, fingerprint, algorithm, end; and the export itself."""
    fake = fakes(FakeOpenBao)
    store = clouds.served(stores, fake)
    clouds.destination(store, fake, name="openbao-prob")
    name = clouds.imported(store, "app/key", "aes-256", os.urandom(32))
    clouds.imported_version(store, name, "aes-256", os.urandom(32))
    clouds.imported(store, "app/kez", "aes-256", os.urandom(32))
    officers = [someone(store, who, "approval:*") for who in ("ana", "ben")]
    apply(store.api(), document("ApprovalRule", "two-for-export", operations=["key:cloud-export"],
          resources=["keys/app/**"], require={"n": 2, "of": [{"issuer": "tokens"}]}))
    api = store.api()
    record = api.must(api.post("/api/v1/exports", data={
        "key": name, "destination": "openbao-prod", "mode": "push", "target_name": "copy"})).json
    right = {"key": name, "version": 2, "destination": "openbao-prod", "algorithm": record["algorithm"],
             "wrapping_key_sha256": record["wrapping_key_sha256"], "valid_until": "never"}

    def complete(**words):
        return api.post(f"/api/v1/exports/{record['id']}:complete", data={**right, **words})

    asked = complete()
    assert asked.code == "approval_required", asked.body
    approval = re.search("apr-[a-z2-7]+", asked.body.decode())[0]
    for officer in officers:
        store.cli("approval", "approve", approval, environment=officer)
    fingerprint = right["wrapping_key_sha256"]
    changed = {
        "key": "app/kez", "version": 1, "destination": "openbao-prob",
        "algorithm": right["algorithm"].replace("256", "384"),
        "wrapping_key_sha256": ("1" if fingerprint[0] != "1" else "2") + fingerprint[1:],
        "valid_until": "2027-06-01T00:00:01Z"}
    api.headers["Keyward-Approval"] = approval
    before = len(fake.requests)
    for field, value in changed.items():
        answer = complete(**{field: value})
        assert (answer.status, answer.code) == (403, "approval_required"), (field, answer.body)
    assert len(fake.requests) == before and fake.opened == {}, "something was sent"
    # The approval is not spent by what it was not for, and serves once.
    answer = complete()
    assert answer.status == 200, answer.body
    assert ask(store, "export", "show", record["id"])["state"] == "proved"
    assert {one["name"] for one in ask(store, "export", "show", record["id"])["approvers"]} == {"ana", "ben"}
    assert complete().status >= 400


def test_what_never_leaves_leaves_by_no_route(stores, fakes):
    """Every route of the schema with every right, every command of export, and the bytes of a backup."""
    fake = fakes(FakeOpenBao)
    store = clouds.served(stores, fake)
    data = os.urandom(32)
    file = store.folder / "kept"
    write_private(file, data)
    words = store.cli("key", "import", "app/kept", "--type", "aes-256", "--format", "raw", "--in", file,
                      "--never-exportable", "--operations", "encrypt,decrypt,export,cloud-export", expect=None)
    words = words if isinstance(words, str) else words.decode()
    if "kept" not in json.dumps(json.loads(store.cli("key", "list", "-o", "json"))):
        # Refused as a contradiction: then it is made without, and asked for all the same.
        assert "never" in words.lower(), words
        store.cli("key", "import", "app/kept", "--type", "aes-256", "--format", "raw", "--in", file,
                  "--never-exportable")
    file.unlink()
    forms = [data, base64.b64encode(data), base64.urlsafe_b64encode(data).rstrip(b"="), data.hex().encode()]
    secret = store.folder / "wrapping"
    write_private(secret, os.urandom(32))
    password = store.folder / "password"
    write_private(password, b"correct horse battery staple")
    recipient = store.folder / "recipient.pem"
    recipient.write_bytes(rsa.generate_private_key(65537, 3072).public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    out = store.folder / "out"
    commands = [
        ("raw",), ("jwk",), ("tink",), ("jwe", "--recipient", recipient), ("pkcs8", "--password-file", password),
        ("pkcs12", "--password-file", password), ("pkcs11", "--wrapping-key-file", secret),
        ("tink", "--wrapping-key-file", secret)]
    for kind, *options in commands:
        words = store.cli("export", kind, "app/kept", "--out", out, *options, expect=1)
        assert "never" in words, (kind, words)
        assert not out.exists()
    words = store.cli("export", "openbao", "app/kept", "--to", "openbao-prod", "--name", "copy", expect=1)
    assert "never" in words and fake.opened == {}, words
    assert store.cli("key", "update", "app/kept", "--operations", "export", expect=None)
    api, asked = store.api(), 0
    for route in routes():
        if "{name}" not in route.path or not route.path.startswith("/api/v1/keys") or "destroy" in route.path:
            continue
        for body in ({}, {"format": "raw"}, {"format": "jwk"}):
            answer = api.send(route.method, route.path.replace("{name}", "app/kept"), json.dumps(body)
                              if "requestBody" in route.entry else None, "application/json")
            asked += 1
            assert not any(form in answer.body for form in forms), route.name
    backup = store.folder / "backup"
    store.cli("backup", "create", "--out", backup)
    # A backup holds the key as the database does: under the seal.
    assert not any(form in backup.read_bytes() for form in forms)
    assert asked > 20, asked

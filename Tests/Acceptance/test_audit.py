"""Row 9: an entry for every answer, refusals too; proofs that hold without trusting the server."""
import base64
import json
import random
import secrets

import pytest
from harness import ROOT, proofs
from harness.audit import verdict
from harness.kms import failure_of


def by_request(api):
    return {entry["request_id"]: entry for entry in api.audit()}


def test_every_answer_has_its_entry(store, report):
    api = store.api()
    api.create("mac", "hmac-sha256")
    api.create("sign", "ed25519")
    material = secrets.token_bytes(32)
    wanted = []

    def did(answer, operation, outcome="allowed"):
        assert (answer.status < 400) == (outcome == "allowed"), answer.body
        wanted.append((answer.request_id, operation, outcome))
        return answer

    did(api.post("/api/v1/keys", data={"name": "k", "type": "aes-256"}), "key:create")
    did(api.post("/api/v1/keys", data={"name": "k", "type": "aes-256"}), "key:create",
        "already_exists")
    did(api.act("imported", "import", octets=material, type="aes-256", format="raw"), "key:import")
    sealed = did(api.act("k", "encrypt", octets=b"hello"), "key:encrypt").body
    assert did(api.act("k", "decrypt", octets=sealed), "key:decrypt").body == b"hello"
    did(api.act("k", "decrypt", octets=sealed[:-1] + b"\0\0"), "key:decrypt", "decryption_failed")
    did(api.act("etcd", "decrypt", octets=sealed), "key:decrypt", "decryption_failed")
    did(api.get("/api/v1/keys"), "key:list")
    did(api.get("/api/v1/keys/k"), "key:show")
    did(api.get("/api/v1/keys/none"), "key:show", "not_found")
    did(api.act("none", "encrypt", octets=b"x"), "key:encrypt", "not_found")
    did(api.act("mac", "encrypt", octets=b"x"), "key:encrypt", "key_usage")
    did(api.act("mac", "mac", octets=b"x"), "key:mac")
    signature = did(api.act("sign", "sign", octets=b"x"), "key:sign").body
    query = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    did(api.act("sign", "verify", octets=b"x", signature=query), "key:verify")
    did(api.act("k", "rotate"), "key:rotate")
    did(api.act("k", "state", version=1, to="compromised"), "key:state")
    did(api.act("k", "state", version=1, to="active"), "key:state", "key_state")
    did(api.act("k", "encrypt", octets=b"x", version=1), "key:encrypt", "key_state")
    did(api.act("k", "update", data={"deletion_protected": True}), "key:update")
    did(api.act("k", "update", data={"deletion_protected": False}), "key:update", "key_usage")
    did(api.act("k", "destroy", version=1, after=0), "key:destroy", "key_usage")
    did(api.act("mac", "destroy"), "key:destroy")
    did(api.act("mac", "undestroy"), "key:undestroy")
    did(api.post("/api/v1/operator/rotate"), "operator:rotate")
    did(api.get("/api/v1/audit"), "audit:read")
    did(api.get("/api/v1/audit/export"), "audit:export")
    did(api.unseal_answer(b"kwshare1"), "operator:unseal", "conflict")
    did(api.post("/api/v1/operator/init", octets=b""), "operator:init", "already_initialized")
    with store.plugin() as plugin:
        kms = plugin.encrypt(b"s" * 32, uid="kms-good")
        plugin.open(kms, uid="kms-open")
        failure_of(plugin.decrypt, b"x" * 93, kms.key_id, uid="kms-bad")
        failure_of(plugin.decrypt, kms.ciphertext, "unknown", uid="kms-unknown")
    did(api.post("/api/v1/operator/seal"), "operator:seal")
    while_sealed = api.act("k", "encrypt", octets=b"x")
    assert while_sealed.code == "sealed"
    wanted.append((while_sealed.request_id, "key:encrypt", "sealed"))
    did(api.unseal_answer(), "operator:unseal")

    entries = by_request(api)
    missing = [line for line in wanted if line[0] not in entries]
    wrong = [
        (line, entries[line[0]]["operation"], entries[line[0]]["outcome"]) for line in wanted
        if line[0] in entries
        and (entries[line[0]]["operation"], entries[line[0]]["outcome"]) != line[1:]
    ]
    uids = {entry["details"].get("kms_uid"): entry["outcome"] for entry in entries.values()}
    report("audit-coverage", answers=len(wanted) + 4, missing=len(missing), wrong=len(wrong))
    assert not missing and not wrong
    assert uids["kms-good"] == uids["kms-open"] == "allowed"
    assert uids["kms-bad"] == "decryption_failed" and uids["kms-unknown"] == "not_found"
    # Nothing secret is in it, and the clear API names are in it once.
    text = json.dumps(list(entries.values())).encode()
    for secret in (material, b"hello"):
        for form in (secret, base64.b64encode(secret), secret.hex().encode()):
            assert form not in text


def test_entries_follow_their_schema(store):
    schema = json.loads((ROOT / "schema" / "audit-entry.schema.json").read_text())
    required, known = set(schema["required"]), set(schema["properties"])
    for entry in proofs.export_entries(store.api().export()):
        fields = json.loads(entry)
        assert required <= set(fields) <= known, fields


def test_proofs_hold_by_independent_arithmetic(store, report):
    api, heads, checked = store.api(), [], 0
    for batch in (1, 2, 5, 17, 60, 200, 301):
        for _ in range(batch):
            api.act("etcd", "encrypt", octets=b"x")
        head = api.checkpoint()
        assert proofs.signed_head(head["note"], head["verifier_key"]) == (
            head["size"], bytes.fromhex(head["root_hash"]))
        heads.append(head)
    export = api.export()
    leaves = [proofs.leaf(entry) for entry in proofs.export_entries(export)]
    for head in heads:
        assert proofs.root(leaves[:head["size"]]).hex() == head["root_hash"]
    generator = random.Random(9)
    size = heads[-1]["size"]
    for _ in range(150):
        of = generator.choice([head["size"] for head in heads] + [generator.randint(1, size)])
        index = generator.randrange(of)
        proof = api.must(api.get("/api/v1/audit/proof", index=index, size=of)).json
        path = [bytes.fromhex(digest) for digest in proof["hashes"]]
        assert proof["leaf_hash"] == leaves[index].hex() and proof["size"] == of
        assert proofs.included(index, of, leaves[index], path) == proofs.root(leaves[:of])
        # The same arithmetic says no to anything else.
        assert proofs.included(index, of, proofs.leaf(b"forged"), path) != proofs.root(leaves[:of])
        checked += 1
    pairs = [(a["size"], b["size"]) for a in heads for b in heads if a["size"] <= b["size"]]
    pairs += [tuple(sorted((generator.randint(1, size), generator.randint(1, size))))
              for _ in range(100)]
    for old, new in pairs:
        proof = api.must(api.get("/api/v1/audit/consistency", **{"from": old, "to": new})).json
        path = [bytes.fromhex(digest) for digest in proof["hashes"]]
        roots = proofs.root(leaves[:old]), proofs.root(leaves[:new])
        assert proofs.consistent(old, new, *roots, path), (old, new)
        if old != new:
            assert not proofs.consistent(old, new, proofs.leaf(b"forged"), roots[1], path)
        checked += 1
    clean, words = verdict(export, heads[-1]["verifier_key"])
    assert clean, words
    report("audit-proofs", entries=len(leaves), proofs=checked, wrong=0)
    for target in ({"index": size + 10_000}, {"index": 5, "size": 5}, {"index": 0, "size": 10**9}):
        assert api.get("/api/v1/audit/proof", **target).status == 404
    assert api.get("/api/v1/audit/consistency", **{"from": 0}).status == 400
    assert api.get("/api/v1/audit/consistency", **{"from": 9, "to": 3}).status == 400


@pytest.mark.parametrize("how", ["edit", "drop", "reorder", "truncate", "fork"])
def test_a_changed_export_is_found(store, how):
    api = store.api()
    for _ in range(40):
        api.act("etcd", "encrypt", octets=b"x")
    verifier, export = api.checkpoint()["verifier_key"], api.export()
    assert verdict(export, verifier)[0]
    lines = export.decode().split("\n")
    entries = [index for index, line in enumerate(lines) if line.startswith("e ")]
    one, two = entries[10], entries[11]
    if how == "edit":
        text = lines[one].split(" ", 2)[2].replace('"allowed"', '"refused"')
        assert text not in lines[one]
        lines[one] = f"e {proofs.leaf(text.encode()).hex()} {text}"
    elif how == "drop":
        del lines[one]
    elif how == "reorder":
        lines[one], lines[two] = lines[two], lines[one]
    elif how == "truncate":
        del lines[one:]
    else:
        lines[-1:-1] = [lines[one]]
    clean, words = verdict("\n".join(lines).encode(), verifier)
    assert not clean and "entry" in words


def test_the_log_survives_restarts_and_stays_consistent(store):
    """Each head since the beginning is a beginning of the log after kill and clean stop."""
    api, heads = store.api(), []
    for round_ in range(4):
        api.act("etcd", "encrypt", octets=b"x")
        heads.append(api.checkpoint())
        (store.kill if round_ % 2 else store.stop)()
        store.start()
        api.close()
    last = api.checkpoint()
    for head in heads:
        assert head["verifier_key"] == last["verifier_key"]
        answer = api.get("/api/v1/audit/consistency", **{"from": head["size"], "to": last["size"]})
        path = [bytes.fromhex(digest) for digest in answer.json["hashes"]]
        assert proofs.consistent(
            head["size"], last["size"], bytes.fromhex(head["root_hash"]),
            bytes.fromhex(last["root_hash"]), path)

"""Secrets by environment: values over the wire and the commands, and kill -9 under load."""
import http.client
import os
import random
import shutil
import subprocess
import threading
import time

import pytest
from harness import figures, pick
from harness.secret import declare, fetch, frame, opened, put
from test_cli_access import Desk

POLICY = """
apiVersion: keyward.dev/v1
kind: Role
metadata: {name: deployers}
spec:
  rules:
    - effect: allow
      operations: ["secret:read"]
      resources: ["secrets/{environment}/payments/*"]
---
apiVersion: keyward.dev/v1
kind: Binding
metadata: {name: pipelines}
spec: {role: deployers, subjects: [{issuer: tokens, name: "job"}]}
"""


@pytest.fixture
def secrets(stores):
    """A store with environments, and an officer's API."""
    store = stores(keys=()).made()
    api = store.api()
    declare(api, "base")
    declare(api, "dev", "base")
    declare(api, "staging", "base")
    declare(api, "prod", "base", production=True)
    declare(api, "prod-eu", "prod", production=True)
    store.officer = api
    return store


def job(store, environment=None):
    """An API as a pipeline whose identity has this environment."""
    data = {"name": "job"}
    if environment:
        data["environment"] = environment
    token = store.officer.must(store.officer.post("/api/v1/auth/tokens", data=data)).json["token"]
    api = store.api()
    api.headers["Authorization"] = f"Bearer {token}"
    return api


def test_one_reference_in_three_environments(secrets):
    api = secrets.officer
    for environment in ("base", "dev", "staging", "prod"):
        assert put(api, "payments/db", environment, {"password": environment.encode()}).status == 200
    policy = {"files": [{"name": "p", "text": POLICY}]}
    api.must(api.post("/api/v1/policy:apply", data=policy))
    reference = "kw://payments/db#password"
    for environment, found in (("dev", b"dev"), ("staging", b"staging"), ("prod-eu", b"prod")):
        start = api.checkpoint()["size"]
        head, values = fetch(job(secrets, environment), [reference])
        assert values == [found] and head["environment_source"] == "identity"
        (entry,) = [each for each in api.audit(start) if each["operation"] == "secret:read"]
        assert entry["resource"] == f"secrets/{environment}/payments/db"
    # Of production nothing, and why; not even whether it is there.
    dev = job(secrets, "dev")
    for name in ("payments/db", "payments/none"):
        head, values = fetch(dev, [f"kw://{name}#x"], "prod-eu")
        (result,) = head["results"]
        assert not values and result["outcome"] == "forbidden" and not head["complete"]
        assert "pipelines/deployers#0" in result["rule"]
        assert "version" not in result and "environment" not in result
    # Without an environment there is none.
    assert job(secrets).post("/api/v1/secrets:fetch", data={"references": [reference]}).status == 400
    plan, values = fetch(dev, [reference], plan=True)
    assert plan["results"][0]["outcome"] == "allowed" and not values


def test_500_references_in_one_round_trip(secrets, report):
    api = secrets.officer
    for number in range(500):
        assert put(api, f"many/s{number}", "dev", {"x": b"value %d" % number}).status == 200
    start = api.checkpoint()["size"]
    begin = time.monotonic()
    head, values = fetch(api, [f"kw://many/s{number}#x" for number in range(500)], "dev")
    seconds = time.monotonic() - begin
    assert values == [b"value %d" % number for number in range(500)] and head["complete"]
    entries = [each for each in api.audit(start) if each["operation"] == "secret:read"]
    assert len(entries) == 500 and len({each["resource"] for each in entries}) == 500
    assert len({each["request_id"] for each in entries}) == 1
    report("fetch-500-references", ms=round(seconds * 1000, 1), entries=len(entries))


def test_values_are_nowhere_in_the_clear(secrets):
    api = secrets.officer
    canary = b"CANARY-" + os.urandom(12).hex().encode()
    put(api, "p/canary", "dev", {"x": canary, "binary": canary + b"\0\xff"})
    assert fetch(api, ["kw://p/canary#x"], "dev")[1] == [canary]
    # Neither in an error about it.
    for body in (frame({"fields": [{"name": "x", "length": 3}], "environment": "dev"}, [canary]),
                 frame({"fields": [{"name": canary.decode() + "!", "length": 0}],
                        "environment": "dev"}, []), canary):
        answer = api.post("/api/v1/secrets/p/canary:put", octets=body)
        assert answer.status == 400 and canary not in answer.body
    secrets.stop()
    for folder, _, names in os.walk(secrets.folder):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert canary not in file.read(), name


def test_commands(secrets, tmp_path):
    value = tmp_path / "value"
    value.write_bytes(bytes(range(256)))
    secrets.cli("secret", "put", "p/a", "--env", "dev", "--field", f"x={value}", "--field", "y=-",
                data=b"line\n")
    assert secrets.cli("secret", "get", "p/a", "--env", "dev", "--field", "x") == bytes(range(256))
    assert secrets.cli("secret", "get", "p/a", "--env", "dev", "--field", "y") == b"line\n"
    secrets.cli("secret", "put", "p/a", "--env", "dev", "--merge", "--trim", "--field", "y=-",
                "--if-version", "1", data=b"next\n")
    assert secrets.cli("secret", "get", "p/a", "--env", "dev", "--field", "y") == b"next"
    assert secrets.cli("secret", "get", "p/a", "--env", "dev", "--field", "x") == bytes(range(256))
    # A value where a file should be is not repeated.
    words = secrets.cli("secret", "put", "p/a", "--env", "dev", "--field", "x=hunter2", expect=2)
    assert "hunter2" not in words
    secrets.cli("secret", "put", "p/a", "--env", "dev", "--if-version", "1", "--field", f"x={value}",
                expect=1)
    secrets.cli("secret", "get", "p/a", "--field", "x", expect=1)
    secrets.cli("secret", "rollback", "p/a", "--env", "dev", "--to", "1")
    secrets.cli("secret", "delete", "p/a", "--env", "dev")
    secrets.cli("secret", "get", "p/a", "--env", "dev", "--field", "x", expect=6)
    secrets.cli("secret", "undelete", "p/a", "--env", "dev")
    assert secrets.cli("secret", "get", "p/a", "--env", "dev", "--field", "y") == b"line\n"
    secrets.cli("secret", "diff", "--from", "dev", "--to", "prod", expect=7)
    secrets.cli("secret", "promote", "p/a", "--from", "dev", "--to", "prod")
    secrets.cli("secret", "diff", "--from", "dev", "--to", "prod")
    assert b"p/a" in secrets.cli("secret", "list") and b"3" in secrets.cli(
        "secret", "history", "p/a", "--env", "dev")
    secrets.cli("secret", "destroy", "p/a", "--env", "dev", "--all")
    secrets.cli("secret", "get", "p/a", "--env", "dev", "--field", "x", expect=6)
    secrets.cli("secret", "report", "--unused-for", "0s")
    secrets.cli("environment", "put", "dev", "--inherits", "prod", expect=1)
    secrets.cli("environment", "list")
    secrets.cli("fsck")


def test_a_restore_brings_them_back(secrets):
    api = secrets.officer
    put(api, "p/a", "dev", {"x": b"one"})
    put(api, "p/a", "dev", {"x": b"two"})
    backup = secrets.folder / "backup"
    secrets.cli("backup", "create", "--out", backup)
    # Destroyed after the backup: docs/secrets.md says that it comes back, and docs/operations.md what to do.
    secrets.cli("secret", "destroy", "p/a", "--env", "dev", "--versions", "1")
    later = secrets.folder / "later"
    secrets.cli("backup", "create", "--out", later)
    secrets.stop()
    secrets.cli("backup", "restore", backup, "--data-dir", secrets.data, "--key-file",
                secrets.key_file, "--replace")
    secrets.start(ready=False)
    api = secrets.api()
    api.unseal(b"", accept="rollback")
    references = ["kw://p/a?version=1#x", "kw://p/a#x"]
    assert fetch(api, references, "dev")[1] == [b"one", b"two"]
    api.must(api.post("/api/v1/operator/rotate"))
    assert fetch(api, references, "dev")[1] == [b"one", b"two"]
    secrets.cli("fsck")
    secrets.cli("secret", "destroy", "p/a", "--env", "dev", "--versions", "1")
    head, _ = fetch(api, references, "dev", partial=True)
    assert [each["outcome"] for each in head["results"]] == ["destroyed", "allowed"]
    # What was destroyed before a backup is not in it.
    secrets.stop()
    secrets.cli("backup", "restore", later, "--data-dir", secrets.data, "--key-file",
                secrets.key_file, "--replace")
    secrets.start(ready=False)
    api = secrets.api()
    api.unseal(b"", accept="rollback")
    head, _ = fetch(api, references, "dev", partial=True)
    assert [each["outcome"] for each in head["results"]] == ["destroyed", "allowed"]


@pytest.mark.parametrize("form", ["OpenSSH", "PKCS8", "PEM"])
@pytest.mark.parametrize("kind", [("ed25519",), ("rsa", "-b", "2048"), ("ecdsa", "-b", "384")], ids=lambda kind: kind[0])
def test_ssh_keys(secrets, tmp_path, kind, form):
    """Keys of ssh-keygen, taken, and read again by it from each form of file; with a passphrase refused."""
    keygen = shutil.which("ssh-keygen")
    if not keygen:
        figures.gap("SSH keys: ssh-keygen is not here")
        pytest.skip("no ssh-keygen")
    if kind[0] == "ed25519" and form == "PEM":
        pytest.skip("there is no such key")
    def make(name, passphrase):
        path = tmp_path / name
        more = [] if form == "OpenSSH" else ["-m", form]
        subprocess.run([keygen, "-q", "-t", *kind, *more, "-N", passphrase, "-C", "", "-f", path], check=True)
        return path
    plain, locked = make("plain", ""), make("locked", "a passphrase")
    written = plain.read_bytes().split(b"\n")[0]
    if kind[0] != "ed25519":
        assert (b"OPENSSH" in written) == (form == "OpenSSH") and (b"BEGIN PRIVATE" in written) == (form == "PKCS8")
    put_key = ("secret", "put", "deploy/ssh", "--env", "dev", "--kind", "ssh-key", "--field")
    words = secrets.cli(*put_key, f"private-key={locked}", expect=1)
    assert "has a passphrase" in words
    secrets.cli(*put_key, f"private-key={plain}")
    public = plain.with_suffix(".pub").read_text().split()[:2]
    for how in ("--file", "--tmpfs"):
        # The public key is part of the private one: it would be masked.
        seen = secrets.cli("run", "--no-project", "--no-masking", "--env", "dev", how, "KEY=kw://deploy/ssh#private-key", "--",
                           "sh", "-c", 'exec ssh-keygen -y -f "$KEY"')
        assert seen.decode().split()[:2] == public, how


class Writer(threading.Thread):
    """One author of secrets of its own, which knows what was acknowledged and what was on its way."""

    # A secret keeps a hundred versions; before that others are begun.
    MOST = 60

    def __init__(self, store, number, seed, before=None):
        super().__init__(daemon=True)
        self.store, self.number, self.random = store, number, random.Random(seed)
        self.series = before.series if before else 0
        # By name: the states of all versions, as (value, deleted). What was checked and is not
        # written any more is forgotten; its names are never used again.
        self.ledger = {name: versions for name, versions in before.ledger.items()
                       if name.startswith(self.prefix)} if before else {}
        self.pending, self.problems, self.answers = None, [], 0

    @property
    def prefix(self):
        return f"w{self.number}/{self.series}-"

    def run(self):
        api = self.store.api(timeout=30)
        try:
            while True:
                self.step(api)
        except (OSError, http.client.HTTPException):
            pass
        except Exception as error:
            self.problems.append(repr(error))
        finally:
            api.close()

    def step(self, api):
        name = f"{self.prefix}{self.random.randrange(4)}"
        versions = self.ledger.setdefault(name, [])
        if len(versions) >= self.MOST:
            self.series += 1
            return
        roll = self.random.random()
        if not versions or roll < 0.6:
            value = os.urandom(self.random.choice([0, 8, 40, 5000]))
            self.pending = (name, [*versions, (value, False)])
            answer = put(api, name, "dev", {"x": value}, expected_version=len(versions))
        elif roll < 0.75:
            number = self.random.randrange(len(versions))
            value, deleted = versions[number]
            if deleted:
                return
            self.pending = (name, [*versions, (value, False)])
            answer = api.post(f"/api/v1/secrets/{name}:rollback", data={
                "environment": "dev", "versions": [number + 1],
                "expected_version": len(versions)})
        else:
            number = self.random.randrange(len(versions))
            value, deleted = versions[number]
            changed = list(versions)
            changed[number] = (value, not deleted)
            self.pending = (name, changed)
            verb = "undelete" if deleted else "delete"
            answer = api.post(f"/api/v1/secrets/{name}:{verb}", data={
                "environment": "dev", "versions": [number + 1]})
        assert answer.status == 200, answer.body
        self.answers += 1
        self.ledger[name] = self.pending[1]
        self.pending = None

    def check(self, api):
        """Compares the store with the ledger; what was on its way is there whole or not at all."""
        for name, versions in self.ledger.items():
            allowed = [versions]
            if self.pending and self.pending[0] == name:
                allowed.append(self.pending[1])
            found = self.read(api, name, max(len(each) for each in allowed))
            if found not in allowed:
                return [f"{name}: {found} is none of {allowed}"]
            self.ledger[name] = found
        self.pending = None
        return []

    def read(self, api, name, most):
        answer = api.get(f"/api/v1/secrets/{name}", environment="dev")
        if answer.status == 404:
            return []
        info = api.must(answer).json
        references = [f"kw://{name}?version={each['version']}#x" for each in info["versions"]]
        head, values = fetch(api, references, "dev", partial=True)
        values, found = list(values), []
        for result in head["results"]:
            if result["outcome"] == "allowed":
                found.append((values.pop(0), False))
            else:
                found.append((None, result["outcome"] == "deleted"))
        # Of a deleted version the ledger's value counts: it is looked at when it comes back.
        known = (self.pending[1] if self.pending and self.pending[0] == name else self.ledger[name])
        return [(known[index][0] if deleted and index < len(known) else value, deleted)
                for index, (value, deleted) in enumerate(found)]


@pytest.mark.timeout(pick(280, 4 * 3600))
def test_kill_at_random_moments(stores, report):
    kills, seed = int(os.environ.get("KEYWARD_KILLS") or pick(8, 1000)), random.randrange(1 << 32)
    generator, totals = random.Random(seed), dict(kills=0, answers=0)
    while totals["kills"] < kills:
        store = stores(keys=()).made()
        declare(store.api(), "dev")
        writers = [None] * 4
        for _ in range(min(20, kills - totals["kills"])):
            writers = [Writer(store, number, generator.random(), before)
                       for number, before in enumerate(writers)]
            for writer in writers:
                writer.start()
            time.sleep(generator.uniform(0.02, 0.5))
            store.kill()
            for writer in writers:
                writer.join(60)
                assert not writer.is_alive() and not writer.problems, writer.problems
            store.start()
            api = store.api()
            for writer in writers:
                assert not (wrong := writer.check(api)), wrong
                totals["answers"] += writer.answers
            totals["kills"] += 1
            found = api.must(api.post("/api/v1/fsck"), "fsck").json
            assert found["ok"] and found["authenticated"], found
            api.close()
        store.stop()
        store.remove()
    report("kill-9-under-load-secrets", seed=seed, **totals)


APPROVAL = """
apiVersion: keyward.dev/v1
kind: ApprovalRule
metadata: {name: two-keys}
spec:
  operations: ["secret:read"]
  resources: ["secrets/dev/payments/master"]
  require: {n: 1, of: [{issuer: tokens, name: boss}]}
---
apiVersion: keyward.dev/v1
kind: Role
metadata: {name: approvers}
spec:
  rules: [{effect: allow, operations: ["approval:*"], resources: ["approvals"]}]
---
apiVersion: keyward.dev/v1
kind: Binding
metadata: {name: approvers}
spec: {role: approvers, subjects: [{issuer: tokens, name: boss}]}
"""


def test_a_value_that_takes_approval(secrets, tmp_path):
    """Commands that fetch several refuse it, and name it and the way to have it."""
    api = secrets.officer
    api.must(api.post("/api/v1/auth/tokens", data={"name": "boss"}))
    policy = {"files": [{"name": "p", "text": POLICY + "---" + APPROVAL}]}
    api.must(api.post("/api/v1/policy:apply", data=policy))
    put(api, "payments/db", "dev", {"password": b"open to jobs"})
    put(api, "payments/master", "dev", {"key": b"guarded value"})
    token = api.must(api.post("/api/v1/auth/tokens", data={
        "name": "job", "environment": "dev"})).json["token"]
    manifest = tmp_path / "m.yaml"
    manifest.write_text("a: kw://payments/master#key\nb: kw://payments/db#password\n")
    references = ("kw://payments/db#password", "kw://payments/master#key")
    desk = Desk(secrets, "job", KEYWARD_TOKEN=token)
    for command in (
            ("run", "--no-project", "--set", f"A={references[0]}", "--set", f"B={references[1]}", "--",
             "sh", "-c", "echo started"),
            ("get", "-f", "json", f"A={references[0]}", f"B={references[1]}"),
            ("render", manifest)):
        for plan in (False, True):
            words = desk.run(command[0], *(["--plan"] if plan else []), *command[1:], expect=5)
            assert "kw://payments/master#key: The value takes approval by the rule 'two-keys'" in words
            assert "keyward secret get payments/master --field key --env dev" in words
            assert "kw://payments/db#password:" not in words
            assert "started" not in words and "guarded value" not in words and "open to" not in words
        words = desk.run(command[0], "--approval", "apr-" + "a" * 26, *command[1:], expect=2)
        assert "carries no approval" in words, words

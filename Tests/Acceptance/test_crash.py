"""Row 8: kill -9 at random moments under mixed load, against a ledger of acknowledged answers."""
import http.client
import os
import random
import secrets
import threading
import time

import grpc
import pytest
from harness import pick, proofs
from harness.audit import verdict

KEYS = 4


class Worker(threading.Thread):
    """One client with keys of its own, so that each key's history has one author.

    For each key it knows the last acknowledged form and the one change that may be on its way.
    """

    def __init__(self, store, number, generator):
        super().__init__(daemon=True)
        self.store, self.number = store, number
        self.random = random.Random(generator.random())
        self.acknowledged, self.pending = {}, None
        self.answered, self.kms_answered = {}, set()
        self.sealed, self.made, self.calls = [], 0, 0
        self.problems = []

    def run(self):
        api = self.store.api(timeout=30)
        plugin = self.store.plugin(timeout=30)
        try:
            while True:
                self.step(api, plugin)
        except (OSError, http.client.HTTPException, grpc.RpcError) as error:
            if isinstance(error, grpc.RpcError) and error.code().name not in (
                    "UNAVAILABLE", "CANCELLED"):
                self.problems.append(f"{error.code().name} {error.details()}")
        except Exception as error:
            self.problems.append(repr(error))
        finally:
            api.close()
            plugin.close()

    def step(self, api, plugin):
        roll = self.random.random()
        live = sorted(self.acknowledged)
        if roll < 0.4:
            seed = secrets.token_bytes(32)
            uid = f"w{self.number}-{self.calls}-{secrets.token_hex(4)}"
            self.calls += 1
            sealed = plugin.encrypt(seed, uid=uid)
            self.kms_answered.add(uid)
            self.sealed.append((seed, sealed))
        elif roll < 0.5:
            # Refusals have their entries too.
            self.did(api.get(f"/api/v1/keys/none/w{self.number}"), 404)
        elif len(live) < KEYS or roll < 0.6:
            name = f"w{self.number}/k{self.made}"
            self.made += 1
            self.change(name, "create", None, lambda: api.post(
                "/api/v1/keys", data={"name": name, "type": "aes-256"}))
        else:
            name = self.random.choice(live)
            key = self.acknowledged[name]
            action, arguments = self.choose(key)
            self.change(name, action, key, lambda: api.act(name, action, **arguments))

    def choose(self, key):
        primary, versions = key.get("primary_version"), key["versions"]
        waiting = [each for each in versions if each.get("destroy_at")
                   and each["state"] != "destroyed"]
        if waiting:
            return "undestroy", {"version": waiting[0]["version"]}
        old = [each for each in versions if each["state"] == "deactivated"]
        if primary is None:
            return "rotate", {}
        roll = self.random.random()
        if roll < 0.5 or not old:
            return self.random.choice([
                ("rotate", {}), ("state", {"version": primary, "to": "suspended"}),
                ("state", {"version": primary, "to": "deactivated"})])
        if roll < 0.7:
            return "destroy", {"version": old[0]["version"], "after": 0}
        if roll < 0.85:
            return "destroy", {"version": old[0]["version"], "after": 3600}
        return "state", {"version": old[0]["version"], "to": "compromised"}

    def change(self, name, action, before, send):
        self.pending = (name, action, before)
        answer = send()
        if answer.status < 400:
            told = answer.json
            self.acknowledged[name] = rotated(before, told) if action == "rotate" else told
        self.pending = None
        self.did(answer)

    def did(self, answer, status=None):
        self.answered[answer.request_id] = answer.status
        if status:
            assert answer.status == status, answer.body
        elif answer.status >= 400:
            self.problems.append(f"{answer.status} {answer.body!r}")

    def check(self, api, keys):
        """What differs from the ledger, in words."""
        wrong = []
        for name, told in self.acknowledged.items():
            found = keys.get(name)
            if found == told:
                continue
            if self.pending and self.pending[0] == name and found:
                problem = half_done(self.pending[1], told, found)
                if problem is None:
                    self.acknowledged[name] = found
                    continue
                wrong.append(f"{name}: {self.pending[1]} is half done: {problem}")
            else:
                wrong.append(f"{name}: acknowledged {told} but found {found}")
        mine = {name for name in keys if name.startswith(f"w{self.number}/")}
        for name in mine - set(self.acknowledged):
            if self.pending and self.pending[:2] == (name, "create"):
                key = keys[name]
                if len(key["versions"]) != 1 or key["versions"][0]["state"] != "active":
                    wrong.append(f"{name}: half created: {key}")
                # Whole, so usable.
                if api.decrypt(name, api.encrypt(name, b"x")) != b"x":
                    wrong.append(f"{name}: does not work")
                self.acknowledged[name] = key
            else:
                wrong.append(f"{name}: came from nowhere")
        self.pending = None
        return wrong


def rotated(before, told):
    """The whole key after a rotation, of which the answer has the new version only."""
    (new,) = told["versions"]
    old = [{**each, "state": "deactivated", "deactivated_at": new["created_at"]}
           if each["state"] == "active" else each for each in before["versions"]]
    return {**told, "versions": [*old, new]}


def half_done(action, before, after):
    """None if `after` is `before` with all of `action` done to it; else what is missing."""
    old, new = before["versions"], after["versions"]
    if action == "rotate":
        if len(new) != len(old) + 1:
            return f"{len(old)} versions became {len(new)}"
        if [each["state"] for each in new].count("active") != 1 or new[-1]["state"] != "active":
            return f"states {[each['state'] for each in new]}"
        if after.get("primary_version") != new[-1]["version"]:
            return "the primary is not the new version"
        return None
    if len(new) != len(old):
        return "the versions changed in number"
    changed = [(a, b) for a, b in zip(old, new) if a != b]
    if len(changed) != 1:
        return f"{len(changed)} versions changed"
    one, two = changed[0]
    if action == "state":
        return None if one["state"] != two["state"] else "no state changed"
    if action == "destroy":
        done = two["state"] == "destroyed" and two.get("destroyed_at")
        return None if done or two.get("destroy_at") else "neither destroyed nor marked"
    if action == "undestroy":
        return None if not two.get("destroy_at") else "still marked"
    return "an unknown action"


@pytest.mark.timeout(3600 if os.environ.get("KEYWARD_KILLS") else pick(280, 4 * 3600))
def test_kill_at_random_moments(stores, report):
    kills, each_store = int(os.environ.get("KEYWARD_KILLS") or pick(20, 1000)), 50
    seed = random.SystemRandom().randrange(1 << 32)
    generator = random.Random(seed)
    totals = dict(kills=0, answers=0, kms=0, lost=0, half_done=0, missing_entries=0)
    begin = time.monotonic()
    while totals["kills"] < kills:
        one_store(stores().made(), min(each_store, kills - totals["kills"]), generator, totals)
    report("kill-9-under-load", seed=seed, **totals, seconds=round(time.monotonic() - begin))


def one_store(store, kills, generator, totals):
    """Kills one store again and again; the log grows, so a store lives for some kills only."""
    workers, checked, head = [], 0, None
    for round_ in range(kills):
        fresh = [Worker(store, number, generator) for number in range(4)]
        for worker, last in zip(fresh, workers):
            worker.acknowledged, worker.made = last.acknowledged, last.made
            worker.sealed, worker.calls = last.sealed[-20:], last.calls
        workers = fresh
        for worker in workers:
            worker.start()
        time.sleep(generator.uniform(0.02, 0.6))
        store.kill()
        for worker in workers:
            worker.join(60)
            assert not worker.is_alive() and not worker.problems, worker.problems
        store.start()
        totals["kills"] += 1
        api = store.api()
        keys = {key["name"]: api.show(key["name"]) for key in api.keys()
                if key["name"] != "etcd"}
        wrong = [words for worker in workers for words in worker.check(api, keys)]
        assert not wrong, wrong
        with store.plugin() as plugin:
            for worker in workers:
                for seed, sealed in worker.sealed:
                    assert plugin.open(sealed) == seed
        entries = api.audit(checked)
        assert [entry["index"] for entry in entries] == list(
            range(checked, checked + len(entries)))
        requests = {entry["request_id"]: entry["outcome"] for entry in entries}
        uids = {entry["details"].get("kms_uid") for entry in entries}
        for worker in workers:
            missing = set(worker.answered) - set(requests)
            missing |= worker.kms_answered - uids
            assert not missing, f"answers without an entry: {missing}"
            for request, status in worker.answered.items():
                assert (requests[request] == "allowed") == (status < 400)
            totals["answers"] += len(worker.answered)
            totals["kms"] += len(worker.kms_answered)
        checked += len(entries)
        new = api.checkpoint()
        if head:
            answer = api.get(
                "/api/v1/audit/consistency", **{"from": head["size"], "to": new["size"]}).json
            assert proofs.consistent(
                head["size"], new["size"], bytes.fromhex(head["root_hash"]),
                bytes.fromhex(new["root_hash"]), [bytes.fromhex(h) for h in answer["hashes"]])
        head = new
        found = api.must(api.post("/api/v1/fsck"), "fsck").json
        assert found["ok"] and found["authenticated"], found
        if round_ % pick(5, 10) == 0 or round_ == kills - 1:
            export = store.folder / "audit.log"
            export.write_bytes(api.export())
            clean, words = verdict(export.read_bytes(), head["verifier_key"])
            assert clean, words
            store.cli("audit", "verify", export, "--key", head["verifier_key"])
        api.close()
    store.stop()
    store.remove()

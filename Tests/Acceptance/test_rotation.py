"""Row 3: rotation under load, old ciphertexts, destroyed versions, key_ids used once.

test_backup.py has what a restore does to key_ids.
"""
import concurrent.futures
import json
import pathlib
import secrets
import subprocess
import sys

from harness import LONG, kms, pick
from harness.kms import failure_of


ROTATOR = pathlib.Path(__file__).parent / "harness" / "rotator.py"


def test_status_and_encrypt_agree_while_keys_rotate(store, report):
    pairs, connections = 10_000, 8
    rotator = subprocess.Popen(
        [sys.executable, str(ROTATOR), store.admin_path, "etcd"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def work(_):
        mismatches, seen, samples = 0, set(), []
        with store.plugin() as plugin:
            for number in range(pairs // connections):
                told = plugin.status().key_id
                seed = secrets.token_bytes(32)
                sealed = plugin.encrypt(seed)
                mismatches += sealed.key_id != told
                seen.add(told)
                if number % 10 == 0:
                    samples.append((seed, sealed))
            wrong = sum(plugin.open(sealed) != seed for seed, sealed in samples)
        return mismatches, seen, wrong, len(samples)

    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        results = list(pool.map(work, range(connections)))
    rotated = json.loads(rotator.communicate()[0])
    key_ids, seconds = rotated["key_ids"], rotated["seconds"]
    mismatches = sum(result[0] for result in results)
    seen = set().union(*(result[1] for result in results))
    wrong = sum(result[2] for result in results)
    report("rotation-under-load", pairs=pairs, connections=connections, mismatches=mismatches,
           rotations=len(key_ids), rotations_per_second=round(len(key_ids) / seconds, 1),
           key_ids_seen=len(seen), decrypted=sum(result[3] for result in results), wrong=wrong,
           seconds=round(seconds, 1))
    assert rotated["failures"] == []
    assert mismatches == 0 and wrong == 0
    # It was a race indeed, and every version had a key_id of its own.
    assert len(key_ids) >= 100 and len(seen) >= 50
    # The quick form shares its machine with whatever else the suite's user runs.
    assert not LONG or len(key_ids) >= 100 * seconds
    assert len(set(key_ids)) == len(key_ids)


def test_old_ciphertexts_open_and_destroyed_ones_do_not(store, report):
    api, kept = store.api(), []
    with store.plugin() as plugin:
        for version in range(1, 52):
            seed = secrets.token_bytes(32)
            sealed = plugin.encrypt(seed)
            direct = api.encrypt("etcd", seed)
            kept.append((version, seed, sealed, direct))
            if version <= 50:
                api.rotate("etcd")
        assert len({sealed.key_id for _, _, sealed, _ in kept}) == 51

        def all_open(without=()):
            for version, seed, sealed, direct in kept:
                if version not in without:
                    assert plugin.open(sealed) == seed, version
                    assert api.decrypt("etcd", direct) == seed, version

        def stays_shut(version):
            _, _, sealed, direct = kept[version - 1]
            assert failure_of(plugin.open, sealed)[0] == "FAILED_PRECONDITION"
            answer = api.act("etcd", "decrypt", octets=direct)
            assert (answer.status, answer.code) == (409, "key_state")

        all_open()
        # An order to destroy takes the version out of use at once, and can be taken back.
        api.destroy("etcd", version=13)
        stays_shut(13)
        all_open(without={13})
        assert api.act("etcd", "undestroy", version=13).status == 200
        all_open()
        key = api.destroy("etcd", version=7, after=0)
        assert [each["state"] for each in key["versions"]].count("destroyed") == 1
        stays_shut(7)
        all_open(without={7})
        assert api.act("etcd", "undestroy", version=7).code == "key_state"
        store.restart()
        api.close()
        stays_shut(7)
        all_open(without={7})
        # The active version is never destroyed by mistake.
        assert api.act("etcd", "destroy", version=51, after=0).code == "key_state"
        all_open(without={7})
    report("old-ciphertexts", rotations=50, opened=50, refused_destroyed=1)


def test_key_ids_are_used_once(store, report):
    """A, B, A; delete and recreate; across restarts and kills: no key_id comes again."""
    api, seen = store.api(), []

    def note(key):
        seen.extend(version["kms_key_id"] for version in key["versions"])

    note(api.show("etcd"))
    first = seen[0]
    ciphertexts = []
    with store.plugin() as plugin:
        for round_ in range(pick(10, 200)):
            seed = secrets.token_bytes(32)
            sealed = plugin.encrypt(seed)
            assert sealed.key_id == api.show("etcd")["versions"][-1]["kms_key_id"]
            ciphertexts.append(sealed)
            for version in api.show("etcd")["versions"]:
                if version["state"] == "active":
                    api.state("etcd", version["version"], "deactivated")
            gone = api.destroy("etcd", after=0)
            assert gone.get("deleted_at"), gone
            assert failure_of(plugin.status)[0] in ("FAILED_PRECONDITION", "NOT_FOUND")
            if round_ % 5 == 4:
                store.kill().start()
                api.close()
            store.ensure("etcd")
            if round_ % 2:
                api.rotate("etcd")
            note(api.show("etcd"))
        for sealed in ciphertexts:
            # The name came back, the key did not.
            assert failure_of(plugin.open, sealed)[0] in ("NOT_FOUND", "FAILED_PRECONDITION")
    # A, B, A: the key that a socket serves changes and changes back.
    store.sockets["other"] = str(store.folder / "other.sock")
    store.configure()
    store.restart()
    api.close()
    store.ensure("other")
    note(api.show("other"))
    before = api.show("etcd")["versions"][-1]["kms_key_id"]
    path = store.sockets["etcd"]
    told = []
    for keys in (("etcd", "other"), ("other", "etcd"), ("etcd", "other")):
        store.sockets = dict(zip(keys, (path, str(store.folder / "second.sock"))))
        store.configure()
        store.restart()
        with kms.Plugin(path) as plugin:
            told.append(plugin.status().key_id)
    assert told[0] == told[2] == before != told[1]
    api.close()
    # Rotated there and back, the old key_id stays in the past.
    api.rotate("etcd")
    note({"versions": api.show("etcd")["versions"][-1:]})
    report("key-ids", issued=len(seen), doubled=len(seen) - len(set(seen)))
    assert len(seen) == len(set(seen)) and first in seen

"""Backup and restore as an operator does them: what comes back, and what must not."""
import concurrent.futures
import json
import secrets
import threading

from harness.kms import failure_of


def restore(store, backup, *options, expect=0):
    return store.cli("backup", "restore", backup, "--data-dir", store.data,
                     "--key-file", store.key_file, *options, expect=expect)


def test_restore(store, report):
    """Everything as it was; key_ids never again; an audited acceptance of the rollback."""
    api, kept, issued = store.api(), [], []
    with store.plugin() as plugin:
        for _ in range(5):
            seed = secrets.token_bytes(32)
            kept.append((seed, plugin.encrypt(seed)))
            api.rotate("etcd")
        before = api.show("etcd")
        issued += [version["kms_key_id"] for version in before["versions"]]
        backup = store.folder / "keyward.backup"
        store.cli("backup", "create", "--out", backup)
        assert backup.stat().st_mode & 0o077 == 0
        # After the backup: more versions, whose key_ids were handed out.
        for _ in range(5):
            api.rotate("etcd")
        late = plugin.encrypt(b"l" * 32)
        issued += [version["kms_key_id"] for version in api.show("etcd")["versions"][6:]]
    assert len(set(issued)) == len(issued) == 11
    store.stop()
    restore(store, backup, expect=1)
    restore(store, backup, "--replace")
    store.start(ready=False)
    api.close()
    refused = api.unseal_answer()
    assert refused.code == "rollback_detected", refused.body
    api.unseal(accept="rollback")
    after = api.show("etcd")
    assert after["versions"][:6] == before["versions"][:6] or after == before
    with store.plugin() as plugin:
        for seed, sealed in kept:
            assert plugin.open(sealed) == seed
        assert failure_of(plugin.open, late)[0] in ("NOT_FOUND", "INVALID_ARGUMENT")
        for _ in range(8):
            new = api.rotate("etcd")["versions"][-1]["kms_key_id"]
            assert new not in issued, "a key_id came again after a restore"
            issued.append(new)
            assert plugin.status().key_id == new
    report("restore", old_opened=len(kept), key_ids=len(issued),
           doubled=len(issued) - len(set(issued)))


def test_restore_does_not_loosen(store):
    api = store.api()
    api.create("k", operations=["encrypt", "decrypt", "export"])
    backup = store.folder / "keyward.backup"
    store.cli("backup", "create", "--out", backup)
    api.must(api.act("k", "update", data={
        "operations": ["decrypt"], "never_exportable": True, "deletion_protected": True}))
    tight = api.show("k")
    store.stop()
    restore(store, backup, "--replace")
    store.start(ready=False)
    api.close()
    api.unseal(accept="rollback")
    key = api.show("k")
    assert set(key["operations"]) <= set(tight["operations"])
    assert key["never_exportable"] and key["deletion_protected"]


def test_a_damaged_backup_restores_nothing(store, report):
    backup = store.folder / "keyward.backup"
    store.cli("backup", "create", "--out", backup)
    good = backup.read_bytes()
    store.stop()
    before = store.fold().database.read_bytes()
    bad = [good[:cut] for cut in (0, 1, 100, len(good) // 2, len(good) - 1)] + [good + b"x"]
    for position in range(0, len(good), max(1, len(good) // 25)):
        changed = bytearray(good)
        changed[position] ^= 1
        bad.append(bytes(changed))
    for data in bad:
        backup.write_bytes(data)
        fresh = store.folder / "fresh"
        words = store.cli("backup", "restore", backup, "--data-dir", fresh,
                          "--key-file", store.key_file, expect=7)
        assert "backup" in words
        assert not fresh.exists() or not list(fresh.iterdir())
    backup.write_bytes(good)
    other = store.folder / "other.key"
    other.touch(mode=0o600)
    other.write_bytes(secrets.token_bytes(32))
    code = store.cli("backup", "restore", backup, "--data-dir", store.folder / "fresh",
                     "--key-file", other, expect=1)
    assert "key file" in code
    assert store.database.read_bytes() == before
    report("damaged-backups", tried=len(bad), refused=len(bad))
    store.start()


def test_backup_under_load(store, report):
    """A backup that is taken while everything changes is a whole store."""
    stop = threading.Event()

    def load():
        api = store.api()
        made = 0
        while not stop.is_set():
            api.create(f"load/k{made}")
            api.rotate("etcd")
            made += 1
        api.close()
        return made

    backups = [store.folder / f"b{number}" for number in range(5)]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load)
        try:
            for backup in backups:
                store.cli("backup", "create", "--out", backup)
        finally:
            stop.set()
        made = loading.result()
    store.stop()
    keys = []
    for number, backup in enumerate(backups):
        folder = store.folder / f"restored{number}"
        store.cli("backup", "restore", backup, "--data-dir", folder, "--key-file", store.key_file)
        found = json.loads(store.cli(
            "fsck", "--data-dir", folder, "--key-file", store.key_file, "-o", "json", expect=None))
        # A restored store has no anchor until its rollback is accepted.
        errors = [each for each in found["findings"] if each["table"] != "anchor"]
        assert found["authenticated"] and not errors, errors
        keys.append(found["checked"]["keys"])
    assert keys == sorted(keys) and keys[0] < keys[-1] <= made + 1
    report("backup-under-load", backups=len(backups), keys_in_them=keys)

"""Row 5: sealed, suspended, or no audit log: errors, and recovery on the same channel."""
import concurrent.futures
import itertools
import os
import pathlib
import secrets
import subprocess
import threading
import time

import grpc
import pytest
from harness import eventually, figures
from harness.kms import code_of, failure_of

CLOSED = ("FAILED_PRECONDITION", "UNAVAILABLE")
SEED = secrets.token_bytes(32)


def connections_of(store):
    return len(os.listdir(f"/proc/{store.process.pid}/fd"))


class Caller:
    """One channel that stays, and the proof that it stays: the server's count of descriptors."""

    def __init__(self, store):
        self.store, self.plugin = store, store.plugin()
        self.states = []
        self.plugin.channel.subscribe(self.states.append)
        self.old = self.plugin.encrypt(SEED)

    def open(self):
        assert self.plugin.status().healthz == "ok"
        sealed = self.plugin.encrypt(SEED)
        assert self.plugin.open(sealed) == SEED and self.plugin.open(self.old) == SEED

    def is_open(self):
        return code_of(self.plugin.status) == "OK"

    def shut(self):
        for call in (self.plugin.status, lambda: self.plugin.encrypt(SEED),
                     lambda: self.plugin.open(self.old)):
            code, words = failure_of(call)
            assert code in CLOSED, (code, words)
            # The words reach the logs of kube-apiserver: no key name, no path.
            assert "etcd" not in words and "/" not in words

    def never_reconnected(self):
        names = [state.name for state in self.states]
        assert names.count("READY") <= 1 and "TRANSIENT_FAILURE" not in names, names
        self.plugin.close()


@pytest.fixture
def caller(store):
    return Caller(store)


def test_sealed_and_unsealed(store, caller):
    api = store.api()
    for _ in range(3):
        caller.open()
        assert api.seal()["sealed"] is True
        caller.shut()
        assert api.get("/readyz").status == 503 and api.get("/livez").status == 200
        assert api.get("/api/v1/keys").code == "sealed"
        assert api.unseal()["sealed"] is False
        caller.open()
    caller.never_reconnected()


def test_sealed_while_calls_run(store):
    """Seals and unseals under load: every call is right or an error, and never wrong."""
    stop, plugins = threading.Event(), [store.plugin() for _ in range(4)]
    kept = [plugin.encrypt(SEED) for plugin in plugins]

    def work(plugin, old):
        wrong, codes = 0, set()
        while not stop.is_set():
            for call in (plugin.status, lambda: plugin.encrypt(SEED)):
                codes.add(code_of(call))
            try:
                wrong += plugin.open(old) != SEED
            except grpc.RpcError as error:
                codes.add(error.code().name)
        return wrong, codes

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work, *pair) for pair in zip(plugins, kept)]
        try:
            api = store.api()
            for _ in range(15):
                api.seal()
                time.sleep(0.05)
                api.unseal()
                time.sleep(0.05)
        finally:
            stop.set()
        results = [each.result() for each in working]
    codes = set().union(*(codes for _, codes in results))
    assert not any(wrong for wrong, _ in results)
    assert "OK" in codes and codes <= {"OK", *CLOSED} and len(codes) > 1, codes
    for plugin, old in zip(plugins, kept):
        assert plugin.status().healthz == "ok" and plugin.open(old) == SEED


def test_suspended_key(store, caller):
    api = store.api()
    for _ in range(2):
        caller.open()
        api.state("etcd", 1, "suspended")
        caller.shut()
        api.state("etcd", 1, "active")
    caller.open()
    # Deactivated: what it protected still opens, nothing new is protected.
    api.state("etcd", 1, "deactivated")
    assert failure_of(caller.plugin.status)[0] in CLOSED
    assert failure_of(caller.plugin.encrypt, SEED)[0] in CLOSED
    assert caller.plugin.open(caller.old) == SEED
    api.rotate("etcd")
    caller.open()
    caller.never_reconnected()


def test_revoking_a_suspended_old_version(store, caller):
    api = store.api()
    api.rotate("etcd")
    assert caller.plugin.open(caller.old) == SEED
    for state, code in (("compromised", "OK"),):
        api.state("etcd", 1, state)
        assert code_of(caller.plugin.open, caller.old) == code
    assert api.act("etcd", "state", version=1, to="active").code == "key_state"
    caller.open()


class SmallDisk:
    """A tmpfs for the data folder."""

    def __init__(self, folder, size="3m"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o700)
        self.mount(f"size={size},mode=700")
        self.filler = self.folder / "filler"

    def mount(self, options):
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", self.folder], check=True)

    def remount(self, mode):
        return subprocess.run(
            ["mount", "-o", f"remount,{mode}", self.folder], capture_output=True).returncode == 0

    def fill(self, leave=0):
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
            file.truncate(max(0, file.tell() - leave))

    def top_up(self):
        """Takes what has come free since."""
        with open(self.filler, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def free(self):
        self.filler.unlink(missing_ok=True)

    def close(self):
        subprocess.run(["umount", "-l", self.folder], check=False)


@pytest.fixture
def small(stores):
    store = stores()
    disk = SmallDisk(store.data)
    try:
        yield store.made(), disk
    finally:
        store.kill()
        disk.close()


@pytest.mark.root
def test_full_disk(small, report):
    """Nothing leaves without its entry; what left before is there; it recovers by itself."""
    store, disk = small
    caller, api = Caller(store), store.api()
    api.create("before")
    told, tries = [], itertools.count()

    def answers():
        uid = f"full-{next(tries)}"
        try:
            caller.plugin.encrypt(SEED, uid=uid)
        except grpc.RpcError as error:
            assert error.code().name in CLOSED, error
            return False
        told.append(uid)
        return True

    for round_ in range(2):
        disk.fill()
        # What the files already hold may take some more entries, and a log gives back what it has of the disk.
        for _ in range(100):
            while answers():
                assert len(told) < 20_000
            disk.top_up()
            if not answers():
                break
        caller.shut()
        assert api.get("/readyz").status == 503
        assert api.get("/livez").status == 200
        refused = api.post("/api/v1/keys", data={"name": f"never{round_}", "type": "aes-256"})
        assert refused.code in ("storage_full", "audit_unavailable"), refused.body
        assert "free space" in refused.words.lower() or "disk" in refused.words.lower()
        status = api.status()
        assert status["audit_writable"] is False and status["sealed"] is False
        disk.free()
        # The server looks by itself; nobody has to ask for anything that writes.
        begin = time.monotonic()
        eventually(caller.is_open, 60, what="recovery after space was freed")
        recovery = time.monotonic() - begin
        caller.open()
    caller.never_reconnected()
    api.create("after")
    store.restart()
    api.close()
    names = {key["name"] for key in api.keys()}
    assert names == {"etcd", "before", "after"}
    logged = {entry["details"].get("kms_uid") for entry in api.audit()}
    missing = [uid for uid in told if uid not in logged]
    report("full-disk", answered_before_full=len(told), missing_in_audit=len(missing),
           recovery_s=round(recovery, 1))
    assert not missing


@pytest.mark.root
def test_full_disk_at_start(small):
    """A server that starts on a full disk says so, or serves; it loses nothing."""
    store, disk = small
    api = store.api()
    api.create("before")
    caller = Caller(store)
    caller.plugin.close()
    store.kill()
    disk.fill()
    store.launch()
    outcome = eventually(
        lambda: store.process.poll() is not None or os.path.exists(store.admin_path)
        and "serves", 60)
    if outcome == "serves":
        store.wait(ready=False)
        status = eventually(
            lambda: (status := store.api().status()) and (
                not status["sealed"] or status.get("reason")) and status,
            what="a reason for being sealed")
        if status["sealed"]:
            assert any(word in status["reason"].lower() for word in ("space", "disk", "full"))
    else:
        assert store.process.returncode != 0
        assert any(word in store.log().lower() for word in ("space", "disk full"))
    store.kill()
    disk.free()
    store.start()
    assert {key["name"] for key in store.api().keys()} == {"etcd", "before"}
    with store.plugin() as plugin:
        assert plugin.open(caller.old) == SEED


@pytest.mark.root
def test_read_only_disk(small):
    store, disk = small
    caller = Caller(store)
    if disk.remount("ro"):
        eventually(lambda: not caller.is_open(), 60, what="the loss of the audit log")
        caller.shut()
        disk.remount("rw")
        eventually(caller.is_open, 60, what="recovery")
        caller.open()
    else:
        figures.gap("remount read-only under a running server: the kernel refuses while files are "
                    "open; a full disk and a start on a read-only disk are tried instead")
    store.stop()
    assert disk.remount("ro")
    code, words = store.refuses()
    assert code == 1, words
    assert str(store.data) in words and ("cannot be written" in words or "read-only" in words.lower())
    assert disk.remount("rw")
    store.start()
    with store.plugin() as plugin:
        assert plugin.open(caller.old) == SEED

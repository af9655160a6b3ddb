"""Row 10: where key material is, and where it is not."""
import base64
import concurrent.futures
import os
import pathlib
import secrets
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
from harness import ORACLES, figures, pick
from harness.memory import Scan

sys.path.insert(0, str(ORACLES))

pytestmark = pytest.mark.root

# Each material is  MARK_A | 8 of its own | MARK_B | 8 of its own:  two needles find all keys, and
# pieces of keys too. The marks are made at run time, so that no binary holds them.
MARK_A, MARK_B = secrets.token_bytes(8), secrets.token_bytes(8)


def material():
    return MARK_A + secrets.token_bytes(8) + MARK_B + secrets.token_bytes(8)


def needles(*extra):
    found = []
    for secret in (MARK_A, MARK_B, *extra):
        found += [secret, secret.hex().encode(), secret.hex().upper().encode()]
        # Base64 at each of its three phases, without the characters that neighbours share.
        for phase in range(3):
            text = base64.b64encode(bytes(phase) + secret)
            found.append(text[(phase * 8 + 5) // 6:len(text) - 4])
    return [needle for needle in found if len(needle) >= 8]


def root_key_of(store):
    """The root key, worked out from the key file by the second implementation."""
    from envelope_seal import root_key

    copy = store.folder / "copy.db"
    shutil.copy(store.database, copy)
    for suffix in ("-wal", "-shm"):
        if (store.data / f"keyward.db{suffix}").exists():
            shutil.copy(store.data / f"keyward.db{suffix}", f"{copy}{suffix}")
    connection = sqlite3.connect(copy)
    record = connection.execute("SELECT record FROM seals WHERE slot = 0").fetchone()[0]
    connection.close()
    return root_key(record, {"file": store.key_file.read_bytes().hex()})


def use(store, names):
    """Every way in and out that touches the keys."""
    def work(part):
        api = store.api()
        for name in part:
            sealed = api.encrypt(name, b"x" * 32)
            assert api.decrypt(name, sealed) == b"x" * 32
        api.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(work, (names[n::4] for n in range(4))))


@pytest.mark.timeout(pick(280, 1200))
def test_where_key_material_is(stores, report):
    store = stores().made()
    pid, count = store.process.pid, pick(200, 1000)
    kept = {f"canary/k{number:04}": material() for number in range(count)}

    def bring(part):
        api = store.api()
        for name in part:
            api.imported(name, kept[name])
        api.close()

    names = list(kept)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(bring, (names[n::4] for n in range(4))))
    use(store, names)
    seeds = [secrets.token_bytes(32) for _ in range(20)]
    with store.plugin() as plugin:
        for seed in seeds:
            assert plugin.open(plugin.encrypt(seed)) == seed
    root, file = root_key_of(store), store.key_file.read_bytes()
    wanted = needles(root, file)

    # The scan finds what must be there: the name of a key.
    control = Scan(pid, [b"canary/k0007"])
    assert control.outside and control.read > 1 << 20, "the scan finds nothing at all"

    unsealed = Scan(pid, wanted)
    report("memory-unsealed", keys=count, read_mib=unsealed.read >> 20,
           secret_mib=unsealed.secret >> 20, inside_arena=unsealed.inside,
           outside_arena=len(unsealed.outside))
    # A KMS seed is not key material of ours, and still no business of the heap.
    leaked = Scan(pid, seeds)
    report("memory-kms-seeds", seeds=len(seeds), outside_arena=len(leaked.outside))

    api = store.api()
    api.seal()
    time.sleep(5)
    sealed = Scan(pid, wanted)
    readable_arena = sealed.inside
    report("memory-sealed", keys=count, read_mib=sealed.read >> 20, hits=len(sealed.outside)
           + readable_arena, after_s=5)
    assert not unsealed.outside, unsealed.where()
    assert not sealed.outside, sealed.where()
    # Where the arena can be read (no secret memory), it must be empty now.
    assert not readable_arena
    assert not leaked.outside, leaked.where()
    # It was the material indeed: all of it works again.
    api.unseal()
    use(store, names[:20])
    elsewhere(store, wanted, report)
    if shutil.which("gcore"):
        core(store, wanted, report)
    else:
        figures.gap("a dump by gcore: gdb is not installed")


def elsewhere(store, wanted, report):
    """Files, logs, audit, arguments, environment."""
    api = store.api()
    places = {
        "argv": pathlib.Path(f"/proc/{store.process.pid}/cmdline").read_bytes(),
        "environ": pathlib.Path(f"/proc/{store.process.pid}/environ").read_bytes(),
        "audit": api.export(), "metrics": api.get("/metrics").body,
        "keys": b"".join(api.get(f"/api/v1/keys/canary/k{n:04}").body for n in range(20)),
        "logs": store.all_logs(),
    }
    for file in store.data.iterdir():
        if file.is_file():
            places[file.name] = file.read_bytes()
    hits = {name: [needle.hex() for needle in wanted if needle in data]
            for name, data in places.items()}
    assert b"canary/k0007" in places["audit"] and b"canary/k0007" in places["keyward.db-wal"] + (
        places["keyward.db"])
    report("memory-elsewhere", places=len(places), bytes=sum(map(len, places.values())),
           hits=sum(map(len, hits.values())))
    assert not any(hits.values()), {name: found for name, found in hits.items() if found}


def core(store, wanted, report):
    """A dump by root's debugger holds no key either."""
    result = subprocess.run(
        ["gcore", "-o", store.folder / "core", str(store.process.pid)],
        capture_output=True, text=True, timeout=120)
    file = store.folder / f"core.{store.process.pid}"
    if not file.exists():
        figures.gap(f"a dump by gcore: it made none: {result.stderr[-200:]}")
        return
    data = file.read_bytes()
    file.unlink()
    assert b"canary/k0007" in data
    hits = [needle for needle in wanted if needle in data]
    report("memory-core", mib=len(data) >> 20, hits=len(hits))
    assert not hits


def test_nobody_else_reads_the_process(store):
    """Undumpable: its memory and environment belong to root, whatever uid it has; no core file."""
    pid = store.process.pid
    # Set for each thread by itself, so each is asked.
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        assert "NoNewPrivs:\t1" in (thread / "status").read_text(), thread
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [
        ["0", "0"]]
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0


def test_a_process_of_the_same_user_cannot_read_it(stores):
    """Run as nobody: another process of nobody may not open its memory."""
    store = stores()
    os.chown(store.folder, 65534, 65534)
    os.chown(store.key_file, 65534, 65534)
    folder = os.path.dirname(store.binary)
    binary = store.folder / "keyward"
    shutil.copy(store.binary, binary)
    os.chmod(binary, 0o755)
    del folder
    store.binary = str(binary)
    store.launch(user=65534, group=65534, extra_groups=[])
    store.wait(ready=False)
    script = f"open('/proc/{store.process.pid}/mem', 'rb')"
    result = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", "-c", script], capture_output=True, text=True,
        user=65534, group=65534, extra_groups=[], cwd="/")
    assert result.returncode != 0 and "Permission" in result.stderr
    # The control: a process of nobody that is dumpable can be read.
    sleeper = subprocess.Popen(["/bin/sleep", "60"], user=65534, group=65534, extra_groups=[])
    try:
        control = subprocess.run(
            ["/usr/bin/python3", "-I", "-S", "-c", f"open('/proc/{sleeper.pid}/mem', 'rb')"],
            capture_output=True, text=True, user=65534, group=65534, extra_groups=[], cwd="/")
    finally:
        sleeper.kill()
        sleeper.wait()
    if control.returncode != 0:
        figures.gap("reading a process of the same user: this machine forbids it for all")

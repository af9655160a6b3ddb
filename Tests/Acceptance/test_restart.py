"""Row 4: kill -9 and start on the same socket; whose socket is never taken."""
import concurrent.futures
import os
import socket
import statistics
import subprocess
import sys
import time

import grpc
import pytest
from harness import LONG, kms, pick
from harness.kms import Plugin
from harness.server import connects


def first_answer(store):
    """Seconds from exec to the first answered Status, and the process's CPU seconds by then."""
    path = store.sockets["etcd"]
    refused = 0
    while time.monotonic() - store.started_at < 60:
        assert store.process.poll() is None, store.log()
        # A raw probe first: a refused gRPC channel would wait out its back-off.
        if not connects(path):
            refused += 1
            time.sleep(0.002)
            continue
        try:
            with Plugin(path) as plugin:
                while True:
                    try:
                        plugin.status(timeout=10)
                        return time.monotonic() - store.started_at, store.cpu_seconds()
                    except grpc.RpcError as error:
                        # Bound and sealed until the store is read.
                        if error.code() not in (grpc.StatusCode.FAILED_PRECONDITION,):
                            raise
                    time.sleep(0.002)
        except grpc.RpcError:
            pass
    raise AssertionError(f"no Status within a minute: {store.log()}")


def make_keys(store, count):
    def work(part):
        api = store.api()
        for number in range(part, count, 8):
            api.create(f"made/k{number:06}")
        api.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


@pytest.mark.timeout(pick(280, 3600))
def test_kill_and_start_on_the_same_socket(store, report):
    keys, kills = pick(1000, 10_000), pick(10, 100)
    begin = time.monotonic()
    make_keys(store, keys)
    creating = time.monotonic() - begin
    with store.plugin() as plugin:
        sealed = plugin.encrypt(b"s" * 32)
    times, cpu = [], []
    for _ in range(kills):
        store.kill()
        # A dead server's socket file stays, and refuses.
        assert os.path.exists(store.sockets["etcd"]) and not connects(store.sockets["etcd"])
        store.launch()
        wall, used = first_answer(store)
        times.append(wall)
        cpu.append(used)
        assert os.stat(store.sockets["etcd"]).st_mode & 0o777 == 0o600
        with store.plugin() as plugin:
            assert plugin.open(sealed) == b"s" * 32
    assert store.api().status()["keys"] == keys + 1
    report("kill-and-start", keys=keys, kills=kills, bound=len(times),
           max_ms=round(max(times) * 1000), median_ms=round(statistics.median(times) * 1000),
           max_cpu_ms=round(max(cpu) * 1000),
           creates_per_second=round(keys / creating))
    # On a loaded machine time on the wall says little; what the process itself needed says it all.
    assert max(cpu) <= 1.0
    if LONG:
        assert max(times) <= 1.0


def listener(path):
    """A live server of somebody else."""
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.bind(path)
    one.listen()
    return one


def occupied_by_live_socket(path):
    return listener(path)


def occupied_by_full_backlog(path):
    """A live server that accepts nothing for now: connecting would block, not fail."""
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.bind(path)
    one.listen(0)
    clients = []
    for _ in range(4):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.setblocking(False)
        try:
            client.connect(path)
        except BlockingIOError:
            pass
        clients.append(client)
    return one, clients


def occupied_by_datagram_socket(path):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.bind(path)
    return one


def occupied_by_file(path):
    with open(path, "w") as file:
        file.write("precious")


def occupied_by_folder(path):
    os.mkdir(path)


def occupied_by_fifo(path):
    os.mkfifo(path)


def occupied_by_link_to_file(path):
    target = path + ".target"
    occupied_by_file(target)
    os.symlink(target, path)


def occupied_by_link_to_stale_socket(path):
    listener(path + ".target").close()
    os.symlink(path + ".target", path)


def occupied_by_broken_link(path):
    os.symlink(path + ".nowhere", path)


def occupied_by_foreign_stale_socket(path):
    listener(path).close()
    os.chown(path, 65534, 65534)


CASES = {
    name.removeprefix("occupied_by_"): make
    for name, make in list(globals().items()) if name.startswith("occupied_by_")
}


@pytest.mark.root
@pytest.mark.parametrize("which", ["kms", "admin"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_not_ours_is_never_unlinked(stores, case, which):
    store = stores()
    path = store.sockets["etcd"] if which == "kms" else store.admin_path
    holder = CASES[case](path)
    before = os.lstat(path)
    code, words = store.refuses()
    after = os.lstat(path)
    assert code == 1 and path in words, (code, words)
    assert (before.st_ino, before.st_mode, before.st_mtime_ns) == (
        after.st_ino, after.st_mode, after.st_mtime_ns)
    assert any(word in words for word in ("remove", "stop", "move", "choose")), words
    if case == "file":
        assert open(path).read() == "precious"
    if case == "live_socket":
        assert connects(path)
    del holder


def test_a_live_keyward_keeps_its_socket(store, stores):
    second = stores()
    second.sockets["etcd"] = store.sockets["etcd"]
    second.configure()
    code, words = second.refuses()
    assert code == 1 and store.sockets["etcd"] in words and "stop it" in words
    with store.plugin() as plugin:
        assert plugin.status().healthz == "ok"


def test_a_live_abstract_socket_is_kept(stores):
    name = f"@keyward-live-{os.getpid()}"
    store = stores()
    store.sockets["etcd"] = name
    store.configure()
    with listener("\0" + name[1:]):
        code, words = store.refuses()
        assert code == 1 and name in words and "another process" in words
    store.made()
    with Plugin(name) as plugin:
        assert plugin.status().healthz == "ok"


def test_many_start_at_once_and_one_wins(stores):
    """Eight servers with data folders of their own race for one socket, stale at first."""
    first = stores()
    path = first.sockets["etcd"]
    listener(path).close()
    rivals = [first]
    for _ in range(7):
        rival = stores()
        rival.sockets["etcd"] = path
        rival.configure()
        rivals.append(rival)
    for rival in rivals:
        rival.launch()
    deadline = time.monotonic() + 60
    while sum(rival.process.poll() is None for rival in rivals) > 1:
        assert time.monotonic() < deadline, "more than one server keeps the socket"
        time.sleep(0.05)
    alive = [rival for rival in rivals if rival.process.poll() is None]
    assert len(alive) == 1
    assert all(rival.process.returncode == 1 for rival in rivals if rival not in alive)
    alive[0].wait(ready=False)
    assert connects(path)


def test_the_socket_is_gone_after_a_clean_stop(store):
    store.stop()
    assert not os.path.exists(store.sockets["etcd"]) and not os.path.exists(store.admin_path)


def test_a_replaced_socket_is_left_alone(store):
    """Somebody else took the path meanwhile: stopping must not unlink theirs."""
    path = store.sockets["etcd"]
    os.unlink(path)
    with listener(path):
        store.stop()
        assert connects(path)

"""systemd: readiness, socket activation, graceful stop, reload."""
import concurrent.futures
import http.client
import os
import pathlib
import signal
import socket
import sys
import threading
import time

import grpc
import pytest
from harness import eventually, pick
from harness.kms import code_of
from harness.server import connects

# Becomes the server after it put the sockets where systemd puts them.
LAUNCHER = r"""
import os, sys
count, names = int(sys.argv[1]), sys.argv[2]
high = [os.dup(int(fd)) for fd in sys.argv[3].split(",")]
high = [os.dup2(fd, 100 + index) for index, fd in enumerate(high)]
for index, fd in enumerate(high):
    os.dup2(fd, 3 + index, inheritable=True)
for fd in range(3 + count, 256):
    try:
        os.close(fd)
    except OSError:
        pass
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count), LISTEN_FDNAMES=names)
os.execv(sys.argv[4], sys.argv[4:])
"""


class Notified:
    """The socket that systemd listens on for states."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.lines = []

    def read(self):
        self.socket.setblocking(False)
        while True:
            try:
                self.lines += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.lines

    def has(self, line):
        return line in self.read()


def listen(path):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.bind("\0" + path[1:] if path.startswith("@") else path)
    one.listen(1024)
    return one


class Activated:
    """Listening sockets of a service manager, and servers that are started with them."""

    def __init__(self, store):
        self.store = store
        self.listeners = {"admin": listen(store.admin_path)}
        for key, path in store.sockets.items():
            self.listeners[key] = listen(path)

    def start(self, ready=True):
        fds = [one.fileno() for one in self.listeners.values()]
        command = [sys.executable, "-c", LAUNCHER, str(len(fds)), ":".join(self.listeners),
                   ",".join(map(str, fds)), *self.store.command]
        self.store.launch(command, pass_fds=fds)
        return self.store.wait(ready)

    def made(self):
        self.start(ready=False)
        self.store.api().init()
        self.store.wait()
        for key in self.store.sockets:
            self.store.ensure(key)
        return self


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_notifications(stores, kind):
    store = stores()
    address = str(store.folder / "notify") if kind == "path" else f"@kw-notify-{os.getpid()}"
    notified = Notified(address)
    store.environment["NOTIFY_SOCKET"] = address
    store.environment["WATCHDOG_USEC"] = "3000000"
    store.launch()
    eventually(lambda: notified.has("READY=1"), what="READY=1")
    # Ready means that every socket answers, sealed or not.
    assert connects(store.sockets["etcd"]) and store.api().get("/livez").status == 200
    store.api().init()
    eventually(lambda: notified.has("WATCHDOG=1"), what="a sign of life")
    notified.lines.clear()
    store.process.send_signal(signal.SIGHUP)
    eventually(lambda: notified.has("RELOADING=1"), what="RELOADING=1")
    assert any(line.startswith("MONOTONIC_USEC=") for line in notified.lines)
    eventually(lambda: notified.has("READY=1"), what="READY=1 after the reload")
    assert not notified.has("STOPPING=1")
    store.stop()
    assert notified.has("STOPPING=1")


def test_not_ready_when_it_does_not_start(stores):
    store = stores()
    notified = Notified(str(store.folder / "notify"))
    store.environment["NOTIFY_SOCKET"] = str(store.folder / "notify")
    pathlib.Path(store.sockets["etcd"]).write_text("in the way")
    store.refuses()
    assert not notified.has("READY=1")


def test_socket_activation(stores):
    store = stores(keys=("etcd", "abstract"))
    store.sockets["abstract"] = f"@kw-activated-{os.getpid()}"
    store.configure()
    activated = Activated(store).made()
    for key in ("etcd", "abstract"):
        with store.plugin(key) as plugin:
            assert plugin.open(plugin.encrypt(b"s" * 32)) == b"s" * 32
    store.stop()
    # The service manager's socket stays, with its file.
    assert os.path.exists(store.sockets["etcd"]) and os.path.exists(store.admin_path)
    activated.start()
    with store.plugin("etcd") as plugin:
        assert plugin.status().healthz == "ok"


def test_activation_meant_for_another_process(stores):
    """LISTEN_PID of somebody else: the server binds for itself."""
    store = stores()
    store.environment.update(LISTEN_PID="1", LISTEN_FDS="1", LISTEN_FDNAMES="etcd")
    store.made()
    with store.plugin() as plugin:
        assert plugin.status().healthz == "ok"


def test_a_passed_socket_that_is_none(stores):
    store = stores()
    with open("/dev/null") as null:
        command = [sys.executable, "-c", LAUNCHER, "1", "etcd", str(null.fileno()), *store.command]
        store.launch(command, pass_fds=[null.fileno()])
        assert store.exit_code() == 1
    assert "etcd" in store.log() and "not a listening Unix stream socket" in store.log()


@pytest.mark.timeout(pick(280, 1800))
def test_restart_under_activation(stores, report):
    """Callers that wait for readiness, as kube-apiserver does, see no failed call and no refusal."""
    store = stores()
    activated = Activated(store).made()
    stop, refused, probes = threading.Event(), [], []

    def work(number):
        calls, failed, last = 0, [], 0.0
        # As grpc-go always does, a call that a GOAWAY says was not begun is sent again.
        options = {"timeout": 60, "options": [("grpc.enable_retries", 1)]}
        plugin = store.plugin(**options)
        while not stop.is_set():
            begin = time.monotonic()
            try:
                sealed = plugin.encrypt(b"s" * 32, wait_for_ready=True)
                if plugin.open(sealed, wait_for_ready=True) != b"s" * 32:
                    failed.append("WRONG")
            except grpc.RpcError as error:
                failed.append(f"{error.code().name} {error.details()}")
            last = max(last, time.monotonic() - begin)
            calls += 2
            if number % 2:
                # A kube-apiserver that starts now.
                plugin.close()
                plugin = store.plugin(**options)
        plugin.close()
        return calls, failed, last

    def probe():
        while not stop.is_set():
            (probes if connects(store.sockets["etcd"]) else refused).append(1)
            time.sleep(0.005)

    restarts = pick(5, 50)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        working = [pool.submit(work, number) for number in range(4)]
        probing = pool.submit(probe)
        try:
            for _ in range(restarts):
                time.sleep(0.4)
                store.stop()
                activated.start()
        finally:
            stop.set()
        results = [each.result() for each in working]
        probing.result()
    failed = [words for _, failures, _ in results for words in failures]
    report("restart-under-activation", restarts=restarts, calls=sum(result[0] for result in results),
           failed=len(failed), connects=len(probes), refused=len(refused),
           longest_pair_ms=round(1000 * max(result[2] for result in results)))
    assert not refused and not failed, failed[:5]


def test_sigterm_under_load(store, report):
    """What was done is answered: no entry of a call that its caller never heard of."""
    stop = threading.Event()

    def work(number):
        answered, unanswered = set(), set()
        with store.plugin() as plugin:
            for count in range(1_000_000):
                if stop.is_set():
                    break
                uid = f"term-{number}-{count}"
                try:
                    plugin.encrypt(b"s" * 32, uid=uid)
                    answered.add(uid)
                except grpc.RpcError as error:
                    assert error.code().name in ("UNAVAILABLE", "CANCELLED"), error
                    unanswered.add(uid)
                    if store.process.poll() is not None:
                        break
        return answered, unanswered

    def admin(number):
        answered, api = set(), store.api()
        for count in range(1_000_000):
            try:
                answer = api.act("etcd", "encrypt", octets=b"s" * 32)
            except (OSError, http.client.HTTPException):
                break
            answered.add(answer.request_id)
        return answered

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        working = [pool.submit(work, number) for number in range(4)]
        admins = [pool.submit(admin, number) for number in range(2)]
        time.sleep(1.5)
        begin = time.monotonic()
        store.process.send_signal(signal.SIGTERM)
        try:
            code = store.exit_code(60)
        finally:
            stop.set()
        seconds = time.monotonic() - begin
        results = [each.result() for each in working]
        admin_answers = set().union(*(each.result() for each in admins))
    assert code == 0, store.log()[-1000:]
    answered = set().union(*(result[0] for result in results))
    unanswered = set().union(*(result[1] for result in results))
    store.start()
    entries = store.api().audit()
    logged = {entry["details"].get("kms_uid") for entry in entries if entry["outcome"] == "allowed"}
    requests = {entry["request_id"] for entry in entries}
    lost = logged & unanswered
    report("sigterm-under-load", answered=len(answered) + len(admin_answers),
           done_but_unanswered=len(lost), answered_but_not_logged=len(answered - logged),
           seconds=round(seconds, 2))
    assert answered <= logged and admin_answers <= requests
    assert not lost, "calls were carried out whose answer never came"
    assert len(answered) > 20 and admin_answers


def test_a_clean_stop_leaves_one_file(store, report):
    """Closed and checkpointed: keyward.db alone is the whole store."""
    left = 0
    for _ in range(10):
        store.stop()
        left += (store.data / "keyward.db-wal").exists()
        store.start()
    report("clean-stops", stops=10, write_ahead_log_left=left)
    assert left == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_right_after_the_start(stores, name):
    """From the moment that a socket answers, signals are handled and not deadly."""
    store = stores()
    store.made().stop()
    notified = Notified(str(store.folder / "notify"))
    store.environment["NOTIFY_SOCKET"] = str(store.folder / "notify")
    for number in range(10):
        # What the run before said must not pass for the word of this one.
        notified.read()
        notified.lines.clear()
        store.launch()
        if number % 2:
            eventually(lambda: connects(store.sockets["etcd"]), pause=0.0005)
        else:
            eventually(lambda: notified.has("READY=1"), pause=0.0005)
        store.process.send_signal(getattr(signal, name))
        if name == "SIGHUP":
            store.wait()
            store.process.send_signal(signal.SIGTERM)
        assert store.exit_code() == 0, f"{name} in run {number}: {store.log()}"
        assert not os.path.exists(store.sockets["etcd"])


def test_sigint_stops_too(store):
    store.process.send_signal(signal.SIGINT)
    assert store.exit_code() == 0


def test_reload(store, report):
    """SIGHUP adds and removes KMS sockets; what stays keeps its connections."""
    first = store.plugin()
    assert first.status().healthz == "ok"
    fds = len(os.listdir(f"/proc/{store.process.pid}/fd"))
    store.sockets["second"] = str(store.folder / "second.sock")
    store.configure()
    assert not os.path.exists(store.sockets["second"])
    store.process.send_signal(signal.SIGHUP)
    eventually(lambda: connects(store.sockets["second"]), what="the new socket")
    with store.plugin("second") as plugin:
        eventually(lambda: code_of(plugin.status) == "OK", what="the new socket's key")
        assert plugin.status().key_id != first.status().key_id
    gone = store.sockets.pop("second")
    store.configure()
    store.process.send_signal(signal.SIGHUP)
    eventually(lambda: not os.path.exists(gone), what="the end of the removed socket")
    assert first.status().healthz == "ok"
    # A file with a mistake changes nothing.
    store.config_file.write_text("data_dir: /tmp\nkmss: []\n")
    store.process.send_signal(signal.SIGHUP)
    eventually(lambda: "server.yaml:2" in store.log(), what="a complaint with its line")
    assert first.status().healthz == "ok" and store.process.poll() is None
    store.configure()
    eventually(lambda: len(os.listdir(f"/proc/{store.process.pid}/fd")) <= fds + 2)
    store.restart()


def test_reload_under_load(store):
    with store.plugin() as plugin:
        for _ in range(20):
            store.process.send_signal(signal.SIGHUP)
            for _ in range(10):
                assert plugin.status().healthz == "ok"
    assert store.process.poll() is None

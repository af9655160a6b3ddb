"""Bad input: each is refused with words that say what is wrong and what to do; nothing is lost."""
import os
import secrets
import socket
import sqlite3
import subprocess
import time

import pytest
from harness import eventually
from harness.clock import Clock
from harness.kms import code_of


def works(store):
    """The store as it was: it starts, and opens what it sealed."""
    store.start()
    with store.plugin() as plugin:
        assert plugin.status().healthz == "ok"
        assert plugin.open(plugin.encrypt(b"s" * 32)) == b"s" * 32
    store.stop()


@pytest.fixture
def stopped(store):
    return store.stop()


# Shares


@pytest.fixture
def shared(stores):
    store = stores(seal="shamir")
    store.start(ready=False)
    store.lines = store.api().init("shamir", shares=5, threshold=3)
    assert len(store.lines) == 5 and len(set(store.lines)) == 5
    return store


def test_shares(shared, stores):
    api, lines = shared.api(), shared.lines
    other = stores(seal="shamir").start(ready=False)
    foreign = other.api().init("shamir", shares=5, threshold=3)

    def refused(line, *words):
        answer = api.unseal_answer(line)
        assert (answer.status, answer.code) == (400, "wrong_share"), answer.body
        for word in words:
            assert word in answer.words, (word, answer.words)
        # The words never repeat what was typed.
        assert len(line) < 20 or line not in answer.body.decode()

    assert api.status()["progress"] == 0
    assert api.unseal(lines[1])["progress"] == 1
    refused(lines[1], "Share 2", "already")
    refused(foreign[0], "Share 1", "set")
    letters = "abcdefghijkmnpqrstuvwxyz"
    for position in (len(lines[0]) // 2, len(lines[0]) - 1):
        wrong = next(letter for letter in letters if letter != lines[0][position].lower())
        refused(lines[0][:position] + wrong + lines[0][position + 1:])
    refused(lines[0][:-3])
    refused("kwshare1")
    refused("not a share")
    # A wrong one takes nothing away.
    assert api.status()["progress"] == 1
    assert api.unseal(lines[4])["progress"] == 2
    assert api.status()["sealed"] is True
    assert api.unseal(lines[2].upper() if lines[2].islower() else lines[2])["sealed"] is False
    assert api.unseal_answer(lines[3]).code == "conflict"
    api.create("k")
    api.seal()
    # Any three, in one request, and the words of the holders are in the log by index.
    assert api.unseal("\n".join(lines[2:5]))["sealed"] is False
    shared.kill().start(ready=False)
    api.close()
    assert api.status()["sealed"] is True
    assert api.unseal("\n".join([lines[0], lines[4], lines[1]]))["keys"] >= 1


def test_shares_are_nowhere(shared):
    api = shared.api()
    api.unseal("\n".join(shared.lines[:3]))
    export = api.export()
    places = [export, shared.all_logs()] + [
        file.read_bytes() for file in shared.data.iterdir() if file.is_file()]
    for line in shared.lines:
        tail = line.split("-")[-1].encode() if "-" in line else line[20:].encode()
        assert not any(line.encode() in place or tail in place for place in places)


@pytest.mark.parametrize("query", [
    {"shares": 0, "threshold": 1}, {"shares": 3, "threshold": 4}, {"shares": 256, "threshold": 2},
    {"shares": 5, "threshold": 1}, {"shares": 5, "threshold": 0}, {"shares": -1, "threshold": 1},
    {"shares": "x", "threshold": 1}, {"seal": "none"}, {"seal": "key-file"}, {"seal": "credential"},
])
def test_init_with_what_cannot_be(stores, query):
    store = stores(seal="shamir").start(ready=False)
    answer = store.api().post("/api/v1/operator/init", octets=b"", **query)
    assert answer.status == 400 and answer.code == "invalid_request", answer.body
    assert store.api().status()["initialized"] is False


def test_passphrase(stores):
    store = stores(seal="passphrase").start(ready=False)
    api = store.api()
    for weak in (b"", b"short", b"aaaaaaaaaaaaaaaaaaaa"):
        answer = api.post("/api/v1/operator/init", octets=weak, seal="passphrase", shares=3,
                          threshold=2)
        assert answer.status == 400, weak
    words = b"seven green bridges over tea"
    recovery = api.init("passphrase", shares=3, threshold=2, passphrase=words)
    answer = api.unseal_answer(b"seven green bridges over sea")
    assert answer.code == "wrong_passphrase" and b"bridges" not in answer.body
    assert api.unseal(words)["sealed"] is False
    api.seal()
    # The recovery shares open it too.
    assert api.unseal("\n".join(recovery[:2]))["sealed"] is False


# The key file


@pytest.mark.parametrize("case", ["missing", "others read", "link", "fifo", "folder", "another"])
def test_key_file(stopped, case):
    store, path = stopped, stopped.key_file
    content = path.read_bytes()
    aside = store.folder / "aside"
    if case == "others read":
        path.chmod(0o644)
    else:
        path.rename(aside)
    if case == "link":
        path.symlink_to(aside)
    elif case == "fifo":
        os.mkfifo(path, 0o600)
    elif case == "folder":
        path.mkdir()
    elif case == "another":
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    store.start(ready=False)
    api = store.api()
    reason = eventually(lambda: api.status().get("reason"), 20, what="a reason")
    status = api.status()
    assert status["sealed"] is True
    assert str(path) in reason or case == "another"
    if case == "others read":
        assert "chmod 600" in reason
    with store.plugin() as plugin:
        assert code_of(plugin.status) == "FAILED_PRECONDITION"
    # Put right, an empty unseal tries again.
    if path.is_symlink() or path.is_fifo() or path.is_file():
        path.unlink()
    elif path.is_dir():
        path.rmdir()
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)
    assert api.unseal()["sealed"] is False
    store.stop()
    works(store)


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"\0" * 32, b"ab" * 16])
def test_a_key_file_that_is_none(stores, content):
    store = stores()
    store.key_file.write_bytes(content)
    store.start(ready=False)
    answer = store.api().post(
        "/api/v1/operator/init", octets=b"", seal="key-file", shares=1, threshold=1)
    assert answer.status == 400 and "head -c 32" in answer.words
    assert store.api().status()["initialized"] is False


# Starting


def test_a_second_server_on_the_same_folder(store):
    second = store.folder / "second.yaml"
    text = store.config_file.read_text()
    for path in (store.admin_path, store.sockets["etcd"]):
        text = text.replace(path, path + "2")
    second.write_text(text)
    result = subprocess.run(
        [store.binary, "server", "--config", second], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert str(store.data) in result.stderr and "stop it" in result.stderr
    with store.plugin() as plugin:
        assert plugin.status().healthz == "ok"


@pytest.mark.parametrize("text, place, words", [
    ("data_dir: /tmp/x\nsurprise: 1\n", ":2:1", "surprise"),
    ("admin:\n  socket: unix:///tmp/x\n  sokket: 1\n", ":3:3", "sokket"),
    ("kms:\n  - key: a\n    socket: unix:///tmp/a\n    extra: 1\n", ":4:5", "extra"),
    ("kms:\n  - key: a\n", ":2", "socket"),
    ("kms:\n  - {key: ../a, socket: 'unix:///tmp/a'}\n", ":2", "key name"),
    ("kms:\n  - {key: a, socket: /tmp/a}\n", ":2", "unix:///"),
    ("kms:\n  - {key: a, socket: 'unix://tmp/a'}\n", ":2", "unix:///"),
    ("data_dir: relative\n", ":1", "absolute"), ("data_dir: [1]\n", ":1", "text"),
    ("log_level: loud\n", ":1", "log_level"), ("memory_limit_mib: 1\n", ":1", "number"),
    ("data_dir: /tmp/x\ndata_dir: /tmp/y\n", "", "data_dir"),
    ("seal: {key_file: /a, credential: b}\n", ":1", "one of"), ("{{{", "", "YAML"),
    ("admin: {allowed_uids: []}\n", ":1", "nobody"), ("admin: {allowed_uids: [-1]}\n", ":1", "user"),
])
def test_configuration_mistakes(stores, text, place, words):
    store = stores()
    store.config_file.write_text(text)
    code, said = store.refuses()
    assert code == 2, said
    assert str(store.config_file) + place in said and words in said, said
    assert not store.data.exists()


@pytest.mark.parametrize("arguments, words", [
    (["--kms", "etcd"], "KEY=unix"), (["--kms", "../x=unix:///tmp/x"], "key name"),
    (["--kms", "x=unix:///" + "a" * 200], "107 bytes"), (["--surprise"], "surprise"),
    (["--data-dir"], "data-dir"), (["--seal-key-file", "/a", "--seal-credential", "b"], "exclude"),
    (["--kms", "a=unix:///tmp/same", "--kms", "b=unix:///tmp/same"], "twice"),
    (["--seal-credential", "x"], "CREDENTIALS_DIRECTORY"),
])
def test_wrong_options(stores, arguments, words):
    store = stores()
    store.config_file.write_text(
        f"data_dir: {store.data}\nadmin:\n  socket: unix://{store.admin_path}\n")
    code, said = store.refuses(*arguments)
    assert code in (2, 64) and words in said, (code, said)


def test_missing_configuration(stores):
    store = stores()
    store.config_file.unlink()
    code, said = store.refuses()
    assert code == 2 and str(store.config_file) in said


@pytest.mark.root
@pytest.mark.parametrize("case", ["open", "file", "foreign", "link"])
def test_data_folders_that_are_refused(stores, case):
    store = stores()
    if case == "open":
        store.data.mkdir(mode=0o755)
        store.data.chmod(0o755)
    elif case == "file":
        store.data.write_text("x")
    elif case == "foreign":
        store.data.mkdir(mode=0o700)
        os.chown(store.data, 65534, 65534)
    else:
        target = store.folder / "target"
        target.mkdir(mode=0o700)
        store.data.symlink_to(target)
    code, said = store.refuses()
    assert code == 1 and str(store.data) in said, (code, said)
    if case == "open":
        assert "chmod 700" in said


def test_databases_that_are_refused(stopped):
    store = stopped.fold()
    good = store.database.read_bytes()

    def pragma(text):
        connection = sqlite3.connect(store.database)
        connection.execute(text)
        connection.commit()
        connection.close()

    def refusal(*words):
        code, said = store.refuses(timeout=20)
        assert code == 1, (code, said)
        for word in words:
            assert word in said, (word, said)
        for leftover in ("-wal", "-shm"):
            (store.data / f"keyward.db{leftover}").unlink(missing_ok=True)
        store.database.write_bytes(good)

    connection = sqlite3.connect(store.database)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    pragma(f"PRAGMA user_version = {version + 1}")
    refusal(f"schema {version + 1}", "later")
    pragma("PRAGMA application_id = 7")
    refusal(str(store.database), "another application", "another data folder")
    store.database.write_bytes(b"SQLite format 3\0" + secrets.token_bytes(len(good) - 16))
    refusal("restore")
    store.database.write_bytes(secrets.token_bytes(8192))
    refusal(str(store.database), "not a database", "restore")
    store.database.write_bytes(good[:len(good) // 2])
    refusal("restore")
    store.database.chmod(0o644)
    code, said = store.refuses()
    assert code == 1 and "chmod 600" in said, said
    store.database.chmod(0o600)
    works(store)


# The clock


def test_clock_set_back(stores):
    """Destruction and rotation wait; entries do not go back in time; service goes on."""
    store = stores()
    clock = Clock(store)
    store.made()
    api = store.api()
    clock.set(3600)
    api.create("doomed")
    api.rotate("doomed")
    clock.set(0)
    status = eventually(
        lambda: (now := api.status()) and "clock" in (now.get("reason") or "") and now,
        what="word of the clock")
    assert status["sealed"] is False
    with store.plugin() as plugin:
        assert plugin.open(plugin.encrypt(b"s" * 32)) == b"s" * 32
    times = [entry["time"] for entry in api.audit()]
    assert times == sorted(times)
    # Due by an hour that is past on the log's clock, but the clock cannot be trusted now.
    key = api.destroy("doomed", version=1, after=1)
    assert key["versions"][0]["state"] != "destroyed"
    store.restart()
    api.close()
    assert "clock" in eventually(lambda: api.status().get("reason"), what="word after a restart")
    time.sleep(6.5)
    assert api.show("doomed")["versions"][0]["state"] != "destroyed"
    times = [entry["time"] for entry in api.audit()]
    assert times == sorted(times)
    # The clock is right again: what is due is done.
    clock.set(3700)
    eventually(lambda: api.show("doomed")["versions"][0]["state"] == "destroyed",
               what="the destruction that was due")
    assert not api.status().get("reason")


# The API


@pytest.mark.parametrize("name", [
    "..", "../etc", "a/../b", "a/..", ".", "a//b", "/a", "a/", "a b", "a\nb", "a\0b", "a\x7fb",
    "a\u202eb", "\u00e4", "a:b", "-a", "a" * 65, "/".join("abcdefghi"), "a/" + "b" * 199, "a%2fb", "",
])
def test_key_names(store, name):
    api = store.api()
    answer = api.post("/api/v1/keys", data={"name": name, "type": "aes-256"})
    assert (answer.status, answer.code) == (400, "invalid_request"), answer.body
    assert "name" in answer.words
    # What the caller wrote is not echoed with its control characters.
    assert not any(ord(letter) < 32 for letter in answer.json["detail"])
    assert [key["name"] for key in api.keys()] == ["etcd"]


@pytest.mark.parametrize("path", [
    "/api/v1/keys/..", "/api/v1/keys/../../etc", "/api/v1/keys/a%2f..", "/api/v1/keys/a%00",
    "/api/v1/keys/etcd/", "/api/v1/keys//etcd", "/api/v1/keys/%65tcd", "/api/v1//keys", "//",
    "/api/v1/keys/etcd:nothing", "/api/v1/keys/etcd:rotate:rotate", "/api/v2/keys", "*", "/api/v1",
])
def test_paths(store, path):
    answer = store.api().get(path)
    assert answer.status in (400, 404, 405), (path, answer.status)
    assert answer.json["code"] in ("invalid_request", "not_found", "method_not_allowed")


def test_bodies(store):
    api = store.api()
    good = {"name": "k", "type": "aes-256"}
    for data in (
        {**good, "surprise": 1}, {**good, "type": "aes-512"}, {**good, "type": 7}, {"name": "k"},
        {**good, "operations": ["fly"]}, {**good, "operations": ["sign"]}, [], "x", 1, 0,
        {**good, "operations": ["encrypt", "encrypt"]}, {**good, "rotation_period": -1},
        {**good, "required_approvals": 99}, {**good, "never_exportable": "yes"},
    ):
        answer = api.post("/api/v1/keys", data=data)
        assert answer.status in (400, 409), (data, answer.body)
    for text in (b"", b"{", b'{"name":"k","name":"j","type":"aes-256"}', b"\xff",
                 b'{"name":"k","type":"aes-256"}x', b"[" * 5000):
        answer = api.send("POST", "/api/v1/keys", text, "application/json")
        assert answer.status == 400, text[:40]
    assert api.send("POST", "/api/v1/keys", b"{}", "text/plain").status == 415
    assert [key["name"] for key in api.keys()] == ["etcd"]


def test_oversized(store):
    api = store.api()
    assert len(api.encrypt("etcd", bytes(65536))) > 65536
    for target, body, kind in (
        ("/api/v1/keys", b'{"name":"' + b"a" * 70_000 + b'"}', "application/json"),
        ("/api/v1/keys/etcd:encrypt", bytes(65537), "application/octet-stream"),
        ("/api/v1/keys/etcd:decrypt", bytes(70_000), "application/octet-stream"),
        ("/api/v1/operator/unseal", bytes(70_000), "application/octet-stream"),
        ("/api/v1/keys/x:import?type=opaque&format=raw", bytes(65537), "application/octet-stream"),
    ):
        answer = api.send("POST", target, body, kind)
        assert (answer.status, answer.code) == (413, "limit_exceeded"), (target, answer.status)
        api.close()
    long = api.get("/api/v1/keys/" + "a" * 20_000)
    assert long.status in (400, 414, 431)
    api.close()
    assert api.get("/api/v1/keys", limit=10**9).status == 400
    assert api.get("/api/v1/keys", prefix="a" * 300).status == 400
    assert api.status()["sealed"] is False


def test_not_http(store):
    """Bytes that are no request end their connection and nothing else."""
    for attack in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 5000,
                   b"POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                   b"POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                   b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   b"GET /readyz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n",
                   b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(30)
            wire.connect(store.admin_path)
            received = b""
            try:
                wire.sendall(attack)
                wire.shutdown(socket.SHUT_WR)
                while more := wire.recv(4096):
                    received += more
            except ConnectionError:
                pass
            assert b" 200 " not in received.split(b"\r\n")[0], attack[:30]
        assert store.api().get("/readyz").status == 200


def test_ciphertexts_of_others(store):
    api = store.api()
    api.create("a")
    api.create("b")
    sealed = api.encrypt("a", b"text", context="b3JkZXJz")
    assert api.decrypt("a", sealed, context="b3JkZXJz") == b"text"
    for name, body, query in (
        ("b", sealed, {"context": "b3JkZXJz"}), ("a", sealed, {}), ("a", sealed, {"context": "eA"}),
        ("a", sealed[:-1], {"context": "b3JkZXJz"}), ("a", b"", {}), ("a", b"x", {}),
    ):
        answer = api.act(name, "decrypt", octets=body, **query)
        assert (answer.status, answer.code) == (400, "decryption_failed"), answer.body

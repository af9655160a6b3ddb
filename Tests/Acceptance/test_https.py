"""HTTPS: what is negotiated, what is refused, and what a flood does to others."""
import concurrent.futures
import multiprocessing
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from harness import eventually, pick
from harness.tls import Authority, SecureAPI, free_port, raw, read_all, trusting

CANARY = "c4n4ry-S3cr3t-VALUE"
AEAD_SUITES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
}
# The API's open routes: nothing else is answered without a credential.
OPEN = ("/livez", "/readyz", "/api/v1/version", "/api/v1/status")
CLOSED = ("/metrics", "/api/v1/keys", "/api/v1/keys/etcd", "/api/v1/audit",
          "/api/v1/audit/checkpoint", "/api/v1/audit/export")


@pytest.fixture
def secured(stores):
    """Makes a running, unsealed store that serves HTTPS."""
    def make(client_certificates="off", more="", opened=True, **options):
        store = stores(**options)
        store.authority = Authority("test authority")
        store.certificate, store.tls_key = store.folder / "tls.crt", store.folder / "tls.key"
        store.authority.server().write(store.certificate, store.tls_key)
        store.authority_file = store.folder / "authority.crt"
        store.authority_file.write_bytes(store.authority.pem)
        store.port = free_port()
        store.more = (
            f"https:\n  listen: 127.0.0.1:{store.port}\n  certificate: {store.certificate}\n"
            f"  key: {store.tls_key}\n  client_certificates: {client_certificates}\n{more}")
        store.configure()
        store.context = trusting(store.authority)
        return store.made() if opened else store.start(ready=False)

    return make


def secure(store, **options):
    return SecureAPI(store.port, options.pop("context", store.context), **options)


def openssl(store, *arguments, data=b""):
    """What `openssl s_client` says; its exit status is not told from a closed input."""
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{store.port}", "-CAfile",
         str(store.authority_file), *arguments],
        input=data, capture_output=True, timeout=30)
    return (result.stdout + result.stderr).decode(errors="replace")


def resident(store):
    """Bytes of memory that the process has now."""
    fields = pathlib.Path(f"/proc/{store.process.pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


# What is negotiated


def test_protocols(secured, report):
    store = secured()
    for version in ("-tls1_2", "-tls1_3"):
        words = openssl(store, version, "-alpn", "h2,http/1.1")
        assert "Verify return code: 0 (ok)" in words, words
        assert "ALPN protocol: http/1.1" in words, words
    for version in ("-tls1", "-tls1_1"):
        words = openssl(store, version, "-cipher", "ALL:@SECLEVEL=0")
        assert "protocol version" in words and "Cipher is (NONE)" in words, words
    assert "Compression: NONE" in openssl(store, "-tls1_2")
    # Plain HTTP on the port gets no answer of HTTP.
    with socket.create_connection(("127.0.0.1", store.port), 10) as plain:
        plain.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1" not in read_all(plain)
    assert secure(store).get("/livez").status == 200
    report("https-protocols", accepted="1.2 1.3", refused="1.0 1.1 plain")


def test_suites(secured, report):
    store = secured()
    listed = subprocess.run(
        ["openssl", "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        capture_output=True, check=True, text=True).stdout.strip().split(":")
    offered = [name for name in listed if not name.startswith("TLS_")]
    accepted = set()
    for is_rsa in (False, True):
        store.authority.server(rsa_key=is_rsa).write(store.certificate, store.tls_key)
        store.process.send_signal(signal.SIGHUP)
        mine = "RSA" if is_rsa else "ECDSA"
        eventually(lambda: f"Peer signature type: {mine}" in openssl(
            store, "-tls1_2", "-cipher", "aRSA" if is_rsa else "aECDSA").replace(
                "RSA-PSS", "RSA"), what=f"a certificate with {mine}")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for name, words in zip(offered, pool.map(
                    lambda name: openssl(store, "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0"),
                    offered)):
                if f"Cipher is {name}" in words:
                    accepted.add(name)
    assert accepted == AEAD_SUITES
    report("https-suites", offered=len(offered), accepted=len(accepted))


def test_no_renegotiation(secured):
    store = secured()
    # s_client renegotiates at a line with an R; the connection ends or goes on, but is never new.
    words = openssl(store, "-tls1_2", data=b"R\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert "no renegotiation" in words.lower() or "unexpected message" in words.lower() or (
        "RENEGOTIATING" in words and "HTTP/1.1 200" not in words), words
    assert secure(store).get("/livez").status == 200


# Certificates


def test_reload_under_load(secured, report):
    store = secured()
    other = Authority("another authority")
    both = trusting(store.authority, other)
    stop, failures, counts, issuers = threading.Event(), [], [0], set()

    def ask():
        while not stop.is_set():
            try:
                with raw(store.port, both) as connection:
                    issuer = dict(pair[0] for pair in connection.getpeercert()["issuer"])
                    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    assert read_all(connection).startswith(b"HTTP/1.1 200")
                issuers.add(issuer["commonName"])
                counts[0] += 1
            except Exception as error:  # noqa: BLE001: every failure counts
                failures.append(repr(error))

    kept = secure(store)
    assert kept.get("/livez").status == 200
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    rounds = pick(10, 100)
    for number in range(rounds):
        (other if number % 2 == 0 else store.authority).server().write(
            store.certificate, store.tls_key)
        if number % 3 == 0:
            store.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
    eventually(lambda: len(issuers) == 2, what="certificates of both authorities")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, failures[:5]
    assert kept.get("/livez").status == 200, "an open connection goes on"
    report("https-reload", reloads=rounds, connections=counts[0], failures=len(failures))


def test_a_change_is_seen_without_a_signal(secured):
    store = secured()
    new = Authority("new authority")
    new.server().write(store.certificate, store.tls_key)

    def is_new():
        try:
            return secure(store, context=trusting(new)).get("/livez").status == 200
        except ssl.SSLError:
            return False

    eventually(is_new, 20, what="the new certificate")
    assert "The certificate was read again" in store.log()


def test_a_bad_pair_keeps_the_old_one(secured, report):
    store = secured()
    good = store.certificate.read_bytes(), store.tls_key.read_bytes()
    another = store.authority.server()
    expired = store.authority.server(days=-2)
    cases = {
        "is not a chain of PEM": (b"hello", good[1]),
        "is not an unencrypted PEM private key": (good[0], b"hello"),
        "is not that of the first certificate": (good[0], another.key_pem),
        "has expired": (expired.pem, expired.key_pem),
        "chmod 600": good,
    }
    for words, (certificate, key) in cases.items():
        store.certificate.write_bytes(certificate)
        store.tls_key.write_bytes(key)
        store.tls_key.chmod(0o644 if words == "chmod 600" else 0o600)
        store.process.send_signal(signal.SIGHUP)
        eventually(lambda: words in store.log(), 20, what=f"the log's '{words}'")
        assert secure(store).get("/livez").status == 200, words
    assert "hello" not in store.log()
    store.tls_key.chmod(0o600)
    before = store.log().count("The certificate was read again")
    store.process.send_signal(signal.SIGHUP)
    eventually(lambda: store.log().count("The certificate was read again") > before, 20)
    # At start there is no old one: the server says what to do.
    store.stop()
    store.tls_key.chmod(0o644)
    code, said = store.refuses()
    assert code == 1 and f"chmod 600 {store.tls_key}" in said, said
    store.tls_key.chmod(0o600)
    store.tls_key.write_bytes(another.key_pem)
    code, said = store.refuses()
    assert code == 1 and "is not that of the first certificate" in said, said
    report("https-bad-pairs", cases=len(cases), taken=0)


@pytest.mark.parametrize("mode", ["off", "optional", "required"])
def test_client_certificates(secured, report, mode):
    store = secured(client_certificates=mode)
    # None of them is of a known authority: TLS takes them all, and the API says 401.
    mine = Authority("client authority")
    shown = {
        "signed": mine.sign("client"), "self-signed": Authority("self", is_authority=False),
        "expired": mine.sign("old", days=-2), "an authority's own": mine,
    }
    asked = "Acceptable client certificate CA names" in openssl(store, "-tls1_3") or \
        "Requested Signature Algorithms" in openssl(store, "-tls1_3")
    assert asked == (mode != "off")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for name, own in shown.items():
            context = trusting(store.authority, own=own, folder=store.folder,
                               minimum_version=version, maximum_version=version)
            api = secure(store, context=context)
            assert api.get("/livez").status == 200, (mode, version, name)
            assert api.get("/api/v1/keys").status == 401, (mode, version, name)
        bare = secure(store, context=trusting(
            store.authority, minimum_version=version, maximum_version=version))
        if mode == "required":
            with pytest.raises(OSError):
                bare.get("/livez")
        else:
            assert bare.get("/livez").status == 200
    report(f"https-client-certs-{mode}", shown=2 * len(shown))


# Who is asking


def test_nothing_without_a_credential(secured, report):
    store = secured()
    api = secure(store)
    for path in OPEN:
        assert api.get(path).status == 200, path
    answers = set()
    for path in CLOSED:
        for header in (None, "Bearer kwt_unknown", "Bearer a.b.c", "Basic cm9vdDpyb290"):
            api.headers = {"Authorization": header} if header else {}
            answer = api.get(path)
            assert (answer.status, answer.code) == (401, "unauthenticated"), (path, header)
            assert answer.headers["www-authenticate"] == "Bearer"
            if header != "Basic cm9vdDpyb290":
                answers.add(answer.words)
    # Missing, unknown, what exists and what does not: one answer.
    assert len(answers) == 1, answers
    api.headers = {}
    assert api.get("/api/v1/keys/no-such-key").status == 401
    assert api.post("/api/v1/operator/init", octets=b"").status == 404
    # The body of nobody is not read.
    with raw(store.port, store.context) as connection:
        connection.sendall(b"POST /api/v1/keys/etcd:sign HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000"
                           b"\r\nContent-Type: application/octet-stream\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 401")
    status = api.get("/api/v1/status").json
    assert status["initialized"] and not status["sealed"]
    assert not {"keys", "store_id", "audit_size", "keyring_term"} & set(status), status
    assert store.api().status()["keys"] == 1
    report("https-unauthenticated", open=len(OPEN), closed=len(CLOSED))


def test_v16_identity_headers(secured):
    store = secured()
    with raw(store.port, store.context) as connection:
        connection.sendall(
            b"GET /api/v1/keys HTTP/1.1\r\nHost: x\r\nX-Remote-User: root\r\nX-User-Id: 0\r\n"
            b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-User: root\r\nForwarded: for=127.0.0.1\r\n"
            b"X-Client-Cert: root\r\nX-SSL-Client-Verify: SUCCESS\r\nX-Vault-Token: root\r\n\r\n"
            b"GET /api/v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + CANARY.encode() +
            b"\r\nAuthorization: Bearer other\r\n\r\n")
        answers = read_all(connection)
    assert answers.startswith(b"HTTP/1.1 401") and b"HTTP/1.1 400" in answers, answers
    assert CANARY.encode() not in answers
    assert CANARY not in store.log()
    assert not any(CANARY in str(entry) for entry in store.api().audit())


def test_unsealing_over_https(secured, report):
    store = secured(seal="shamir", keys=(), opened=False)
    store.shares = store.api().init("shamir", shares=1, threshold=1)
    api = secure(store)
    assert api.get("/readyz").status == 503
    assert api.get("/api/v1/status").json["sealed"]
    # It knows nobody, and says so or why.
    assert api.get("/api/v1/keys").status in (401, 503)
    assert api.unseal_answer(store.shares[0], accept="rollback").status == 403
    assert api.unseal_answer("kwshare-" + CANARY).status == 400
    status = api.unseal(store.shares[0])
    assert status["sealed"] is False and "keys" not in status
    assert api.get("/readyz").status == 200
    entries = [entry for entry in store.api().audit() if entry["operation"] == "operator:unseal"]
    assert entries and all(entry["transport"] == "https" for entry in entries[-2:]), entries
    assert not any(CANARY in str(entry) for entry in entries)
    assert CANARY not in store.log()
    report("https-unseal", shares=1)


# Hostile input


ODD = [
    b"\x00" * 100, b"\xff\xfe\xfd" * 100, b"GET / HTTP/9.9\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"GET /livez HTTP/1.1\r\n: x\r\n\r\n", b"GET /livez HTTP/1.1\r\nHost: x\r\nA:" + b"a" * 20000,
    b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    b"POST /api/v1/operator/unseal HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/v1/operator/unseal HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /api/v1/operator/unseal HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/v1/operator/unseal HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"FFFFFFFFFFFFFFFF\r\n", b"POST /api/v1/operator/unseal HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /%c0%ae%c0%ae/ HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /api/v1/keys/../keys HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"TRACE /livez HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /livez HTTP/1.1\nHost: x\n\n" * 3,
    b"GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    b"GET /api/v1/keys?limit=1&limit=2 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\n\r\n",
    b"GET /api/v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"a" * 8000 + b"\r\n\r\n",
    b"GET /api/v1/keys HTTP/1.1\r\nHost: x\r\nKeyward-Approval: \xff\r\n\r\n",
    b"POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nIdempotency-Key: \x80\r\nContent-Length: 2\r\n\r\n{}",
]


def test_v33_odd_requests(secured, report):
    store = secured()
    pid = store.process.pid
    answers = {}
    for case in ODD:
        for cut in (len(case), len(case) // 2, 1):
            with raw(store.port, store.context, timeout=5) as connection:
                connection.sendall(case[:cut])
                try:
                    # Half a request is all there will be.
                    connection.unwrap()
                except OSError:
                    pass
                answer = read_all(connection)
            status = answer[9:12].decode(errors="replace")
            assert not status.startswith("5"), (case[:80], answer)
            answers[status] = answers.get(status, 0) + 1
    # Not TLS at all, and TLS that ends in the middle.
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x80" * 300, os.urandom(2000),
                    b"\x16\x03\x01\xff\xff" + b"\x00" * 2000, b"\x15\x03\x03\x00\x02\x02\x28"):
        with socket.create_connection(("127.0.0.1", store.port), 5) as plain:
            plain.sendall(garbage)
            plain.shutdown(socket.SHUT_WR)
            read_all(plain)
    assert store.process.poll() is None and store.process.pid == pid
    assert secure(store).get("/readyz").status == 200
    with store.plugin() as plugin:
        assert plugin.open(plugin.encrypt(b"s" * 32)) == b"s" * 32
    report("https-odd-requests", cases=3 * len(ODD), ended=0)


def test_v28_no_echo(secured, report):
    store = secured()
    canary = CANARY.encode()
    requests = [
        b"GET /api/v1/keys/" + canary + b"%2e HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + canary + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/keys?" + canary + b"=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + canary + b"\r\n\r\n",
        b"GET /api/v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: " + canary + b"\r\n\r\n",
        b"GET /api/v1/keys HTTP/1.1\r\nHost: x\r\nKeyward-Approval: " + canary + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nKeyward-Request-Id: " + canary + b"\r\n\r\n",
        canary + b" /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nExpect: " + canary + b"\r\n\r\n",
        b"POST /api/v1/operator/unseal HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream"
        b"\r\nContent-Length: %d\r\n\r\n%s" % (len(canary), canary),
        b"POST /api/v1/operator/unseal?accept=" + canary + b" HTTP/1.1\r\nHost: x\r\n"
        b"Content-Length: 0\r\n\r\n",
        b"POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nIdempotency-Key: " + canary + b" " + canary +
        b"\r\nContent-Length: 0\r\n\r\n",
    ]
    for request in requests:
        with raw(store.port, store.context, timeout=5) as connection:
            connection.sendall(request.replace(b"Host: x", b"Host: x\r\nConnection: close", 1))
            answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 "), request
        assert canary not in answer, request
    assert canary not in store.all_logs()
    assert not any(CANARY in str(entry) for entry in store.api().audit())
    report("https-no-echo", requests=len(requests))


def test_v30_bodies(secured, report):
    store = secured()
    head = (b"POST /api/v1/operator/unseal HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream"
            b"\r\n")
    before = resident(store)
    statuses = []
    for length in (b"Content-Length: 10000000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"):
        with raw(store.port, store.context) as connection:
            connection.sendall(head + length)
            piece = os.urandom(1 << 16)
            sent = 0
            try:
                while sent < 256 << 20:
                    connection.sendall((b"10000\r\n" + piece + b"\r\n") if b"chunked" in length
                                       else piece)
                    sent += len(piece)
            except OSError:
                pass
            assert sent < 16 << 20, "the server reads on"
            statuses.append(read_all(connection)[9:12])
    # The answer may be lost to a client that goes on sending, but nothing else comes in its place.
    assert set(statuses) <= {b"413", b""}, statuses
    assert resident(store) - before < 64 << 20
    report("https-endless-bodies", tried=2, resident_mib=resident(store) >> 20)


def test_v31_bombs(secured, report):
    store = secured()
    bombs = {
        "depth": b'{"a":' + b"[" * 60_000, "keys": b"{" + b'"a":0,' * 10_000 + b'"a":0}',
        "texts": b'{"a":[' + b'"",' * 20_000 + b'""]}',
    }
    api = secure(store, headers={"Authorization": "Bearer unknown"})
    before = store.cpu_seconds()
    total = 0
    for bomb in bombs.values():
        for _ in range(5):
            # Not even parsed for nobody.
            answer = api.send("POST", "/api/v1/keys", bomb, "application/json")
            assert answer.status == 401, answer.body
            total += len(bomb)
    used = store.cpu_seconds() - before
    assert used < 0.005 * total / 1024 + 1
    large = api.send("POST", "/api/v1/keys", b"[" * (1 << 20), "application/json")
    assert large.status == 413
    report("https-json-bombs", kib=total >> 10, cpu_seconds=round(used, 2))


def test_v32_compressed_bodies(secured):
    api = secure(secured())
    for coding in ("gzip", "deflate", "br", "zstd", "identity"):
        api.headers = {"Content-Encoding": coding}
        answer = api.post("/api/v1/operator/unseal", octets=b"\x1f\x8b" + b"\x00" * 100)
        assert (answer.status, answer.code) == (415, "unsupported_media_type"), coding
    api.headers = {"Transfer-Encoding": "gzip, chunked"}
    assert api.post("/api/v1/operator/unseal", octets=b"").status in (400, 415)


# Many at once


class StatusProbe:
    """Asks a KMS socket for its Status all the while, and keeps how long each took."""

    def __init__(self, store):
        self.times, self.failures, self.stop = [], [], threading.Event()
        self.thread = threading.Thread(target=self.run, args=(store,))

    def run(self, store):
        with store.plugin() as plugin:
            while not self.stop.is_set():
                start = time.perf_counter()
                try:
                    assert plugin.status().healthz == "ok"
                except Exception as error:  # noqa: BLE001: every failure counts
                    self.failures.append(repr(error))
                self.times.append(time.perf_counter() - start)
                time.sleep(0.005)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def quantile(self, share):
        """Milliseconds."""
        ordered = sorted(self.times)
        return round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)


class Watch:
    """The largest memory of the process while something goes on."""

    def __init__(self, store):
        self.most, self.stop = 0, threading.Event()
        self.thread = threading.Thread(target=self.run, args=(store,))

    def run(self, store):
        while not self.stop.wait(0.05):
            self.most = max(self.most, resident(store))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def test_slow_clients(secured, report):
    # From another address than those that must not suffer.
    store = secured(more="  connections_per_address: 600\n")
    connections, refused = [], 0
    with StatusProbe(store) as status, Watch(store) as memory:
        for number in range(500):
            try:
                connections.append(raw(store.port, store.context, "127.0.0.2"))
            except OSError:
                refused += 1
        assert len(connections) == 500
        # These do not even begin with TLS.
        silent = [socket.create_connection(("127.0.0.1", store.port), 30) for _ in range(50)]
        head = (b"POST /api/v1/operator/unseal HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-"
                b"stream\r\nContent-Length: 60000\r\n\r\n")
        normal = []
        for second in range(pick(14, 30)):
            for number, connection in enumerate(connections):
                try:
                    # Half of them are slow with their headers, half with their bodies.
                    data = head if number % 2 and second == 0 else head[second:second + 1]
                    connection.sendall(data)
                except OSError:
                    pass
            start = time.perf_counter()
            assert secure(store).get("/livez").status == 200
            normal.append(time.perf_counter() - start)
            time.sleep(max(0, 1 - (time.perf_counter() - start)))
    slow = [read_all(connection)[9:12] for connection in connections[::2]]
    for connection in connections:
        connection.close()
    for connection in silent:
        assert read_all(connection) == b""
        connection.close()
    assert set(slow) <= {b"408", b""}, set(slow)
    assert not status.failures, status.failures[:3]
    assert memory.most < 384 << 20
    report("https-slow-clients", connections=500, resident_mib=memory.most >> 20,
           livez_max_ms=round(1000 * max(normal), 1), status_p99_ms=status.quantile(0.99),
           status_max_ms=status.quantile(1))


def flood(port, pem, source, count):
    """Sends `count` requests on keep-alive connections, many at a time; statuses by number."""
    # A flood comes from other machines: here it shall not take the processors from who measures.
    os.nice(10)
    context = ssl.create_default_context(cadata=pem)
    one = {
        0: b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        1: b"GET /api/v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer kwt_nobody\r\n\r\n",
        2: b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
    }
    statuses, sent = {}, 0
    while sent < count:
        batch = min(100, count - sent)
        try:
            with raw(port, context, source, timeout=20) as connection:
                for _ in range(10):
                    batch = min(100, count - sent)
                    if batch <= 0:
                        break
                    connection.sendall(b"".join(one[number % 3] for number in range(batch)))
                    answers, data = 0, b""
                    while answers < batch:
                        piece = connection.recv(1 << 16)
                        if not piece:
                            raise ConnectionError
                        data += piece
                        answers = data.count(b"HTTP/1.1 ")
                    for part in data.split(b"HTTP/1.1 ")[1:]:
                        statuses[part[:3]] = statuses.get(part[:3], 0) + 1
                    sent += batch
        except (OSError, ssl.SSLError):
            statuses[b"cut"] = statuses.get(b"cut", 0) + 1
            sent += batch
    return statuses


@pytest.mark.parametrize("rate", ["2000", "0"])
def test_flood(secured, report, rate):
    # With the rates as they are, and without any: then the threads alone keep the peace.
    store = secured(more=f"  requests_per_address: {rate}\n")
    requests = pick(10_000, 100_000)
    pem = store.authority.pem.decode()
    with StatusProbe(store) as calm:
        time.sleep(2)
    with multiprocessing.get_context("spawn").Pool(4) as pool, \
            StatusProbe(store) as status, Watch(store) as memory:
        start = time.perf_counter()
        work = [pool.apply_async(flood, (store.port, pem, f"127.0.0.{3 + number % 2}", requests // 4))
                for number in range(4)]
        results = [item.get(240) for item in work]
        took = time.perf_counter() - start
    end = time.perf_counter()
    api = secure(store, context=store.context)
    eventually(lambda: api.get("/readyz").status == 200, 10)
    admin = store.api()
    admin.must(admin.act("etcd", "encrypt", octets=b"x"))
    normal = time.perf_counter() - end
    totals = {}
    for result in results:
        for name, count in result.items():
            totals[name.decode()] = totals.get(name.decode(), 0) + count
    assert set(totals) <= {"200", "401", "429", "cut"}, totals
    assert totals.get("200", 0) > 0 and totals.get("401", 0) > 0, totals
    assert sum(totals.values()) - totals.get("cut", 0) <= requests, totals
    assert not status.failures, status.failures[:3]
    assert memory.most < 384 << 20
    assert normal < 2
    # The goal is 5 ms; a shared machine gets more, and the figure is told.
    assert status.quantile(0.99) < 200
    report(f"https-flood-{'limited' if rate != '0' else 'free'}", requests=requests, seconds=round(took, 1), resident_mib=memory.most >> 20,
           calm_p99_ms=calm.quantile(0.99), status_p50_ms=status.quantile(0.5),
           status_p99_ms=status.quantile(0.99), status_max_ms=status.quantile(1),
           normal_after_ms=round(1000 * normal, 1), **{f"s{k}": v for k, v in totals.items()})


def test_limits_of_one_address(secured, report):
    store = secured(more="  connections_per_address: 20\n  requests_per_address: 50\n")
    held = []
    for _ in range(40):
        try:
            connection = raw(store.port, store.context, "127.0.0.2", timeout=5)
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
            held.append(connection)
        except (OSError, AssertionError):
            pass
    assert len(held) == 20
    # Another address is not concerned, nor are the admin socket and the KMS sockets.
    api = secure(store)
    assert api.get("/livez").status == 200
    assert store.api().status()["sealed"] is False
    for connection in held:
        connection.close()
    answers = [api.get("/api/v1/status") for _ in range(130)]
    limited = [answer for answer in answers if answer.status == 429]
    assert limited and len(limited) < 130
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in limited)
    assert all(answer.code == "too_many_requests" for answer in limited)
    assert all(api.get(path).status == 200 for path in ("/livez", "/readyz", "/api/v1/version"))
    assert store.api().status()["sealed"] is False
    eventually(lambda: api.get("/api/v1/status").status == 200, 10)
    report("https-address-limits", connections=20, limited=len(limited))


def test_graceful_stop(secured):
    store = secured()
    idle, busy = secure(store), raw(store.port, store.context)
    assert idle.get("/livez").status == 200
    head = (b"POST /api/v1/operator/unseal HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream"
            b"\r\nContent-Length: 3\r\n\r\n")
    busy.sendall(head)
    time.sleep(0.3)
    store.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    busy.sendall(b"abc")
    answer = read_all(busy)
    assert answer.startswith(b"HTTP/1.1 ") and b"Connection: close" in answer, answer
    assert store.exit_code(30) == 0
    with pytest.raises(OSError):
        secure(store).get("/livez")


# Configuration and commands


def test_configuration_mistakes(stores, report):
    store = stores()
    certificate, key = store.folder / "tls.crt", store.folder / "tls.key"
    Authority("x").server().write(certificate, key)
    good = f"certificate: {certificate}, key: {key}"
    mistakes = {
        "https: {}": "needs 'certificate' and 'key'",
        f"https: {{{good}, listen: '8200'}}": "HOST:PORT",
        f"https: {{{good}, listen: '127.0.0.1:99999'}}": "HOST:PORT",
        f"https: {{{good}, client_certificates: maybe}}": "off, optional or required",
        f"https: {{{good}, minimum_version: '1.0'}}": "not a key of https",
        f"https: {{{good}, requests_per_address: -1}}": "number from 0",
        "https: {certificate: tls.crt, key: /x}": "absolute path",
        f"https: {{certificate: /nowhere.crt, key: {key}}}": "/nowhere.crt",
    }
    for text, words in mistakes.items():
        store.more = text + "\n"
        store.configure()
        code, said = store.refuses()
        assert code in (1, 2) and words in said, (text, said)
    store.more = ""
    store.configure()
    code, said = store.refuses("--listen", "127.0.0.1:0")
    assert code == 2 and "certificate" in said, said
    report("https-configuration", mistakes=len(mistakes) + 1)


def test_commands_over_https(secured, report):
    store = secured()
    authority = store.authority_file
    address = f"https://127.0.0.1:{store.port}"

    def run(*arguments, expect, **environment):
        result = subprocess.run(
            [store.binary, *arguments], capture_output=True, timeout=60, text=True,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(store.folder),
                 "KEYWARD_ADDR": address, **environment})
        assert result.returncode == expect, (arguments, result.returncode, result.stderr)
        return result.stdout + result.stderr

    # The authority of the certificate has to be named, and nothing turns that off.
    words = run("operator", "status", expect=7)
    assert "KEYWARD_CACERT" in words
    trusted = {"KEYWARD_CACERT": str(authority)}
    words = run("operator", "status", expect=0, **trusted)
    assert "false" in words or "unsealed" in words.lower() or "open" in words.lower(), words
    words = run("operator", "status", "--cacert", str(authority), expect=0)
    words = run("key", "list", expect=5, **trusted)
    assert "unauthenticated" in words
    words = run("key", "list", expect=5, KEYWARD_TOKEN=CANARY, **trusted)
    assert CANARY not in words
    assert "does not hold one token" in run("key", "list", expect=2, KEYWARD_TOKEN="a b", **trusted)
    token = store.folder / "token"
    token.write_text(CANARY + "\n")
    token.chmod(0o644)
    assert "chmod 600" in run("key", "list", expect=1, KEYWARD_TOKEN_FILE=str(token), **trusted)
    token.chmod(0o600)
    run("key", "list", expect=5, KEYWARD_TOKEN_FILE=str(token), **trusted)
    assert "login" in run("key", "list", expect=2, KEYWARD_TOKEN_FILE="/nowhere", **trusted)
    for bad in ("http://127.0.0.1:8200", "https://a/b", "https://u@a", "ftp://x"):
        run("operator", "status", expect=2, KEYWARD_ADDR=bad)
    run("operator", "status", expect=3, KEYWARD_ADDR=f"https://127.0.0.1:{free_port()}", **trusted)
    # A certificate of the right authority for another name.
    store.authority.sign("keyward", hosts=("example.org",)).write(store.certificate, store.tls_key)
    store.process.send_signal(signal.SIGHUP)
    eventually(lambda: "The certificate was read again" in store.log())
    assert "127.0.0.1" in run("operator", "status", expect=7, **trusted)
    # The admin socket is as it was.
    assert b"etcd" in store.cli("key", "list")
    report("https-commands", cases=17)


def test_commands_with_a_token(secured, report):
    store = secured()
    admin = store.api()
    binding = (
        "apiVersion: keyward.dev/v1\nkind: Binding\nmetadata: {name: robots}\n"
        "spec:\n  role: security-officer\n  subjects: [{issuer: tokens, name: robot}]\n")
    admin.must(admin.post("/api/v1/policy:apply", data={
        "files": [{"name": "robots.yaml", "text": binding}]}))
    issued = admin.must(admin.post("/api/v1/auth/tokens", data={"name": "robot", "ttl": 3600})).json
    other = admin.must(admin.post("/api/v1/auth/tokens", data={"name": "other", "ttl": 3600})).json
    done = []

    def run(*arguments, data=b"", expect=0, token=issued["token"]):
        result = subprocess.run(
            [store.binary, *map(str, arguments)], input=data, capture_output=True, timeout=60,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(store.folder),
                 "KEYWARD_ADDR": f"https://127.0.0.1:{store.port}", "KEYWARD_TOKEN": token,
                 "KEYWARD_CACERT": str(store.authority_file)})
        assert result.returncode == expect, (arguments, result.returncode, result.stderr)
        assert token.encode() not in result.stdout + result.stderr
        done.append(arguments[:2])
        return result.stdout

    # Every command that the admin socket takes, but init.
    run("operator", "status")
    run("key", "create", "app/data", "--type", "aes-256")
    run("key", "create", "app/sign", "--type", "ed25519")
    run("key", "create", "app/mac", "--type", "hmac-sha256")
    assert b"app/data" in run("key", "list")
    run("key", "show", "app/data")
    sealed = run("key", "encrypt", "app/data", "--in", "-", data=b"plain")
    assert run("key", "decrypt", "app/data", "--in", "-", data=sealed) == b"plain"
    run("key", "rotate", "app/data")
    moved = run("key", "rewrap", "app/data", "--in", "-", data=sealed)
    assert run("key", "decrypt", "app/data", "--in", "-", data=moved) == b"plain"
    run("key", "sign", "app/sign", "--in", "-", data=b"text")
    run("key", "mac", "app/mac", "--in", "-", data=b"text")
    run("key", "state", "app/data", "--version", "2", "--to", "suspended")
    run("key", "state", "app/data", "--version", "2", "--to", "active")
    run("key", "update", "app/sign", "--deletion-protected")
    run("key", "destroy", "app/data", "--version", "1", "--after", "1d")
    run("key", "undestroy", "app/data", "--version", "1")
    run("operator", "rotate")
    run("audit", "list", "--limit", "5")
    run("audit", "checkpoint")
    run("audit", "proof", "--index", "1")
    run("audit", "export", "--out", store.folder / "log")
    run("backup", "create", "--out", store.folder / "backup")
    run("fsck")
    # A token without a right is refused, and one that is revoked is nobody.
    run("key", "list", token=other["token"], expect=5)
    run("key", "show", "app/data", token=other["token"], expect=5)
    run("backup", "create", "--out", store.folder / "none", token=other["token"], expect=5)
    api = secure(store, headers={"Authorization": f"Bearer {issued['token']}"})
    assert 'listener="https"' in api.get("/metrics").body.decode()
    assert api.get("/api/v1/status").json["keys"] == 4
    weak = secure(store, headers={"Authorization": f"Bearer {other['token']}"})
    assert weak.get("/metrics").status == 403
    assert "keys" not in weak.get("/api/v1/status").json
    # The header and the token of another are not chosen from.
    weak.headers["Authorization"] = f"Bearer {other['token']}, Bearer {issued['token']}"
    assert weak.get("/api/v1/keys").status == 401
    # A creation is repeated under its key, and not under another's token.
    api.headers["Idempotency-Key"] = "make-it-once"
    made = [api.post("/api/v1/keys", data={"name": "app/once", "type": "aes-256"}) for _ in range(3)]
    assert {answer.status for answer in made} == {201} and len({a.body for a in made}) == 1
    entries = [entry for entry in admin.audit() if entry["operation"] == "key:create"
               and entry["resource"].endswith("app/once")]
    # Each repetition is asked for and recorded; one of them made the key.
    assert len(entries) == 3, entries
    assert len([entry for entry in entries if "key" in entry["details"]]) == 1, entries
    run("operator", "seal")
    assert secure(store).get("/readyz").status == 503
    admin.unseal()
    api.headers.pop("Idempotency-Key")
    accessor = issued["info"]["accessor"]
    admin.must(admin.post(f"/api/v1/auth/tokens/{accessor}:revoke"))
    assert api.get("/api/v1/keys").status == 401
    run("key", "list", expect=5)
    assert issued["token"] not in store.log()
    assert not any(issued["token"] in str(entry) for entry in admin.audit())
    report("https-commands-token", commands=len(done))


def test_development_server(binary, tmp_path, report):
    output = tmp_path / "out"
    port = free_port()
    with open(output, "wb") as file:
        process = subprocess.Popen(
            [binary, "server", "--dev", "--data-dir", str(tmp_path / "dev"), "--listen",
             f"127.0.0.1:{port}"], stdout=file, stderr=subprocess.STDOUT)
    try:
        eventually(lambda: f"https://127.0.0.1:{port}" in output.read_text(), what="its words")
        words = output.read_text()
        certificate = tmp_path / "dev" / "dev-tls.crt"
        assert f"export KEYWARD_CACERT={certificate}" in words
        assert f"export KEYWARD_ADDR=https://127.0.0.1:{port}" in words
        assert oct((tmp_path / "dev" / "dev-tls.key").stat().st_mode & 0o777) == "0o600"
        context = ssl.create_default_context(cafile=str(certificate))
        assert SecureAPI(port, context).get("/readyz").status == 200
        text = subprocess.run(["openssl", "x509", "-in", str(certificate), "-noout", "-text"],
                              capture_output=True, text=True, check=True).stdout
        for part in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1",
                     "prime256v1", "CA:FALSE"):
            assert part in text, text
        subprocess.run([binary, "operator", "status"], check=True, capture_output=True, env={
            "KEYWARD_ADDR": f"https://localhost:{port}", "KEYWARD_CACERT": str(certificate)})
    finally:
        process.terminate()
        assert process.wait(30) == 0
    report("https-dev", trusted=1)


def test_admin_unchanged(secured):
    store = secured(more="  connections: 5\n")
    held = [raw(store.port, store.context) for _ in range(5)]
    with pytest.raises(OSError):
        secure(store).get("/livez")
    admin = store.api()
    assert admin.get("/metrics").status == 200
    for name in range(20):
        admin.create(f"admin/{name}")
    assert len(admin.keys()) == 21
    metrics = admin.get("/metrics").body.decode()
    assert 'keyward_http_connections{listener="https"} 5' in metrics
    assert 'listener="admin",route="POST /api/v1/keys",status="201"' in metrics
    key_id = store.plugin().status().key_id
    assert key_id not in metrics and 'key_id_hash="sha256:' in metrics
    for connection in held:
        connection.close()

"""Judges a KMS v2 socket with grpcio: stubs come from schema/kms/v2/api.proto.

usage: kms_client.py SCENARIO TARGET [ARGUMENT...]

TARGET is a gRPC target (unix:/path or unix-abstract:name). Exits 0 when all holds, 1 with the
reason on stderr when not.
"""

import concurrent.futures
import os
import pathlib
import socket
import sys
import tempfile
import threading
import time

import grpc
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "schema/kms/v2/api.proto"


def load():
    """Generates the stubs and imports them."""
    out = tempfile.mkdtemp(prefix="kms-stubs-")
    code = protoc.main(
        ["protoc", f"-I{PROTO.parent}", f"--python_out={out}", f"--grpc_python_out={out}", str(PROTO)]
    )
    assert code == 0, f"protoc failed: {code}"
    sys.path.insert(0, out)
    import api_pb2
    import api_pb2_grpc

    return api_pb2, api_pb2_grpc


pb, rpc = load()
SEED = bytes(range(32))


def channel(target, *options, **named):
    # One channel, one connection: no sharing between channels of equal arguments.
    base = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    return grpc.insecure_channel(target, options=base + list(options), **named)


def stub(target, *options, **named):
    return rpc.KeyManagementServiceStub(channel(target, *options, **named))


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def expect(actual, wanted, what):
    assert actual == wanted, f"{what}: {actual}, wanted {wanted}"


def round_trip(kms, seed=SEED, timeout=30):
    status = kms.Status(pb.StatusRequest(), timeout=timeout)
    expect((status.version, status.healthz), ("v2", "ok"), "status")
    assert 1 <= len(status.key_id) <= 1024
    sealed = kms.Encrypt(pb.EncryptRequest(plaintext=seed, uid="uid-1"), timeout=timeout)
    expect(sealed.key_id, status.key_id, "key_id of Encrypt")
    assert seed not in sealed.ciphertext
    opened = kms.Decrypt(
        pb.DecryptRequest(
            ciphertext=sealed.ciphertext,
            key_id=sealed.key_id,
            annotations=sealed.annotations,
            uid="uid-2",
        ),
        timeout=timeout,
    )
    expect(opened.plaintext, seed, "plaintext")
    return sealed


def basic(target):
    sealed = round_trip(stub(target))
    expect(dict(sealed.annotations), {"note.keyward.dev": b"\x00\xff"}, "annotations")


def authority(target):
    for name in ["localhost", "/run/kms.sock", "%2Frun%2Fkms.sock", "weird:authority", "a b@c", "x" * 255]:
        code = code_of(lambda: round_trip(stub(target, ("grpc.default_authority", name))))
        expect(code.name, "OK", f"authority {name}")


def errors(target):
    kms = stub(target)
    sealed = round_trip(kms)

    def decrypt(**changes):
        request = dict(ciphertext=sealed.ciphertext, key_id=sealed.key_id, annotations=sealed.annotations)
        request.update(changes)
        return code_of(lambda: kms.Decrypt(pb.DecryptRequest(**request), timeout=30))

    expect(decrypt(key_id="unknown"), grpc.StatusCode.NOT_FOUND, "unknown key_id")
    tampered = bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]
    expect(decrypt(ciphertext=tampered), grpc.StatusCode.INVALID_ARGUMENT, "tampered")
    expect(decrypt(annotations={}), grpc.StatusCode.INVALID_ARGUMENT, "lost annotation")
    for seed, wanted in [(b"", "INVALID_ARGUMENT"), (b"x" * 1024, "OK"), (b"x" * 1025, "INVALID_ARGUMENT")]:
        code = code_of(lambda: kms.Encrypt(pb.EncryptRequest(plaintext=seed), timeout=30))
        # The backend's ciphertext is longer than 1024 bytes then, and is not sent.
        wanted = "INTERNAL" if len(seed) == 1024 else wanted
        expect(code.name, wanted, f"plaintext of {len(seed)}")


def limits(target):
    kms = stub(target)

    def decrypt(**request):
        return code_of(lambda: kms.Decrypt(pb.DecryptRequest(**request), timeout=30)).name

    # What passes the limits reaches the backend, which does not know the key.
    passed, refused = "NOT_FOUND", "INVALID_ARGUMENT"
    for count, wanted in [(0, refused), (1, passed), (1024, passed), (1025, refused)]:
        expect(decrypt(ciphertext=b"c" * count, key_id="no"), wanted, f"ciphertext of {count}")
        expect(decrypt(ciphertext=b"c", key_id="n" * count), wanted, f"key_id of {count}")
        wanted = passed if count == 0 else wanted
        expect(decrypt(ciphertext=b"c", key_id="no", uid="u" * count), wanted, f"uid of {count}")
    for count, wanted in [(0, passed), (32768, passed), (32769, refused)]:
        name = "a.b"
        value = {name: b"v" * (count - len(name))} if count else {}
        expect(decrypt(ciphertext=b"c", key_id="no", annotations=value), wanted, f"annotations {count}")
    many = {f"{index:07}.b": b"" for index in range(3640)}
    expect(decrypt(ciphertext=b"c", key_id="no", annotations=many), passed, "3640 annotations")
    many["0.b"] = b"1" * (32768 - 9 * 3640 - 3 + 1)
    expect(decrypt(ciphertext=b"c", key_id="no", annotations=many), refused, "one byte too many")
    for name in ["", "a", "a/b.c", "A.b", "a..b", ".a.b", "-a.b", "a-.b", "a.b.", "ä.b", "a" * 64 + ".b"]:
        value = {name: b""}
        expect(decrypt(ciphertext=b"c", key_id="no", annotations=value), refused, f"name {name}")
    for name in ["a.b", "0.1", "a-b.c-d", "a" * 63 + ".b", "local-kek.kms.kubernetes.io"]:
        value = {name: b""}
        expect(decrypt(ciphertext=b"c", key_id="no", annotations=value), passed, f"name {name}")
    big = ("grpc.max_send_message_length", -1)
    for count in [300_000, 5_000_000]:
        code = code_of(
            lambda: stub(target, big).Encrypt(pb.EncryptRequest(plaintext=b"x" * count), timeout=30)
        )
        expect(code.name, "RESOURCE_EXHAUSTED", f"message of {count}")
    round_trip(kms)


def malformed(target):
    link = channel(target)

    def send(method, payload):
        call = link.unary_unary(f"/v2.KeyManagementService/{method}", lambda b: b, lambda b: b)
        return code_of(lambda: call(payload, timeout=30)).name

    for payload in [b"\x0a", b"\x0a\x05abc", b"\xff" * 11, b"\x08" + b"\xff" * 10, b"\x0b\x0c", b"\x00\x01", b"\x12\x02\xc3\x28"]:
        for method in ["Encrypt", "Decrypt"]:
            expect(send(method, payload), "INVALID_ARGUMENT", f"{method} of {payload!r}")
    expect(send("Status", b"\x0a\x03abc\xa8\x06\x01"), "OK", "Status with unknown fields")
    for path in ["/v2.KeyManagementService/None", "/v1beta1.KeyManagementService/Version", "/x/y"]:
        call = link.unary_unary(path, lambda b: b, lambda b: b)
        expect(code_of(lambda: call(b"", timeout=30)).name, "UNIMPLEMENTED", path)
    squeezed = stub(target, compression=grpc.Compression.Gzip)
    request = pb.EncryptRequest(plaintext=b"a" * 1000)
    expect(code_of(lambda: squeezed.Encrypt(request, timeout=30)).name, "UNIMPLEMENTED", "gzip")


def deadline(target):
    """The backend answers a uid of `late` after 2 s."""
    kms = stub(target)
    start = time.monotonic()
    request = pb.EncryptRequest(plaintext=SEED, uid="late")
    expect(code_of(lambda: kms.Encrypt(request, timeout=0.3)).name, "DEADLINE_EXCEEDED", "late")
    assert time.monotonic() - start < 1.9
    round_trip(kms)
    kms.Encrypt(request, timeout=30)


def storm(target, connections, streams, calls):
    """Equal and different calls from many threads: all are answered."""
    connections, streams, calls = int(connections), int(streams), int(calls)
    stubs = [stub(target) for _ in range(connections)]
    sealed = round_trip(stubs[0])
    failures = []

    def one(index):
        kms = stubs[index % connections]
        if index % 10 == 0:
            round_trip(kms, os.urandom(32))
            return
        opened = kms.Decrypt(
            pb.DecryptRequest(
                ciphertext=sealed.ciphertext, key_id=sealed.key_id, annotations=sealed.annotations
            ),
            timeout=60,
        )
        expect(opened.plaintext, SEED, "plaintext")

    with concurrent.futures.ThreadPoolExecutor(streams) as pool:
        for future in [pool.submit(one, index) for index in range(calls)]:
            if future.exception():
                failures.append(str(future.exception()))
    assert not failures, f"{len(failures)} failures, first: {failures[0]}"


def in_flight(target, streams):
    """Many calls that wait at the backend at once, on one connection."""
    kms = stub(target)
    futures = [
        kms.Encrypt.future(pb.EncryptRequest(plaintext=SEED, uid="late"), timeout=60)
        for _ in range(int(streams))
    ]
    for future in futures:
        future.result()


def pings(target, calls):
    """grpc measures the link with PINGs while calls run; the connection must stay the same."""
    link = channel(target, ("grpc.http2.bdp_probe", 1), ("grpc.keepalive_time_ms", 1000))
    states = []
    link.subscribe(states.append)
    kms = rpc.KeyManagementServiceStub(link)
    for _ in range(int(calls)):
        kms.Status(pb.StatusRequest(), timeout=30)
    lost = [state for state in states if state in (grpc.ChannelConnectivity.TRANSIENT_FAILURE,)]
    expect(lost, [], "lost connections")


def reconnect(target, ready, gone):
    """The server stops and comes back: announced by files."""
    kms = stub(target, ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200))
    results = []
    stop = threading.Event()

    def load():
        while not stop.is_set():
            try:
                round_trip(kms, timeout=30)
                results.append(True)
            except grpc.RpcError as error:
                results.append(error.code())
                time.sleep(0.05)

    thread = threading.Thread(target=load)
    thread.start()
    while not results:
        time.sleep(0.01)
    pathlib.Path(ready).touch()
    while not os.path.exists(gone):
        time.sleep(0.01)
    count = len(results)
    limit = time.monotonic() + 20
    while True not in results[count + 1 :] and time.monotonic() < limit:
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert True in results[count + 1 :], f"no call after the return: {results[-3:]}"
    wrong = [r for r in results if r not in (True, grpc.StatusCode.UNAVAILABLE)]
    expect(wrong, [], "calls during the restart")


def refused(target):
    """As a user who is not allowed: the connection is closed before a byte comes. Needs root."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    kind, name = target.split(":", 1)
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(10)
    link.connect("\0" + name if kind == "unix-abstract" else name)
    try:
        link.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        received = link.recv(1)
    except (BrokenPipeError, ConnectionResetError):
        received = b""
    expect(received, b"", "bytes for a refused user")


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]](*sys.argv[2:])
    except AssertionError as error:
        sys.exit(f"{sys.argv[1]}: {error}")

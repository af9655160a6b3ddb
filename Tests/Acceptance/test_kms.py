"""Row 2: a third-party gRPC client on the KMS v2 socket, and every limit at its boundary."""
import concurrent.futures
import os
import random
import re
import secrets

import grpc
import pytest
from harness import eventually, http2, kms
from harness.kms import code_of, failure_of

SEED = bytes(range(32))
LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+$")
ABSTRACT = f"@keyward-acceptance-{os.getpid()}"


@pytest.fixture(scope="module")
def served(binary):
    """One server for the whole file, with two keys on paths and one on an abstract socket."""
    from harness.server import Store

    store = Store(binary, keys=("etcd", "other", "abstract"))
    store.sockets["abstract"] = ABSTRACT
    store.configure()
    store.made()
    yield store
    store.stop()
    store.remove()


@pytest.fixture
def plugin(served):
    with served.plugin("etcd") as plugin:
        yield plugin


def round_trip(plugin, seed=SEED):
    status = plugin.status()
    sealed = plugin.encrypt(seed, uid="u1")
    assert (status.version, status.healthz) == ("v2", "ok")
    assert sealed.key_id == status.key_id
    assert 1 <= len(sealed.key_id) <= 1024 and 1 <= len(sealed.ciphertext) <= 1024
    assert seed not in sealed.ciphertext
    assert all(LABEL.match(name) for name in sealed.annotations)
    assert plugin.open(sealed, uid="u2") == seed
    return sealed


def test_status_encrypt_decrypt(plugin, report):
    sealed = round_trip(plugin)
    total = len(sealed.ciphertext) + len(sealed.key_id) + sum(
        len(name) + len(value) for name, value in sealed.annotations.items())
    report("kms-object", ciphertext=len(sealed.ciphertext), key_id=len(sealed.key_id),
           annotations=len(sealed.annotations), bytes_in_object=total)
    assert total <= 180


@pytest.mark.parametrize(
    "authority", ["localhost", "SOCKET", "kms.example.com:443", "[::1]:8", None])
def test_any_authority(served, authority):
    # Before Kubernetes 1.32 the authority was the socket path.
    authority = served.sockets["etcd"] if authority == "SOCKET" else authority
    with served.plugin("etcd", authority=authority) as plugin:
        round_trip(plugin)


@pytest.mark.parametrize("authority", ["/run/kms.sock", "%2Frun%2Fkms.sock", "", "node-1:0", None])
def test_any_authority_on_the_wire(served, authority):
    with http2.Wire(served.sockets["etcd"]) as wire:
        status, message = wire.call(
            kms.SERVICE + "Status", http2.frame(b""), replace={":authority": authority})
        assert status == 0 and kms.messages.StatusResponse.FromString(message).healthz == "ok"


def test_abstract_socket(served):
    with served.plugin("abstract") as plugin:
        round_trip(plugin)


def test_deadlines(served, plugin):
    for timeout in (5, 60, 3600, 10**7):
        assert plugin.status(timeout=timeout).healthz == "ok"
    with http2.Wire(served.sockets["etcd"]) as wire:
        path = kms.SERVICE + "Encrypt"
        body = http2.frame(kms.messages.EncryptRequest(plaintext=SEED).SerializeToString())
        for timeout, expected in (("1n", 4), ("99999999H", 0), ("10S", 0), ("60000m", 0)):
            status, _ = wire.call(path, body, headers=[("grpc-timeout", timeout)])
            assert status == expected, timeout
        for malformed in ("", "S", "1", "-1S", "1.5S", "999999999S", "1x"):
            status, _ = wire.call(path, body, headers=[("grpc-timeout", malformed)])
            assert status not in (0, None), f"grpc-timeout {malformed!r} was taken"
    round_trip(plugin)


def test_a_hundred_streams_at_once(served):
    """All streams are open before the first gets its message, so they overlap for certain."""
    with http2.Wire(served.sockets["etcd"]) as wire:
        seeds = [secrets.token_bytes(32) for _ in range(100)]
        streams = [wire.begin(kms.SERVICE + "Encrypt") for _ in seeds]
        for stream, seed in reversed(list(zip(streams, seeds))):
            request = kms.messages.EncryptRequest(plaintext=seed).SerializeToString()
            wire.send(stream, http2.frame(request))
        wire.run(*streams)
        sealed = []
        for stream in streams:
            status, message = wire.outcome(stream)
            assert status == 0
            sealed.append(kms.messages.EncryptResponse.FromString(message))
    with served.plugin("etcd") as plugin:
        calls = [plugin.stub.Decrypt.future(
            kms.messages.DecryptRequest(ciphertext=each.ciphertext, key_id=each.key_id),
            timeout=60) for each in sealed]
        assert [call.result().plaintext for call in calls] == seeds


def test_eight_connections(served, report):
    plugins = [served.plugin("etcd") for _ in range(8)]
    fds = f"/proc/{served.process.pid}/fd"
    for plugin in plugins:
        plugin.status()
    during = len(os.listdir(fds))

    def work(plugin):
        return sum(plugin.open(plugin.encrypt(seed)) == seed
                   for seed in (secrets.token_bytes(32) for _ in range(50)))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        right = sum(pool.map(work, plugins))
    for plugin in plugins:
        plugin.close()
    # Each channel had a connection of its own, and the server lets go of closed ones.
    eventually(lambda: len(os.listdir(fds)) <= during - 8, what="the end of 8 connections")
    report("kms-8-connections", round_trips=right, wrong=8 * 50 - right)
    assert right == 8 * 50


# Limits, all inclusive


def test_plaintext_limits(plugin, report):
    overhead = len(plugin.encrypt(SEED).ciphertext) - len(SEED)
    largest = 1024 - overhead
    for size in (1, 16, 31, 33, largest - 1, largest):
        seed = secrets.token_bytes(size)
        sealed = plugin.encrypt(seed)
        assert len(sealed.ciphertext) == size + overhead
        assert plugin.open(sealed) == seed
    assert len(sealed.ciphertext) == 1024
    report("kms-limits", largest_plaintext=largest, its_ciphertext=len(sealed.ciphertext))
    # One byte more could be encrypted, but no kube-apiserver would take the answer.
    for size in (0, largest + 1, 1024, 1025, 4096, 65536):
        code, words = failure_of(plugin.encrypt, bytes(size))
        assert code == "INVALID_ARGUMENT", (size, code, words)
    round_trip(plugin)


def test_ciphertext_limits(plugin):
    key_id = plugin.status().key_id
    inside = failure_of(plugin.decrypt, secrets.token_bytes(1024), key_id)
    outside = failure_of(plugin.decrypt, secrets.token_bytes(1025), key_id)
    empty = failure_of(plugin.decrypt, b"", key_id)
    assert inside[0] == outside[0] == empty[0] == "INVALID_ARGUMENT"
    assert outside == empty and "1024" in outside[1]
    assert "1024" not in inside[1], "1024 bytes are within the limit"


def test_key_id_limits(plugin):
    sealed = plugin.encrypt(SEED)
    assert failure_of(plugin.decrypt, sealed.ciphertext, "k" * 1024)[0] == "NOT_FOUND"
    # The limit counts bytes, not characters.
    assert failure_of(plugin.decrypt, sealed.ciphertext, "\u00e9" * 512)[0] == "NOT_FOUND"
    for key_id in ("", "k" * 1025, "\u00e9" * 512 + "k"):
        code, words = failure_of(plugin.decrypt, sealed.ciphertext, key_id)
        assert code == "INVALID_ARGUMENT" and "1024" in words


def test_annotation_limits(plugin):
    sealed = plugin.encrypt(SEED)

    def refusal(annotations):
        return failure_of(plugin.decrypt, sealed.ciphertext, sealed.key_id, annotations)

    name = "a.example.com"
    for annotations in (
        {name: bytes(32768 - len(name))},
        {f"a{n}.example.com": bytes(1024 - len(f"a{n}.example.com")) for n in range(32)},
    ):
        assert sum(len(key) + len(value) for key, value in annotations.items()) == 32768
        code, words = refusal(annotations)
        # Keyward writes none, so a ciphertext that comes with some is not ours.
        assert code == "INVALID_ARGUMENT" and "32768" not in words
        first = next(iter(annotations))
        code, words = refusal({**annotations, first: annotations[first] + b"x"})
        assert code == "INVALID_ARGUMENT" and "32768" in words
    for bad in ("", "single", "a..b", "A.example.com", "a.example.com/x", "-a.b", "a_b.c",
                "a." + "b" * 64, ".".join(["abcdefgh"] * 29)):
        code, words = refusal({bad: b"x"})
        assert code == "INVALID_ARGUMENT" and "domain names" in words, bad
    assert plugin.open(sealed) == SEED


def test_uid_limit(plugin):
    assert plugin.encrypt(SEED, uid="u" * 1024).ciphertext
    assert failure_of(plugin.encrypt, SEED, uid="u" * 1025)[0] == "INVALID_ARGUMENT"


# Ciphertexts


def test_a_ciphertext_of_another_key(served, plugin):
    mine = plugin.encrypt(SEED)
    with served.plugin("other") as other:
        theirs = other.status().key_id
        assert failure_of(other.decrypt, mine.ciphertext, mine.key_id)[0] == "NOT_FOUND"
        assert failure_of(other.decrypt, mine.ciphertext, theirs)[0] == "INVALID_ARGUMENT"
    assert failure_of(plugin.decrypt, mine.ciphertext, theirs)[0] == "NOT_FOUND"
    assert plugin.open(mine) == SEED


def test_every_changed_byte_is_refused(plugin, report):
    sealed = plugin.encrypt(SEED)
    good, key_id = sealed.ciphertext, sealed.key_id
    calls = []
    for position in range(len(good)):
        for bit in (0, 7):
            bad = bytearray(good)
            bad[position] ^= 1 << bit
            calls.append(bytes(bad))
    calls += [good[:cut] for cut in range(1, len(good))] + [good + b"\0", good + good]
    for bad in calls:
        assert failure_of(plugin.decrypt, bad, key_id)[0] == "INVALID_ARGUMENT"
    report("kms-changed-ciphertexts", tried=len(calls), opened=0)
    assert plugin.open(sealed) == SEED


# What is not the contract


def test_unknown_methods(plugin):
    for method in ("Rotate", "status", "Status/", "/v1beta1.KeyManagementService/Status",
                   "/v2.Other/Status", "/grpc.reflection.v1.ServerReflection/X", "/"):
        assert failure_of(plugin.raw, method, b"")[0] == "UNIMPLEMENTED", method
    round_trip(plugin)


def test_compressed_messages_are_refused(served, plugin):
    # grpcio compresses only what gets smaller by it.
    request = kms.messages.EncryptRequest(plaintext=bytes(900))
    # gRPC's compression spec: an encoding that the server has not is UNIMPLEMENTED.
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        code, _ = failure_of(plugin.stub.Encrypt, request, timeout=30, compression=compression)
        assert code == "UNIMPLEMENTED"
    body = request.SerializeToString()
    with http2.Wire(served.sockets["etcd"]) as wire:
        path = kms.SERVICE + "Encrypt"
        # The flag without a named encoding is a broken message.
        assert wire.call(path, http2.frame(body, flag=1))[0] in (12, 13)
        assert wire.call(path, http2.frame(body, flag=2))[0] not in (0, None)
        named = [("grpc-encoding", "identity")]
        assert wire.call(path, http2.frame(body), headers=named)[0] == 0
    round_trip(plugin)


def test_malformed_protobuf(plugin):
    bad = [
        b"\x0a", b"\x0a\x05abc", b"\x0a\xff\xff\xff\xff\x0f", b"\xff" * 11, b"\x0b", b"\x0c",
        b"\x08\x01", b"\x12\x01\xff", b"\x00\x01", b"\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        b"\x0f\x00", b"\x09abc", b"\x12\x02\xc3\x28",
    ]
    for message in bad:
        for method in ("Encrypt", "Decrypt"):
            code, _ = failure_of(plugin.raw, method, message)
            assert code == "INVALID_ARGUMENT", (method, message)
    generator = random.Random(2)
    for _ in range(300):
        message = generator.randbytes(generator.randrange(1, 200))
        for method in ("Encrypt", "Decrypt"):
            # Some noise is a message; none may end the connection or the server.
            code = code_of(plugin.raw, method, message)
            assert code in ("OK", "INVALID_ARGUMENT", "NOT_FOUND"), (method, message.hex())
    # Fields of a later contract are passed over.
    request = kms.messages.EncryptRequest(plaintext=SEED).SerializeToString()
    answer = plugin.raw("Encrypt", request + b"\xa2\x06\x03abc" + b"\xa8\x06\x01")
    assert plugin.open(kms.messages.EncryptResponse.FromString(answer)) == SEED
    status = plugin.raw("Status", b"\xa2\x06\x03abc")
    assert kms.messages.StatusResponse.FromString(status).healthz == "ok"


def test_oversized_messages(plugin):
    for size in ((1 << 18) + 1, (4 << 20) - 16, (4 << 20) + 1, 12 << 20):
        code, _ = failure_of(plugin.raw, "Encrypt", bytes(size))
        assert code == "RESOURCE_EXHAUSTED", (size, code)
        round_trip(plugin)


def test_malformed_framing(served):
    path = kms.SERVICE + "Encrypt"
    good = kms.messages.EncryptRequest(plaintext=SEED).SerializeToString()
    with http2.Wire(served.sockets["etcd"]) as wire:
        for name, body in {
            "nothing": b"", "half a prefix": b"\0\0", "shorter than it says": b"\0\0\0\1\0abc",
            "longer than it says": http2.frame(good, length=len(good) - 1),
            "two messages": http2.frame(good) * 2, "a huge length": b"\0\xff\xff\xff\xffabc",
            "trailing bytes": http2.frame(good) + b"x",
        }.items():
            status, _ = wire.call(path, body)
            assert status not in (0, None), name
        for replace in ({":method": "GET"}, {"content-type": "text/plain"},
                        {"content-type": None}, {":path": "no-slash"}):
            status, _ = wire.call(path, http2.frame(good), replace=replace)
            assert status != 0, replace
        if not wire.closed:
            # A message in pieces of one byte is a message.
            stream = wire.begin(path)
            framed = http2.frame(good)
            for index in range(len(framed)):
                wire.send(stream, framed[index:index + 1], end=index == len(framed) - 1)
            wire.run(stream)
            assert wire.outcome(stream)[0] == 0


def test_garbage_connections(served, plugin, report):
    import socket
    import struct

    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    def h2frame(kind, flags, stream, payload, length=None):
        size = len(payload) if length is None else length
        return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    settings = h2frame(4, 0, 0, b"")
    generator = random.Random(7)
    attacks = {
        "http/1": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "tls": b"\x16\x03\x01\x02\x00" + bytes(512),
        "preface only": preface, "huge frame": preface + settings + h2frame(0, 0, 1, b"", 0xFFFFFF),
        "data on stream 0": preface + settings + h2frame(0, 0, 0, b"abc"),
        "headers on stream 2": preface + settings + h2frame(1, 5, 2, b"\x82"),
        "bad hpack": preface + settings + h2frame(1, 5, 1, b"\xff" * 64),
        "continuation alone": preface + settings + h2frame(9, 4, 1, b"\x82"),
        "continuation flood": preface + settings + h2frame(1, 0, 1, b"\x82")
        + h2frame(9, 0, 1, b"\0\1a\1b" * 100) * 200,
        "ping flood": preface + settings + h2frame(6, 0, 0, bytes(8)) * 5000,
        "settings flood": preface + settings * 5000,
        "reset flood": preface + settings + b"".join(
            h2frame(1, 4, 2 * n + 1, b"\x83\x86\x84") + h2frame(3, 0, 2 * n + 1, bytes(4))
            for n in range(2000)),
        "window overflow": preface + settings + h2frame(8, 0, 0, b"\x7f\xff\xff\xff") * 3,
        "bad ping": preface + settings + h2frame(6, 0, 0, b"abc"),
        "bad settings": preface + h2frame(4, 0, 0, b"\0\5\0\0\0\1"),
        "unknown frames": preface + settings + h2frame(0xAA, 255, 0, bytes(100)) * 50,
        **{f"noise {n}": generator.randbytes(2000) for n in range(40)},
        **{f"noise after preface {n}": preface + settings + generator.randbytes(2000)
           for n in range(40)},
    }
    for name, attack in attacks.items():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(10)
            wire.connect(served.sockets["etcd"])
            try:
                wire.sendall(attack)
                wire.shutdown(socket.SHUT_WR)
                while wire.recv(65536):
                    pass
            except (ConnectionError, TimeoutError):
                pass
        assert served.process.poll() is None, f"{name} ended the server: {served.log()[-2000:]}"
        assert plugin.status().healthz == "ok", name
    round_trip(plugin)
    report("kms-garbage", connections=len(attacks), crashes=0)

"""Keys that were made elsewhere: blobs and files of other programs come in, and the key does what it did there."""
import base64
import hashlib
import hmac
import itertools
import json
import os
import re
import subprocess
import threading
import time

import pytest
from Crypto.Cipher import AES, PKCS1_OAEP
from Crypto.Hash import SHA256, SHA384, SHA512
from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from harness.access import apply, audit, binding, document, role, token
from harness.server import write_private
from jwcrypto import jwk
from test_export_canaries import Processes, spellings

HASHES = {"SHA_224": hashes.SHA224, "SHA_256": hashes.SHA256, "SHA_384": hashes.SHA384, "SHA_512": hashes.SHA512}
PAIRS = {
    "ec-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ec-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ec-p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ec-secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate, "x25519": x25519.X25519PrivateKey.generate,
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa-4096": lambda: rsa.generate_private_key(65537, 4096)}
RAW = {"aes-128": 16, "aes-256": 32, "chacha20-poly1305": 32, "hmac-sha256": 32, "hmac-sha384": 48,
       "hmac-sha512": 64, "opaque": 77}
TYPES = [*RAW, *PAIRS]


class Made:
    """A key that another program made: its material, and how it is compared with the one that came in."""

    def __init__(self, type):
        self.type = type
        self.pair = PAIRS[type]() if type in PAIRS else None
        self.material = os.urandom(RAW[type]) if type in RAW else self.pair.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    @property
    def secret(self):
        """The part of the material that nobody may see: a pair has a public one too."""
        if not self.pair:
            return self.material
        numbers = self.pair.private_numbers()
        value = numbers.p if self.type.startswith("rsa") else numbers.private_value
        return value.to_bytes((value.bit_length() + 7) // 8, "big")

    @property
    def form(self):
        return "pkcs8" if self.pair else "raw"

    @property
    def operations(self):
        if self.type.startswith("aes"):
            return "encrypt,decrypt,wrap,unwrap"
        if self.type == "opaque":
            return "export"
        return {"x25519": "agree", "chacha20-poly1305": "derive,encrypt,decrypt"}.get(self.type)

    def check(self, store, name):
        """The key of that name does what this one does, as a third program sees it."""
        api, message = store.api(), os.urandom(100)
        version = api.show(name)["versions"][-1]
        assert version["origin"] == "imported"
        if self.pair:
            spki = self.pair.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            assert base64.b64decode(version["public_key"]) == spki
        if self.type == "x25519":
            peer = x25519.X25519PrivateKey.generate()
            spki = peer.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            shared = api.must(api.act(name, "agree", octets=spki)).body
            assert shared == peer.exchange(self.pair.public_key())
        elif self.pair:
            signature = api.must(api.act(name, "sign", octets=message)).body
            public = self.pair.public_key()
            if self.type == "ed25519":
                public.verify(signature, message)
            elif self.type.startswith("rsa"):
                public.verify(signature, message, padding.PSS(
                    padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), hashes.SHA256())
            else:
                kind = {"ec-p384": hashes.SHA384, "ec-p521": hashes.SHA512}.get(self.type, hashes.SHA256)
                public.verify(signature, message, ec.ECDSA(kind()))
        elif self.type.startswith("hmac"):
            mac = api.must(api.act(name, "mac", octets=message)).body
            assert mac == hmac.digest(self.material, message, self.type[5:])
        elif self.type.startswith("aes"):
            wrapped = api.must(api.act(name, "wrap", octets=message)).body
            assert AES.new(self.material, AES.MODE_KWP).unseal(wrapped) == message
        elif self.type == "opaque":
            out = api.must(api.act(name, "export", octets=b"", format="raw")).body
            assert out == self.material
        else:
            # Nothing of a ChaCha20 key can be seen from outside but that it is the same: by its check value.
            again = api.imported(f"{name}-again", self.material, self.type)["versions"][-1]
            assert again["check_value"] == version["check_value"]


def cryptography_blob(public, material, algorithm):
    """By Python cryptography."""
    kind = next(kind for name, kind in HASHES.items() if algorithm.endswith(name))
    oaep = padding.OAEP(padding.MGF1(kind()), kind(), None)
    if algorithm.startswith("RSAES"):
        return public.encrypt(material, oaep)
    key = os.urandom(32)
    return public.encrypt(key, oaep) + keywrap.aes_key_wrap_with_padding(key, material)


def pycryptodome_blob(public, material, algorithm):
    """By PyCryptodome, which is not made of OpenSSL."""
    kind = {"256": SHA256, "384": SHA384, "512": SHA512}[algorithm[-3:]]
    key = RSA.import_key(public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    oaep = PKCS1_OAEP.new(key, hashAlgo=kind)
    if algorithm.startswith("RSAES"):
        return oaep.encrypt(material)
    inner = os.urandom(32)
    return oaep.encrypt(inner) + AES.new(inner, AES.MODE_KWP).seal(material)


def fetched(store, name, *more):
    """A wrapping key: (id, public key, what the command said)."""
    file = store.folder / "wrap.pem"
    said = json.loads(store.cli("key", "wrapping-key", name, "--out", file, "-o", "json", *more))
    public = serialization.load_pem_public_key(file.read_bytes())
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert base64.b64decode(said["public_key"]) == spki
    assert said["fingerprint"] == hashlib.sha256(spki).hexdigest()
    return said["id"], public, said


def bring(store, name, made, blob, algorithm, key, *more, expect=0):
    file = store.folder / "blob.bin"
    file.write_bytes(blob)
    operations = ["--operations", made.operations] if made.operations else []
    return store.cli("key", "import", name, "--type", made.type, "--format", made.form, "--in", file,
                     "--wrapping", algorithm, "--wrapping-key", key, *operations, *more, expect=expect)


@pytest.mark.parametrize("blob", [cryptography_blob, pycryptodome_blob])
def test_every_type_comes_in_wrapped(store, report, blob):
    """A key under AES-KWP under RSA-OAEP, by two libraries."""
    for type in TYPES:
        made, name = Made(type), f"app/{type}"
        key, public, said = fetched(store, name, "--type", "rsa-3072")
        assert said["key"] == name and public.key_size == 3072
        bring(store, name, made, blob(public, made.material, "RSA_AES_KEY_WRAP_SHA_256"),
              "RSA_AES_KEY_WRAP_SHA_256", key)
        made.check(store, name)
    report(f"import-{blob.__name__}", types=len(TYPES), identical=len(TYPES))


@pytest.mark.parametrize("blob", [cryptography_blob, pycryptodome_blob])
def test_every_algorithm_opens(store, blob):
    """Direct and hybrid, each hash; a fetched key has 4,096 bits if nothing is said."""
    algorithms = [f"{form}_{kind}" for form in ("RSAES_OAEP", "RSA_AES_KEY_WRAP") for kind in HASHES
                  if kind != "SHA_224" or (form == "RSA_AES_KEY_WRAP" and blob is cryptography_blob)]
    types = itertools.cycle(("aes-256", "hmac-sha512", "ec-p256"))
    for algorithm in algorithms:
        made, name = Made(next(types)), f"app/{algorithm.lower()}"
        key, public, said = fetched(store, name)
        assert public.key_size == 4096 and algorithm in said["algorithms"]
        bring(store, name, made, blob(public, made.material, algorithm), algorithm, key)
        made.check(store, name)


@pytest.mark.parametrize("type", ["aes-256", "ec-p384", "rsa-4096"])
def test_the_printed_commands_make_a_blob(store, type):
    """What the command tells to run next, run as it stands."""
    made = Made(type)
    folder = store.folder / "elsewhere"
    folder.mkdir()
    said = store.cli("key", "wrapping-key", "app/key", "--out", folder / "wrap.pem").decode()
    (folder / "key.bin").write_bytes(made.material)
    make, then = said.split("Next, where the key is", 1)[1].split("Then, where Keyward is:", 1)
    script = "\n".join(line.strip() for line in make.splitlines()[1:])
    subprocess.run(["sh", "-euc", script], cwd=folder, check=True, capture_output=True)
    assert sorted(os.listdir(folder)) == ["blob.bin", "key.bin", "wrap.pem"]
    words = re.sub(r"\\\n", " ", then).split()
    assert words[:4] == ["keyward", "key", "import", "app/key"]
    words = [made.type if word == "TYPE" else made.form if word == "raw|pkcs8" else word for word in words]
    operations = ["--operations", made.operations] if made.operations else []
    store.cli(*words[1:], *operations, cwd=folder)
    made.check(store, "app/key")


@pytest.mark.parametrize("type", ["aes-256", "hmac-sha384", "ed25519", "rsa-2048"])
def test_a_key_of_keywards_opens_what_others_wrapped_for_it(store, type):
    """AES-KW, AES-KWP and RSA under named keys, in a version of before too."""
    made, api = Made(type), store.api()
    kek, pair = os.urandom(32), rsa.generate_private_key(65537, 3072)
    api.imported("kek/aes", kek, operations="wrap,unwrap")
    api.imported("kek/rsa", pair.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        "rsa-3072", "pkcs8", operations="wrap,unwrap")
    api.rotate("kek/aes")
    blobs = {
        "kwp-cryptography": ("AES_KWP", keywrap.aes_key_wrap_with_padding(kek, made.material)),
        "kwp-pycryptodome": ("AES_KWP", AES.new(kek, AES.MODE_KWP).seal(made.material))}
    if len(made.material) % 8 == 0:
        blobs["kw-cryptography"] = "AES_KW", keywrap.aes_key_wrap(kek, made.material)
        blobs["kw-pycryptodome"] = "AES_KW", AES.new(kek, AES.MODE_KW).seal(made.material)
    for name, (algorithm, blob) in blobs.items():
        # The primary version is another by now.
        words = bring(store, f"app/{name}", made, blob, algorithm, "kek/aes", expect=1)
        assert "blob_unopened" in words or "does not open" in words
        bring(store, f"app/{name}", made, blob, algorithm, "kek/aes", "--wrapping-key-version", 1)
        made.check(store, f"app/{name}")
    for algorithm in ("RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_512"):
        name = f"app/{algorithm.lower()}"
        bring(store, name, made, pycryptodome_blob(pair.public_key(), made.material, algorithm), algorithm,
              "kek/rsa")
        made.check(store, name)


def jose(made):
    """The JWK of a key, by jwcrypto."""
    if made.pair:
        return jwk.JWK.from_pyca(made.pair)
    return jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(made.material).rstrip(b"=").decode())


def test_a_jwk_of_every_type_comes_in(store, report):
    """Written by jwcrypto; a pair tells its type, and bytes are told theirs."""
    file = store.folder / "key.jwk"
    for type in TYPES:
        made, name = Made(type), f"app/{type}"
        write_private(file, jose(made).export(private_key=True).encode())
        told = [] if made.pair else ["--type", type]
        operations = ["--operations", made.operations] if made.operations else []
        store.cli("key", "import", name, "--format", "jwk", "--in", file, *told, *operations)
        made.check(store, name)
        store.cli("key", "import", name, "--format", "jwk", "--in", file, "--new-version")
        versions = store.api().show(name)["versions"]
        assert len({one["check_value"] for one in versions}) == 1 and len(versions) == 2
        # Another type than its own is refused, before anything is sent.
        other = "ed25519" if type != "ed25519" else "aes-256"
        store.cli("key", "import", "app/other", "--format", "jwk", "--in", file, "--type", other, expect=2)
    report("import-jwk", types=len(TYPES), identical=len(TYPES))


def test_a_jwk_that_says_otherwise_is_refused(store):
    """Its use, its operations and its algorithm hold, for a new key and for a new version."""
    made, api = Made("rsa-2048"), store.api()
    file = store.folder / "key.jwk"

    def take(name, *more, expect=0, **members):
        document = {**json.loads(jose(made).export(private_key=True)), **members}
        write_private(file, json.dumps(document).encode())
        return store.cli("key", "import", name, "--format", "jwk", "--in", file, *more, expect=expect)

    for members in ({"use": "enc"}, {"key_ops": ["decrypt"]}, {"alg": "RSA-OAEP-256"}, {"alg": "RSA1_5"}):
        words = take("app/key", expect=2, **members)
        assert "--operations" in words, words
        if members != {"alg": "RSA1_5"}:
            take(f"app/{len(api.keys())}", "--operations", "encrypt,decrypt", **members)
    take("app/key", use="sig", alg="PS256", key_ops=["sign", "verify"])
    take("app/key", "--new-version", expect=2, use="enc")
    take("app/key", "--new-version", alg="PS256")
    for broken in ({"d": None}, {"use": "both"}, {"p": "AQAB"}, {"kty": "oct"}):
        take("app/broken", expect=2, **broken)
    text = json.dumps(json.loads(jose(made).export(private_key=True)))
    write_private(file, (text[:-1] + ', "kty": "RSA"}').encode())
    store.cli("key", "import", "app/broken", "--format", "jwk", "--in", file, expect=2)
    # For everyone to read: not taken.
    file.chmod(0o644)
    store.cli("key", "import", "app/broken", "--format", "jwk", "--in", file, expect=None)
    assert "app/broken" not in [key["name"] for key in api.keys()]


def test_limits_of_an_import(store):
    """Destinations and approvals are those of the new key from its first moment."""
    made = Made("aes-256")
    key, public, _ = fetched(store, "app/key")
    bring(store, "app/key", made, cryptography_blob(public, made.material, "RSAES_OAEP_SHA_256"),
          "RSAES_OAEP_SHA_256", key, "--allowed-destination", "aws-prod", "--allowed-destination", "vault",
          "--required-approvals", "2", "--never-exportable")
    key = store.api().show("app/key")
    assert key["allowed_destinations"] == ["aws-prod", "vault"] and key["required_approvals"] == 2
    assert key["never_exportable"]
    # So the next version takes approvals, and the wrapping key for it does.
    words = store.cli("key", "wrapping-key", "app/key", expect=5)
    assert "apr-" in words
    file = store.folder / "key.bin"
    write_private(file, made.material)
    store.cli("key", "import", "app/clear", "--type", "aes-256", "--format", "raw", "--in", file,
              "--allowed-destination", "b", "--required-approvals", "1")
    assert store.api().show("app/clear")["allowed_destinations"] == ["b"]


def test_once_and_for_its_name_alone(store, report):
    """A second import, another name, an end, SHA-1 and what is none: refused with what to do."""
    made, api = Made("aes-256"), store.api()
    algorithm = "RSA_AES_KEY_WRAP_SHA_256"
    key, public, _ = fetched(store, "app/key", "--ttl", "60s")
    blob = cryptography_blob(public, made.material, algorithm)
    for name in ("app/other", "app/key/deeper"):
        words = bring(store, name, made, blob, algorithm, key, expect=6)
        assert f"keyward key wrapping-key fetch {name}" in words
    for old in ("RSA_AES_KEY_WRAP_SHA_1", "RSAES_OAEP_SHA_1"):
        words = bring(store, "app/key", made, blob, old, key, expect=2)
        assert "SHA-256" in words, words
    store.restart()
    answers, api = [], store.api()
    query = {"type": "aes-256", "format": "raw", "wrapping": algorithm, "wrapping_key": key}

    def race():
        answers.append(store.api().post("/api/v1/keys/app/key:import", octets=blob, **query))

    threads = [threading.Thread(target=race) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers)[0] == 200
    assert [answer.status for answer in answers].count(200) == 1
    assert {answer.status for answer in answers} <= {200, 404, 409}
    assert len(api.show("app/key")["versions"]) == 1
    report("import-race", requests=len(answers), imported=1)


def test_a_wrapping_key_is_discarded(store):
    """By who may, for its name; from then on its blob opens nothing, and the entry says which key it was."""
    made, api, algorithm = Made("aes-256"), store.api(), "RSA_AES_KEY_WRAP_SHA_256"
    key, public, _ = fetched(store, "app/key", "--type", "rsa-3072")
    other, *_ = fetched(store, "app/key", "--type", "rsa-3072")
    apply(api, role("importer", [["key:import"], ["keys/**"]]),
          role("keeper", [["key:discard-wrapping-key"], ["keys/app/**"]]),
          binding("eve", "importer", {"issuer": "tokens", "name": "eve"}),
          binding("cid", "keeper", {"issuer": "tokens", "name": "cid"}))
    shells = {name: shell(store, name) for name in ("eve", "cid")}

    def discard(who, name, key, expect=0, *more):
        return store.cli("key", "wrapping-key", "discard", name, key, *more, expect=expect, environment=shells[who])

    assert "not allowed" in discard("eve", "app/key", key, 5)
    assert "There is no such wrapping key" in discard("cid", "app/other", key, 6)
    discard("cid", "app/key", "once:short", 2)
    said = json.loads(discard("cid", "app/key", key, 0, "-o", "json"))
    digest = hashlib.sha256(public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    assert said["id"] == key and said["fingerprint"] == digest
    discard("cid", "app/key", key, 6)
    blob = cryptography_blob(public, made.material, algorithm)
    assert "There is no such wrapping key" in bring(store, "app/key", made, blob, algorithm, key, expect=6)
    assert b"is destroyed" in discard("cid", "app/key", other)
    told = [one["outcome"] for one in audit(api) if one["operation"] == "key:discard-wrapping-key"]
    assert told == ["forbidden", "not_found", "allowed", "not_found", "allowed"], told
    lines = [line for line in api.get("/api/v1/audit/export").body.splitlines() if digest.encode() in line]
    assert len(lines) == 2 and b"key:discard-wrapping-key" in lines[-1], lines
    # The longer form of fetching, and a key of that very name.
    for words in (("fetch", "app/key"), ("fetch", "discard")):
        assert json.loads(store.cli("key", "wrapping-key", *words, "-o", "json"))["key"] == words[1]


def shell(store, name):
    """The environment of somebody with a token of that name."""
    file = store.folder / f"{name}.token"
    write_private(file, token(store.api(), name)[0].encode())
    return {"KEYWARD_TOKEN_FILE": str(file)}


def test_approvers_see_the_wrapping_key(store):
    """The second key of an import is a field of its own, in what is shown and in what is listed."""
    made, api, kek = Made("aes-256"), store.api(), os.urandom(32)
    api.imported("kek/aes", kek, operations="wrap,unwrap")
    apply(api, role("approver", [["approval:*"], ["approvals"]]),
          binding("ann", "approver", {"issuer": "tokens", "name": "ann"}),
          document("ApprovalRule", "kek", operations=["key:unwrap"], resources=["keys/kek/**"],
                   require={"n": 1, "of": [{"issuer": "tokens", "name": "ann"}]}))
    ann, blob = shell(store, "ann"), store.folder / "blob.bin"
    blob.write_bytes(keywrap.aes_key_wrap_with_padding(kek, made.material))
    asked = ("key", "import", "app/key", "--type", "aes-256", "--format", "raw", "--in", blob, "--wrapping", "AES_KWP",
             "--wrapping-key", "kek/aes", "--operations", made.operations)
    given = re.search(r"apr-\w+", store.cli(*asked, expect=5)).group()
    shown = json.loads(store.cli("approval", "show", given, "-o", "json", environment=ann))
    assert (shown["operation"], shown["resource"]) == ("key:import", "keys/app/key")
    assert shown["reached"] == [{"operation": "key:unwrap", "resource": "keys/kek/aes"}]
    assert json.loads(store.cli("approval", "list", "-o", "json", environment=ann)) == [shown]
    words = store.cli("approval", "show", given, environment=ann).decode()
    assert re.search(r"^Reaches\W+key:unwrap of keys/kek/aes$", words, re.MULTILINE), words
    store.cli("approval", "approve", given, environment=ann)
    store.cli(*asked, "--approval", given)
    made.check(store, "app/key")
    # What reaches nothing else says so.
    apply(api, role("approver", [["approval:*"], ["approvals"]]),
          binding("ann", "approver", {"issuer": "tokens", "name": "ann"}),
          document("ApprovalRule", "all", operations=["key:rotate"], resources=["keys/**"],
                   require={"n": 1, "of": [{"issuer": "tokens", "name": "ann"}]}))
    given = re.search(r"apr-\w+", store.cli("key", "rotate", "app/key", expect=5)).group()
    assert json.loads(store.cli("approval", "show", given, "-o", "json", environment=ann))["reached"] == []


def test_a_blob_that_does_not_open_tells_nothing(store, report):
    """Flipped, cut, of another hash, with other content: one answer, byte for byte, and sixteen attempts."""
    api, algorithm = store.api(), "RSA_AES_KEY_WRAP_SHA_256"
    seen, times = set(), {}
    for round in range(3):
        key, public, _ = fetched(store, f"app/{round}", "--type", "rsa-3072")
        good = cryptography_blob(public, os.urandom(32), algorithm)
        faults = {
            "oaep": good[:10] + bytes([good[10] ^ 1]) + good[11:], "kwp": good[:-3] + bytes([good[-3] ^ 1]) + good[-2:],
            "short": good[:100], "empty": b"", "long": good + bytes(8),
            "hash": cryptography_blob(public, os.urandom(32), "RSA_AES_KEY_WRAP_SHA_512"),
            "length": cryptography_blob(public, os.urandom(31), algorithm),
            "text": cryptography_blob(public, b"-----BEGIN", algorithm)}
        for _ in range(2):
            for name, blob in faults.items():
                started = time.perf_counter()
                answer = api.post(f"/api/v1/keys/app/{round}:import", octets=blob, type="aes-256", format="raw",
                                  wrapping=algorithm, wrapping_key=key)
                times.setdefault(name, []).append(time.perf_counter() - started)
                problem = {k: v for k, v in answer.json.items() if k not in ("instance", "request_id")}
                seen.add((answer.status, json.dumps(problem, sort_keys=True)))
        assert len(seen) == 1, seen
        # That were sixteen.
        answer = api.post(f"/api/v1/keys/app/{round}:import", octets=good, type="aes-256", format="raw",
                          wrapping=algorithm, wrapping_key=key)
        assert answer.status == 404, answer.body
    report("import-faults", answers=len(seen), **{
        f"{name}_ms": round_ms(values) for name, values in times.items()})


def round_ms(values):
    return f"{sorted(values)[len(values) // 2] * 1000:.1f}"


def test_two_rights_and_two_entries(store):
    """Who may import may not use a wrapping key for that alone; the log tells both."""
    made, api = Made("aes-256"), store.api()
    kek = os.urandom(32)
    api.imported("kek/aes", kek, operations="wrap,unwrap")
    api.imported("kek/plain", kek, operations="encrypt,decrypt")
    apply(api, role("importer", [["key:import"], ["keys/**"]]), role("unwrapper", [["key:unwrap"], ["keys/kek/**"]]),
          binding("eve", "importer", {"issuer": "tokens", "name": "eve"}),
          binding("eve-too", "unwrapper", {"issuer": "tokens", "name": "eve"}),
          binding("cid", "importer", {"issuer": "tokens", "name": "cid"}))
    shells = {name: shell(store, name) for name in ("eve", "cid")}
    blob = store.folder / "blob.bin"
    blob.write_bytes(keywrap.aes_key_wrap_with_padding(kek, made.material))

    def take(who, key, expect):
        return store.cli("key", "import", "app/key", "--type", "aes-256", "--format", "raw", "--in", blob,
                         "--wrapping", "AES_KWP", "--wrapping-key", key, "--operations", made.operations,
                         expect=expect, environment=shells[who])

    take("cid", "kek/aes", 5)
    assert "does not unwrap" in take("eve", "kek/plain", 1)
    api.state("kek/aes", 1, "suspended")
    assert "no active version" in take("eve", "kek/aes", 1)
    api.state("kek/aes", 1, "active")
    take("eve", "kek/aes", 0)
    made.check(store, "app/key")
    entries = [one for one in audit(api) if one["operation"] in ("key:unwrap", "key:import")
               and one["resource"] in ("keys/kek/aes", "keys/app/key")]
    told = [(one["operation"], one["outcome"]) for one in entries]
    assert told[-2:] == [("key:unwrap", "allowed"), ("key:import", "allowed")], told
    assert ("key:unwrap", "forbidden") in told and ("key:unwrap", "key_state") in told, told
    # How it came is in the log as it is exported.
    digest = hashlib.sha256(blob.read_bytes()).hexdigest().encode()
    lines = [line for line in api.get("/api/v1/audit/export").body.splitlines() if digest in line]
    assert lines and all(b"key:import" in line and b"AES_KWP" in line for line in lines), lines


def test_nothing_of_an_import_is_told(store, report):
    """Material and the keys around it: in no log, argument, environment, audit entry, error or file."""
    planted, told = [], []
    processes = Processes(os.getpid(), store.process.pid)
    processes.start()
    for type in ("aes-256", "hmac-sha512", "ec-p256", "rsa-2048"):
        made = Made(type)
        planted.append(made.secret)
        key, public, _ = fetched(store, f"app/{type}", "--type", "rsa-3072")
        inner = os.urandom(32)
        planted.append(inner)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        blob = public.encrypt(inner, oaep) + keywrap.aes_key_wrap_with_padding(inner, made.material)
        told.append(bring(store, f"app/{type}", made, blob[:-1], "RSA_AES_KEY_WRAP_SHA_256", key, expect=1).encode())
        told.append(bring(store, f"app/{type}", made, blob, "RSA_AES_KEY_WRAP_SHA_256", key))
        told.append(bring(store, f"app/{type}", made, blob, "RSA_AES_KEY_WRAP_SHA_256", key, expect=1).encode())
        file = store.folder / "key.jwk"
        write_private(file, jose(made).export(private_key=True).encode())
        kind = [] if made.pair else ["--type", type]
        told.append(store.cli("key", "import", f"jose/{type}", "--format", "jwk", "--in", file, *kind))
        file.unlink()
    seen = processes.end()
    log = store.api().get("/api/v1/audit/export").body
    (store.folder / "blob.bin").unlink()
    store.stop()
    places = {"answers": b"\n".join(told), "processes": seen, "audit": log, "server log": store.all_logs(),
              **{path.name: path.read_bytes() for path in store.data.iterdir() if path.is_file()}}
    hits = [(place, index) for place, content in places.items() for index, secret in enumerate(planted)
            for text in spellings(secret) if text in content]
    assert not hits, hits
    assert processes.looks > 10
    report("import-canaries", planted=len(planted), places=len(places), looks=processes.looks, hits=0)

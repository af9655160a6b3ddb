"""Keys as files: bundles for places without a network, and the formats of others, opened by others."""
import base64
import ctypes
import json
import os
import pathlib
import stat
import struct
import subprocess
import sys

import pytest
from Crypto.Cipher import AES
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fakes import openers
from fakes.aws import wrapping_key
from harness import ORACLES, clouds
from harness.server import write_private

sys.path.insert(0, str(ORACLES))
import export_oracle as oracle  # noqa: E402

PASSWORD = b"correct horse battery staple"


class Watch:
    """What happens to the names of a folder, by inotify: (name, what), in its order."""

    KINDS = {0x2: "written", 0x4: "attributes", 0x40: "renamed away", 0x80: "renamed to", 0x100: "made",
             0x200: "removed"}

    def __init__(self, folder):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK)
        assert self.fd >= 0
        assert self.libc.inotify_add_watch(self.fd, str(folder).encode(), sum(self.KINDS)) >= 0

    def events(self):
        data, found = b"", []
        while True:
            try:
                data += os.read(self.fd, 1 << 16)
            except BlockingIOError:
                break
        while data:
            _, mask, _, length = struct.unpack("iIII", data[:16])
            name = data[16:16 + length].rstrip(b"\0").decode()
            found += [(name, words) for bit, words in self.KINDS.items() if mask & bit]
            data = data[16 + length:]
        os.close(self.fd)
        return found


def whole(folder, name, run):
    """Runs with a careless umask; the file must be private, and only ever empty or whole under its name."""
    watch = Watch(folder)
    run()
    events = [what for which, what in watch.events() if which == name]
    assert "renamed to" in events and "written" not in events, events
    path = folder / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in folder.iterdir()] == [name], "other files were left"
    return path.read_bytes()


def pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def spki(key):
    return base64.b64encode(openers.spki(key)).decode()


def number(value):
    return oracle.url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


# Per provider: the destination, what the provider answers about its wrapping key, and how the file that
# comes out is opened.
def aws(key):
    return (["--region", "eu-central-1"], {
        "KeyId": "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "ImportToken": base64.b64encode(os.urandom(600)).decode(), "PublicKey": spki(key),
        "ParametersValidTo": 4102444800.0},
        ["--wrapping-algorithm", "RSAES_OAEP_SHA_256", "--wrapping-key-bits", "4096"],
        lambda file: openers.direct(
            key, base64.b64decode(json.loads(file)["EncryptedKeyMaterial"]), "SHA256"))


def azure(key):
    numbers = key.public_key().public_numbers()
    kid = "https://payments-kv.vault.azure.net/keys/keyward-import/" + "0f" * 16
    return (["--tenant", "11112222-3333-4444-5555-666677778888", "--vault", "payments-kv",
             "--kek", "keyward-import"], {
        "key": {"kid": kid, "kty": "RSA-HSM", "key_ops": ["import"], "n": number(numbers.n),
                "e": number(numbers.e)}, "attributes": {"enabled": True}}, ["--name", "copy"],
        lambda file: openers.hybrid(key, oracle.unurl(json.loads(file)["ciphertext"]), "SHA1"))


def google(key):
    job = "projects/p/locations/europe-west1/keyRings/payments/importJobs/job1"
    return (["--project", "p", "--location", "europe-west1", "--key-ring", "payments",
             "--protection", "hsm"], {
        "name": job, "importMethod": "RSA_OAEP_4096_SHA256", "protectionLevel": "HSM",
        "state": "ACTIVE", "expireTime": "2099-01-01T00:00:00Z",
        "publicKey": {"pem": pem(key).decode()}}, ["--name", "copy"],
        lambda file: openers.direct(key, file, "SHA256"))


def openbao(key):
    return (["--endpoint", "https://bao.example:8200"],
            {"data": {"public_key": pem(key).decode()}}, ["--name", "copy"],
            lambda file: openers.hybrid(key, base64.b64decode(json.loads(file)["ciphertext"]), "SHA256"))


@pytest.mark.parametrize("provider, type, next_words", [
    (aws, "aes-256", "aws kms import-key-material"), (azure, "ec-p256", "az keyvault key import"),
    (google, "hmac-sha256", "gcloud kms keys versions import"), (openbao, "aes-256", "bao write")])
def test_a_bundle_is_one_private_file_and_the_next_commands(stores, provider, type, next_words):
    name, key = provider.__name__, wrapping_key(4096)
    place, answer, options, opened = provider(key)
    store = clouds.served(stores)
    store.cli("destination", "put", "there", "--provider", name, *place)
    data = clouds.material(type, os.urandom)
    clouds.imported(store, "app/key", type, data, rights="cloud-export,export")
    parameters, folder = store.folder / "parameters.json", store.folder / "out"
    parameters.write_text(json.dumps(answer))
    folder.mkdir()
    said = []
    file = whole(folder, "blob", lambda: said.append(store.cli(
        "export", name, "app/key", "--to", "there", "--mode", "bundle", "--parameters", parameters,
        "--out", folder / "blob", *options, umask=0)))
    assert opened(file) == data
    words = said[0].decode()
    assert next_words in words and str(folder / "blob") in words, words
    assert data not in said[0] and base64.b64encode(data) not in said[0]
    # What is there is not written over, and a refusal leaves nothing behind.
    assert "blob" in store.cli(
        "export", name, "app/key", "--to", "there", "--mode", "bundle", "--parameters", parameters,
        "--out", folder / "blob", *options, expect=1)
    assert (folder / "blob").read_bytes() == file
    parameters.write_text("{")
    store.cli("export", name, "app/key", "--to", "there", "--mode", "bundle", "--parameters", parameters,
              "--out", folder / "none", *options, expect=1)
    assert [one.name for one in folder.iterdir()] == ["blob"]


@pytest.mark.parametrize("method, bits, hash_name, is_hybrid", [
    ("RSA_OAEP_3072_SHA256", 3072, "SHA256", False), ("RSA_OAEP_3072_SHA256_AES_256", 3072, "SHA256", True)])
def test_a_job_of_google_says_how_it_is_wrapped_for(stores, method, bits, hash_name, is_hybrid):
    """Without a word on the command line, the blob has the job's own method; with another word it is refused."""
    key = wrapping_key(bits)
    place, answer, options, _ = google(key)
    store = clouds.served(stores)
    store.cli("destination", "put", "there", "--provider", "google", *place)
    data = os.urandom(32)
    clouds.imported(store, "app/key", "hmac-sha256", data, rights="cloud-export,export")
    parameters, out = store.folder / "parameters.json", store.folder / "blob"
    parameters.write_text(json.dumps(answer | {"importMethod": method}))
    command = ["export", "google", "app/key", "--to", "there", "--mode", "bundle", "--parameters",
               parameters, *options, "--out"]
    store.cli(*command, out)
    opener = openers.hybrid if is_hybrid else openers.direct
    assert opener(key, out.read_bytes(), hash_name) == data
    other = "RSAES_OAEP_SHA_256" if is_hybrid else "RSA_AES_KEY_WRAP_SHA_256"
    words = store.cli(*command, store.folder / "none", "--wrapping-algorithm", other, expect=1)
    assert "parameters_mixed" in words and "--wrapping-algorithm RSA" in words, words


@pytest.fixture
def desk(stores):
    store = clouds.served(stores)
    (store.folder / "out").mkdir()
    return store


def written(store, kind, name, *options):
    """The file of an export, seen to be whole and private; removed again."""
    folder = store.folder / "out"
    data = whole(folder, "key", lambda: store.cli(
        "export", kind, name, "--out", folder / "key", *options, umask=0))
    (folder / "key").unlink()
    return data


def private(store, name, data):
    write_private(store.folder / name, data)
    return store.folder / name


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


@pytest.mark.parametrize("type", ["aes-256", "hmac-sha256", "ec-p256", "rsa-2048"])
def test_formats_are_opened_by_others(desk, type, report):
    """jwcrypto, Tink, openssl, cryptography and PyCryptodome read the identical key from each file."""
    data = clouds.material(type, os.urandom)
    name = clouds.imported(desk, "app/key", type, data, rights="export")
    is_pair = type.startswith(("ec", "rsa"))
    password = private(desk, "password", PASSWORD)
    kek = os.urandom(32)
    wrapping = private(desk, "kek", kek)
    opened = 0
    for recipient in (rsa.generate_private_key(65537, 3072), ec.generate_private_key(ec.SECP256R1())):
        (desk.folder / "recipient.pem").write_bytes(pem(recipient))
        token = written(desk, "jwe", name, "--recipient", desk.folder / "recipient.pem")
        found = oracle.jwe({"jwe": token.decode().strip(), "recipient": recipient.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).hex()})
        assert found["material"] == data.hex(), found["alg"]
        opened += 1
    assert oracle.jwk_content(written(desk, "jwk", name))["material"] == data.hex()
    assert written(desk, "raw", name) == data
    wrapped = written(desk, "pkcs11", name, "--wrapping-key-file", wrapping)
    assert AES.new(kek, AES.MODE_KWP).unseal(wrapped) == data
    if is_pair:
        refused = desk.cli("export", "pkcs11-kw", name, "--out", desk.folder / "out" / "key",
                           "--wrapping-key-file", wrapping, expect=1)
        assert "pkcs11-kwp" in refused and not list((desk.folder / "out").iterdir())
    else:
        wrapped = written(desk, "pkcs11-kw", name, "--wrapping-key-file", wrapping)
        assert AES.new(kek, AES.MODE_KW).unseal(wrapped) == data
    opened += 3
    if not type.startswith("rsa"):
        for options, job in (((), {}), (("--wrapping-key-file", wrapping), {"kek": kek.hex()})):
            keyset = written(desk, "tink", name, *options)
            text = json.loads(keyset)
            identity = (text.get("keysetInfo") or text)["primaryKeyId"]
            assert oracle.tink_keyset({"keyset": keyset.hex(), "material": data.hex(), "type": type,
                                       "id": identity, **job}) == {"ok": True}
            opened += 1
    if is_pair:
        sealed = written(desk, "pkcs8", name, "--password-file", password)
        assert oracle.encrypted_pkcs8({"file": der(sealed).hex(), "password": PASSWORD.hex()})["material"] == data.hex()
        file = private(desk, "sealed", sealed)
        form = "PEM" if sealed.startswith(b"-") else "DER"
        assert openssl("pkcs8", "-inform", form, "-in", file, "-passin", f"file:{password}", "-topk8",
                       "-nocrypt", "-outform", "DER") == data
        store = written(desk, "pkcs12", name, "--password-file", password)
        assert oracle.pkcs12({"file": store.hex(), "password": PASSWORD.hex()})["material"] == data.hex()
        file = private(desk, "store.p12", store)
        assert b"PRIVATE KEY" in openssl("pkcs12", "-in", file, "-nodes", "-passin", f"file:{password}")
        opened += 4
    report("files opened by others", type=type, opened=opened)


def der(data):
    if not data.startswith(b"-"):
        return data
    return base64.b64decode(b"".join(data.splitlines()[1:-1]))

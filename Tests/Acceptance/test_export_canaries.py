"""Nothing secret of an export is told: not by logs, audit, arguments, environments, errors, databases or files."""
import base64
import os
import pathlib
import threading
import time

from cryptography.hazmat.primitives import serialization
from fakes import openers
from fakes.aws import FakeAWS
from fakes.azure import FakeAzure
from fakes.google import FakeGoogle
from fakes.openbao import FakeOpenBao
from harness import clouds
from harness.api import API
from harness.server import write_private

FAULTS = ("500", "malformed", "redirect", "cut")


def spellings(secret):
    """A secret as it could be written: its bytes, hexadecimal, base64 at each of the three alignments."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + secret)
        # The first and last characters depend on what is around.
        inner = text[4 if shift else 0:-4]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


class Processes(threading.Thread):
    """Reads arguments and environments of all processes but those that were given the secrets, all the time."""

    def __init__(self, *without):
        super().__init__(daemon=True)
        self.without, self.seen, self.over, self.looks = set(without), set(), False, 0

    def run(self):
        while not self.over:
            self.looks += 1
            for entry in os.scandir("/proc"):
                if not entry.name.isdigit() or int(entry.name) in self.without:
                    continue
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add(pathlib.Path(entry.path, name).read_bytes())
                    except OSError:
                        pass
            time.sleep(0.005)

    def end(self):
        self.over = True
        self.join()
        return b"\n".join(self.seen)


def test_nothing_secret_of_an_export_is_told(stores, report, monkeypatch):
    fakes = [kind() for kind in (FakeAWS, FakeAzure, FakeGoogle, FakeOpenBao)]
    inner, started = [], time.time()
    opener = openers.direct

    def direct(*arguments):
        # What lies under the wrapping key: the material, or the key that was made for this one export.
        inner.append(opener(*arguments))
        return inner[-1]

    monkeypatch.setattr(openers, "direct", direct)
    store = clouds.served(stores, *fakes)
    data, told = {}, []
    for type in ("aes-256", "hmac-sha256", "ec-p256", "rsa-2048"):
        data[type] = clouds.material(type, os.urandom)
        clouds.imported(store, f"app/{type}", type, data[type], rights="cloud-export,export")
    password, kek = os.urandom(12).hex().encode(), os.urandom(32)
    write_private(store.folder / "password", password)
    write_private(store.folder / "kek", kek)
    processes = Processes(os.getpid(), store.process.pid)
    processes.start()

    def run(*arguments):
        words = store.cli(*arguments, expect=None, timeout=120)
        told.append(words if isinstance(words, bytes) else words.encode())

    for number, fake in enumerate(fakes):
        for type in data:
            run("export", fake.name, f"app/{type}", "--to", f"{fake.name}-prod", "-v",
                *([] if fake.name == "aws" else ["--name", f"copy-{type}"]))
        # An error at every early step: of the credentials, the wrapping key, the import.
        for kind in FAULTS:
            fake.arm(kind, at=number % 3, times=50)
            run("export", fake.name, "app/ec-p256", "--to", f"{fake.name}-prod", "-v",
                *([] if fake.name == "aws" else ["--name", f"broken-{kind}"]))
            fake.arm()
    out = store.folder / "file"
    for kind, option in (("pkcs8", "--password-file"), ("pkcs12", "--password-file"), ("pkcs11", "--wrapping-key-file"),
                         ("tink", "--wrapping-key-file")):
        run("export", kind, "app/ec-p256", "--out", out, option,
            store.folder / ("password" if "password" in option else "kek"))
        assert out.exists(), told[-1]
        out.unlink()
    run("export", "list", "-o", "json")
    ran = processes.end()
    api = API(store.admin_path)
    figures, log = api.get("/metrics").body, api.get("/api/v1/audit/export").body
    limits = pathlib.Path(f"/proc/{store.process.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"], core
    store.stop()

    secrets = {f"material {type}": value for type, value in data.items()}
    for type in ("ec-p256", "rsa-2048"):
        key = serialization.load_der_private_key(data[type], None)
        numbers = key.private_numbers()
        scalar = numbers.private_value if type.startswith("ec") else numbers.d
        secrets[f"private number {type}"] = scalar.to_bytes((scalar.bit_length() + 7) // 8, "big")
    secrets |= {f"under a wrapping key {number}": value for number, value in enumerate(inner)}
    secrets |= {f"{fake.name} credential {number}": value.encode()
                for fake in fakes for number, value in enumerate(clouds.secrets_of(fake))}
    account = fakes[2].account_key.private_numbers().d
    secrets["service account"] = account.to_bytes((account.bit_length() + 7) // 8, "big")
    secrets |= {"password": password, "wrapping secret": kek}
    # Each provider was given something, or nothing was tried.
    assert len(inner) >= 12 and all(fake.opened for fake in fakes)

    ours = {store.folder / name for name in ("service-account.json", "password", "kek")}
    files = {}
    for root in (store.folder, pathlib.Path("/tmp")):
        for path in (root.rglob("*") if root == store.folder else root.glob("*")):
            try:
                if path.is_file() and path not in ours and path.stat().st_mtime >= started \
                        and path.stat().st_size < 1 << 26:
                    files[str(path)] = path.read_bytes()
            except OSError:
                pass
    assert str(store.database) in files
    assert not [name for name in files if pathlib.Path(name).name.startswith("core")]
    places = {"output and errors": b"\n".join(told), "arguments and environments": ran, "figures": figures,
              "audit": log, "server log": store.all_logs(), **files}
    hits = {(what, place) for what, secret in secrets.items() for form in spellings(secret)
            for place, content in places.items() if form in content}
    for fake in fakes:
        fake.close()
    assert not hits, sorted(hits)
    # The search finds what is there: the same canaries in what the providers were sent.
    assert any(form in b"x" + base64.b64encode(b"z" + kek) for form in spellings(kek))
    report("export canaries", secrets=len(secrets), ephemeral=len(inner), places=len(places),
           looks=processes.looks, answers=len(told), hits=0)

"""LocalStack's KMS in a virtual environment of its own, over TLS with a certificate of a test authority.

No fake of this project: an emulator of others, which unwraps for real. It is installed from PyPI once
(about 90 seconds), needs Python 3.11, and no network after that.
"""
import base64
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness.tls import Authority, free_port

PACKAGES = ["localstack-core[base-runtime]==4.10.0", "moto-ext==5.1.54", "cbor2==5.7.1",
            "pyopenssl==24.3.0", "cryptography==44.0.3", "service_identity==24.2.0", "psutil==6.1.1"]
ROOT = pathlib.Path(__file__).resolve().parents[3]


def installed():
    """The Python that has LocalStack; installs it unless it is there, RuntimeError if that fails."""
    venv = pathlib.Path(os.environ.get("KEYWARD_LOCALSTACK", ROOT / ".venv-localstack"))
    python = venv / "bin" / "python"
    if not (venv / "installed").exists() and not (
            python.exists() and subprocess.run([python, "-c", "import localstack.runtime.main"],
                                               capture_output=True).returncode == 0):
        base = shutil.which("python3.11")
        if base is None:
            raise RuntimeError("LocalStack 4.10 needs python3.11, which is not on the PATH")
        started = time.monotonic()
        for command in ([base, "-m", "venv", venv],
                        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"LocalStack cannot be installed: {done.stderr.strip()[-300:]}")
        (venv / "installed").write_text(f"{time.monotonic() - started:.0f} s\n")
    return python


class LocalStack:
    def __init__(self):
        python = installed()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kw-localstack-"))
        authority = Authority("Test authority")
        server = authority.server()
        self.authorities = self.folder / "ca.pem"
        self.authorities.write_bytes(authority.pem)
        (self.folder / "server.pem").write_bytes(server.key_pem + server.pem)
        self.port = free_port()
        self.process = subprocess.Popen(
            [python, "-m", "localstack.runtime.main"], stdin=subprocess.DEVNULL,
            stdout=open(self.folder / "log", "wb"), stderr=subprocess.STDOUT, env={
                "PATH": os.environ["PATH"], "HOME": str(self.folder), "SERVICES": "kms",
                "GATEWAY_LISTEN": f"127.0.0.1:{self.port}", "DISABLE_EVENTS": "1", "DNS_ADDRESS": "0",
                "SKIP_SSL_CERT_DOWNLOAD": "1", "FILESYSTEM_ROOT": str(self.folder),
                "CUSTOM_SSL_CERT_PATH": str(self.folder / "server.pem")})
        self.context = ssl.create_default_context(cafile=self.authorities)
        deadline = time.monotonic() + 120
        while True:
            try:
                self.get("/_localstack/health")
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"LocalStack does not start: {self.folder / 'log'}")
                time.sleep(0.3)

    def get(self, path, data=None, headers=None):
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", data, headers or {})
        with urllib.request.urlopen(request, timeout=30, context=self.context) as answer:
            return answer.read()

    def greeting(self):
        return {"port": self.port, "authorities": str(self.authorities),
                "access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "test"}

    def opens(self, key, material):
        """Whether what LocalStack encrypts opens here with the material, in the emulator's own form."""
        body = json.dumps({"KeyId": key, "Plaintext": base64.b64encode(b"canary").decode()}).encode()
        answer = json.loads(self.get("/", body, {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.Encrypt",
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-central-1/kms/"
                             "aws4_request, SignedHeaders=host, Signature=0"}))
        blob = base64.b64decode(answer["CiphertextBlob"])
        nonce, tag, sealed = blob[36:52], blob[52:68], blob[68:]
        plain = AESGCM(bytes.fromhex(material)).decrypt(nonce, sealed + tag, None)
        remover = padding.PKCS7(128).unpadder()
        return remover.update(plain) + remover.finalize() == b"canary"

    def close(self):
        # It has nothing to lose, and SIGTERM leaves it waiting for its own threads.
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    try:
        emulator = LocalStack()
    except RuntimeError as error:
        print(json.dumps({"unavailable": str(error)}), flush=True)
        return
    print(json.dumps(emulator.greeting()), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"value": getattr(emulator, command.pop("do"))(**command)}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)
    emulator.close()

"""The keyward process: made, started, stopped, killed."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

from . import eventually
from .api import API
from .kms import Plugin

PATIENCE = 90.0


class Store:
    """A folder with everything of one server: configuration, data, sockets, logs."""

    def __init__(self, binary, folder=None, keys=("etcd",), seal="key-file", config=""):
        self.binary = str(binary)
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="kw-", dir="/tmp"))
        self.data = self.folder / "data"
        self.config_file = self.folder / "server.yaml"
        self.key_file = self.folder / "seal.key"
        self.admin_path = str(self.folder / "admin.sock")
        self.sockets = {key: str(self.folder / (key.replace("/", "-") + ".sock")) for key in keys}
        self.seal, self.more, self.kms_more = seal, config, {}
        self.environment, self.arguments = {}, []
        self.process, self.runs = None, 0
        self.started_at = None
        if seal == "key-file":
            self.key_file.touch(mode=0o600)
            self.key_file.write_bytes(os.urandom(32))
        self.configure()

    def configure(self):
        """Writes the configuration file as the attributes say."""
        lines = [f"data_dir: {self.data}", "admin:", f"  socket: unix://{self.admin_path}"]
        if self.seal == "key-file":
            lines += ["seal:", f"  key_file: {self.key_file}"]
        if self.sockets:
            lines.append("kms:")
        for key, path in self.sockets.items():
            endpoint = f"unix:///{path}" if path.startswith("@") else f"unix://{path}"
            lines += [f"  - key: {key}", f"    socket: {endpoint}", "    create: true"]
            lines += [f"    {line}" for line in self.kms_more.get(key, [])]
        self.config_file.write_text("\n".join(lines) + "\n" + self.more)

    @property
    def command(self):
        return [self.binary, "server", "--config", str(self.config_file), *self.arguments]

    # Life

    def launch(self, command=None, **options):
        """Starts the process and waits for nothing."""
        assert self.process is None or self.process.poll() is not None, "it runs already"
        self.runs += 1
        self.output = self.folder / f"out.{self.runs}"
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            # A crash shall end the process at once and not draw a backtrace for a minute.
            "SWIFT_BACKTRACE": "enable=no",
            **self.environment,
        }
        with open(self.output, "wb") as output:
            self.started_at = time.monotonic()
            self.process = subprocess.Popen(
                command or self.command, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=environment, **options)
        return self

    def start(self, ready=True, **options):
        """Starts, and waits until the API answers, by default that it is ready."""
        self.launch(**options)
        return self.wait(ready)

    def wait(self, ready=True):
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}: {self.log()}")
            api = API(self.admin_path, timeout=30)
            try:
                return api.get("/readyz").status == 200 or not ready
            except OSError:
                return False
            finally:
                api.close()

        eventually(answers, PATIENCE, what=f"the server's answer ({self.log()[-500:]})")
        # test_service_manager.py asks for more; here a signal shall just not come too early.
        eventually(self.handles_signals, what="the handler of SIGTERM")
        return self

    def handles_signals(self):
        """Whether SIGTERM has another than its default action by now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        masks = [int(line.split()[1], 16) for line in status.splitlines()
                 if line.startswith(("SigCgt", "SigIgn", "SigBlk"))]
        return any(mask >> (signal.SIGTERM - 1) & 1 for mask in masks)

    def made(self):
        """Starts a new store and makes it; it is then unsealed by its key file."""
        self.start(ready=False)
        self.shares = self.api().init(self.seal)
        self.wait()
        for key in self.sockets:
            self.ensure(key)
        return self

    def ensure(self, key):
        """Makes a key unless it is there; `create: true` may make it at the same moment."""
        api = self.api()
        if api.get(f"/api/v1/keys/{key}").status == 404:
            answer = api.post("/api/v1/keys", data={"name": key, "type": "aes-256"})
            assert answer.status == 201 or answer.code == "already_exists", answer.body
        api.close()

    def kill(self):
        """kill -9."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        return self

    def stop(self, expect=0):
        """SIGTERM, and the exit code that a clean stop has."""
        self.process.send_signal(signal.SIGTERM)
        code = self.exit_code()
        assert code == expect, f"exit code {code} after SIGTERM: {self.log()[-1000:]}"
        return self

    def fold(self):
        """Brings what a stopped server left in its write-ahead log into the database file."""
        connection = sqlite3.connect(self.database)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.close()
        assert not (self.data / "keyward.db-wal").exists()
        return self

    def exit_code(self, timeout=PATIENCE):
        return self.process.wait(timeout)

    def restart(self, ready=True):
        self.stop()
        return self.start(ready)

    def refuses(self, *arguments, timeout=PATIENCE):
        """Starts a server that must not come up; (exit code, what it said)."""
        self.launch([*self.command, *arguments])
        try:
            return self.exit_code(timeout), self.log()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server runs instead of refusing: {self.log()}") from None

    def log(self):
        return self.output.read_text(errors="replace") if self.runs else ""

    def all_logs(self):
        return b"".join(
            (self.folder / f"out.{run}").read_bytes() for run in range(1, self.runs + 1))

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Clients

    def api(self, timeout=120):
        return API(self.admin_path, timeout)

    def plugin(self, key=None, **options):
        return Plugin(self.sockets[key or next(iter(self.sockets))], **options)

    def cpu_seconds(self):
        """User and system time of the process so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cli(self, *arguments, data=None, expect=0, timeout=PATIENCE, environment=None, **options):
        """Runs a command of keyward against this server; its output: all of it if it must fail."""
        result = subprocess.run(
            [self.binary, *map(str, arguments)], input=data, capture_output=True, timeout=timeout,
            env={"PATH": os.environ.get("PATH", ""), "SWIFT_BACKTRACE": "enable=no",
                 "KEYWARD_ADDR": f"unix://{self.admin_path}", **(environment or {})}, **options)
        words = (result.stdout + result.stderr).decode(errors="replace")
        assert expect in (None, result.returncode), f"{arguments}: {result.returncode}: {words}"
        return words if expect else result.stdout

    @property
    def database(self):
        return self.data / "keyward.db"


def connects(path):
    """Whether a Unix socket takes connections."""
    name = "\0" + path[1:] if path.startswith("@") else path
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(name)
            return True
        except OSError:
            return False


def write_private(path, data):
    path = pathlib.Path(path)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(data)

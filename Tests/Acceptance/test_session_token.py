"""The token of `run`, `get` and `render`: made for their requests, it ends with them, whatever happens."""
import datetime
import json
import os
import select
import signal
import socket
import subprocess
import threading

import pytest
from harness import eventually
from harness.secret import declare, put
from test_cli_access import Secured, apply

VALUE = b"a-value-to-look-for"
REFERENCE = "kw://payments/db#password"
POLICY = """
apiVersion: keyward.dev/v1
kind: Role
metadata: {name: reader}
spec:
  rules: [{effect: allow, operations: [secret:read], resources: ["secrets/dev/payments/*"]}]
---
apiVersion: keyward.dev/v1
kind: Binding
metadata: {name: reader}
spec:
  role: reader
  subjects:
    - {issuer: roles, name: deploy}
    - {issuer: tokens, name: deploy}
"""


class Machine:
    """A shell with the variables of a machine role, and an officer who sees the tokens."""

    def __init__(self, stores):
        self.secured = Secured(stores)
        self.store, self.officer = self.secured.store, self.secured.officer
        api = self.store.api()
        declare(api, "dev")
        assert put(api, "payments/db", "dev", {"password": VALUE}).status == 200
        role = self.officer.json("auth", "role", "put", "deploy", "--environment", "dev")
        apply(self.officer, POLICY)
        self.desk = self.secured.desk("machine", KEYWARD_ROLE_ID=role["role_id"])
        secret = self.desk.home / "secret-id"
        self.officer.json("auth", "role", "secret-id", "deploy", "--out", secret)
        self.desk.variables["KEYWARD_SECRET_ID_FILE"] = str(secret)

    def tokens(self):
        """The names of who has a token."""
        return [row["principal"]["name"] for row in self.officer.json("auth", "token", "list")]

    def made_and_revoked(self):
        """How many logins of the role the log has, and how many tokens it gave back itself."""
        entries = json.loads(self.officer.run("audit", "list", "-o", "json", "--limit", "1000"))
        entries = entries["entries"] if isinstance(entries, dict) else entries
        mine = [entry for entry in entries if '"deploy"' in json.dumps(entry)]
        return [sum(entry["operation"] == operation and entry["outcome"] == "allowed" for entry in mine)
                for operation in ("auth:login", "self:revoke")]

    def start(self, *options, script="echo up; exec sleep 60"):
        process = subprocess.Popen(
            [self.store.binary, "run", "--no-project", "--set", f"PASSWORD={REFERENCE}", *options,
             "--", "sh", "-c", script],
            env=self.desk.variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)
        return process


@pytest.fixture
def machine(stores):
    return Machine(stores)


def test_it_is_gone_before_the_command_starts(machine):
    for options in ((), ("--exec",), ("--no-masking",)):
        process = machine.start(*options)
        assert process.stdout.readline() == b"up\n"
        assert machine.tokens() == [], options
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    logins, revoked = machine.made_and_revoked()
    assert logins == revoked == 3


@pytest.mark.parametrize("end", ["command killed", "keyward terminated", "keyward killed"])
def test_however_it_ends(machine, end):
    process = machine.start(script="echo up $$; exec sleep 60")
    below = int(process.stdout.readline().split()[1])
    if end == "command killed":
        os.kill(below, signal.SIGKILL)
    else:
        os.kill(process.pid, signal.SIGTERM if "terminated" in end else signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == {
        "command killed": 137, "keyward terminated": 143, "keyward killed": -9}[end]
    assert machine.tokens() == [] and machine.made_and_revoked() == [1, 1]


def test_every_command_of_a_pipeline(machine):
    desk = machine.desk
    (desk.home / "m.yaml").write_text(f"a: {REFERENCE}\n")
    assert VALUE.decode() in desk.run("get", REFERENCE)
    assert VALUE.decode() in desk.run("render", desk.home / "m.yaml")
    desk.run("run", "--no-project", "--plan", "--set", f"P={REFERENCE}")
    words = desk.run("get", "kw://other/one#x", expect=5)
    assert "secret:read" in words and VALUE.decode() not in words
    words = desk.run("run", "-v", "--no-project", "--set", f"P={REFERENCE}", "--", "false", expect=1)
    assert "logged in as the machine role" in words and "revoked the token acc-" in words
    secret = (desk.home / "secret-id").read_text().strip()
    assert secret not in words
    assert machine.tokens() == [] and machine.made_and_revoked() == [5, 5]
    # The same by a variable, and the command does not get it.
    del desk.variables["KEYWARD_SECRET_ID_FILE"]
    words = desk.run("get", REFERENCE, expect=2)
    assert "KEYWARD_SECRET_ID_FILE" in words
    desk.variables["KEYWARD_SECRET_ID"] = secret
    seen = desk.run("run", "--no-project", "--set", f"P={REFERENCE}", "--", "env")
    assert "P=***" in seen and "KEYWARD_" not in seen
    assert machine.tokens() == []


def test_one_that_is_given_stays(machine):
    path = machine.officer.home / "deploy.token"
    machine.officer.run("auth", "token", "create", "--name", "deploy", "--environment", "dev",
                        "--out", path)
    desk = machine.secured.desk(
        "holder", KEYWARD_TOKEN=path.read_text().strip(),
        KEYWARD_ROLE_ID=machine.desk.variables["KEYWARD_ROLE_ID"])
    run = ("run", "--no-project", "--set", f"P={REFERENCE}")
    desk.run(*run, "--", "true")
    desk.run(*run, "--plan", "--revoke-token")
    assert machine.tokens() == ["deploy"]
    desk.run(*run, "--revoke-token", "--", "true")
    assert machine.tokens() == []
    assert "unauthenticated" in desk.run(*run, "--", "true", expect=5)


class Gate(threading.Thread):
    """Passes the first connection on, and holds the ones after it."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.target, self.held = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        front, _ = self.listener.accept()
        back = socket.create_connection(("127.0.0.1", self.target))
        threading.Thread(target=self.hold, daemon=True).start()
        ends = {front: back, back: front}
        while True:
            for end in select.select(list(ends), [], [])[0]:
                data = end.recv(1 << 16)
                if not data:
                    return
                ends[end].sendall(data)

    def hold(self):
        self.held.append(self.listener.accept())


def test_a_kill_between_login_and_fetch_leaves_a_minute(stores):
    """The one moment that a kill can leave a token: then its life is the bound."""
    machine = Machine(stores)
    port = int(machine.desk.variables["KEYWARD_ADDR"].rsplit(":", 1)[1])
    gate = Gate(port)
    machine.desk.variables["KEYWARD_ADDR"] = f"https://127.0.0.1:{gate.port}"
    process = machine.start()
    eventually(lambda: gate.held, 30, what="the second connection")
    process.kill()
    process.communicate()
    (token,) = machine.officer.json("auth", "token", "list")
    assert token["principal"]["name"] == "deploy"
    made, ends = (datetime.datetime.fromisoformat(token[name]) for name in ("created_at", "expires_at"))
    assert 0 < (ends - made).total_seconds() <= 60, token

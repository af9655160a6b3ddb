"""The admin API over its Unix socket."""
import http.client
import json
import socket
import time
import urllib.parse


class Connection(http.client.HTTPConnection):
    """HTTP/1.1 on a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Refused(AssertionError):
    """An answer that is an error, where the test expected success."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: {answer.status} {answer.body[:500]!r}")
        self.answer = answer


class Answer:
    """Status, headers and the whole body of an answer."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable error code; None for a success."""
        return None if self.status < 400 else self.json.get("code")

    @property
    def words(self):
        """What is wrong and what to do, as a person reads it."""
        problem = self.json
        return f"{problem['detail']} {problem.get('remedy', '')}"

    @property
    def request_id(self):
        return self.headers.get("keyward-request-id")


class API:
    """One connection; not for several threads at once (`clone` makes another)."""

    def __init__(self, path, timeout=120):
        self.path, self.timeout = path, timeout
        self.connection, self.used, self.headers = None, 0, {}

    def clone(self):
        return API(self.path, self.timeout)

    def connect(self):
        return Connection(self.path, self.timeout)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def send(self, method, target, body=None, kind=None, query=None):
        """Sends a request; never again by itself: a lost answer is an OSError or HTTPException."""
        if query:
            target += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        # The server closes idle connections; a closed one would look like a lost answer.
        if self.connection and time.monotonic() - self.used > 20:
            self.close()
        if not self.connection:
            self.connection = self.connect()
        headers = {**self.headers, **({"Content-Type": kind} if kind else {})}
        try:
            self.connection.request(method, target, body=body, headers=headers)
            answer = Answer(self.connection.getresponse())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        self.used = time.monotonic()
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def get(self, target, **query):
        return self.send("GET", target, query=query)

    def post(self, target, octets=None, data=None, **query):
        if data is not None:
            return self.send("POST", target, json.dumps(data), "application/json", query)
        if octets is not None:
            return self.send("POST", target, octets, "application/octet-stream", query)
        return self.send("POST", target, query=query)

    def must(self, answer, what="the request"):
        if answer.status >= 400:
            raise Refused(what, answer)
        return answer

    # Keys

    def create(self, name, type="aes-256", **attributes):
        data = {"name": name, "type": type, **attributes}
        return self.must(self.post("/api/v1/keys", data=data), f"create {name}").json

    def imported(self, name, material, type="aes-256", format="raw", **query):
        query = {"type": type, "format": format, **query}
        answer = self.post(f"/api/v1/keys/{name}:import", octets=material, **query)
        return self.must(answer, f"import {name}").json

    def act(self, name, action, octets=None, data=None, **query):
        return self.post(f"/api/v1/keys/{name}:{action}", octets=octets, data=data, **query)

    def rotate(self, name):
        return self.must(self.act(name, "rotate"), f"rotate {name}").json

    def show(self, name):
        return self.must(self.get(f"/api/v1/keys/{name}"), f"show {name}").json

    def state(self, name, version, to):
        answer = self.act(name, "state", version=version, to=to)
        return self.must(answer, f"{name} to {to}").json

    def destroy(self, name, **query):
        return self.must(self.act(name, "destroy", **query), f"destroy {name}").json

    def keys(self, **query):
        """All keys, over the pages."""
        found, cursor = [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = self.must(self.get("/api/v1/keys", limit=1000, **query, **more), "list").json
            found += page["keys"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found

    def encrypt(self, name, plaintext, **query):
        return self.must(self.act(name, "encrypt", octets=plaintext, **query), "encrypt").body

    def decrypt(self, name, ciphertext, **query):
        return self.must(self.act(name, "decrypt", octets=ciphertext, **query), "decrypt").body

    # Operator

    def status(self):
        return self.must(self.get("/api/v1/status"), "status").json

    def init(self, seal="key-file", shares=1, threshold=1, passphrase=b""):
        answer = self.post(
            "/api/v1/operator/init", octets=passphrase,
            seal=seal, shares=shares, threshold=threshold,
        )
        return self.must(answer, "init").body.decode().split()

    def seal(self):
        return self.must(self.post("/api/v1/operator/seal"), "seal").json

    def unseal(self, text=b"", **query):
        return self.must(self.unseal_answer(text, **query), "unseal").json

    def unseal_answer(self, text=b"", **query):
        if isinstance(text, str):
            text = text.encode()
        return self.post("/api/v1/operator/unseal", octets=text, **query)

    # Audit

    def audit(self, start=0):
        """All entries from `start` on; reading makes entries itself, so it ends where it began."""
        entries, end = [], None
        while True:
            page = self.must(self.get("/api/v1/audit", **{"from": start, "limit": 1000})).json
            end = page["size"] if end is None else end
            entries += page["entries"]
            start = page.get("next")
            if start is None or start >= end:
                return entries

    def checkpoint(self):
        return self.must(self.get("/api/v1/audit/checkpoint"), "checkpoint").json

    def export(self):
        return self.must(self.get("/api/v1/audit/export"), "export").body

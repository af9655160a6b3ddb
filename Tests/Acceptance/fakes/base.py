"""What the fakes share: HTTPS, a record of requests, and faults."""
import http.server
import json
import pathlib
import re
import shutil
import socketserver
import ssl
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness.tls import Authority  # noqa: E402

KINDS = ("cut", "hang", "429", "500", "malformed", "redirect", "huge", "certificate")


class Refusal(Exception):
    """An answer that is an error of the provider's own form."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path, _, self.query = target.partition("?")
        self.parameters = dict(urllib.parse.parse_qsl(self.query, keep_blank_values=True))

    def json(self):
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


class Fields:
    """The header fields of a request by their names, in whatever case; none comes twice."""

    def __init__(self, lines):
        self.pairs = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", name) or name.lower() in self.pairs:
                raise ValueError(f"field: {name}")
            self.pairs[name.lower()] = name, value.strip(" \t")

    def get(self, name, default=None):
        return self.pairs.get(name.lower(), (name, default))[1]

    __getitem__ = get

    def items(self):
        return self.pairs.values()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Head and body of an answer leave in one record.
    wbufsize = -1

    def setup(self):
        self.request.settimeout(30)
        self.request.do_handshake()
        super().setup()

    def parse_request(self):
        """Reads a head: http.server's way, through its parser of mail, takes longer than all else here."""
        lines = [self.raw_requestline]
        while lines[-1] not in (b"\r\n", b""):
            lines.append(self.rfile.readline(65537))
        try:
            if not all(line.endswith(b"\r\n") for line in lines):
                raise ValueError("a line without an end")
            first, *rest = [line[:-2].decode("ascii") for line in lines[:-1]]
            self.command, self.path, self.request_version = first.split(" ")
            if self.request_version != "HTTP/1.1":
                raise ValueError("version")
            self.headers = Fields(rest)
        except ValueError as error:
            self.server.fake.failures.append(repr(error))
            self.requestline, self.command, self.request_version = "", None, "HTTP/1.1"
            self.send_error(400)
            self.close_connection = True
            return False
        self.requestline = first
        self.close_connection = self.headers.get("Connection", "").lower() == "close"
        return True

    def log_message(self, *_):
        pass

    def handle_any(self):
        fake = self.server.fake
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, self.headers, body)
        try:
            step = fake.step(request)
        except Exception:
            step = "unknown"
        kind = fake.count(step, request)
        if kind in ("cut", "hang"):
            if kind == "hang":
                fake.released.wait(30)
            self.close_connection = True
            return
        if kind == "429":
            return self.reply(429, fake.throttled(), {"Retry-After": "0"})
        if kind == "500":
            return self.reply(500, {"message": "internal"})
        if kind == "malformed":
            return self.reply(200, b'{"KeyId": "abc", "Key')
        if kind == "redirect":
            return self.reply(307, b"", {"Location": f"https://127.0.0.1:{fake.port}/elsewhere"})
        if kind == "huge":
            return self.flood()
        with fake.lock:
            try:
                answer = fake.answer(request)
                status, value = answer if isinstance(answer, tuple) else (200, answer)
            except Refusal as refusal:
                status, value = refusal.status, refusal.body
            except Exception as error:  # a bug of the fake or a request that no client may send
                status, value = 500, {"message": f"the fake failed: {error!r}"}
                fake.failures.append(repr(error))
                print(f"{fake.name}: {step}: {error!r}", file=sys.stderr)
        if kind == "cut-after":
            self.close_connection = True
            return
        self.reply(status, value)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def reply(self, status, value, headers=None):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        if self.server.fake.fault:
            # So that the next request has a handshake of its own.
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def flood(self):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 40))
        self.end_headers()
        piece = b'{"' + b"x" * 65536
        try:
            for _ in range(1 << 14):
                self.wfile.write(piece)
        except OSError:
            pass
        self.close_connection = True


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def get_request(self):
        connection, address = super().get_request()
        context = self.fake.next_context()
        return context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_):
        pass


class Fake:
    """Runs until `close`; `url` is where it listens, `authorities` the PEM file to trust."""

    #: Of the provider, for messages and the command line.
    name = "fake"

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kw-fake-"))
        self.lock = threading.RLock()
        self.requests, self.failures = [], []
        self.fault, self.counted, self.connections = None, 0, 0
        self.released = threading.Event()
        self.ahead = 0.0
        authority, stranger = Authority("Test authority"), Authority("Stranger")
        self.authorities = self.folder / "ca.pem"
        self.authorities.write_bytes(authority.pem)
        self.right = self.context(authority.server(), "right")
        self.wrong = {
            "certificate": self.context(stranger.server(), "stranger"),
            "other-name": self.context(
                authority.sign("other", hosts=("other.example.com",)), "other"),
        }
        self.server = Server(("127.0.0.1", 0), Handler, bind_and_activate=True)
        self.server.fake = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def context(self, certificate, name):
        files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write(*files)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        return context

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def now(self):
        return time.time() + self.ahead

    # Faults

    def arm(self, kind=None, at=0, times=1):
        """Breaks requests `at` to `at + times - 1`, counted from now; None for no fault."""
        with self.lock:
            self.released.set()
            self.released = threading.Event()
            self.fault = {"kind": kind, "at": at, "times": times} if kind else None
            self.counted = self.connections = 0
            self.requests.clear()

    def hits(self, number):
        fault = self.fault
        return bool(fault) and fault["at"] <= number < fault["at"] + fault["times"]

    def next_context(self):
        with self.lock:
            number, self.connections = self.connections, self.connections + 1
            if self.fault and self.fault["kind"] in self.wrong and self.hits(number):
                return self.wrong[self.fault["kind"]]
            return self.right

    def count(self, step, request):
        """Notes a request; the kind of fault that hits it, or None."""
        with self.lock:
            number, self.counted = self.counted, self.counted + 1
            self.requests.append({
                "step": step, "method": request.method, "target": request.target,
                "headers": dict(request.headers.items()), "body": request.body.decode("latin-1")})
            if self.fault and self.fault["kind"] not in self.wrong and self.hits(number):
                return self.fault["kind"]
            return None

    def advance(self, seconds):
        self.ahead += seconds

    def forget(self):
        """Makes the next run meet a provider that it has not met before, where that matters."""

    # For subclasses

    def step(self, request):
        return f"{request.method} {request.path}"

    def throttled(self):
        return {"message": "slow down"}

    def answer(self, request):
        raise NotImplementedError

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_for_commands(fake):
    """Serves until standard input ends; each line there is a command in JSON, answered in a line."""
    print(json.dumps({"port": fake.port, "authorities": str(fake.authorities), **fake.greeting()}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        with fake.lock:
            name = command.pop("do")
            try:
                value = getattr(fake, name)(**command) if name != "log" else {
                    "requests": list(fake.requests), "failures": list(fake.failures)}
                answer = {"value": value}
            except Exception as error:
                answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)
    fake.close()

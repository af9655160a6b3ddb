"""`keyward run`: the command behind it cannot be told from one that was started directly, and no
secret is where it should not be."""
import concurrent.futures
import ctypes
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import random
import resource
import secrets
import select
import signal
import socket
import socketserver
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

import pytest
from harness import eventually, figures, pick
from harness.access import audit
from harness.standin import StandIn

PATIENCE = 60
SIGNALS = [number for number in range(1, 32) if number not in (signal.SIGKILL, signal.SIGSTOP)]
# What Python keeps for itself of the real-time signals is 32 and 33.
SIGNALS += [34, 40, 63, 64]
IGNORED = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
STOPPING = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
PREFIX = "keyward-run-"


@pytest.fixture
def server():
    with tempfile.TemporaryDirectory(prefix="kw-") as folder:
        made = StandIn(folder)
        yield made
        made.stop()


@pytest.fixture
def run(binary, server):
    return Runner(binary, server)


class Runner:
    """Starts `keyward run`; with a secret its output is masked, and so goes through pipes."""

    def __init__(self, binary, server):
        self.binary, self.server = binary, server
        self.secret = secrets.token_hex(16).encode()
        self.reference = server.put("a", self.secret)

    def command(self, *command, options=(), masked=True):
        chosen = ["--set", f"SECRET={self.reference}"] if masked else []
        return [self.binary, "run", "--no-project", *chosen, *options, "--", *command]

    @property
    def environment(self):
        return {"PATH": os.environ["PATH"], "SWIFT_BACKTRACE": "enable=no",
                "KEYWARD_ADDR": f"unix://{self.server.path}"}

    def start(self, *command, options=(), masked=True, **more):
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                "env": self.environment, **more}
        return subprocess.Popen(self.command(*command, options=options, masked=masked), **more)

    def __call__(self, *command, options=(), masked=True, data=b"", **more):
        more = {"env": self.environment, **more}
        return subprocess.run(self.command(*command, options=options, masked=masked), input=data,
                              capture_output=True, timeout=PATIENCE, **more)


def python(text):
    return [sys.executable, "-u", "-S", "-c", text]


def children(pid):
    try:
        return [int(child) for child in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def descendants(pid):
    """All of a process's, whichever of its threads started them."""
    parents = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append((int(folder.name), fields[0]))
    found, todo = [], [pid]
    while todo:
        for child, state in parents.get(todo.pop(), []):
            found.append((child, state))
            todo.append(child)
    return found


def state(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return None


def line_of(process):
    return process.stdout.readline().strip()


def folders():
    return {path for base in ("/dev/shm", os.environ.get("XDG_RUNTIME_DIR", "/dev/shm"))
            for path in pathlib.Path(base).glob(PREFIX + "*")}


# Signals and exit codes


@pytest.mark.parametrize("masked", [False, True])
def test_every_exit_code(run, masked):
    codes = range(256)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(
            lambda code: run("sh", "-c", f"exit {code}", masked=masked).returncode, codes))
    assert results == list(codes)


@pytest.mark.parametrize("masked", [False, True])
def test_every_signal_by_default(run, masked):
    def one(number):
        # A group of its own, whose parent is of another: in an orphaned one nothing stops.
        process = run.start("sh", "-c", "echo up; exec sleep 100", masked=masked, process_group=0)
        assert line_of(process) == b"up"
        process.send_signal(number)
        if number in STOPPING:
            (child,) = [pid for pid, _ in descendants(process.pid)]
            eventually(lambda: state(child) == "T", PATIENCE, what="the command's stop")
            eventually(lambda: state(process.pid) == "T", PATIENCE, what="keyward's stop")
            process.send_signal(signal.SIGCONT)
            eventually(lambda: state(child) in "SR", PATIENCE, what="the command's going on")
        if number in STOPPING | IGNORED:
            time.sleep(0.1)
            assert process.poll() is None, number
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 128 + signal.SIGTERM
        else:
            assert process.wait(PATIENCE) == 128 + number, number
        process.communicate()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, SIGNALS))


@pytest.mark.parametrize("masked", [False, True])
def test_every_signal_handled_by_the_command(run, masked):
    handler = """
import signal, time, sys
number = %d
count = 0
def take(*_):
    global count
    count += 1
signal.signal(number, take)
print('up')
end = time.time() + 60
while not count and time.time() < end: time.sleep(0.01)
time.sleep(0.1)
print(count)
sys.exit(count + 40)
"""

    def one(number):
        process = run.start(*python(handler % number), masked=masked)
        assert line_of(process) == b"up"
        process.send_signal(number)
        assert process.wait(PATIENCE) == 41, number
        process.communicate()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, SIGNALS))


@pytest.mark.parametrize("masked", [False, True])
def test_the_command_is_killed(run, masked):
    for number in [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, 34]:
        assert run("sh", "-c", f"kill -{number} $$", masked=masked).returncode == 128 + number
        process = run.start("sh", "-c", "echo up; exec sleep 100", masked=masked)
        line_of(process)
        (child,) = [pid for pid, _ in descendants(process.pid)]
        os.kill(child, number)
        assert process.wait(PATIENCE) == 128 + number
        process.communicate()


@pytest.mark.parametrize("masked", [False, True])
def test_the_command_alone_is_stopped(run, masked):
    """Past us, by SIGSTOP: nobody would tell us to go on, so we do not stop."""
    process = run.start(*python("import time; print('up'); time.sleep(1); print('on')"),
                        masked=masked, start_new_session=True)
    line_of(process)
    (child,) = [pid for pid, _ in descendants(process.pid)]
    os.kill(child, signal.SIGSTOP)
    eventually(lambda: state(child) == "T", PATIENCE)
    time.sleep(0.2)
    assert state(process.pid) != "T"
    os.kill(child, signal.SIGCONT)
    assert line_of(process) == b"on"
    assert process.wait(PATIENCE) == 0
    process.communicate()


def test_ignored_signals_stay_ignored(run):
    text = run("sh", "-c", "grep SigIgn /proc/self/status", masked=False,
               preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)).stdout
    ignored = int(text.split()[1], 16)
    assert ignored & 1 << signal.SIGHUP - 1
    # Python ignores SIGPIPE for itself and restores it for its children.
    assert not ignored & 1 << signal.SIGPIPE - 1


def test_what_a_command_inherits(run):
    """Descriptors, umask, limits and privileges as they were, and nothing of keyward's."""
    reader, writer = os.pipe()
    os.write(writer, b"handed down\n")
    os.close(writer)
    script = (f"head -1 /proc/self/fd/{reader}; umask; ulimit -Sl; grep -E 'NoNewPrivs|SigBlk' /proc/self/status;"
              "ls /proc/self/fd | tr '\\n' ' '")
    for masked in (False, True):
        plain = subprocess.run(["sh", "-c", script.split(";", 1)[1]], capture_output=True,
                               pass_fds=[reader], preexec_fn=lambda: os.umask(0o027)).stdout
        ours = run("sh", "-c", script, masked=masked, pass_fds=[reader],
                   preexec_fn=lambda: os.umask(0o027))
        text = ours.stdout
        if not masked:
            assert text.startswith(b"handed down\n")
            text = text.split(b"\n", 1)[1]
        assert text == plain, ours.stderr
    os.close(reader)


def test_the_exit_status_of_what_cannot_start(run):
    assert run("no-such-command", masked=False).returncode == 127
    assert run("/etc", masked=False).returncode == 126
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "script"
        script.write_text("echo no interpreter; exit 3\n")
        script.chmod(0o644)
        assert run(str(script), masked=False).returncode == 126
        script.chmod(0o755)
        done = run(str(script), masked=False)
        assert (done.returncode, done.stdout) == (3, b"no interpreter\n")
    assert run("no-such-command", options=["--exec"], masked=False).returncode == 127
    before = folders()
    done = run("no-such-command", options=["--tmpfs", f"FILE={run.reference}"])
    assert done.returncode == 127 and folders() == before


def test_arguments_are_bytes(run):
    done = run("printf", "%s", b"\xff\xfe \xc3", masked=False)
    assert done.stdout == b"\xff\xfe \xc3"


@pytest.mark.parametrize("options", [(), ("--adopt-orphans",)])
def test_children_that_fork(run, options):
    """Orphans that hold the output do not hold the end; with --adopt-orphans they are reaped."""
    began = time.monotonic()
    done = run("sh", "-c", "sleep 30 & echo up; exit 5", options=options)
    assert (done.returncode, done.stdout) == (5, b"up\n")
    assert time.monotonic() - began < 25
    script = """
import os, time, subprocess
for _ in range(200):
    if os.fork() == 0:
        if os.fork() == 0: os._exit(0)
        os._exit(0)
    os.wait()
print('done', flush=True)
time.sleep(2)
"""
    process = run.start(*python(script), options=options)
    assert line_of(process) == b"done"
    if options:
        eventually(lambda: not [1 for _, state in descendants(process.pid) if state == "Z"], 10)
    assert process.wait(PATIENCE) == 0
    process.communicate()


@pytest.mark.root
def test_orphans_of_pid_one(binary):
    script = """
import os, pathlib, time
for _ in range(100):
    if os.fork() == 0:
        if os.fork() == 0: os._exit(0)
        os._exit(0)
    os.wait()
end = time.time() + 20
while time.time() < end:
    states = []
    for folder in pathlib.Path('/proc').iterdir():
        try:
            if folder.name.isdigit():
                states.append((folder / 'stat').read_text().rsplit(')', 1)[1].split()[0])
        except FileNotFoundError: pass
    if 'Z' not in states: break
    time.sleep(0.05)
print(os.getppid(), states.count('Z'))
raise SystemExit(23)
"""
    done = subprocess.run(
        ["unshare", "-pf", "--mount-proc", binary, "run", "--no-project", "--", *python(script)],
        capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (23, b"1 0\n"), done


@pytest.mark.timeout(pick(280, 7200))
@pytest.mark.timeout(pick(280, 3600))
def test_short_runs(run, report):
    """No lost code, no lost byte, no zombie, no descriptor."""
    count = pick(300, 10_000)
    began = time.monotonic()

    def one(index):
        code = index % 251
        masked = index % 4 == 0
        script = f"echo {index} $SECRET; ls /proc/self/fd | wc -l; exit {code}"
        done = run("sh", "-c", script, masked=masked)
        expected = f"{index}{' ***' if masked else ''}\n4\n"
        return (done.returncode, done.stdout.decode()) == (code, expected) or (index, done)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        wrong = [result for result in pool.map(one, range(count)) if result is not True]
    assert not wrong, wrong[:3]
    assert not [pid for pid, state in descendants(os.getpid()) if state == "Z"]
    report("run-short", runs=count, seconds=round(time.monotonic() - began, 1))


# Injection


def test_forms(run):
    value = bytes(range(1, 256)) + b"\n" + secrets.token_bytes(100_000).replace(b"\0", b"x")
    reference = run.server.put("b", value)
    for option, again in (("--file", True), ("--tmpfs", True), ("--fifo", False)):
        before = folders()
        done = run("sh", "-c", 'cat "$F" | sha256sum; echo "$F"', masked=False, options=[option, f"F={reference}"])
        expected = subprocess.run(["sha256sum"], input=value, capture_output=True).stdout
        assert done.stdout.startswith(expected), (option, done)
        assert folders() == before
        done = run("sh", "-c", 'cat "$F" >/dev/null; wc -c < "$F"', masked=False, options=[option, f"F={reference}"])
        if again:
            assert done.stdout.strip() == str(len(value)).encode(), done
        else:
            assert done.returncode != 0 and b"o such file" in done.stderr
    done = run("sh", "-c", 'for i in 1 2 3; do cat "$F" | wc -c; done; test -e "$F"', masked=False,
               options=["--fifo", f"F={reference}", "--fifo-reads", "3"])
    assert done.stdout.split() == [str(len(value)).encode()] * 3 and done.returncode == 1
    # Sealed: what the command has is what was fetched.
    done = run(*python("import os; f = os.open(os.environ['F'], os.O_RDWR)\nos.write(f, b'x')"),
               masked=False, options=["--file", f"F={reference}"])
    assert done.returncode == 1
    # In a variable no NUL can be.
    done = run("true", options=["--set", f"N={run.server.put('nul', b'a' * 20 + bytes(1))}"])
    assert done.returncode == 1 and b"NUL" in done.stderr and b"aaaa" not in done.stderr


def test_exec_leaves_nobody(run):
    done = run("sh", "-c", "echo $PPID; echo $SECRET; ls /proc/self/fd | wc -l", options=["--exec"])
    parent, secret, count = done.stdout.split()
    assert (int(parent), secret, count) == (os.getpid(), run.secret, b"4")
    before = folders()
    process = run.start("sh", "-c", "cat $F; echo; exec sleep 100", masked=False,
                        options=["--exec", "--tmpfs", f"F={run.reference}"])
    assert line_of(process) == run.secret and len(folders() - before) == 1
    process.kill()
    process.communicate()
    eventually(lambda: folders() == before, 10, what="the guardian's work")


def test_environment(run):
    shown = run("env", options=["--set", f"B={run.reference}"], env={
        **run.environment, "KEYWARD_TOKEN": "kwt_x", "FROM": run.reference, "KEPT": "1"})
    lines = shown.stdout.splitlines()
    assert b"FROM=***" in lines and b"B=***" in lines and b"KEPT=1" in lines
    assert not [line for line in lines if line.startswith(b"KEYWARD_")]
    assert len(run.server.requests) == 1 and run.server.requests[0]["references"] == [run.reference]
    clash = run("env", env={**run.environment, "SECRET": "other"})
    assert clash.returncode == 2 and b"SECRET comes from --set and from the environment" in clash.stderr
    short = run("true", options=["--set", f"PIN={run.server.put('pin', b'1234')}"])
    assert short.returncode == 2 and b"PIN" in short.stderr and b"1234" not in short.stderr
    told = run("sh", "-c", "echo $PIN", options=[
        "--set", f"PIN={run.server.put('pin', b'1234')}", "--unmasked", "PIN"])
    assert told.stdout == b"1234\n"
    missing = run("true", options=["--set", "X=kw://test/none#value"])
    assert missing.returncode == 6 and b"kw://test/none#value" in missing.stderr


class Relay(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Passes connections on to a server's socket, and counts what is asked for."""
    daemon_threads = True

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.socket(socket.AF_UNIX) as behind:
                behind.connect(self.server.target)
                ends = {self.request: behind, behind: self.request}
                while True:
                    for end in select.select(list(ends), [], [])[0]:
                        data = end.recv(1 << 16)
                        if not data:
                            return
                        if end is self.request:
                            self.server.asked += data.count(b"POST /") + data.count(b"GET /")
                        ends[end].sendall(data)

    def __init__(self, path, target):
        self.target, self.asked = target, 0
        super().__init__(path, self.Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


def test_five_hundred_secrets(stores, report):
    """One round trip, and an audit entry for each."""
    store = stores(keys=()).made()
    api = store.api()
    api.must(api.post("/api/v1/environments/dev:write", data={"name": "dev", "production": False}))
    values = {}
    for number in range(500):
        values[number] = secrets.token_hex(16).encode()
        head = json.dumps({"environment": "dev", "fields": [{"name": "x", "length": 32}]}).encode()
        api.must(api.post(f"/api/v1/secrets/many/s{number}:put",
                          octets=struct.pack(">I", len(head)) + head + values[number]))
    relay = Relay(str(store.folder / "relay.sock"), store.admin_path)
    chosen = []
    for number in range(500):
        chosen += ["--set", f"S{number}=kw://many/s{number}#x"]
    script = ("import hashlib, os; print(hashlib.sha256(''.join(os.environ[f'S{n}'] "
              "for n in range(500)).encode()).hexdigest()); print(os.environ['S499'])")
    began = time.monotonic()
    done = subprocess.run(
        [store.binary, "run", "--no-project", "--env", "dev", *chosen, "--", *python(script)],
        capture_output=True, timeout=PATIENCE,
        env={"PATH": os.environ["PATH"], "KEYWARD_ADDR": f"unix://{relay.server_address}"})
    seconds = time.monotonic() - began
    digest = hashlib.sha256(b"".join(values[number] for number in range(500))).hexdigest()
    assert done.stdout.decode().split() == [digest, "***"], done.stderr
    assert relay.asked == 1
    entries = [entry for entry in audit(api) if entry["operation"] == "secret:read"]
    assert len(entries) == 500 and len({entry["resource"] for entry in entries}) == 500
    report("run-500-secrets", ms=round(seconds * 1000), requests=relay.asked, entries=len(entries))
    relay.shutdown()


# Leaks


def places(needle):
    """Where a needle can be found: arguments of all processes, and young files of ours."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if needle in (folder / "cmdline").read_bytes():
                    found.append(str(folder))
            except OSError:
                pass
    for base in {"/dev/shm", "/tmp", "/var/tmp", os.environ.get("XDG_RUNTIME_DIR", "/tmp")}:
        for folder, _, names in os.walk(base):
            for name in names:
                path = pathlib.Path(folder) / name
                try:
                    status = path.lstat()
                    if (stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20
                            and status.st_mtime > time.time() - 300 and needle in path.read_bytes()):
                        found.append(str(path))
                except OSError:
                    pass
    return found


STEPS = {
    "not found": (["no-such-command"], 127),
    "fails at once": (["false"], 1),
    "is killed": (["sh", "-c", "kill -9 $$"], 137),
    "crashes": (["sh", "-c", "ulimit -c unlimited; kill -SEGV $$"], 139),
    "fails half way through its output": (["sh", "-c", 'printf %s "$SECRET" | head -c 20; kill -9 $$'], 137),
    "fails with the secret in its error": (["sh", "-c", 'echo "bad: $SECRET" >&2; exit 9'], 9),
    "closes its output": (["sh", "-c", "exec >&- 2>&-; exit 4"], 4),
    "reads half of its pipe": (["sh", "-c", 'head -c 5 "$PIPE" >/dev/null; exit 3'], 3),
}


def with_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.parametrize("step", STEPS)
def test_a_command_that_fails(run, step):
    command, code = STEPS[step]
    before = folders()
    with tempfile.TemporaryDirectory() as folder:
        done = run(*command, cwd=folder, preexec_fn=with_cores, options=[
            "--file", f"FILE={run.reference}", "--tmpfs", f"TMPFS={run.reference}", "--fifo",
            f"PIPE={run.reference}"])
        assert done.returncode == code, done
        assert not list(pathlib.Path(folder).iterdir())
    assert run.secret not in done.stdout + done.stderr
    assert run.secret[:16] not in done.stdout + done.stderr
    assert folders() == before
    assert not places(run.secret)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT])
def test_no_core_has_the_secret(run, number):
    """Of the command, and of keyward; where cores are allowed there is one, and it has the secret."""
    if os.getuid() != 0 or not os.access("/proc/sys/kernel/core_pattern", os.W_OK):
        figures.gap("core images: not looked for, they need root")
        pytest.skip("needs root")
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern")
    if pattern.read_text().startswith("|"):
        figures.gap("core images: the kernel hands them to a program")
        pytest.skip("a core handler")
    found = {}
    for options in ((), ("--allow-core-dumps",)):
        with tempfile.TemporaryDirectory() as folder:
            done = run("sh", "-c", f"kill -{number} $$", cwd=folder, options=options,
                       preexec_fn=with_cores)
            assert done.returncode == 128 + number
            cores = list(pathlib.Path(folder).iterdir())
            found[options] = any(run.secret in core.read_bytes() for core in cores)
            assert bool(cores) == found[options]
    assert found == {(): False, ("--allow-core-dumps",): True}
    # keyward itself, as a fault would end it: it does not pass on what it cannot catch there.
    with tempfile.TemporaryDirectory() as folder:
        process = run.start("sh", "-c", "trap '' SEGV ABRT QUIT; echo up; exec sleep 100", cwd=folder,
                            preexec_fn=with_cores)
        line_of(process)
        os.kill(process.pid, number)
        time.sleep(0.2)
        process.kill()
        process.communicate()
        assert not list(pathlib.Path(folder).iterdir())


@pytest.mark.timeout(pick(280, 3600))
def test_kill_nine_at_random_moments(run, report):
    """Whatever keyward was doing: nothing of the secret stays, and nobody who has it."""
    before, generator = folders(), random.Random(secrets.randbits(32))
    kills, begun, marks = pick(40, 1000), 0, 0
    start = time.monotonic()
    run("true", options=["--tmpfs", f"TMPFS={run.reference}"])
    whole = time.monotonic() - start
    for _ in range(kills):
        mark = f"kw-mark-{secrets.token_hex(8)}"
        process = run.start(
            "sh", "-c", 'echo up; exec sleep 100', mark, options=[
                "--tmpfs", f"TMPFS={run.reference}", "--fifo", f"PIPE={run.reference}",
                "--file", f"FILE={run.reference}"])
        time.sleep(generator.uniform(0, 1.5 * whole))
        marks += bool(folders() - before)
        process.kill()
        begun += b"up" in process.communicate()[0]
        eventually(lambda: folders() == before, 10, what="the end of the folder")
        eventually(lambda: not running(mark), 10, what="the end of the command")
    assert not places(run.secret)
    assert begun < kills and marks > 0, "no moment was in between"
    report("run-kill-9-at-random-moments", kills=kills, command_had_begun=begun, folder_was_there=marks)


def running(mark):
    """Processes whose arguments have a mark."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if mark.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                pass
    return found


@pytest.mark.parametrize("masked", [False, True])
def test_kill_nine(run, masked):
    """keyward is killed: the command too, its files are gone, and nothing else is left."""
    before = folders()
    process = run.start(
        "sh", "-c", 'cat "$TMPFS" >/dev/null; echo "$TMPFS"; exec sleep 100', masked=masked,
        options=["--tmpfs", f"TMPFS={run.reference}", "--fifo", f"PIPE={run.reference}", "--file",
                 f"FILE={run.reference}"])
    path = line_of(process).decode()
    assert pathlib.Path(path).read_bytes() == run.secret
    assert pathlib.Path(path).parent.stat().st_mode & 0o777 == 0o700
    # The search finds what is there.
    assert path in places(run.secret)
    below = [pid for pid, _ in descendants(process.pid)]
    assert len(below) == 2, "the command and the guardian"
    process.kill()
    process.communicate()
    eventually(lambda: not any(state(pid) not in (None, "Z") for pid in below), 10,
               what="the end of the command and the guardian")
    assert folders() == before
    assert not places(run.secret)


def test_kill_nine_of_all(run):
    """Even the guardian is killed: the next run removes what is left."""
    before = folders()
    process = run.start("sh", "-c", "echo up; exec sleep 100",
                        options=["--tmpfs", f"TMPFS={run.reference}"])
    line_of(process)
    everybody = [pid for pid, _ in descendants(process.pid)] + [process.pid]
    # Stopped first: who is killed last could see the others go, and tidy up.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in everybody:
            os.kill(pid, number)
    process.communicate()
    left = folders() - before
    assert len(left) == 1
    run("true", options=["--tmpfs", f"TMPFS={run.reference}"])
    assert folders() == before


def test_a_folder_that_cannot_be_opened_goes(run):
    """An ACL takes what is made from its owner, who may no more than others."""

    def drop():
        # PR_CAPBSET_DROP of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, which root would have.
        for capability in (1, 2):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)

    with tempfile.TemporaryDirectory(prefix="kw-", dir="/dev/shm") as base:
        entries = [struct.pack("<HHI", tag, 0, 0xFFFFFFFF) for tag in (0x01, 0x04, 0x20)]
        os.setxattr(base, "system.posix_acl_default", struct.pack("<I", 2) + b"".join(entries))
        options = ["--tmpfs-dir", base, "--tmpfs", f"TMPFS={run.reference}"]
        done = run("true", options=options, preexec_fn=drop)
        words = done.stderr.decode()
        assert done.returncode not in (0, None) and "open" in words and PREFIX in words, done
        assert os.listdir(base) == []


@pytest.mark.parametrize("mode", [[], ["--exec"]])
def test_folders_of_runs_that_live_stay(run, mode):
    """Another run removes what dead ones left; that of a command which keyward has become is not one."""
    before = folders()
    process = run.start("sh", "-c", 'echo "$TMPFS"; exec sleep 100', masked=False,
                        options=[*mode, "--tmpfs", f"TMPFS={run.reference}"])
    path = pathlib.Path(line_of(process).decode())
    for _ in range(3):
        assert run("true", options=["--tmpfs", f"TMPFS={run.reference}"]).returncode == 0
        assert path.read_bytes() == run.secret
    process.kill()
    process.communicate()
    eventually(lambda: folders() == before, 10, what="the end of the folder")


def test_nobody_looks_into_keyward(run):
    process = run.start("sh", "-c", "echo up; exec sleep 100")
    line_of(process)
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    # Of a process that may not be dumped, everything in /proc belongs to root.
    assert pathlib.Path(f"/proc/{process.pid}/environ").stat().st_uid == 0, status
    (child,) = [pid for pid, _ in descendants(process.pid)]
    limits = pathlib.Path(f"/proc/{child}/limits").read_text()
    assert "Max core file size        1                    1" in limits
    assert run.secret not in pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
    process.terminate()
    process.communicate()


# Masking, through the process


def test_output_waits_no_longer_than_it_must(run):
    script = ("import os, sys, time\n"
              "for part in ['login: ', os.environ['SECRET'][:3], os.environ['SECRET'][3:20], os.environ['SECRET'][20:], '.']:\n"
              "    os.write(1, part.encode()); sys.stdin.readline()\n")
    process = run.start(*python(script), stdin=subprocess.PIPE)

    def next_bytes():
        ready, _, _ = select.select([process.stdout], [], [], 5)
        return os.read(process.stdout.fileno(), 1000) if ready else b""

    assert next_bytes() == b"login: "
    process.stdin.write(b"\n"), process.stdin.flush()
    # Three bytes are let go, and the rest is masked when it comes.
    assert next_bytes() == run.secret[:3]
    process.stdin.write(b"\n"), process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], 0.5)
    assert not ready, "a beginning of a secret went out"
    process.stdin.write(b"\n"), process.stdin.flush()
    assert next_bytes() == b"***"
    process.stdin.write(b"\n"), process.stdin.flush()
    assert next_bytes() == b"."
    process.communicate()


def test_order_of_two_streams_in_one(run):
    process = run.start("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo $i; echo $i >&2; done",
                        stderr=subprocess.STDOUT)
    assert process.communicate()[0].split() == [b"%d" % (n // 2) for n in range(2, 20)]


def test_an_output_that_closes(run):
    process = run.start("sh", "-c", "yes; echo $? >&2")
    os.read(process.stdout.fileno(), 1000)
    process.stdout.close()
    assert process.stderr.read().strip() == b"141"
    assert process.wait(PATIENCE) == 0


# Terminals


class Terminal:
    """A shell's-eye view: keyward on a terminal of its own."""

    def __init__(self, arguments, environment):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(arguments[0], arguments, environment)
        self.seen = b""

    def until(self, text, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while text not in self.seen:
            assert time.monotonic() < end, (text, self.seen)
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.master, 65536)
                except OSError:
                    break
        before, found, self.seen = self.seen.partition(text)
        assert found, (text, before)
        return before

    def type(self, data):
        os.write(self.master, data)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self):
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)


def test_a_terminal_stays_one(run):
    script = ("import os, signal, sys\n"
              "print([os.isatty(n) for n in range(3)], os.tcgetpgrp(0) == os.getpgrp())\n"
              "signal.signal(signal.SIGWINCH, lambda *_: print('now', *os.get_terminal_size()))\n"
              "print('size', *os.get_terminal_size())\n"
              "print('got', input(), os.environ['SECRET'])\n")
    terminal = Terminal(run.command(*python(script)), run.environment)
    terminal.until(b"[True, True, True] True")
    terminal.until(b"size")
    terminal.resize(33, 77)
    terminal.until(b"now 77 33")
    terminal.type(run.secret + b"\n")
    terminal.until(b"got *** ***")
    assert terminal.end() == 0


def test_a_terminal_for_the_output_alone(run):
    """Line ends are made once, and keys that send signals reach the command."""
    words = " ".join(f"'{word}'" for word in run.command(
        "sh", "-c", "echo u\"\"p $SECRET; exec sleep 100"))
    # bash goes on after a command that took the interrupt; dash does not.
    terminal = Terminal(["/bin/bash", "-c", f"{words} </dev/null; echo code=$?"], run.environment)
    assert terminal.until(b"up ***\r\n") == b""
    terminal.type(b"\x03")
    terminal.until(b"code=130")
    terminal.end()


@pytest.mark.parametrize("key,number", [(b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)])
def test_keys_that_send_signals(run, key, number):
    terminal = Terminal(run.command("sh", "-c", "echo up; exec sleep 100"), run.environment)
    terminal.until(b"up")
    terminal.type(key)
    assert terminal.end() == 128 + number


@pytest.mark.parametrize("masked", [False, True])
def test_stop_and_continue_in_a_shell(run, masked):
    terminal = Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], {**run.environment, "PS1": "PROMPT "})
    terminal.until(b"PROMPT ")
    words = " ".join(f"'{word}'" for word in run.command(
        "sh", "-c", "echo u\"\"p; cat; echo e\"\"nd; exit 6", masked=masked))
    terminal.type(words.encode() + b"\n")
    terminal.until(b"\nup")
    # dash starts cat by vfork: a stop in the middle of that would stop its child alone.
    time.sleep(0.5)
    terminal.type(b"\x1a")
    terminal.until(b"Stopped")
    terminal.until(b"PROMPT ")
    # What is typed while bash takes its terminal back may be lost.
    time.sleep(1)
    terminal.type(b"fg; echo code=$?\n")
    terminal.until(b"exit 6")
    time.sleep(0.5)
    terminal.type(b"hello\n")
    terminal.until(b"hello\r\nhello")
    terminal.type(b"\x04")
    terminal.until(b"end")
    terminal.until(b"code=6")
    terminal.type(b"exit\n")
    terminal.end()

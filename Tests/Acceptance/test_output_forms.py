"""Hostile values through the commands into what people read them with: unchanged, or refused with the reason."""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest
from harness import figures
from harness.standin import StandIn

ORACLE = pathlib.Path(__file__).parent.parent / "Oracles/pipeline.py"
MEBIBYTE = 1 << 20

VALUES = {
    "single quotes": b"it's 'quoted'", "double quotes": b'say "hi"', "both quotes": b"'\"'\"",
    "backslashes": b"\\ \\\\ \\n \\", "newlines": b"one\ntwo\n\n", "a carriage return": b"one\r\ntwo",
    "only a newline": b"\n", "a command": b"$(touch owned)", "backticks": b"`touch owned`",
    "variables": b"$HOME ${HOME} $$ %PATH% %25", "document marks": b"---\na: 1\n---\n...",
    "a line of marks": b"---", "a leading dash": b"-rf", "an option": b"--help", "a list": b"- item",
    "Helm braces": b"{{ .Values.x }}", "Jinja braces": b"{% raw %}{# x #}", "a reference": b"${kw://a/b#c}",
    "white space at the ends": b"  x\t ", "an assignment": b"A=b=c", "a comment": b"x #y", "a number": b"0123",
    "a truth": b"yes", "nothing at all": b"", "a null": b"~", "an anchor": b"&a *a", "a log command":
    b"##vso[task.setvariable variable=x]y", "a mask": b"::add-mask::x", "a control": b"\x1b[31m\x07\x7f",
    "NUL": b"a\0b", "invalid UTF-8": b"\xff\xfe\xc0\xaf", "every byte": bytes(range(256)),
    "separators": "\u2028\u0085\ufeff".encode(), "PEM": b"-----BEGIN X-----\nAA==\n-----END X-----\n",
    "1 MiB of text": b"a'b\"c\\d$e\n" * (MEBIBYTE // 10), "1 MiB of bytes": bytes(range(256)) * 4096,
}
# What no form but these may refuse, and of which reader it is a limit.
READERS = {
    "dotenv": "dotenv", "shell": "shell", "json": "json", "yaml": "yaml", "properties": "properties",
    "k8s-secret": "secret", "github": "github", "gitlab-dotenv": "gitlab", "azure-pipelines": "azure",
    "docker-env": "docker",
}
# By form: the values that its reader cannot be given (docs/render.md). Everything else must arrive.
BINARY = {"invalid UTF-8", "every byte", "1 MiB of bytes"}
LINES = {"newlines", "a carriage return", "only a newline", "document marks", "PEM", "1 MiB of text",
         "every byte", "1 MiB of bytes"}
REFUSED = {
    "dotenv": BINARY | {"NUL", "both quotes", "backslashes", "a carriage return", "variables", "a reference",
                        "1 MiB of text"},
    "shell": {"NUL", "every byte", "1 MiB of bytes"},
    "json": BINARY, "yaml": set(), "properties": BINARY,
    # With its neighbours it would be more than an object may have.
    "k8s-secret": {"1 MiB of text", "1 MiB of bytes"},
    "github": BINARY | {"NUL", "1 MiB of text"},
    "gitlab-dotenv": BINARY | LINES | {"NUL", "variables", "a command", "a reference",
                                       "white space at the ends", "nothing at all", "separators",
                                       "a control"},
    "azure-pipelines": BINARY | LINES | {"NUL", "nothing at all"},
    "docker-env": BINARY | LINES | {"NUL"},
}


class Oracle:
    """The readers: bash, python-dotenv, jq, PyYAML, javaproperties, kubectl, and rules of runners."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, ORACLE], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, op, data, **more):
        request = {"op": op, "in": base64.b64encode(data).decode(), **more}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def read(self, text, form, names):
        answer = self.ask("read", text, form=form, names=",".join(names))
        return {name: base64.b64decode(value) for name, value in answer.items()}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Desk:
    def __init__(self, binary, server, folder):
        self.binary, self.server, self.folder = binary, server, pathlib.Path(folder)
        self.references = {label: server.put(f"v{index}", value)
                           for index, (label, value) in enumerate(VALUES.items())}
        self.one = server.put("one", b"neighbour")

    def run(self, *arguments, **more):
        environment = {"PATH": os.environ["PATH"], "SWIFT_BACKTRACE": "enable=no",
                       "KEYWARD_ADDR": f"unix://{self.server.path}", **more}
        return subprocess.run([self.binary, *map(str, arguments)], capture_output=True, timeout=90,
                              stdin=subprocess.DEVNULL, env=environment, cwd=self.folder)


@pytest.fixture
def desk(binary):
    with tempfile.TemporaryDirectory(prefix="kw-") as folder:
        server = StandIn(folder)
        yield Desk(binary, server, folder)
        server.stop()


@pytest.fixture
def oracle():
    made = Oracle()
    yield made
    made.close()


def told(done, value):
    """The reason of a refusal; nothing of the value is in it, and nothing was written."""
    assert done.returncode not in (0, None) and done.stdout == b"", done
    words = done.stderr.decode()
    assert words.startswith("keyward: ") and "usage" not in words.lower(), words
    if 3 < len(value.strip()) < 1000:
        assert value.strip() not in done.stderr, words
    return words


def taken(oracle, objects, each):
    """What kubectl makes of the objects of each value, all of them given to it at once."""
    if not objects:
        return {}
    answer = oracle.ask("kubectl-dry-run", b"\n---\n".join(objects.values()))
    if answer["by"] != "kubectl":
        figures.gap("kubectl is not here: Secrets were judged by the schema of core/v1 alone")
    items = json.loads(base64.b64decode(answer["out"]))["items"]
    assert len(items) == each * len(objects)
    return {label: items[each * index:each * (index + 1)] for index, label in enumerate(objects)}


@pytest.mark.parametrize("form", READERS)
def test_get(desk, oracle, form, report):
    refused, objects = set(), {}
    for label, value in VALUES.items():
        wanted = [f"BEFORE={desk.one}", f"NAME={desk.references[label]}", f"AFTER={desk.one}"]
        more = ["--secret-name", "x"] if form == "k8s-secret" else []
        variables = desk.folder / "github_env"
        variables.write_bytes(b"")
        done = desk.run("get", "-f", form, *more, *wanted, GITHUB_ENV=str(variables))
        if done.returncode != 0:
            words = told(done, value)
            assert "NAME" in words or "A Kubernetes Secret holds at most 1 MiB" in words, words
            assert variables.read_bytes() == b""
            refused.add(label)
            continue
        text = variables.read_bytes() if form == "github" else done.stdout
        expected = {"BEFORE": b"neighbour", "NAME": value, "AFTER": b"neighbour"}
        assert oracle.read(text, READERS[form], list(expected)) == expected, label
        if form == "k8s-secret":
            objects[label] = text
    for label, (made,) in taken(oracle, objects, 1).items():
        assert base64.b64decode(made["data"]["NAME"]) == VALUES[label], label
    assert refused == REFUSED[form]
    assert not (desk.folder / "owned").exists()
    report("output-form", form=form, carried=len(VALUES) - len(refused), refused=len(refused))


def test_get_raw_and_into_a_file(desk):
    for label, value in VALUES.items():
        done = desk.run("get", desk.references[label])
        assert (done.returncode, done.stdout) == (0, value), label
        out = desk.folder / "out"
        done = desk.run("get", "--out", out, desk.references[label])
        assert (done.returncode, done.stdout, out.read_bytes()) == (0, b"", value), label
        assert out.stat().st_mode & 0o777 == 0o600


SHOW = "import os,sys; sys.stdout.buffer.write(os.environb[b'V'] if len(sys.argv) < 2 else open(os.environ['V'],'rb').read())"


@pytest.mark.parametrize("how", ["--set", "--file", "--tmpfs", "--fifo"])
def test_run(desk, how):
    refused = set()
    more = [] if how == "--set" else ["file"]
    for label, value in VALUES.items():
        done = desk.run("run", "--no-project", "--no-masking", how, f"V={desk.references[label]}", "--",
                        sys.executable, "-S", "-c", SHOW, *more)
        if done.returncode != 0:
            told(done, value)
            refused.add(label)
        else:
            assert done.stdout == value, label
    # A variable has no NUL, and the kernel takes 128 KiB.
    assert refused == (set() if more else {
        "NUL", "every byte", "1 MiB of text", "1 MiB of bytes"})
    assert not (desk.folder / "owned").exists()


MANIFEST = """# a comment
apiVersion: v1
kind: Secret
metadata: {{name: before}}
data: {{p: {0}}}
---
apiVersion: v1
kind: {1}
metadata: {{name: x}}
{2}:
  plain: {0}
  quoted: "{0}"
  within: 'a ${{{0}}} b'
  block: |
    ${{{0}}}
    end
"""


@pytest.mark.parametrize("kind,field", [("Secret", "stringData"), ("ConfigMap", "data")])
def test_render(desk, oracle, kind, field):
    refused, objects = set(), {}
    for label, value in VALUES.items():
        (desk.folder / "m.yaml").write_text(MANIFEST.format(desk.references[label], kind, field))
        done = desk.run("render", "m.yaml")
        if done.returncode != 0:
            words = told(done, value)
            assert "m.yaml:" in words
            refused.add(label)
            continue
        objects[label] = done.stdout
    for label, (before, after) in taken(oracle, objects, 2).items():
        assert base64.b64decode(before["data"]["p"]) == VALUES[label], label
        text = VALUES[label].decode()
        wanted = {"plain": text, "quoted": text, "within": f"a {text} b", "block": f"{text}\nend\n"}
        assert after[field] == wanted, label
    # Text must be text.
    assert refused == BINARY

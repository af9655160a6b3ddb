"""Reads what the pipeline commands write with what people read it with.

One JSON object a line: {"op": …, "in": base64, …}; the answer has "out" (base64) or more, or "error".
"""
import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback
import urllib.parse


def text(request):
    return base64.b64decode(request["in"])


# age, by another implementation


def age_decrypt(request):
    import pyrage
    return pyrage.decrypt(text(request), [pyrage.x25519.Identity.from_str(request["identity"])])


def age_encrypt(request):
    import pyrage
    return pyrage.encrypt(text(request), [pyrage.x25519.Recipient.from_str(request["recipient"])])


def age_keygen(request):
    import pyrage
    identity = pyrage.x25519.Identity.generate()
    return {"identity": str(identity), "recipient": str(identity.to_public())}


def bundle_value(request):
    """A value of a bundle, opened as docs/formats/bundle.md says, without code of Keyward."""
    import hashlib
    import hmac
    import pyrage
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    lines = text(request).split(b"\n")
    fields = [line.split(b": ", 1) for line in lines[1:-1]]
    one = {name: rest for name, rest in fields if name != b"value"}
    (wrapped,) = [rest[4:] for name, rest in fields if name == b"key" and rest.startswith(b"age ")]
    identity = pyrage.x25519.Identity.from_str(request["identity"])
    key = pyrage.decrypt(base64.b64decode(wrapped), [identity])

    def expand(prk, info, length):
        out, block, counter = b"", b"", 1
        while len(out) < length:
            block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
            out, counter = out + block, counter + 1
        return out[:length]

    body = text(request)
    authenticated = body[:body.rindex(b"mac: ")]
    mac = hmac.digest(expand(key, b"keyward/v1/bundle/mac", 32), authenticated, "sha256")
    assert mac == base64.b64decode(one[b"mac"]), "MAC"
    signed = body[:body.rindex(b"signature: ")]
    signer = base64.b64decode(one[b"signer"].split(b" ")[1])
    Ed25519PublicKey.from_public_bytes(signer).verify(
        base64.b64decode(one[b"signature"]),
        b"keyward/v1/bundle/signature\n" + hashlib.sha256(signed).digest())
    values = expand(key, b"keyward/v1/bundle/value", 32)
    for name, rest in fields:
        if name == b"value" and rest.split(b" ")[0] == request["reference"].encode():
            sealed = base64.b64decode(rest.split(b" ")[1])
            salt, message, tag = sealed[:24], sealed[24:-32], sealed[-32:]
            keys = expand(values, b"keyward/v1/message/aes-256-ctr" + salt, 64)
            aad = b"keyward/v1/bundle/value\n" + one[b"environment"] + b"\n" + rest.split(b" ")[0]
            expected = hmac.digest(keys[32:], len(aad).to_bytes(8, "big") + aad + message, "sha256")
            assert tag == expected, "tag"
            cipher = Cipher(algorithms.AES(keys[:32]), modes.CTR(bytes(16))).decryptor()
            return cipher.update(message) + cipher.finalize()
    raise AssertionError("no such value")


# Readers of each form: the values by name


def read_dotenv(text, names):
    import dotenv
    # Files are read with universal line ends.
    stream = io.StringIO(text.decode().replace("\r\n", "\n").replace("\r", "\n"))
    values = dotenv.dotenv_values(stream=stream, interpolate=True)
    return {name: values[name].encode() for name in names}


def read_shell(text, names):
    with tempfile.NamedTemporaryFile() as file:
        file.write(text)
        file.flush()
        script = ('eval "$(cat "$1")"; shift; '
                  'for name; do printf "%s" "${!name}" | base64 -w0; echo; done')
        out = subprocess.run(["bash", "-c", script, "bash", file.name, *names],
                             check=True, capture_output=True).stdout
    return {name: base64.b64decode(line) for name, line in zip(names, out.split(b"\n"))}


# A dotenv file as a shell reads it.
read_sourced = read_shell


def read_json(text, names):
    parsed, found = json.loads(text), {}
    for name in names:
        found[name] = subprocess.run(["jq", "-j", "--arg", "name", name, ".[$name]"],
                                     input=text, check=True, capture_output=True).stdout
        assert parsed[name].encode() == found[name]
    return found


def read_yaml(text, names):
    import yaml
    values = yaml.load(text, yaml.CSafeLoader)
    if len(text) < 1000:
        assert values == yaml.safe_load(text)
    return {name: values[name] if isinstance(values[name], bytes) else values[name].encode()
            for name in names}


def read_properties(text, names):
    import javaproperties
    values = javaproperties.loads(text.decode("latin-1"))
    return {name: values[name].encode("utf-8", "strict") for name in names}


def read_secret(text, names):
    import yaml
    values = yaml.load(text, yaml.CSafeLoader)["data"]
    return {name: base64.b64decode(values[name], validate=True) for name in names}


def read_github(text, names):
    """The rules of the runner's file commands, on Linux: a heredoc ends at a line of its delimiter."""
    lines, values, index = text.decode().split("\n"), {}, 0
    while index < len(lines):
        line, index = lines[index], index + 1
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, delimiter = line.split("<<", 1)
            start = index
            while lines[index] != delimiter:
                index += 1
            values[name] = "\n".join(lines[start:index])
            index += 1
        else:
            name, values[name] = line.split("=", 1)
    return {name: values[name].encode() for name in names}


def read_gitlab(text, names):
    """One NAME=value a line, stripped, quotes kept, empty lines refused."""
    values = {}
    for line in text.decode().splitlines():
        name, value = line.split("=", 1)
        values[name.strip()] = value.strip()
    return {name: values[name].encode() for name in names}


def read_azure(text, names):
    """The agent's rules of logging commands."""
    values = {}
    for line in text.decode().split("\n"):
        if not line:
            continue
        start = line.index("##vso[")
        end = line.index("]", start)
        command, properties = line[start + 6:end].split(" ", 1)
        assert command == "task.setvariable"
        named = dict(item.split("=", 1) for item in properties.split(";") if item)
        assert named["issecret"] == "true"
        data = line[end + 1:].replace("%0D", "\r").replace("%0A", "\n").replace("%AZP25", "%")
        values[named["variable"]] = data
    return {name: values[name].encode() for name in names}


def read_docker(text, names):
    """The rules of `docker run --env-file`."""
    values = {}
    for line in text.decode().split("\n"):
        line = line.removesuffix("\r").lstrip(" \t")
        if line and not line.startswith("#"):
            name, value = line.split("=", 1)
            assert not any(letter.isspace() for letter in name)
            values[name] = value
    return {name: values[name].encode() for name in names}


def read(request):
    found = globals()["read_" + request["form"]](text(request), request["names"].split(","))
    return {name: base64.b64encode(value).decode() for name, value in found.items()}


def github_masks(request):
    """What the log would hide: the masks, unescaped, applied to a text."""
    log = base64.b64decode(request["log"]).decode("utf-8", "surrogateescape")
    for line in text(request).decode("utf-8", "surrogateescape").split("\n"):
        if line:
            assert line.startswith("::add-mask::"), "a line of the log that is no command"
            mask = line[len("::add-mask::"):]
            mask = mask.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
            assert mask
            log = log.replace(mask, "***")
    return log.encode("utf-8", "surrogateescape")


# kubectl, with as much of an API server as a dry run asks for


class Kubectl:
    def __init__(self):
        import http.server
        answers = {
            "/api": {"kind": "APIVersions", "versions": ["v1"],
                     "serverAddressByClientCIDRs": []},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
            "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [
                {"name": "secrets", "singularName": "secret", "namespaced": True, "kind": "Secret",
                 "verbs": ["create", "get"]},
                {"name": "configmaps", "singularName": "configmap", "namespaced": True,
                 "kind": "ConfigMap", "verbs": ["create", "get"]}]},
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer = answers.get(self.path.split("?")[0])
                body = json.dumps(answer or {}).encode()
                self.send_response(200 if answer else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.home = tempfile.mkdtemp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def dry_run(self, manifest):
        address = f"http://127.0.0.1:{self.server.server_address[1]}"
        run = subprocess.run(
            ["kubectl", f"--server={address}", "create", "--dry-run=client", "--validate=false",
             "-o", "json", "-f", "-"], input=manifest, capture_output=True,
            env={"HOME": self.home, "PATH": os.environ["PATH"], "KUBECONFIG": "/dev/null"})
        assert run.returncode == 0, run.stderr.decode(errors="replace")
        objects, rest, decoder = [], run.stdout.decode().strip(), json.JSONDecoder()
        while rest:
            found, end = decoder.raw_decode(rest)
            objects, rest = objects + [found], rest[end:].lstrip()
        return objects[0] if len(objects) == 1 else {"kind": "List", "items": objects}


# The same objects judged without kubectl: the fields and limits of core/v1 (api/openapi-spec of Kubernetes).

NAME = {"type": "string", "maxLength": 253, "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z"}
KEYS = {"type": "string", "maxLength": 253, "pattern": r"^[-._a-zA-Z0-9]+\Z", "not": {"pattern": r"^\.\.?\Z"}}
TEXTS = {"type": "object", "propertyNames": KEYS, "additionalProperties": {"type": "string"}}
BYTES = {"type": "object", "propertyNames": KEYS, "additionalProperties": {
    "type": "string", "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"}}
METADATA = {
    "type": "object", "required": ["name"], "additionalProperties": False, "properties": {
        "name": NAME, "namespace": NAME,
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}}}}


def kind_schema(kind, **fields):
    return {"type": "object", "required": ["apiVersion", "kind", "metadata"], "additionalProperties": False,
            "properties": {"apiVersion": {"const": "v1"}, "kind": {"const": kind}, "metadata": METADATA,
                           "immutable": {"type": "boolean"}, **fields}}


SCHEMAS = {
    "Secret": kind_schema("Secret", data=BYTES, stringData=TEXTS, type={"type": "string"}),
    "ConfigMap": kind_schema("ConfigMap", data=TEXTS, binaryData=BYTES),
}


def judged_by_schema(manifest):
    import jsonschema
    import yaml
    objects = [each for each in yaml.load_all(manifest, yaml.CSafeLoader) if each is not None]
    for each in objects:
        jsonschema.Draft202012Validator(SCHEMAS[each["kind"]]).validate(each)
        size = sum(len(base64.b64decode(value)) for field in ("data", "binaryData")
                   if field == "binaryData" or each["kind"] == "Secret"
                   for value in each.get(field, {}).values())
        assert size <= 1 << 20, "more than an object may have"
    return objects[0] if len(objects) == 1 else {"kind": "List", "items": objects}


_kubectl = []


def kubectl_dry_run(request):
    """The objects as kubectl takes them, "by" saying who judged; the schema judges them always."""
    judged = judged_by_schema(text(request))
    if not _kubectl:
        _kubectl.append(Kubectl() if shutil.which("kubectl") else None)
    if _kubectl[0]:
        taken = _kubectl[0].dry_run(text(request))
        items = zip(taken.get("items", [taken]), judged.get("items", [judged]))
        assert all(one.get(field) == other.get(field) for one, other in items
                   for field in ("kind", "data", "stringData", "binaryData", "type"))
        judged = taken
    out = json.dumps(judged, ensure_ascii=False).encode()
    return {"out": base64.b64encode(out).decode(), "by": "kubectl" if _kubectl[0] else "schema"}


def yaml_as_json(request):
    """All documents as JSON; bytes become {"binary": base64}."""
    import yaml

    class Loader(yaml.CSafeLoader):
        pass

    # As Kubernetes reads it: dates are text.
    Loader.yaml_implicit_resolvers = {
        key: [item for item in found if item[0] != "tag:yaml.org,2002:timestamp"]
        for key, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()}

    def plain(value):
        if isinstance(value, bytes):
            return {"binary": base64.b64encode(value).decode()}
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value
    documents = [plain(document) for document in yaml.load_all(text(request), Loader)]
    return json.dumps(documents, ensure_ascii=False, sort_keys=True).encode("utf-8")


def filled(source, values):
    """A manifest filled at the level of its data, by other means: what a rendering must come to."""
    import re

    pattern = re.compile(
        r"\$\$\{kw://|\$\{(kw://[^}|]*?) *(?:\| *([a-z0-9]+) *)?\}|\$kw://")
    filters = {
        None: lambda value: value,
        "base64": base64.b64encode,
        "json": lambda value: json.dumps(value.decode(), ensure_ascii=False)[1:-1].encode(),
        "url": lambda value: urllib.parse.quote(value, safe="").encode(),
    }

    def fill(text):
        if text.startswith("kw://"):
            return values[text]
        parts, start = [], 0
        for match in pattern.finditer(text):
            parts.append(text[start:match.start()].encode())
            start = match.end()
            if match[1]:
                parts.append(filters[match[2]](values[match[1]]))
            else:
                parts.append(match[0][1:].encode())
        return b"".join(parts) + text[start:].encode()

    def walk(node, binary=False, key=None):
        if isinstance(node, dict):
            data = {"Secret": "data", "ConfigMap": "binaryData"}.get(node.get("kind"))
            return {name: walk(item, binary or (data is not None and name == data), name)
                    for name, item in node.items()}
        if isinstance(node, list):
            return [walk(item, binary) for item in node]
        if isinstance(node, bytes):
            return fill(node.decode()) if b"kw://" in node else node
        if not isinstance(node, str) or key == "keyward.dev/versions":
            return node
        if binary and "kw://" not in node:
            try:
                inner = base64.b64decode("".join(node.split()), validate=True)
            except ValueError:
                return node
            return base64.b64encode(fill(inner.decode())).decode() if b"kw://" in inner else node
        if "kw://" not in node:
            return node
        return base64.b64encode(fill(node)).decode() if binary else fill(node).decode()

    return [walk(document) for document in source]


def load_all(text, form):
    import yaml
    if form == "json":
        return [json.loads(text)]
    return list(yaml.load_all(text, yaml.CSafeLoader))


def json_within(node):
    """JSON in texts, by what it says: escapes have several spellings."""
    if isinstance(node, dict):
        return {name: json_within(item) for name, item in node.items()}
    if isinstance(node, list):
        return [json_within(item) for item in node]
    return json.loads(node) if isinstance(node, str) and node.startswith('{"p"') else node


def render_check(request):
    """Compares a rendering with the source filled at the level of data; says what differs."""
    values = {name: base64.b64decode(value) for name, value in request["values"].items()}
    source = base64.b64decode(request["source"])
    expected = filled(load_all(source, request.get("form")), values)
    found = load_all(text(request), request.get("form"))
    expected, found = json_within(expected), json_within(found)
    if found == expected:
        return {"same": "yes"}
    return {"same": "no", "words": f"expected {expected!r}"[:500] + f" found {found!r}"[:500]}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = globals()[request["op"].replace("-", "_")](request)
            if isinstance(answer, bytes):
                answer = {"out": base64.b64encode(answer).decode()}
        except Exception:
            answer = {"error": traceback.format_exc(limit=3)[-600:]}
        print(json.dumps(answer), flush=True)


main()

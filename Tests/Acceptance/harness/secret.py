"""Secrets over the API: frames made and read by a second implementation."""
import json
import struct


def frame(head, values):
    data = json.dumps(head).encode()
    return struct.pack(">I", len(data)) + data + b"".join(values)


def opened(body):
    """The head of a frame, and its values in the order of the head."""
    (length,) = struct.unpack(">I", body[:4])
    head, rest = json.loads(body[4:4 + length]), body[4 + length:]
    values = []
    for result in head["results"]:
        for value in result["values"]:
            if value.get("length") is None:
                continue
            values.append(rest[:value["length"]])
            rest = rest[value["length"]:]
    assert not rest, "bytes behind the values"
    return head, values


def declare(api, name, inherits=None, production=False):
    data = {"name": name, "production": production}
    if inherits:
        data["inherits"] = inherits
    return api.must(api.post(f"/api/v1/environments/{name}:write", data=data), f"declare {name}")


def put(api, name, environment, fields, **head):
    """Writes a version; the answer as it came."""
    names = sorted(fields)
    head = {"environment": environment, "fields": [
        {"name": each, "length": len(fields[each])} for each in names], **head}
    return api.post(f"/api/v1/secrets/{name}:put", octets=frame(head, [fields[n] for n in names]))


def fetch(api, references, environment=None, **options):
    data = {"references": references, **options}
    if environment:
        data["environment"] = environment
    return opened(api.must(api.post("/api/v1/secrets:fetch", data=data), "fetch").body)

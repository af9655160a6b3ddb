"""The policy oracle: decides requests with the Cedar engine (`cedarpy`) on policies translated to Cedar.

A line of stdin is {"policy": canonical YAML, "officers": [uid], "requests": [..]}, a line of stdout
[{"allowed": bool, "approvals": [names]}]. Each rule of each binding becomes one `permit` or `forbid`,
each approval rule one `permit` of a second policy, whose determining policies are the answer. Nothing
here knows how Keyward decides: what a request has is put into the context, and Cedar decides.
"""
import datetime
import json
import sys

import cedarpy
import yaml

OWN = ["self:read", "self:renew", "self:revoke"]
SERVER = ["key:create", "key:destroy", "key:rotate", "operator:rotate", "operator:unseal",
          "server:recover", "server:start", "server:stop"]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def text(value):
    return json.dumps(value)


def both(parts):
    return " && ".join(f"({part})" for part in parts) or "true"


def either(parts):
    return " || ".join(f"({part})" for part in parts) or "false"


def attribute(name):
    """The context's field for an attribute, and whether it is there."""
    field = "claim_" + name[6:] if name.startswith("claim:") else name
    return f"context.{field}", f"context has {field}"


def milliseconds(rfc3339):
    moment = datetime.datetime.fromisoformat(rfc3339.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000)


def expiry(thing):
    return [f"context.time < {milliseconds(thing['expires'])}"] if "expires" in thing else []


def operations(patterns):
    parts = []
    for pattern in patterns:
        if pattern == "*":
            parts.append("true")
        elif pattern.endswith(":*"):
            parts.append(f"context.noun == {text(pattern[:-2])}")
        else:
            parts.append(f"action == Action::{text(pattern)}")
    return either(parts)


def segments(pattern, prefix, length, is_name):
    """A pattern over the fields prefix0, prefix1, … of the context."""
    parts = []
    wanted = pattern.split("/")
    has_rest = wanted[-1] == "**"
    if has_rest:
        wanted = wanted[:-1]
    parts.append(f"context.{length} {'>' if has_rest else '=='} {len(wanted)}")
    for index, segment in enumerate(wanted):
        field = f"context.{prefix}{index}"
        parts.append(f"context has {prefix}{index}")
        if segment == "*":
            if is_name:
                parts.append(f'{field} != ""')
        elif segment.startswith("{"):
            value, there = attribute(segment[1:-1])
            parts += [there, f"{field} == {value}"]
        else:
            parts.append(f"{field} == {text(segment)}")
    return both(parts)


def resources(patterns):
    return either(segments(pattern, "s", "length", False) for pattern in patterns)


def subject(one):
    parts = ["context.nameable"]
    for name in ["issuer", "cluster", "environment"]:
        if name in one:
            value, there = attribute(name)
            parts.append(there)
            if one[name] != "*":
                parts.append(f"{value} == {text(one[name])}")
    if "kind" in one:
        parts.append(f"context.kind == {text(one['kind'])}")
    if "name" in one:
        parts.append(segments(one["name"], "n", "name_length", True))
    return both(parts)


def minutes(clock):
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def condition(one):
    if "attribute" in one:
        value, there = attribute(one["attribute"])
        values = "[" + ", ".join(text(value) for value in one.get("in", one.get("not_in"))) + "]"
        holds = f"{values}.contains({value})"
        return both([there, holds if "in" in one else f"!{holds}"])
    if "source_network" in one:
        ranges = (f"context.source.isInRange(ip({text(network)}))" for network in one["source_network"])
        return both(["context has source", either(ranges)])
    time = one["time"]
    parts = []
    if "not_before" in time:
        parts.append(f"context.time >= {milliseconds(time['not_before'])}")
    if "not_after" in time:
        parts.append(f"context.time < {milliseconds(time['not_after'])}")
    if "days" in time:
        parts.append("[" + ", ".join(text(day) for day in time["days"]) + "].contains(context.day)")
        parts.append(f"context.minute >= {minutes(time['from'])}")
        parts.append(f"context.minute < {minutes(time['to'])}")
    return both(parts)


def rule(one):
    return [operations(one["operations"]), resources(one["resources"])] + \
        [condition(each) for each in one.get("conditions", [])] + expiry(one)


def policy(effect, parts):
    return f"{effect}(principal, action, resource) when {{ {both(parts)} }};"


def translate(documents, officers):
    roles = {d["metadata"]["name"]: d["spec"]["rules"] for d in documents if d["kind"] == "Role"}
    decisions = [
        policy("permit", ['context.kind == "server"', operations(SERVER)]),
        policy("permit", ["context.nameable", 'context.path == "self"', operations(OWN)]),
        policy("permit", ['context.kind == "kms-socket"', 'context.issuer == "kms"',
                          "context.path == context.own_key",
                          operations(["key:encrypt", "key:decrypt"])]),
    ]
    for uid in officers:
        decisions.append(policy("permit", ['context.kind == "unix-peer"', "context has uid",
                                           f"context.uid == {uid}"]))
    approvals, names = [], []
    for document in documents:
        spec = document["spec"]
        if document["kind"] == "Binding":
            binding = [either(subject(one) for one in spec["subjects"])] + expiry(spec) + \
                [condition(one) for one in spec.get("conditions", [])]
            for one in roles[spec["role"]]:
                effect = "permit" if one["effect"] == "allow" else "forbid"
                decisions.append(policy(effect, binding + rule(one)))
        elif document["kind"] == "ApprovalRule":
            approvals.append(policy("permit", ["context.nameable"] + rule(spec)))
            names.append(document["metadata"]["name"])
    return "\n".join(decisions), "\n".join(approvals), names


def translated(request):
    moment = datetime.datetime.fromtimestamp(request["time"] / 1000, datetime.timezone.utc)
    context = {
        "kind": request["kind"], "issuer": request["issuer"], "name": request["name"],
        "nameable": request["kind"] not in ("server", "anonymous"), "time": request["time"],
        "path": request["resource"], "own_key": "keys/" + request["name"],
        "noun": request["operation"].split(":")[0], "day": DAYS[moment.weekday()],
        "minute": moment.hour * 60 + moment.minute,
    }
    for prefix, length, value in [("s", "length", request["resource"]),
                                  ("n", "name_length", request["name"])]:
        parts = value.split("/")
        context[length] = len(parts)
        context.update({f"{prefix}{index}": part for index, part in enumerate(parts)})
    for name in ["cluster", "environment", "uid"]:
        if name in request:
            context[name] = request[name]
    context.update({"claim_" + name: value for name, value in request["claims"].items()})
    if "source" in request:
        context["source"] = {"__extn": {"fn": "ip", "arg": request["source"]}}
    return {"principal": 'Principal::"p"', "action": f'Action::{text(request["operation"])}',
            "resource": 'Resource::"r"', "context": context}


def answer(line):
    documents = [d for d in yaml.safe_load_all(line["policy"]) if d is not None]
    decisions, approvals, names = translate(documents, line["officers"])
    requests = [translated(request) for request in line["requests"]]
    answers = []
    asked = cedarpy.is_authorized_batch(requests, approvals, []) if names else None
    for index, result in enumerate(cedarpy.is_authorized_batch(requests, decisions, [])):
        # An error inside a policy makes Cedar skip it: the translation must never cause one.
        assert not result.diagnostics.errors, result.diagnostics.errors
        allowed = result.decision == cedarpy.Decision.Allow
        reasons = []
        if allowed and asked:
            assert not asked[index].diagnostics.errors, asked[index].diagnostics.errors
            reasons = [names[int(reason[6:])] for reason in asked[index].diagnostics.reasons]
        answers.append({"allowed": allowed, "approvals": sorted(reasons)})
    return answers


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)

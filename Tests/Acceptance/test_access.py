"""Who may do what, over HTTPS and the admin socket: the table of routes, approvals, identities."""
import base64
import concurrent.futures
import json
import random
import re
import secrets
import socket
import time

import pytest
from harness import eventually, pick
from harness.access import (
    ClientAuthority, Issuer, Wrapping, apply, audit, binding, client, completion, document, officer,
    role, routes, serve_https, token)
from harness.secret import declare, put
from harness.tls import trusting

# What is told without a credential; the issue lists them.
OPEN = {
    "GET /livez", "GET /readyz", "GET /api/v1/version", "GET /api/v1/status",
    "POST /api/v1/operator/unseal", "POST /api/v1/auth/login",
}
# The name that a service account has.
ACCOUNT = "system:serviceaccount:kube-system:kms"
MISSING = {
    "/api/v1/keys/": "no/such/key", "/api/v1/approvals/": "apr-" + "a" * 26,
    "/api/v1/auth/tokens/": "acc-" + "a" * 26, "/api/v1/auth/": "no-such-record",
    "/api/v1/environments/": "no-such", "/api/v1/secrets/": "no-such/secret",
    "/api/v1/destinations/": "no-such", "/api/v1/exports/": "exp-" + "a" * 26,
}


@pytest.fixture
def secured(stores):
    """Makes a running, unsealed store that serves HTTPS, with the token of an officer."""
    def make(https="", **options):
        store = serve_https(stores(**options), https).made()
        store.officer = officer(store)
        return store

    return make


def missing(route):
    """A well-formed name of an object of the route's that is not there."""
    return next(name for prefix, name in MISSING.items() if route.path.startswith(prefix))


def there(store):
    """Makes one object of each kind; their names by the beginning of the path."""
    api = store.api()
    api.create("there/key")
    _, accessor = token(api, "there")
    cluster, authority = Issuer(), ClientAuthority("there")
    for path, body in {
            "clusters/there": {"issuers": [cluster.registration()]},
            "issuers/there": Issuer("https://there.test/").registration(name=None, preset="oidc"),
            "authorities/signers": authority.registration(name=None),
            "roles/there": {}}.items():
        api.must(api.post(f"/api/v1/auth/{path}:write", data=body), path)
    declare(api, "there")
    assert put(api, "there/secret", "there", {"x": b"1"}).status == 200
    wrapping = Wrapping()
    wrapping.destination(api, "there")
    api.create("there/exported", operations=["encrypt", "decrypt", "cloud-export"])
    export = wrapping.prepared(api, "there/exported", "there")
    apply(api, document("ApprovalRule", "there", operations=["key:rotate"],
                        resources=["keys/there/key"], require={"n": 1, "of": [{"issuer": "x"}]}))
    asked = api.act("there/key", "rotate")
    assert asked.code == "approval_required", asked.body
    return {
        "/api/v1/keys/": "there/key", "/api/v1/approvals/": approval(asked),
        "/api/v1/auth/tokens/": accessor, "/api/v1/auth/authorities/": "signers",
        "/api/v1/auth/": "there", "/api/v1/environments/": "there",
        "/api/v1/secrets/": "there/secret", "/api/v1/destinations/": "there",
        "/api/v1/exports/": export["id"]}


def tells_of_each(route):
    """Whether the answer says of each thing whether it is allowed: test_secrets.py looks at it."""
    return route.path == "/api/v1/secrets:fetch"


def approval(answer):
    """The id of the approval that a refused request asks for."""
    words = answer.json["detail"]
    return words[words.index("apr-"):][:30]


def reachable(store):
    try:
        return client(store).get("/livez").status == 200
    except OSError:
        return False


def takes_connections(store):
    try:
        socket.create_connection(("127.0.0.1", store.port), 5).close()
        return True
    except ConnectionRefusedError:
        return False


def left_out(entry):
    """How many entries were left out before this one."""
    found = re.search(rb'"dropped","count":(\d+)', base64.b64decode(entry["encoded"]))
    return int(found.group(1)) if found else 0


def plain(answer):
    """Status and body of an answer without the id of its request."""
    return answer.status, answer.body.replace((answer.request_id or "-").encode(), b"ID")


# The table of routes


def test_every_route_asks_who_and_whether(secured, report):
    """No token, an unknown one, one without the right: 401, 401, 403, whatever exists."""
    store = secured()
    objects = there(store)
    right, _ = token(store.api(), "nobody")
    callers = [("no token", client(store), 401),
               ("an unknown token", client(store, "kwt_" + secrets.token_urlsafe(32)), 401),
               ("no token of ours", client(store, "x" * 47), 401),
               ("no JWT of ours", client(store, Issuer().token()), 401),
               ("a token without the right", client(store, right), 403)]
    table = routes()
    assert {route.name for route in table if route.is_open} == OPEN
    before = len(audit(store.api()))
    requests, expected = 0, []
    for route in table:
        assert route.operation or route.is_open, f"{route.name} names no operation"
        if route.is_open:
            continue
        names = [""]
        if "{name}" in route.path:
            names = [next(name for prefix, name in objects.items()
                          if route.path.startswith(prefix)), missing(route)]
        for words, api, status in callers:
            if status == 403 and (route.operation.startswith("self:") or tells_of_each(route)):
                continue
            answers = [route.send(api, name) for name in names]
            requests += len(answers)
            what = f"{route.name} with {words}: {answers[0].body!r}"
            if route.is_admin_only:
                assert {answer.status for answer in answers} == {404}, what
                continue
            assert {answer.status for answer in answers} == {status}, what
            assert answers[0].headers["content-type"] == "application/problem+json", what
            assert answers[0].code == ("forbidden" if status == 403 else "unauthenticated"), what
            assert len({plain(answer) for answer in answers}) == 1, what
            # A body of nobody is not even read, and makes no entry; figures make none at all.
            if (words != "no token" or "requestBody" not in route.entry) and (
                    status == 401 or route.path != "/metrics"):
                expected += [(route.operation, status)] * len(answers)
        # Nobody and somebody unknown get the same words.
        unknown = {plain(route.send(api, names[-1])) for _, api, status in callers if status == 401}
        assert len(unknown) == 1 or route.is_admin_only, f"{route.name}: {unknown}"
    # Nothing came about, and the log has every refusal.
    time.sleep(1)
    assert client(store, "x" * 47).get("/api/v1/keys").status == 401
    entries = audit(store.api())[before:]
    refused = [entry for entry in entries if entry["outcome"] in ("forbidden", "unauthenticated")]
    for operation, status in set(expected):
        found = sum(entry["operation"] == operation and entry["outcome"] == "forbidden"
                    for entry in refused)
        assert status == 401 or found == expected.count((operation, status)), (operation, found)
    # Of requests that prove no identity the log takes so many, and tells how many it left out.
    told = sum(1 + left_out(entry) for entry in refused if entry["outcome"] == "unauthenticated")
    assert told >= sum(status == 401 for _, status in expected), told
    assert not [entry for entry in entries if entry["outcome"] == "allowed"
                and not entry["operation"].startswith(("audit:", "server:"))]
    report("route-walk", routes=len(table), open=len(OPEN), requests=requests,
           refusals_in_log=len(refused))


def test_the_admin_socket_asks_as_well(secured):
    """A token on the admin socket is who the request is of, whatever user the process has."""
    store = secured()
    objects = there(store)
    nobody, _ = token(store.api(), "nobody")
    for credential, status in ((nobody, 403), ("kwt_" + secrets.token_urlsafe(32), 401)):
        api = store.api()
        api.headers["Authorization"] = f"Bearer {credential}"
        for route in routes():
            # `init` is of the peer: there is no store yet that could know a token.
            if route.is_open or route.is_admin_only or route.operation.startswith("self:"):
                continue
            if status == 403 and tells_of_each(route):
                continue
            name = next((name for prefix, name in objects.items()
                         if route.path.startswith(prefix)), "")
            answer = route.send(api, name)
            assert answer.status == status, f"{route.name}: {answer.body!r}"


# Approvals


def test_no_route_reaches_a_protected_key(secured, report):
    """With an approval rule on a folder of keys, each route with an officer's token asks for it."""
    store = secured(keys=("protected/socket",))
    api = store.api()
    api.create("protected/key", operations=["encrypt", "decrypt", "cloud-export"])
    aes = api.act("protected/key", "encrypt", octets=b"x").body
    wrapping = Wrapping()
    wrapping.destination(api, "cloud")
    export = wrapping.prepared(api, "protected/key", "cloud")
    alice, _ = token(api, "alice")
    bob, _ = token(api, "bob")
    apply(
        api,
        role("voter", (["approval:*"], ["approvals"])),
        binding("voters", "voter", {"issuer": "tokens", "name": "alice"},
                {"issuer": "tokens", "name": "bob"}),
        document("ApprovalRule", "two", operations=["key:*"], resources=["keys/protected/**"],
                 require={"n": 2, "of": [{"issuer": "tokens", "name": "alice"},
                                         {"issuer": "tokens", "name": "bob"}]}))
    before, state = len(audit(api)), store.cli("key", "list", "--output", "json")
    walked = []
    for route in routes():
        if not (route.operation or "").startswith("key:"):
            continue
        for https in (True, False):
            caller = client(store, store.officer) if https else store.api()
            if route.path.startswith("/api/v1/exports/"):
                assert route.operation == "key:cloud-export", route.name
                answer = caller.post(f"/api/v1/exports/{export['id']}:complete",
                                     data=completion(export))
            elif "{name}" in route.path:
                answer = route.send(caller, "protected/key")
            elif route.operation == "key:create":
                answer = route.send(caller, "protected/new")
            else:
                continue
            assert (answer.status, answer.code) == (403, "approval_required"), (
                f"{route.name}: {answer.body!r}")
            walked.append(route.operation)
    assert store.cli("key", "list", "--output", "json") == state
    assert api.get("/api/v1/keys/protected/new").code == "approval_required"
    # A KMS socket cannot ask: it is refused.
    with pytest.raises(Exception) as caught:
        store.plugin("protected/socket").encrypt(b"seed" * 8)
    assert "PERMISSION_DENIED" in str(caught.value), caught.value
    entries = [entry for entry in audit(api)[before:]
               if entry["resource"].startswith("keys/protected/")]
    for operation in walked:
        assert any(entry["operation"] == operation and entry["outcome"] == "approval_required"
                   for entry in entries), operation
    assert not [entry for entry in entries if entry["outcome"] == "allowed"]

    # With two approvals the request goes through, once, as it was.
    def decrypt(body, given=None, **query):
        headers = {"Keyward-Approval": given} if given else {}
        return client(store, store.officer, **headers).act(
            "protected/key", "decrypt", octets=body, **query)

    given = approval(decrypt(aes))
    assert approval(decrypt(aes)) == given, "a second request asks under the same id"
    assert decrypt(aes, given).code == "approval_required"
    for who in (alice, bob):
        assert decrypt(aes, given).code == "approval_required"
        answer = client(store, who).post(f"/api/v1/approvals/{given}:approve")
        assert answer.status == 200, answer.body
    changed = aes[:-1] + bytes([aes[-1] ^ 1])
    assert decrypt(changed, given).code == "approval_required"
    assert decrypt(aes, given, version=1).code == "approval_required"
    other, _ = token(api, "other")
    apply(api, binding("other", "security-officer", {"issuer": "tokens", "name": "other"}))
    stolen = client(store, other, **{"Keyward-Approval": given})
    assert stolen.act("protected/key", "decrypt", octets=aes).code == "approval_required"
    assert client(store, store.officer, **{"Keyward-Approval": given}).act(
        "protected/key", "encrypt", octets=aes).code == "approval_required"
    # A restart forgets none of it.
    store.restart()
    eventually(lambda: reachable(store), what="HTTPS after the restart")
    answer = decrypt(aes, given)
    assert (answer.status, answer.body) == (200, b"x"), answer.body
    assert decrypt(aes, given).code == "approval_required"
    report("approval-walk", routes=len(walked), entries=len(entries))


def test_one_approval_is_used_once_by_many(secured):
    """Fifty at the same moment with one approval: one goes through."""
    store = secured()
    api = store.api()
    api.create("protected/key")
    alice, _ = token(api, "alice")
    apply(api, role("voter", (["approval:*"], ["approvals"])),
          binding("voters", "voter", {"issuer": "tokens", "name": "alice"}),
          document("ApprovalRule", "one", operations=["key:*"], resources=["keys/protected/**"],
                   require={"n": 1, "of": [{"issuer": "tokens", "name": "alice"}]}))
    for action, body in (("encrypt", b"x"), ("rotate", None)):
        given = approval(client(store, store.officer).act("protected/key", action, octets=body))
        assert client(store, alice).post(f"/api/v1/approvals/{given}:approve").status == 200

        def attempt(_):
            caller = client(store, store.officer, **{"Keyward-Approval": given})
            return caller.act("protected/key", action, octets=body)

        with concurrent.futures.ThreadPoolExecutor(25) as pool:
            answers = list(pool.map(attempt, range(50)))
        assert [answer.status for answer in answers].count(200) == 1, [a.code for a in answers]
        assert {answer.code for answer in answers if answer.status != 200} <= {
            "approval_required", "conflict"}


# Policy


def test_apply_is_all_or_nothing(secured, report):
    """`policy apply` of 1,000 documents, killed at random moments: all of them or none."""
    store = secured(keys=())

    def documents(letter):
        return [role(f"{letter}{number}", (["key:encrypt"], [f"keys/{letter}/{number}"]))
                for number in range(1000)]

    def held(api):
        stored = api.must(api.get("/api/v1/policy")).json
        return stored["revision"]["revision"], frozenset(
            item["name"] for item in stored["documents"])

    sets = {letter: documents(letter) for letter in "ab"}
    names = {letter: frozenset(f"{letter}{number}" for number in range(1000)) for letter in "ab"}
    for letter in "aba":
        apply(store.api(), *sets[letter], prune=True)
        # As in the rounds below: the first request of a process takes longest.
        store.restart()
        begin = time.monotonic()
        apply(store.api(), *sets["b" if letter == "a" else "a"], prune=True)
        length = time.monotonic() - begin
    current, done, none, acknowledged = "b", 0, 0, 0
    generator = random.Random(7)
    kills = pick(5, 100)
    for number in range(kills):
        wanted = "b" if current == "a" else "a"
        revision, _ = held(store.api())

        def attempt():
            try:
                return apply(store.api(), *sets[wanted], prune=True)
            except Exception:
                return None

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(attempt)
            # Spread over all of the time that it takes, and a little more.
            time.sleep((number + generator.random()) / kills * length * 1.6)
            store.kill()
            answer = answer.result()
        store.start()
        after, found = held(store.api())
        assert found in (names["a"], names["b"]), f"{len(found)} documents"
        if found == names[wanted]:
            done += 1
            assert after == revision + 1
        else:
            none += 1
            assert answer is None, "an acknowledged policy is gone"
            assert after == revision
        acknowledged += answer is not None
        current = wanted if found == names[wanted] else current
    assert done and none or kills < 20, "the kills were all too early, or all too late"
    report("policy-kills", kills=done + none, all=done, none=none, acknowledged=acknowledged,
           apply_ms=round(length * 1000))


# Clusters


def test_fifty_clusters_under_one_policy(secured, report):
    """Each by one record, all with the same `iss` and names; none passes as another."""
    count, store = 50, secured(keys=())
    api = store.api()
    apply(
        api,
        role("etcd-encrypter", (["key:encrypt", "key:decrypt", "key:show"],
                                ["keys/etcd/{cluster}"])),
        binding("kube-apiservers", "etcd-encrypter",
                {"issuer": "kubernetes", "cluster": "*", "name": ACCOUNT},
                {"issuer": "nodes", "cluster": "*", "name": "spiffe://test/kms"}))
    names = [f"cluster-{number}" for number in range(count)]
    issuers = {name: Issuer() for name in names}
    authorities = {name: ClientAuthority("the same name for all") for name in names}
    for name in names:
        api.create(f"etcd/{name}")
        api.must(api.post(f"/api/v1/auth/clusters/{name}:write", data={
            "issuers": [issuers[name].registration()],
            "authorities": [authorities[name].registration()]}), name)
    # A key that another cluster has is refused.
    for body in ({"issuers": [issuers[names[0]].registration()]},
                 {"authorities": [authorities[names[0]].registration()]}):
        answer = api.post("/api/v1/auth/clusters/thief:write", data=body)
        assert answer.status in (400, 409), answer.body
    assert len({issuer.url for issuer in issuers.values()}) == 1
    crossed = 0
    for number, name in enumerate(names):
        text = issuers[name].token()
        login = client(store).post("/api/v1/auth/login", data={"method": "jwt", "jwt": text})
        assert login.status == 200, login.body
        own = client(store, login.json["token"])
        direct = client(store, text)
        for caller in (own, direct):
            me = caller.must(caller.get("/api/v1/auth/self")).json["principal"]
            assert (me["cluster"], me["name"], me["issuer"]) == (
                name, ACCOUNT, "kubernetes"), me
            sealed = caller.act(f"etcd/{name}", "encrypt", octets=b"seed")
            assert sealed.status == 200, sealed.body
        others = names[:number] + names[number + 1:]
        for other in others if number < pick(3, count) else random.sample(others, 3):
            assert own.act(f"etcd/{other}", "encrypt", octets=b"x").code == "forbidden"
            assert own.act(f"etcd/{other}", "decrypt", octets=sealed.body).code == "forbidden"
            crossed += 2
        # Its key under another's key id, and claims that name another cluster.
        forger = Issuer(kid=issuers[others[0]].kid)
        assert client(store, forger.token()).get("/api/v1/auth/self").status == 401
        claimed = client(store, issuers[name].token(cluster=others[0], kubernetes_cluster="x"))
        assert claimed.get("/api/v1/auth/self").json["principal"]["cluster"] == name
    report("clusters", clusters=count, crossed=crossed, refused=crossed)


def test_certificates_of_fifty_clusters(secured, report):
    """The same for client certificates: same subject, same names, other authorities."""
    count, store = 50, secured(https="  client_certificates: optional\n", keys=())
    api = store.api()
    apply(
        api,
        role("etcd-encrypter", (["key:encrypt"], ["keys/etcd/{cluster}"])),
        binding("nodes", "etcd-encrypter",
                {"issuer": "nodes", "cluster": "*", "name": "spiffe://test/kms"}))
    names = [f"cluster-{number}" for number in range(count)]
    authorities = {name: ClientAuthority("the same name for all") for name in names}
    for name in names:
        api.create(f"etcd/{name}")
        api.must(api.post(f"/api/v1/auth/clusters/{name}:write",
                          data={"authorities": [authorities[name].registration()]}), name)
    crossed = 0
    for name in names[:pick(10, count)]:
        context = trusting(store.authority)
        context.load_cert_chain(*authorities[name].certificate(store.folder, "spiffe://test/kms"))
        own = client(store, context=context)
        me = own.must(own.get("/api/v1/auth/self")).json["principal"]
        assert (me["cluster"], me["name"], me["kind"]) == (
            name, "spiffe://test/kms", "certificate"), me
        assert own.act(f"etcd/{name}", "encrypt", octets=b"seed").status == 200
        for other in random.sample([other for other in names if other != name], 5):
            assert own.act(f"etcd/{other}", "encrypt", octets=b"x").code == "forbidden"
            crossed += 1
    # An authority that nobody registered, with the same name.
    context = trusting(store.authority)
    context.load_cert_chain(*ClientAuthority("the same name for all").certificate(
        store.folder, "spiffe://test/kms"))
    assert client(store, context=context).get("/api/v1/auth/self").status == 401
    report("cluster-certificates", clusters=count, crossed=crossed, refused=crossed)


def by_certificate(store, files, token=None):
    """A client that shows a certificate, and perhaps a token; each call is a connection of its own."""
    context = trusting(store.authority)
    context.load_cert_chain(*files)
    return client(store, token, context=context)


def nodes(store, **more):
    """An authority that is registered, with a right for two of its names."""
    authority = ClientAuthority("nodes")
    apply(store.api(), binding("nodes", "security-officer",
                               {"issuer": "nodes", "name": "spiffe://test/a"},
                               {"issuer": "nodes", "name": "spiffe://test/b"}))
    register(store, authority, **more)
    return authority


def register(store, authority, **more):
    api = store.api()
    return api.must(api.post("/api/v1/auth/authorities/nodes:write",
                             data=authority.registration(name=None, **more)))


def test_v06_a_token_of_one_certificate_is_not_anothers(secured, report):
    """OpenBao CVE-2026-39388: minted under certificate A, shown over a connection with B."""
    store = secured(https="  client_certificates: optional\n")
    authority = nodes(store)
    mine = authority.certificate(store.folder, "spiffe://test/a")
    # Another certificate of the same name, one of another name, and none.
    others = {
        "renewed": by_certificate(
            store, authority.certificate(store.folder, "spiffe://test/a"), "x"),
        "neighbour": by_certificate(
            store, authority.certificate(store.folder, "spiffe://test/b"), "x"),
        "bare": client(store, "x"),
    }
    login = by_certificate(store, mine).must(by_certificate(store, mine).post(
        "/api/v1/auth/login", data={"method": "certificate"})).json
    own = by_certificate(store, mine, login["token"])
    child = own.must(own.post("/api/v1/auth/tokens", data={})).json["token"]
    refused = 0
    for bearer in (login["token"], child):
        assert by_certificate(store, mine, bearer).get("/api/v1/auth/self").status == 200
        for name, other in others.items():
            other.headers["Authorization"] = f"Bearer {bearer}"
            for route in routes():
                if route.is_open or route.is_admin_only:
                    continue
                answer = route.send(other, missing(route) if "{name}" in route.path else "")
                assert answer.status == 401, (name, route.name, answer.body)
                refused += 1
    # It is no worse for that where it belongs.
    assert own.get("/api/v1/keys").status == 200
    report("v06-tls", refused=refused)


def test_v07_the_first_request_after_a_restart_knows_the_list(secured, report):
    """Vault CVE-2022-41316: revoked before a restart, shown first thing after it."""
    store = secured(https="  client_certificates: optional\n")
    authority = nodes(store)
    gone, kept = (authority.certificate(store.folder, f"spiffe://test/{name}") for name in "ab")
    tokens = {}
    register(store, authority, revocation_lists=authority.revocations(age=60))
    for files in (gone, kept):
        api = by_certificate(store, files)
        tokens[files] = api.must(api.post(
            "/api/v1/auth/login", data={"method": "certificate"})).json["token"]
    # Newer lists end what is on them, and nothing else.
    register(store, authority, revocation_lists=authority.revocations(gone[0]))
    for files, status in ((gone, 401), (kept, 200)):
        for bearer in (None, tokens[files]):
            assert by_certificate(store, files, bearer).get("/api/v1/keys").status == status
    for bearer in (None, tokens[gone]):
        store.restart()
        # A connection alone: nothing has asked for the authority since the start.
        eventually(lambda: takes_connections(store), what="the port after the restart")
        assert by_certificate(store, gone, bearer).get("/api/v1/keys").status == 401
        assert by_certificate(store, kept, tokens[kept]).get("/api/v1/keys").status == 200
    # An older list is another registration: it may give back what was taken, and ends all tokens.
    register(store, authority, revocation_lists=authority.revocations(age=3600))
    assert by_certificate(store, kept, tokens[kept]).get("/api/v1/keys").status == 401
    report("v07-tls", restarts=2)


# Identities that end


def test_v21_what_is_revoked_ends_on_every_route(secured):
    """Vaultwarden CVE-2026-43911: after its cluster is gone, a token is refused on each route."""
    store = secured(keys=())
    api, cluster = store.api(), Issuer()
    apply(api, binding("all", "security-officer",
                       {"issuer": "kubernetes", "cluster": "*", "name": ACCOUNT}))
    api.must(api.post("/api/v1/auth/clusters/one:write",
                      data={"issuers": [cluster.registration()]}))
    text = cluster.token()
    login = client(store).post("/api/v1/auth/login", data={"method": "jwt", "jwt": text}).json
    open_connection = client(store, login["token"])
    child = open_connection.post("/api/v1/auth/tokens", data={}).json["token"]
    assert open_connection.get("/api/v1/keys").status == 200
    assert client(store, child).get("/api/v1/keys").status == 200
    api.must(api.post("/api/v1/auth/clusters/one:delete"))
    for route in routes():
        if route.is_open or route.is_admin_only:
            continue
        name = missing(route) if "{name}" in route.path else ""
        for caller in (open_connection, client(store, child), client(store, text)):
            answer = route.send(caller, name)
            assert answer.status == 401, f"{route.name}: {answer.body!r}"


# Secrets


CANARY = "c4n4ry"
# What is a name and no secret: it is stored and told.
NAMES = {"POST /api/v1/keys.name", "POST /api/v1/exports.key", "POST /api/v1/auth/tokens.name",
         "POST /api/v1/auth/tokens.environment"}


def test_v27_v28_no_secret_is_told_anywhere(secured, report):
    """Canaries in every field of every request; none in logs, figures, database or errors."""
    store = secured(https="  client_certificates: optional\n")
    objects = there(store)
    api = client(store, store.officer)
    planted, told = {}, []

    def plant(where):
        """A canary, remembered by what it is put into."""
        value = CANARY + secrets.token_hex(12)
        planted[value] = where
        # What is well-formed as a name of a secret, field or environment is a name: answers and the log
        # tell it, as they tell names of keys. A description is public, and kept as it is.
        field = re.split(r"[?.]", where)[-1]
        if "/secrets" in where or "/environments" in where:
            if field == "description":
                del planted[value]
            elif field in ("environment", "from", "to", "inherits", "field"):
                return value + "!"
        return value

    def look(answer):
        if answer.status >= 400:
            told.append(answer.body + repr(answer.headers).encode())

    def fill(schema, components, where, depth=0):
        """A JSON value with a canary in each text."""
        schema = components["schemas"].get(schema.get("$ref", "").rsplit("/", 1)[-1], schema)
        kind = schema.get("type")
        kind = next((k for k in kind if k != "null"), None) if isinstance(kind, list) else kind
        if kind == "object" and depth < 4:
            return {name: fill(inner, components, f"{where}.{name}", depth + 1)
                    for name, inner in schema.get("properties", {}).items()}
        if kind == "array" and depth < 4:
            return [fill(schema.get("items", {}), components, where, depth + 1)]
        return {"integer": 1, "boolean": True}.get(kind) or plant(where)

    for route in routes():
        if route.is_admin_only or route.path in (
                "/api/v1/operator/seal", "/api/v1/auth/self:revoke"):
            continue
        name = next((name for prefix, name in objects.items()
                     if route.path.startswith(prefix)), "")
        query = {parameter["name"]: plant(f"{route.name}?{parameter['name']}")
                 for parameter in route.parameters}
        path = route.path.replace("{name}", name)
        bodies = [(None, None)]
        if "requestBody" in route.entry:
            (kind,) = route.entry["requestBody"]["content"]
            bodies = [(plant(f"{route.name} body").encode(), kind)]
            if kind == "application/json":
                schema = route.entry["requestBody"]["content"][kind]["schema"]
                full = fill(schema, route.components, route.name)
                bodies += [(json.dumps(full).encode(), kind),
                           (json.dumps({plant(f"{route.name} field"): 1}).encode(), kind)]
                bodies += [
                    (json.dumps({**route.body(name), field: plant(f"{route.name}.{field}")})
                     .encode(), kind) for field in full]
        for body, kind in bodies:
            for asked in ({}, query):
                look(api.send(route.method, path, body, kind, asked))
        for field in query:
            look(route.send(api, name, **{field: plant(f"{route.name}?{field}")}))
        # In what is no name, in credentials, in other headers.
        if "{name}" in route.path:
            look(route.send(api, plant("a name") + "%00%2e%2e"))
            look(route.send(api, "a//" + plant("a name")))
        for form in ("Bearer kwt_{}", "Bearer {}", "Basic {}", "Bearer a.{}.c", "{}"):
            other = client(store)
            other.headers["Authorization"] = form.format(plant("Authorization"))
            look(route.send(other, name))
        other = client(store, store.officer, **{
            "Keyward-Approval": plant("Keyward-Approval"), "X-Request-Id": plant("X-Request-Id"),
            "Idempotency-Key": plant("Idempotency-Key"), "Cookie": plant("Cookie")})
        look(route.send(other, name))
    # What is right and secret: a token, a secret id, a JWT, plaintext, a wrong passphrase.
    cluster = Issuer()
    apply(api, binding("canary", "auditor",
                       {"issuer": "kubernetes", "cluster": "*", "name": ACCOUNT}))
    api.must(api.post("/api/v1/auth/clusters/canary:write", data={"issuers": [cluster.registration()]}))
    text = cluster.token()
    login = client(store).post("/api/v1/auth/login", data={"method": "jwt", "jwt": text}).json
    api.must(api.post("/api/v1/auth/roles/canary:write", data={}))
    secret = api.must(api.post("/api/v1/auth/roles/canary:secret-id")).json
    by_role = client(store).post("/api/v1/auth/login", data={
        "method": "role", "role_id": secret["role_id"], "secret_id": secret["secret_id"]}).json
    for value in (text, login["token"], secret["secret_id"], by_role["token"], store.officer):
        planted[value] = "a credential"
        # Where somebody may put them by mistake.
        for wrong in ({"name": value}, {"method": value}, {"method": "role", "role_id": value}):
            look(api.post("/api/v1/auth/login", data=wrong))
            look(api.post("/api/v1/auth/tokens", data={**wrong, "ttl": 0}))
        look(api.get(f"/api/v1/auth/tokens/{value}"))
        look(api.get("/api/v1/keys", cursor=value))
        look(api.get(f"/api/v1/{value}"))
    plaintext = plant("plaintext").encode()
    api.create("canary/key")
    sealed = api.act("canary/key", "encrypt", octets=plaintext)
    assert api.act("canary/key", "decrypt", octets=sealed.body).body == plaintext
    look(api.post("/api/v1/operator/unseal", octets=plant("octets").encode()))
    for name in ("opaque", "aes-256"):
        look(api.post("/api/v1/keys/canary/one:import", octets=plant("octets").encode(), type=name, format="raw"))
    figures = api.get("/metrics").body
    log = api.get("/api/v1/audit/export").body
    store.stop()
    places = {
        "errors": b"\n".join(told), "figures": figures, "audit": log, "server log": store.all_logs(),
        **{path.name: path.read_bytes() for path in store.data.iterdir() if path.is_file()}}
    hits = {}
    for value, where in planted.items():
        for place, content in places.items():
            if value.encode() in content and where not in NAMES:
                hits.setdefault(place, set()).add(where)
    assert not hits, hits
    report("canaries", planted=len(planted), errors=len(told), places=len(places), hits=0)

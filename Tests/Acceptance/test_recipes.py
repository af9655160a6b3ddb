"""docs/pipelines and docs/multi-cluster.md, carried out: what they allow passes, a neighbour is refused."""
import copy
import dataclasses
import http.server
import json
import os
import re
import ssl
import subprocess
import threading
import urllib.parse

import pytest
import yaml
from harness import ROOT, docs, eventually
from harness.clock import Clock
from harness.issuer import AUDIENCE, Issuer
from harness.kms import code_of
from harness.tls import Authority, SecureAPI, free_port, trusting

MESSAGE = b"release 1.2.3\n"


@dataclasses.dataclass
class Recipe:
    """A page of docs/pipelines, with the claims that its CI system puts into a token."""

    page: str
    claims: dict
    # What the job does, and the same to what it must not reach.
    does: tuple
    elsewhere: tuple
    # Other jobs, by what is different: they may be known, and are refused by policy.
    neighbours: dict
    # Other jobs that the same policy serves: (claims, what they do).
    served: list = dataclasses.field(default_factory=list)
    audience: object = AUDIENCE
    lifetime: int = 600

    @property
    def path(self):
        return f"pipelines/{self.page}"


GITLAB = Recipe(
    "gitlab.md",
    {
        "namespace_id": "72", "namespace_path": "payments", "project_id": "4711",
        "project_path": "payments/api", "user_id": "1", "user_login": "sam",
        "user_email": "sam@example.com", "pipeline_id": "574", "pipeline_source": "push",
        "job_id": "302", "ref": "main", "ref_type": "branch", "ref_path": "refs/heads/main",
        "ref_protected": "true", "environment": "prod-eu", "environment_protected": "true",
        "deployment_tier": "production", "deployment_action": "start", "runner_id": 1,
        "runner_environment": "self-hosted", "project_visibility": "private",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "ci_config_ref_uri": "gitlab.example.com/payments/api//.gitlab-ci.yml@refs/heads/main",
        "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "sub": "project_path:payments/api:ref_type:branch:ref:main",
    },
    ("payments/prod-eu/release", "sign"), ("payments/staging/release", "sign"),
    {
        "another branch": {
            "ref": "fix", "ref_path": "refs/heads/fix",
            "sub": "project_path:payments/api:ref_type:branch:ref:fix"},
        "a tag of the branch's name": {
            "ref_type": "tag", "ref_path": "refs/tags/main",
            "sub": "project_path:payments/api:ref_type:tag:ref:main"},
        "a branch that is not protected": {"ref_protected": "false"},
        "an environment that is not protected": {"environment_protected": "false"},
        "another environment": {"environment": "prod-us"},
        "no environment": {
            "environment": None, "environment_protected": None, "deployment_tier": None,
            "deployment_action": None},
        "another project": {
            "project_id": "4712", "project_path": "payments/web",
            "sub": "project_path:payments/web:ref_type:branch:ref:main"},
        "a project that begins alike": {
            "project_id": "4713", "project_path": "payments/api-fork",
            "sub": "project_path:payments/api-fork:ref_type:branch:ref:main"},
        "another project that took the path": {"project_id": "4714"},
        "a project of the same id by another path": {
            "project_path": "sam/api", "sub": "project_path:sam/api:ref_type:branch:ref:main"},
    },
    [({"environment": "staging", "deployment_tier": "staging"},
      ("payments/staging/release", "sign"))])

GITHUB = Recipe(
    "github-actions.md",
    {
        "sub": "repo:octo-org/payments:environment:production", "ref": "refs/heads/main",
        "sha": "6dcb09b5b57875f334f61aebed695e2e4193db5e", "repository": "octo-org/payments",
        "repository_id": "730142", "repository_owner": "octo-org",
        "repository_owner_id": "65012", "repository_visibility": "private",
        "run_id": "30433642", "run_number": "657", "run_attempt": "1", "actor": "octocat",
        "actor_id": "12", "workflow": "release", "head_ref": "", "base_ref": "",
        "event_name": "push", "ref_type": "branch", "ref_protected": "true",
        "environment": "production", "runner_environment": "github-hosted",
        "workflow_ref": "octo-org/payments/.github/workflows/release.yml@refs/heads/main",
        "job_workflow_ref": "octo-org/payments/.github/workflows/release.yml@refs/heads/main",
    },
    ("payments/production/release", "sign"), ("payments/staging/release", "sign"),
    {
        "another branch": {"ref": "refs/heads/fix"},
        "a pull request": {
            "event_name": "pull_request", "sub": "repo:octo-org/payments:pull_request"},
        "another environment": {
            "environment": "demo", "sub": "repo:octo-org/payments:environment:demo"},
        "no environment": {
            "environment": None, "sub": "repo:octo-org/payments:ref:refs/heads/main"},
        "another repository": {
            "repository": "octo-org/web", "repository_id": "730143",
            "sub": "repo:octo-org/web:environment:production"},
        "a repository that begins alike": {
            "repository": "octo-org/payments-x", "repository_id": "730144",
            "sub": "repo:octo-org/payments-x:environment:production"},
        "another repository that took the name": {"repository_id": "999001"},
        "another owner that took the name": {"repository_owner_id": "999002"},
        "the repository under another name": {
            "repository": "octo-org/moved", "sub": "repo:octo-org/moved:environment:production"},
        "another workflow": {
            "job_workflow_ref": "octo-org/payments/.github/workflows/x.yml@refs/heads/main"},
        "the workflow of another branch": {
            "job_workflow_ref": "octo-org/payments/.github/workflows/release.yml@refs/heads/fix"},
    },
    [({"environment": "staging", "sub": "repo:octo-org/payments:environment:staging"},
      ("payments/staging/release", "sign")),
     # The newer form of sub, with ids.
     ({"sub": "repo:octo-org@65012/payments@730142:environment:production"},
      ("payments/production/release", "sign"))])

AZURE = Recipe(
    "azure-pipelines.md",
    {
        "sub": "p://contoso/payments/release-prod",
        "org_id": "9a4d1f2e-0000-4000-8000-000000000001",
        "prj_id": "11111111-0000-4000-8000-000000000002", "def_id": "42",
        "rpo_id": "22222222-0000-4000-8000-000000000003",
        "rpo_uri": "https://dev.azure.com/contoso/payments/_git/payments",
        "rpo_ver": "6dcb09b5b57875f334f61aebed695e2e4193db5e", "rpo_ref": "refs/heads/main",
        "run_id": "901",
    },
    ("payments/prod/release", "sign"), ("payments/staging/release", "sign"),
    {
        "another branch": {"rpo_ref": "refs/heads/fix"},
        "another repository": {"rpo_id": "22222222-0000-4000-8000-00000000000f"},
        "the pipeline of another environment": {
            "sub": "p://contoso/payments/release-staging", "def_id": "43"},
        "another pipeline that took the name": {"def_id": "44"},
        "another project that took the name": {
            "prj_id": "11111111-0000-4000-8000-00000000000f"},
        "another project": {
            "sub": "p://contoso/web/release-prod",
            "prj_id": "11111111-0000-4000-8000-00000000000e"},
        "the pipeline under another name": {"sub": "p://contoso/payments/renamed"},
        "a service connection": {
            "sub": "sc://contoso/payments/release-prod", "org_id": None, "prj_id": None,
            "def_id": None, "rpo_id": None, "rpo_uri": None, "rpo_ver": None, "rpo_ref": None,
            "run_id": None},
    },
    audience="api://AzureADTokenExchange", lifetime=300)

JENKINS = Recipe(
    "jenkins.md",
    {
        "sub": "https://jenkins.example.com/job/prod-eu/job/payments/job/main/",
        "build_number": 1234, "nbf": None, "jti": None,
    },
    ("payments/prod-eu/release", "sign"), ("payments/staging/release", "sign"),
    {
        "another branch": {
            "sub": "https://jenkins.example.com/job/prod-eu/job/payments/job/fix/"},
        "a pull request": {
            "sub": "https://jenkins.example.com/job/prod-eu/job/payments/job/PR-7/"},
        "another project": {
            "sub": "https://jenkins.example.com/job/prod-eu/job/web/job/main/"},
        "a job of another folder": {
            "sub": "https://jenkins.example.com/job/staging/job/payments/job/main/"},
        "a job below": {
            "sub": "https://jenkins.example.com/job/prod-eu/job/payments/job/main/job/x/"},
        "the URL without the slash": {
            "sub": "https://jenkins.example.com/job/prod-eu/job/payments/job/main"},
    },
    lifetime=3600)


def service_account(namespace, name):
    return {
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": "7cb2a4f0-0000-4000-8000-000000000001"},
            "pod": {"name": f"{name}-5d9", "uid": "7cb2a4f0-0000-4000-8000-000000000002"},
            "node": {"name": "node-1", "uid": "7cb2a4f0-0000-4000-8000-000000000003"},
        },
        "sub": f"system:serviceaccount:{namespace}:{name}",
    }


KUBERNETES = Recipe(
    "kubernetes.md",
    service_account("payments", "migrator"),
    ("payments/prod-eu/config", "decrypt"), ("payments/prod-us/config", "decrypt"),
    {
        "another service account": service_account("payments", "default"),
        "another namespace": service_account("web", "migrator"),
    },
    audience=[AUDIENCE], lifetime=3600)

SPIFFE = Recipe(
    "spiffe.md",
    {"sub": "spiffe://prod.example.org/ns/payments/sa/release", "jti": None, "nbf": None},
    ("payments/release", "sign"), ("payments/release", "verify"),
    {
        "another workload": {"sub": "spiffe://prod.example.org/ns/payments/sa/web"},
        "another namespace": {"sub": "spiffe://prod.example.org/ns/web/sa/release"},
        "a workload below": {"sub": "spiffe://prod.example.org/ns/payments/sa/release/x"},
    },
    audience=[AUDIENCE], lifetime=300)

RECIPES = [GITLAB, GITHUB, AZURE, JENKINS, KUBERNETES, SPIFFE]
PAGES = sorted(
    str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")
    if "```yaml policy" in path.read_text())


@pytest.fixture
def secured(stores):
    """Makes a running, unsealed store that serves HTTPS and asks for client certificates."""
    def make():
        store = stores()
        store.clock = Clock(store)
        store.authority = Authority("test authority")
        store.certificate, store.tls_key = store.folder / "tls.crt", store.folder / "tls.key"
        store.authority.server().write(store.certificate, store.tls_key)
        store.authority_file = store.folder / "authority.crt"
        store.authority_file.write_bytes(store.authority.pem)
        store.port = free_port()
        store.more = (
            f"https:\n  listen: 127.0.0.1:{store.port}\n  certificate: {store.certificate}\n"
            f"  key: {store.tls_key}\n  client_certificates: optional\n")
        store.configure()
        return store.made()

    return make


def client(store, bearer=None, own=None):
    """Over HTTPS, as nobody but who the bearer or the certificate proves."""
    context = trusting(store.authority, own=own, folder=store.folder)
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return SecureAPI(store.port, context, headers=headers)


def login(store, token):
    """A client with the token that a JWT was exchanged for."""
    answer = client(store).post("/api/v1/auth/login", data={"method": "jwt", "jwt": token})
    assert answer.status == 200, answer.body
    return client(store, bearer=answer.json["token"])


def is_refused(store, text, what, ciphertext=None):
    """Whether a job with this JWT gets nowhere, by a login or by the JWT itself.

    Whom no binding names is nobody (401); for the others policy says no (403).
    """
    answer = client(store).post("/api/v1/auth/login", data={"method": "jwt", "jwt": text[0]})
    if answer.status == 200:
        refusal = (403, "forbidden")
        by_token = attempt(client(store, bearer=answer.json["token"]), what, ciphertext)
    else:
        refusal = (401, "unauthenticated")
        by_token = (answer.status, answer.code)
    return by_token == refusal == attempt(client(store, bearer=text[1]), what, ciphertext)


def attempt(api, what, ciphertext=None):
    """(status, code) of an operation on a key."""
    key, operation = what
    query = {"signature": "AAAA"} if operation == "verify" else {}
    body = ciphertext if operation == "decrypt" else MESSAGE
    answer = api.act(key, operation, octets=body, **query)
    return answer.status, answer.code


# Setting up as the pages say


def make_keys(store, page):
    api = store.api()
    made = docs.commands(page, "key", "create")
    assert made, f"{page} makes no key"
    for name, option, type in made:
        assert option == "--type"
        api.create(name, type)


def shown(page, kind):
    """The one record of a kind that a page shows, as its text and as what that says."""
    (block,) = docs.marked(page, "yaml", kind)
    return block.text, yaml.safe_load(block.text)


def put(store, kind, text, files):
    """`keyward auth KIND put -f` of a file with these beside it."""
    folder = store.folder / f"put-{kind}-{yaml.safe_load(text)['name']}"
    folder.mkdir()
    for name, content in {"record.yaml": text, **files}.items():
        (folder / name).write_text(content)
    store.cli("auth", kind, "put", "-f", folder / "record.yaml")


def register_issuer(store, page):
    """Registers the issuer that a page shows, with the test's key instead of the real one's address."""
    text, document = shown(page, "issuer")
    assert document["discovery"] is True
    issuer = Issuer(document["url"])
    pinned = text.replace("discovery: true", "key_set_file: jwks.json")
    put(store, "issuer", pinned, {"jwks.json": issuer.key_set})
    return issuer


def apply(store, text, **options):
    api = store.api()
    answer = api.post("/api/v1/policy:apply",
                      data={"files": [{"name": "payments.yaml", "text": text}], **options})
    return api.must(answer, "apply the policy").json


def set_up(store, recipe):
    """Keys, issuers and policy of a page; the issuer of its jobs."""
    make_keys(store, recipe.path)
    if recipe is KUBERNETES:
        text, document = shown(recipe.path, "cluster")
        issuer = Issuer(document["issuers"][0]["url"])
        put(store, "cluster", text, {"jwks.json": issuer.key_set})
    else:
        text, document = shown(recipe.path, "issuer")
        issuer = register_issuer(store, recipe.path)
    apply(store, docs.policy(recipe.path))
    if document.get("single_use"):
        # What may have been issued before the server knows what it took is in doubt, and refused:
        # also by an issuer whose clock is ahead.
        for issuer.ahead in (0, 40):
            text = token(recipe, issuer)
            answer = client(store).post("/api/v1/auth/login", data={"method": "jwt", "jwt": text})
            assert answer.status == 401
        store.clock.set(120)
        issuer.ahead = 120
        # Then each token is taken once.
        text = token(recipe, issuer)
        login(store, text).post("/api/v1/auth/self:revoke")
        answer = client(store).post("/api/v1/auth/login", data={"method": "jwt", "jwt": text})
        assert answer.status == 401
    return issuer


def secret(store, key):
    """A ciphertext for the keys that encrypt."""
    api = store.api()
    is_symmetric = api.show(key)["type"].startswith("aes")
    return api.encrypt(key, MESSAGE) if is_symmetric else None


def token(recipe, issuer, **changes):
    return issuer.token({**recipe.claims, **changes}, recipe.audience, recipe.lifetime)


# What the pages promise


@pytest.mark.parametrize("page", PAGES)
def test_documents_are_taken(stores, page):
    store = stores().made()
    documents = list(yaml.safe_load_all(docs.policy(page)))
    if page == "approvals.md":
        # As the page says: who could approve has to be known before the rule is.
        answer = store.api().post("/api/v1/policy:apply", data={
            "files": [{"name": "p.yaml", "text": docs.policy(page)}]})
        assert answer.code == "conflict" and "nobody could approve" in answer.words
        register_issuer(store, page)
    plan = apply(store, docs.policy(page))
    assert len(plan["changes"]) == len(documents) == len(
        store.api().get("/api/v1/policy").json["documents"])
    # Again is nothing to do: what the server keeps is what the page says.
    assert apply(store, docs.policy(page), prune=True, dry_run=True)["changes"] == []


@pytest.mark.parametrize("page", PAGES)
def test_lint_has_no_objection(stores, page):
    store = stores()
    file = store.folder / "policy.yaml"
    file.write_text(docs.policy(page))
    strict = ["--strict"] if page.startswith("pipelines/") else []
    store.cli("policy", "lint", file, *strict)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.page)
def test_recipe(secured, recipe, report):
    store = secured()
    issuer = set_up(store, recipe)
    ciphertexts = {what: secret(store, what[0]) for what in (recipe.does, recipe.elsewhere)}
    api = login(store, token(recipe, issuer))
    assert attempt(api, recipe.does, ciphertexts[recipe.does]) == (200, None)
    # Another environment's key, another operation, anything else at all.
    refused = (403, "forbidden")
    assert attempt(api, recipe.elsewhere, ciphertexts[recipe.elsewhere]) == refused
    assert api.act(recipe.does[0], "destroy").code == "forbidden"
    assert api.get("/api/v1/audit").code == "forbidden"
    assert api.get("/api/v1/policy").code == "forbidden"
    for changes, what in recipe.served:
        other = login(store, token(recipe, issuer, **changes))
        assert attempt(other, what, ciphertexts.get(what)) == (200, None), changes
    for words, changes in recipe.neighbours.items():
        texts = [token(recipe, issuer, **changes) for _ in range(2)]
        assert is_refused(store, texts, recipe.does, ciphertexts[recipe.does]), words
    report("recipe", page=recipe.page, neighbours=len(recipe.neighbours))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.page)
def test_tokens_that_are_not_for_keyward(secured, recipe):
    store = secured()
    issuer = set_up(store, recipe)
    stranger = Issuer(issuer.url)
    good = {**recipe.claims}
    wrong = {
        "no audience": issuer.token(good, None, recipe.lifetime),
        "another audience": issuer.token(good, "https://other.example.com", recipe.lifetime),
        "one audience more": issuer.token(
            good, [AUDIENCE, "https://other.example.com"], recipe.lifetime),
        "expired": issuer.token(good, recipe.audience, -120),
        "another issuer": Issuer("https://other.example.com").token(good, recipe.audience),
        "another key": stranger.token(good, recipe.audience, recipe.lifetime),
    }
    for words, text in wrong.items():
        answer = client(store).post("/api/v1/auth/login", data={"method": "jwt", "jwt": text})
        assert (answer.status, answer.code) == (401, "unauthenticated"), words
    # And the good one is good.
    ciphertext = secret(store, recipe.does[0])
    assert attempt(login(store, token(recipe, issuer)), recipe.does, ciphertext) == (200, None)


@pytest.mark.parametrize(
    "recipe", [GITLAB, GITHUB, AZURE], ids=lambda recipe: recipe.page)
def test_no_condition_can_be_left_out(secured, recipe):
    """Each condition keeps some neighbour out: without it that one passes."""
    store = secured()
    issuer = set_up(store, recipe)
    neighbours = [(changes, recipe.does) for changes in recipe.neighbours.values()]
    other = recipe.neighbours.get("another environment")
    if other:
        # The resource tells environments apart too, so this one asks for its own environment's key.
        key = f"payments/{other['environment']}/release"
        store.api().create(key, "ec-p256")
        neighbours.append((other, (key, "sign")))

    def passing():
        return [what for changes, what in neighbours
                if attempt(client(store, bearer=token(recipe, issuer, **changes)), what)[0] == 200]

    assert passing() == []
    documents = list(yaml.safe_load_all(docs.policy(recipe.path)))
    (binding,) = [each for each in documents if each["kind"] == "Binding"]
    for index, condition in enumerate(binding["spec"]["conditions"]):
        weaker = copy.deepcopy(binding)
        del weaker["spec"]["conditions"][index]
        apply(store, json.dumps(weaker))
        assert passing(), f"{condition} keeps nobody out that another does not"
    apply(store, docs.policy(recipe.path))
    assert passing() == []


# Many clusters


class Cluster:
    """A cluster with keys of its own, and what all clusters call the same."""

    url = "https://kubernetes.default.svc.cluster.local"

    def __init__(self, name, environment="production"):
        self.name, self.environment = name, environment
        self.issuer = Issuer(self.url)
        # The same subject in every cluster: names are no proof.
        self.authority = Authority("kubernetes-ca")

    def register(self, store):
        text, document = shown("multi-cluster.md", "cluster")
        assert document["issuers"][0]["url"] == self.url
        text = text.replace("name: prod-eu", f"name: {self.name}")
        text = text.replace("environment: production", f"environment: {self.environment}")
        put(store, "cluster", text, {
            "jwks.json": self.issuer.key_set, "node-ca.pem": self.authority.pem.decode()})

    def token(self, namespace="payments", account="migrator"):
        return self.issuer.token(service_account(namespace, account), [AUDIENCE], 3600)

    def node(self, name="backup.internal"):
        return self.authority.sign(name, hosts=(name,), client=True)


def test_one_policy_for_many_clusters(secured, report):
    store = secured()
    page = "multi-cluster.md"
    make_keys(store, page)
    clusters = [Cluster("prod-eu"), Cluster("prod-us"), Cluster("staging", "staging")]
    for cluster in clusters:
        cluster.register(store)
    plan = apply(store, docs.policy(page))
    # A cluster more is a key and a record: the policy is not touched.
    more = Cluster("prod-ap")
    store.api().create("etcd/prod-ap", "aes-256")
    store.api().create("payments/prod-ap/config", "aes-256")
    more.register(store)
    clusters.append(more)
    ciphertexts = {cluster.name: secret(store, f"payments/{cluster.name}/config")
                   for cluster in clusters}
    for one in clusters:
        identity = client(store, own=one.node()).get("/api/v1/auth/self").json["principal"]
        assert (identity["cluster"], identity["environment"]) == (one.name, one.environment)
        pod = client(store, bearer=one.token())
        default = client(store, bearer=one.token(account="default"))
        node = client(store, own=one.node())
        worker = client(store, own=one.node("w1.nodes.internal"))
        for other in clusters:
            reads = attempt(pod, (f"payments/{other.name}/config", "decrypt"),
                            ciphertexts[other.name])
            is_own = one is other
            assert (reads[0] == 200) == (is_own and one.environment == "production"), (one, other)
            writes = attempt(node, (f"etcd/{other.name}", "encrypt"))
            assert (writes[0] == 200) == is_own, (one.name, other.name)
            for stranger in (default, worker):
                assert attempt(stranger, (f"etcd/{other.name}", "encrypt"))[0] == 401
                assert attempt(stranger, (f"payments/{other.name}/config", "decrypt"),
                               ciphertexts[other.name])[0] == 401
    # The record of a cluster with a key of another one is refused.
    thief = Cluster("prod-sa")
    thief.issuer = clusters[0].issuer
    with pytest.raises(AssertionError, match="key in common"):
        thief.register(store)
    thief = Cluster("prod-as")
    thief.authority = clusters[0].authority
    with pytest.raises(AssertionError, match="key in common"):
        thief.register(store)
    # A forbid for one cluster leaves the others as they are.
    text = docs.policy(page).replace("quarantined-cluster", "prod-us")
    assert text != docs.policy(page)
    apply(store, text)
    assert attempt(client(store, own=clusters[1].node()), ("etcd/prod-us", "encrypt"))[0] == 403
    assert attempt(client(store, own=clusters[0].node()), ("etcd/prod-eu", "encrypt"))[0] == 200
    # What a deleted record vouched for is of nobody, and so are the tokens that it gave.
    pod = login(store, more.token())
    node = client(store, own=more.node())
    assert attempt(node, ("etcd/prod-ap", "encrypt"))[0] == 200
    api = store.api()
    api.must(api.post("/api/v1/auth/clusters/prod-ap:delete"))
    assert attempt(pod, ("payments/prod-ap/config", "decrypt"), ciphertexts["prod-ap"])[0] == 401
    assert attempt(node, ("etcd/prod-ap", "encrypt"))[0] == 401
    assert client(store, bearer=more.token()).get("/api/v1/auth/self").status == 401
    report("multi-cluster", clusters=len(clusters), documents=len(plan["changes"]))


def test_x509_svid(secured):
    """A workload's certificate is enough: no login, and no other workload's."""
    store = secured()
    make_keys(store, SPIFFE.path)
    bundle = Authority("spire")
    put(store, "authority", shown(SPIFFE.path, "authority")[0], {"bundle.pem": bundle.pem.decode()})
    apply(store, docs.policy(SPIFFE.path))
    name = SPIFFE.claims["sub"]
    good = client(store, own=svid(bundle, name))
    assert attempt(good, SPIFFE.does) == (200, None)
    assert store.api().get("/api/v1/auth/tokens").json["tokens"] == []
    for changes in SPIFFE.neighbours.values():
        status = attempt(client(store, own=svid(bundle, changes["sub"])), SPIFFE.does)[0]
        assert status == 401, changes
    for stranger in ("spiffe://other.example.org/ns/payments/sa/release", "https://x.example.org/"):
        assert attempt(client(store, own=svid(bundle, stranger)), SPIFFE.does)[0] == 401
    assert attempt(client(store, own=svid(Authority("spire"), name)), SPIFFE.does)[0] == 401


def svid(authority, name):
    return authority.sign("svid", uri=name, client=True)


def test_kms_sockets_under_the_policy_of_all(stores):
    """The socket of a principal may do what policy says of that principal, and nothing by itself."""
    (block,) = docs.marked("multi-cluster.md", "yaml", "server")
    (item,) = yaml.safe_load(block.text)["kms"]
    key, principal = item["key"], item["principal"]
    store = stores(keys=(key, "etcd/other"))
    for name in store.sockets:
        store.kms_more[name] = [f"principal: {json.dumps(principal)}"]
    store.configure()
    store.made()
    # Before the policy is there, and for the key of another cluster.
    assert code_of(store.plugin(key).encrypt, MESSAGE) != "OK"
    apply(store, docs.policy("multi-cluster.md"))
    with store.plugin(key) as plugin:
        assert plugin.open(plugin.encrypt(MESSAGE)) == MESSAGE
    assert code_of(store.plugin("etcd/other").encrypt, MESSAGE) != "OK"
    entries = [each for each in store.api().audit() if each["operation"] == "key:encrypt"]
    names = {(each["principal"], each["details"]["cluster"]) for each in entries}
    assert names == {(principal["name"], principal["cluster"])}


# Approvals


def test_approvals(secured):
    """docs/approvals.md: who counts, for what, and how often."""
    store = secured()
    staff = register_issuer(store, "approvals.md")
    apply(store, docs.policy("approvals.md") + "---\n" + json.dumps({
        "apiVersion": "keyward.dev/v1", "kind": "Binding", "metadata": {"name": "officers"},
        "spec": {"role": "security-officer", "subjects": [
            {"issuer": "staff", "name": "ana"}, {"issuer": "staff", "name": "zoe"}]}}))
    people = {name: login(store, staff.token({"sub": name}))
              for name in ("ana", "ben", "cem", "dora", "emil", "zoe")}

    def destroy(name, key, approval=None, **query):
        api = people[name].clone()
        api.headers = {**api.headers, **({"Keyward-Approval": approval} if approval else {})}
        return api.act(key, "destroy", **query)

    def asked(name, key, **query):
        answer = destroy(name, key, **query)
        assert (answer.status, answer.code) == (403, "approval_required"), answer.body
        return answer.json["approval"]

    def vote(name, approval, word="approve"):
        return people[name].post(f"/api/v1/approvals/{approval}:{word}")

    def state(approval):
        return people["ben"].get(f"/api/v1/approvals/{approval}").json["state"]

    for number in range(5):
        store.api().create(f"etcd/old-{number}", "aes-256")
    # Two members.
    approval = asked("zoe", "etcd/old-0")
    assert asked("zoe", "etcd/old-0") == approval
    shown = people["ben"].get(f"/api/v1/approvals/{approval}").json
    assert shown["request"] == "POST /api/v1/keys/etcd/old-0:destroy"
    assert vote("zoe", approval).code == "forbidden", "nobody decides on their own"
    assert vote("ben", approval).json["state"] == "pending"
    assert vote("ben", approval).code == "conflict", "one vote each"
    assert destroy("zoe", "etcd/old-0", approval).code == "approval_required", "one is not two"
    assert vote("cem", approval).json["state"] == "approved"
    assert destroy("ana", "etcd/old-0", approval).code == "approval_required", "not who asked"
    assert destroy("zoe", "etcd/old-0", approval, after=9).code == "approval_required", "not the same"
    assert destroy("zoe", "etcd/old-1", approval).code == "approval_required", "not the same key"
    assert destroy("zoe", "etcd/old-0", approval).status == 200
    assert state(approval) == "used"
    assert destroy("zoe", "etcd/old-0", approval).code == "approval_required", "used once"
    # A member and the nested quorum; two of the quorum are one.
    approval = asked("zoe", "etcd/old-1")
    assert vote("dora", approval).json["state"] == "pending"
    assert vote("emil", approval).json["state"] == "pending"
    assert vote("ana", approval).json["state"] == "approved"
    assert destroy("zoe", "etcd/old-1", approval).status == 200
    # Who asks does not count, though a member.
    approval = asked("ana", "etcd/old-2")
    assert vote("ben", approval).json["state"] == "pending"
    assert vote("ana", approval).code == "forbidden"
    assert vote("cem", approval).json["state"] == "approved"
    # One no ends it.
    other = asked("ana", "etcd/old-3")
    assert vote("cem", other, "deny").json["state"] == "denied"
    assert vote("ben", other).code == "conflict"
    assert destroy("ana", "etcd/old-3", other).code == "approval_required"
    # The shorter time of the rule that asks: eight hours.
    late = asked("ana", "etcd/old-4")
    for name in ("ben", "cem"):
        assert vote(name, late).status == 200
    staff.ahead = 8 * 3600 + 1
    store.clock.set(staff.ahead)
    for name in people:
        people[name] = login(store, staff.token({"sub": name}))
    assert state(late) == "expired" and state(approval) == "expired"
    assert destroy("ana", "etcd/old-4", late).code == "approval_required"
    # The policy itself, and the admin socket, whose user asks like everybody.
    files = {"files": [], "prune": True}
    answer = store.api().post("/api/v1/policy:apply", data=files)
    assert answer.code == "approval_required"
    # A key's own number.
    store.api().create("own", "aes-256", required_approvals=1)
    assert store.api().act("own", "rotate").code == "approval_required"
    assert store.api().act("own", "encrypt", octets=MESSAGE).status == 200
    answer = store.api().act("own", "update", data={"required_approvals": 0})
    assert answer.status >= 400


# The scripts


class TokenEndpoint:
    """What a runner asks for its job's token: one answer, for who shows the job's own credential."""

    credential = "a credential of the job"

    def __init__(self, method, target, name, store=None):
        endpoint = self
        self.answers, self.asked = [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                endpoint.asked.append(self.path)
                is_right = (self.command, self.path) == (method, target)
                authorization = self.headers["Authorization"]
                if not is_right or authorization != f"Bearer {endpoint.credential}":
                    return self.send_error(403)
                body = json.dumps({name: endpoint.answers.pop()}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if store:
            # Keyward itself asks over TLS alone.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(store.certificate, store.tls_key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Job:
    """A folder and an environment in which the scripts of a page run."""

    def __init__(self, store, recipe):
        self.store, self.recipe = store, recipe
        self.issuer = set_up(store, recipe)
        self.folder = store.folder / "job"
        (self.folder / "home").mkdir(parents=True)
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "keyward").symlink_to(os.path.realpath(store.binary))
        (self.folder / "release.txt").write_bytes(MESSAGE)
        self.environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "SWIFT_BACKTRACE": "enable=no",
            "HOME": str(self.folder / "home"), "KEYWARD_ADDR": f"https://127.0.0.1:{store.port}",
            "KEYWARD_CACERT": str(store.authority_file)}
        self.said = ""

    def run(self, script, *shell, expect=0, **environment):
        """Runs a script as the runner would: with the server's address instead of the page's."""
        result = subprocess.run(
            [*(shell or ("bash", "-eo", "pipefail")), "-c", script], cwd=self.folder,
            env={**self.environment, **environment}, capture_output=True, timeout=60)
        words = (result.stdout + result.stderr).decode(errors="replace")
        self.said += words
        assert result.returncode == expect, f"{script}\n{words}"
        return words

    def token(self, **changes):
        return token(self.recipe, self.issuer, **changes)

    def has_done_its_work(self):
        """The signature or the plaintext is there, the token is gone, and none was printed."""
        key, operation = self.recipe.does
        if operation == "sign":
            self.store.cli("key", "verify", key, "--in", self.folder / "release.txt",
                           "--signature", self.folder / "release.sig")
        tokens = self.store.api().get("/api/v1/auth/tokens").json["tokens"]
        assert [each["principal"]["issuer"] for each in tokens] == []
        assert "kwt_" not in self.said and "eyJ" not in self.said
        left = [path for path in self.folder.rglob("*") if path.is_file()
                and b"kwt_" in path.read_bytes()[:4096]]
        assert left == []


@pytest.fixture
def job(secured):
    return lambda recipe: Job(secured(), recipe)


def pipeline(recipe):
    (block,) = docs.marked(recipe.path, "yaml", "pipeline")
    return list(yaml.safe_load_all(block.text))


def test_gitlab_job(job):
    job = job(GITLAB)
    (document,) = pipeline(GITLAB)
    (steps,) = document.values()
    assert steps["id_tokens"] == {"KEYWARD_JWT": {"aud": AUDIENCE}}
    assert steps["environment"] == GITLAB.claims["environment"]
    variables = {"KEYWARD_JWT": job.token(), "CI_ENVIRONMENT_NAME": steps["environment"]}
    job.run("\n".join(steps["script"]), **variables)
    job.run("\n".join(steps["after_script"]), **variables)
    job.has_done_its_work()
    # The same job of another branch.
    variables["KEYWARD_JWT"] = job.token(**GITLAB.neighbours["another branch"])
    words = job.run("\n".join(steps["script"]), expect=5, **variables)
    assert "forbidden" in words, words


def test_github_job(job):
    job = job(GITHUB)
    (document,) = pipeline(GITHUB)
    assert document["permissions"]["id-token"] == "write"
    assert document["defaults"]["run"]["shell"] == "bash"
    (steps,) = document["jobs"].values()
    assert steps["environment"] == GITHUB.claims["environment"]
    target = f"/token?api-version=2.0&audience={urllib.parse.quote(AUDIENCE, safe='')}"
    endpoint = TokenEndpoint("GET", target, "value", job.store)
    variables = {
        "GITHUB_ACTIONS": "true", "KEYWARD_OIDC_CACERT": str(job.store.authority_file),
        # The server of the test has another host than the one of the page.
        "KEYWARD_AUDIENCE": AUDIENCE,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": endpoint.credential,
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{endpoint.url}/token?api-version=2.0"}
    check, sign = [step["run"] for step in steps["steps"] if "run" in step]
    try:
        # Each command asks for its own, since the issuer takes a token once.
        endpoint.answers = [job.token() for _ in range(3)]
        words = job.run(check, **variables)
        assert GITHUB.claims["repository"] in words and endpoint.answers
        job.run(sign, **variables)
        assert not endpoint.answers
        job.has_done_its_work()
        # Another event of the same workflow is nobody, before anything is signed.
        pull = GITHUB.neighbours["a pull request"]
        endpoint.answers = [job.token(**pull) for _ in range(3)]
        job.run(check, expect=5, **variables)
        job.run(sign, expect=5, **variables)
    finally:
        endpoint.close()


def test_azure_job(job):
    job = job(AZURE)
    (document,) = pipeline(AZURE)
    endpoint = TokenEndpoint("POST", "/oidctoken?api-version=7.1", "oidcToken")
    (job.folder / "temp").mkdir()
    # Azure puts every variable into the environment but the job's credential, which is a secret.
    variables = {
        "AGENT_TEMPDIRECTORY": str(job.folder / "temp"),
        "SYSTEM_OIDCREQUESTURI": f"{endpoint.url}/oidctoken"}
    runs = []
    for step in document["steps"]:
        if "bash" in step:
            mapped = step.get("env", {})
            assert mapped in ({}, {"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"})
            runs.append((step["bash"], {
                **variables, **{name: endpoint.credential for name in mapped}}))
    try:
        endpoint.answers = [job.token()]
        for script, values in runs:
            job.run(script, "bash", **values)
        job.has_done_its_work()
        endpoint.answers = [job.token(**AZURE.neighbours["another branch"])]
        job.run(runs[0][0], "bash", **runs[0][1])
        job.run(runs[1][0], "bash", expect=5, **runs[1][1])
    finally:
        endpoint.close()


def test_jenkins_job(job):
    job = job(JENKINS)
    (block,) = [block for block in docs.blocks(JENKINS.path) if block.language == "groovy"]
    (script,) = re.findall(r"sh \'\'\'(.*?)\'\'\'", block.text, re.S)
    credential = job.folder / "id-token"
    (job.folder / "temp").mkdir()
    variables = {"KEYWARD_JWT_FILE": str(credential), "WORKSPACE_TMP": str(job.folder / "temp")}
    credential.write_text(job.token())
    # Jenkins runs scripts by `sh -xe`: what they expand is printed.
    job.run(script, "sh", "-xe", **variables)
    job.has_done_its_work()
    credential.write_text(job.token(**JENKINS.neighbours["a pull request"]))
    job.run(script, "sh", "-xe", expect=5, **variables)


def test_kubernetes_job(job):
    job = job(KUBERNETES)
    account, manifest = pipeline(KUBERNETES)
    assert (account["kind"], manifest["kind"]) == ("ServiceAccount", "Job")
    pod = manifest["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account["metadata"]["name"]
    name = f"system:serviceaccount:{account['metadata']['namespace']}:{account['metadata']['name']}"
    assert name == KUBERNETES.claims["sub"]
    (container,) = pod["containers"]
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert set(mounts) == {each["name"] for each in pod["volumes"]}
    (projected,) = [each["projected"] for each in pod["volumes"] if "projected" in each]
    (source,) = projected["sources"]
    assert source["serviceAccountToken"]["audience"] == AUDIENCE
    # As the kubelet lays a projected volume out: a link to a link.
    for path in mounts.values():
        (job.folder / path[1:]).mkdir(parents=True)
    volume = job.folder / mounts["keyward-token"][1:]
    (volume / "..2026").mkdir()
    (volume / "..data").symlink_to("..2026")
    (volume / "token").symlink_to("..data/token")
    (volume / "..2026" / "token").write_text(job.token())
    (volume / "..2026" / "token").chmod(0o600)
    (job.folder / "config" / "config.kw").write_bytes(secret(job.store, KUBERNETES.does[0]))
    script = container["args"][0]
    variables = {each["name"]: each["value"] for each in container["env"]}
    assert {"KEYWARD_ADDR", "KEYWARD_CACERT"} < set(variables)
    for path in mounts.values():
        script = re.sub(rf"(?<=[ =]){path}(?=/)", f"{job.folder}{path}", script)
    token_file = job.folder / variables["KEYWARD_TOKEN_FILE"][1:]
    job.run(script, *container["command"][:1], "-eu", KEYWARD_TOKEN_FILE=str(token_file))
    assert (job.folder / "work" / "config").read_bytes() == MESSAGE
    job.has_done_its_work()
    (volume / "..2026" / "token").write_text(
        job.token(**KUBERNETES.neighbours["another service account"]))
    job.run(script, *container["command"][:1], "-eu", expect=5, KEYWARD_TOKEN_FILE=str(token_file))


def test_spiffe_commands(job):
    job = job(SPIFFE)
    # The agent's answer, with the fields that its command prints.
    agent = job.folder / "bin" / "spire-agent"
    answer = json.dumps([{"svids": [{"spiffe_id": SPIFFE.claims["sub"], "svid": job.token()}]}])
    agent.write_text(f"#!/bin/sh\ncat <<'E'\n{answer}\nE\n")
    agent.chmod(0o755)
    (script,) = [block.text for block in docs.blocks(SPIFFE.path) if "fetch jwt" in block.text]
    login = script[script.index("spire-agent"):]
    job.run(login)
    job.run("keyward key sign payments/release --in release.txt --out release.sig")
    job.run("keyward logout")
    job.has_done_its_work()


# The front page


def test_first_look(binary, tmp_path):
    """The commands of README.md, on a server of --dev."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("## A first look"):]
    first, second = re.findall(r"```sh\n(.*?)```", section[:section.index("\n## ", 3)], re.S)
    start = first.splitlines()[1]
    assert start.endswith(" &") and "--dev" in start
    log = tmp_path / "log"
    with open(log, "wb") as output:
        server = subprocess.Popen(
            [binary, *start.replace("/tmp/", f"{tmp_path}/").split()[1:-1]], stdout=output,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        eventually(lambda: "HTTPS API on" in log.read_text(), what="the server of --dev")
        (address,) = re.findall(r"HTTPS API on (\S+)", log.read_text())
        rest = "\n".join(first.splitlines()[2:]) + "\n" + second
        rest = rest.replace("/tmp/", f"{tmp_path}/").replace("https://127.0.0.1:8200", address)
        result = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", rest], cwd=tmp_path, capture_output=True, text=True,
            timeout=120, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KEYWARD": binary,
                              "SWIFT_BACKTRACE": "enable=no"})
        assert result.returncode == 0, result.stdout + result.stderr
        assert "tokens/app" in result.stdout and "\nhello\n" in result.stdout
        assert "refused by default-deny" in result.stdout
    finally:
        server.terminate()
        server.wait(30)

"""docs/pipelines and docs/multi-cluster.md, carried out: what they allow passes, a neighbour is refused."""
import copy
import dataclasses
import json
import os
import re
import subprocess

import jsonschema
import pytest
import yaml
from harness import ROOT, docs
from harness.clock import Clock
from harness.issuer import AUDIENCE, Issuer
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


def attempt(api, what, ciphertext=None):
    """(status, code) of an operation on a key."""
    key, operation = what
    query = {"signature": "AAAA"} if operation == "verify" else {}
    body = ciphertext if operation == "decrypt" else MESSAGE
    answer = api.act(key, operation, octets=body, **query)
    return answer.status, answer.code


# Setting up as the pages say


def schema(name):
    """A schema of the published contract, with those that it refers to."""
    contract = yaml.safe_load((ROOT / "schema" / "openapi.yaml").read_text())
    return {"$ref": f"#/components/schemas/{name}", "components": contract["components"]}


def make_keys(store, page):
    api = store.api()
    made = docs.commands(page, "key", "create")
    assert made, f"{page} makes no key"
    for name, option, type in made:
        assert option == "--type"
        api.create(name, type)


def pinned(document, issuer):
    """A registration with the test's key instead of the address of the real ones."""
    document = {name: value for name, value in document.items()
                if name not in ("discovery", "key_set_url", "key_set")}
    return {**document, "key_set": issuer.key_set}


def register(store, kind, name, document):
    api = store.api()
    api.must(api.post(f"/api/v1/auth/{kind}/{name}:write", data=document), f"register {name}")


def register_issuers(store, page):
    """Registers the issuers that a page shows; they by name."""
    found = {}
    for block in docs.marked(page, "json", "issuer"):
        name, document = block.words[1], json.loads(block.text)
        jsonschema.validate(document, schema("IssuerDocument"))
        assert [name, "--file"] in [line[:2] for line in
                                    docs.commands(page, "auth", "issuer", "write")], name
        found[name] = Issuer(document["url"])
        register(store, "issuers", name, pinned(document, found[name]))
    return found


def record(folder, page, files, index=0):
    """The record that a page's script makes of `files`: it runs with a kubectl that reads one."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    tool = folder / "kubectl"
    tool.write_text('#!/bin/sh\ncat "$(dirname "$0")/served.json"\n')
    tool.chmod(0o755)
    script = docs.marked(page, "sh", "record")[index].text
    output = re.search(r"> (\S+\.json)\s*\Z", script)[1]
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, check=True,
        env={"PATH": f"{folder}:{os.environ['PATH']}"})
    return json.loads((folder / output).read_text())


def apply(store, text, **options):
    api = store.api()
    answer = api.post("/api/v1/policy:apply",
                      data={"files": [{"name": "payments.yaml", "text": text}], **options})
    return api.must(answer, "apply the policy").json


def set_up(store, recipe):
    """Keys, issuers and policy of a page; the issuer of its jobs."""
    make_keys(store, recipe.path)
    issuers = register_issuers(store, recipe.path)
    if recipe is KUBERNETES:
        issuers["kubernetes"] = Issuer("https://kubernetes.default.svc.cluster.local")
        made = record(store.folder / "record", recipe.path,
                      {"served.json": issuers["kubernetes"].key_set})
        jsonschema.validate(made, schema("ClusterDocument"))
        register(store, "clusters", "prod-eu", made)
    apply(store, docs.policy(recipe.path))
    (issuer,) = issuers.values()
    if any(json.loads(block.text).get("single_use")
           for block in docs.marked(recipe.path, "json", "issuer")):
        # What was issued before the server knows what it took is in doubt, and refused.
        text = token(recipe, issuer)
        answer = client(store).post("/api/v1/auth/login", data={"method": "jwt", "jwt": text})
        assert answer.status == 401
        store.clock.set(120)
        issuer.ahead = 120
        # Then each token is taken once.
        text = token(recipe, issuer)
        login(store, text)
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
    plan = apply(store, docs.policy(page))
    assert len(plan["changes"]) == len(documents) == len(
        store.api().get("/api/v1/policy").json["documents"])
    # Again is nothing to do: what the server keeps is what the page says.
    assert apply(store, docs.policy(page), prune=True, dry_run=True)["changes"] == []


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
        other = login(store, token(recipe, issuer, **changes))
        assert attempt(other, recipe.does, ciphertexts[recipe.does]) == refused, words
        # The same for a request that carries the JWT itself.
        direct = client(store, bearer=token(recipe, issuer, **changes))
        assert attempt(direct, recipe.does, ciphertexts[recipe.does]) == refused, words
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
    neighbours = [(login(store, token(recipe, issuer, **changes)), recipe.does)
                  for changes in recipe.neighbours.values()]
    other = recipe.neighbours.get("another environment")
    if other:
        # The resource tells environments apart too, so this one asks for its own environment's key.
        key = f"payments/{other['environment']}/release"
        store.api().create(key, "ec-p256")
        neighbours.append((login(store, token(recipe, issuer, **other)), (key, "sign")))
    def passing():
        return [what for api, what in neighbours if attempt(api, what)[0] == 200]

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
        document = record(
            store.folder / f"record-{self.name}", "multi-cluster.md",
            {"jwks.json": self.issuer.key_set, "node-ca.pem": self.authority.pem.decode()})
        document["environment"] = self.environment
        jsonschema.validate(document, schema("ClusterDocument"))
        register(store, "clusters", self.name, document)

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
        identity = client(store, bearer=one.token()).get("/api/v1/auth/self").json["principal"]
        assert (identity["cluster"], identity["environment"]) == (one.name, one.environment)
        pod = login(store, one.token())
        default = login(store, one.token(account="default"))
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
                assert attempt(stranger, (f"etcd/{other.name}", "encrypt"))[0] == 403
                assert attempt(stranger, (f"payments/{other.name}/config", "decrypt"),
                               ciphertexts[other.name])[0] == 403
    # The record of a cluster with a key of another one is refused.
    thief = Cluster("prod-sa")
    thief.issuer = clusters[0].issuer
    with pytest.raises(AssertionError, match="key in common"):
        thief.register(store)
    thief = Cluster("prod-sa")
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
    register_issuers(store, SPIFFE.path)
    bundle = Authority("spire")
    document = record(store.folder / "record", SPIFFE.path, {"bundle.pem": bundle.pem.decode()})
    jsonschema.validate(document, schema("AuthorityDocument"))
    register(store, "authorities", "spire", document)
    apply(store, docs.policy(SPIFFE.path))
    name = SPIFFE.claims["sub"]
    good = client(store, own=svid(bundle, name))
    assert attempt(good, SPIFFE.does) == (200, None)
    assert store.api().get("/api/v1/auth/tokens").json["tokens"] == []
    for changes in SPIFFE.neighbours.values():
        status = attempt(client(store, own=svid(bundle, changes["sub"])), SPIFFE.does)[0]
        # A path that the authority may not give is of nobody; another that it may, is refused.
        assert status == (401 if changes["sub"].endswith("/x") else 403), changes
    for stranger in ("spiffe://other.example.org/ns/payments/sa/release", "https://x.example.org/"):
        assert attempt(client(store, own=svid(bundle, stranger)), SPIFFE.does)[0] == 401
    assert attempt(client(store, own=svid(Authority("spire"), name)), SPIFFE.does)[0] == 401


def svid(authority, name):
    return authority.sign("svid", uri=name, client=True)
